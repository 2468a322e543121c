"""
One call of the application, by the letter of PEP 3333: environ, `start_response`, the iterable sent chunk by chunk and
closed on every path. A reply that is known at once leaves in one frame.
"""

import importlib
import io
import json
import os
import sys
import traceback

from .channel import (
    AS_JSON,
    END,
    FAILED,
    HAS_MORE,
    HEAD,
    HEADER,
    NUMBER,
    REPLY,
    REPORT,
    REQUEST_HEADER,
    ClientGone,
    WorkerGone,
    frame,
)
from .start_response import encode_head
from .streams import ErrorStream, FileWrapper, open_input

EMPTY_END = frame(END, b"")
OWN_PLACES = (__file__.rpartition("/")[0] + "/", "<frozen importlib", importlib.__file__)


def serve(channel, application, base):
    """Runs requests one after another until the worker closes the channel, which is never left open unserved."""
    try:
        while True:
            payload = channel.next_request()
            if payload is None:
                return
            Call(channel).run(application, payload, base)
    except WorkerGone:
        if channel.is_left:
            end_fork(None)
    except BaseException:
        try:
            traceback.print_exc()
        finally:
            os._exit(1)


def end_fork(error):
    """A process that the application has forked comes back from the request: nobody waits for what it has to say."""
    code = 1
    try:
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        elif error is None:
            print("tsgate: a process that the application forked has returned from the request, and ends", file=sys.stderr)
        else:
            traceback.print_exception(type(error), error, error.__traceback__)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


class Call:
    __slots__ = ("channel", "head", "length", "was_called", "is_sent", "is_over")

    def __init__(self, channel):
        self.channel = channel
        self.head = None
        self.length = None
        self.was_called = False
        self.is_sent = False
        self.is_over = False

    def run(self, application, payload, base):
        channel = self.channel
        environ = base.copy()
        errors = environ["wsgi.errors"] = ErrorStream(channel)
        try:
            self.fill(environ, payload)
            try:
                result = application(environ, self.start_response)
                try:
                    self.answer(result)
                finally:
                    close = getattr(result, "close", None)
                    if close is not None:
                        close()
            finally:
                if errors.pending:
                    errors.flush()
        except WorkerGone:
            raise
        except ClientGone:
            self.give_up()
        except BaseException as error:
            if channel.is_left:
                end_fork(error)
            self.failed(error)

    def fill(self, environ, payload):
        flags, self.channel.number, size = REQUEST_HEADER.unpack_from(payload)
        end = size + 9
        if flags & AS_JSON:
            environ.update(json.loads(payload[9:end]))
        else:
            parts = payload[9:end].decode("latin-1").split("\0")
            environ.update(zip(parts[::2], parts[1::2]))
        if flags & HAS_MORE:
            environ["wsgi.input"] = open_input(self.channel, payload[end:], lambda: not self.is_over)
        else:
            environ["wsgi.input"] = io.BytesIO(payload[end:])
        environ["wsgi.errors"].number = NUMBER.pack(self.channel.number)

    def start_response(self, status, headers, exc_info=None):
        if exc_info is not None:
            try:
                if self.is_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.was_called:
            # A call that raised counts: what the application meant to send is not known any more.
            raise AssertionError("start_response was called a second time without exc_info")
        self.was_called = True
        self.head = None
        self.head, self.length = encode_head(status, headers)
        return self.write

    def write(self, data):
        if not isinstance(data, bytes):
            raise TypeError("write() takes bytes, not " + type(data).__name__)
        if data:
            self.send(data)

    def answer(self, result):
        kind = type(result)
        if (kind is list or kind is tuple) and len(result) == 1 and not self.is_sent:
            chunk = result[0]
            if type(chunk) is bytes and self.head is not None and len(chunk) <= self.channel.window:
                return self.reply(chunk)
        if kind is FileWrapper and not self.is_sent and self.head is not None and self.give_file(result):
            return
        if isinstance(result, (str, bytes, bytearray)) or result is None:
            raise TypeError(
                "the application returned %s as its body; a body is an iterable of bytes: return [body]"
                % ("None" if result is None else "a " + kind.__name__)
            )
        chunks = iter(result)
        for chunk in chunks:
            if not isinstance(chunk, bytes):
                raise TypeError("the body has a %s as a chunk; chunks are bytes" % type(chunk).__name__)
            if not chunk:
                self.look()
                continue
            if self.is_over:
                self.report("the body is longer than its Content-Length; the rest was not sent")
                break
            if self.head is None:
                raise AssertionError("the application sent a body without a call of start_response")
            if not self.is_sent and len(chunk) == self.length and len(chunk) <= self.channel.window:
                self.reply(chunk)
            else:
                self.send(chunk)
        if self.head is None:
            raise AssertionError("the application returned a body without a call of start_response")
        if not self.is_sent:
            self.reply(b"")
        elif not self.is_over:
            self.over(EMPTY_END)

    def give_file(self, wrapper):
        """Whether the worker sends the file by itself."""
        place = wrapper.place(self.length)
        if place is None or not self.channel.give_file(self.head, place):
            return False
        self.is_sent = self.is_over = True
        return True

    def reply(self, body):
        """The whole response: nothing of it is held back for what the application still does."""
        head = self.head
        self.is_sent = True
        self.over(b"".join((HEADER.pack(4 + len(head) + len(body), REPLY), NUMBER.pack(len(head)), head, body)))

    def send(self, data):
        if self.is_over:
            raise AssertionError("the response is complete")
        if self.head is None:
            raise AssertionError("the application sent a body without a call of start_response")
        before = b""
        if not self.is_sent:
            self.is_sent = True
            before = frame(HEAD, self.head)
        else:
            self.channel.look()
        self.channel.send_chunks(before, data)

    def look(self):
        """The application has nothing to send yet, and may find that nobody waits for it any more."""
        if self.is_sent and not self.is_over:
            self.channel.look()
            self.channel.pay(0)

    def over(self, last):
        self.is_over = True
        self.channel.send(last)

    def give_up(self):
        if not self.is_over:
            self.over(EMPTY_END)

    def report(self, text):
        described = {"name": "Error", "message": text, "traceback": text}
        self.channel.send_object(REPORT, described, NUMBER.pack(self.channel.number))

    def failed(self, error):
        """Tells the worker, with the application's own traceback. An error after a whole reply is only reported."""
        described = describe_error(error)
        if self.is_over:
            self.channel.send_object(REPORT, described, NUMBER.pack(self.channel.number))
            return
        self.is_over = True
        self.channel.send_object(FAILED, described)


def describe_error(error):
    """An exception as plain data; what called the application, and imported it, is left out of its traceback."""
    message = text_of(error)
    try:
        lines = traceback_of(error)
    except BaseException:
        lines = ["%s: %s" % (type(error).__name__, message)]
    return {"name": type(error).__name__, "message": message, "traceback": "".join(lines).rstrip("\n")}


def text_of(error):
    """An exception's message, whatever its own code makes of that."""
    try:
        return str(error)
    except BaseException as failure:
        return "(its __str__ raised %s)" % type(failure).__name__


def traceback_of(error):
    trace = error.__traceback__
    while trace is not None and is_own(trace):
        trace = trace.tb_next
    return traceback.format_exception(type(error), error, trace)


def is_own(trace):
    return trace.tb_frame.f_code.co_filename.startswith(OWN_PLACES)
