"""
One thread's channel to the worker: frames over a socket that nobody else reads, so that no queue stands between a
request and its thread. Others write to it as well, where the application hands `wsgi.errors` to threads of its own.
Knows the frames, the credit of a reply and the end of a client; not PEP 3333.
"""

import json
import os
import socket
import threading
from collections import deque
from struct import Struct

# From the worker.
REQUEST, INPUT, CREDIT, GONE, OPENED = 0x51, 0x49, 0x57, 0x58, 0x4F
# To the worker.
REPLY, HEAD, CHUNK, END, NEED, FAILED, ERRORS, REPORT, FILE = 0x52, 0x48, 0x43, 0x45, 0x4E, 0x46, 0x4C, 0x56, 0x50

# Of a request: its environ is JSON, because a value holds a NUL; its body follows when it is asked for.
AS_JSON, HAS_MORE = 1, 2

HEADER = Struct("<IB")
NUMBER = Struct("<I")
REQUEST_HEADER = Struct("<BII")
CREDITED = Struct("<II")
BLOCK = 65536
LARGEST_CHUNK = 262144


class ClientGone(OSError):
    """The client closed the connection before the response was complete."""


class WorkerGone(Exception):
    """The channel is closed: there is nobody to work for."""


def frame(kind, payload):
    return HEADER.pack(len(payload), kind) + payload


class Channel:
    """Frames in and out. Requests may come before their turn: they wait here. The worker numbers them."""

    def __init__(self, descriptor, window):
        self.socket = socket.socket(fileno=descriptor)
        self.socket.set_inheritable(False)
        self.socket.setblocking(True)
        self.window = window
        self.credit = window
        self.is_gone = False
        self.is_left = False
        self.rest = b""
        self.waiting = deque()
        self.number = 0
        # Taken again by its holder when the collector of garbage, amid a frame's sending, runs what writes to wsgi.errors.
        self.lock = threading.RLock()

    def leave(self):
        """In a process that the application has forked: the worker hears nothing of it, and it takes no request."""
        self.is_left = True
        os.close(self.socket.detach())

    def judge(self, error):
        """Raises what is none of the ways in which a channel ends."""
        if not self.is_left and not isinstance(error, ConnectionError):
            raise error

    def send(self, data):
        """Sends frames, whole and none amid another's."""
        with self.lock:
            try:
                self.socket.sendall(data)
            except OSError as error:
                self.judge(error)
                raise WorkerGone() from None

    def next_request(self):
        """The payload of the next request; None when the worker has closed the channel."""
        self.credit = self.window
        self.is_gone = False
        if self.waiting:
            return self.waiting.popleft()
        while True:
            try:
                kind, payload = self.next_frame()
            except WorkerGone:
                return None
            # Anything else belongs to a request that is over.
            if kind == REQUEST:
                return payload

    def next_frame(self):
        """Blocks for a frame: its kind and its payload."""
        data = self.rest or self.receive()
        while len(data) < 5:
            data += self.receive()
        size, kind = HEADER.unpack_from(data)
        end = size + 5
        if len(data) < end:
            data = self.fill(data, end)
        if len(data) == end:
            self.rest = b""
            return kind, data[5:]
        self.rest = data[end:]
        return kind, data[5:end]

    def fill(self, data, end):
        pieces, have = [data], len(data)
        while have < end:
            piece = self.receive()
            pieces.append(piece)
            have += len(piece)
        return b"".join(pieces)

    def receive(self):
        try:
            data = self.socket.recv(BLOCK)
        except OSError as error:
            self.judge(error)
            data = b""
        if not data:
            raise WorkerGone()
        return data

    def look(self):
        """Takes what has come without waiting: credit, or the word that the client is gone."""
        try:
            data = self.socket.recv(BLOCK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            data = None
        except OSError as error:
            self.judge(error)
            data = b""
        if data == b"":
            raise WorkerGone()
        if data:
            self.rest += data
        while self.rest:
            self.take(*self.next_frame())

    def take(self, kind, payload):
        if kind == REQUEST:
            self.waiting.append(payload)
        elif NUMBER.unpack_from(payload)[0] == self.number:
            if kind == CREDIT:
                self.credit += CREDITED.unpack(payload)[1]
            elif kind == GONE:
                self.is_gone = True

    def pay(self, size):
        """Blocks until the worker has room for `size` bytes more of this reply. Raises `ClientGone`."""
        while self.credit < size and not self.is_gone:
            self.take(*self.next_frame())
        if self.is_gone:
            raise ClientGone("the client closed the connection before the response was complete")
        self.credit -= size

    def send_chunks(self, before, data):
        """Sends a piece of the body, after `before`, no faster than the client takes it beyond the window."""
        view = memoryview(data)
        for start in range(0, len(view), LARGEST_CHUNK):
            piece = view[start : start + LARGEST_CHUNK]
            if before and self.credit < len(piece):
                self.send(before)
                before = b""
            self.pay(len(piece))
            self.send(b"".join((before, HEADER.pack(len(piece), CHUNK), piece)))
            before = b""

    def ask_input(self, size):
        """Up to `size` bytes of the request's body; empty at its end. Raises `ClientGone`."""
        if self.is_gone:
            raise ClientGone("the client closed the connection before its request was complete")
        self.send(frame(NEED, NUMBER.pack(size)))
        while True:
            kind, payload = self.next_frame()
            if kind == INPUT and NUMBER.unpack_from(payload)[0] == self.number:
                return payload[4:]
            self.take(kind, payload)
            if self.is_gone:
                raise ClientGone("the client closed the connection before its request was complete")

    def give_file(self, head, place):
        """Hands a file on as the body behind `head`: true when the worker has it open, and the reply is its own."""
        self.send_object(FILE, place, NUMBER.pack(len(head)) + head)
        while True:
            kind, payload = self.next_frame()
            if kind == OPENED and NUMBER.unpack_from(payload)[0] == self.number:
                return payload[4] == 1
            self.take(kind, payload)

    def send_object(self, kind, value, before=b""):
        self.send(frame(kind, before + json.dumps(value).encode("ascii")))
