"""The streams of an environ: `wsgi.input` of a body that is pulled, `wsgi.errors` into the log, `wsgi.file_wrapper`."""

import io
import os
import stat

from .channel import ERRORS, NUMBER

BLOCK = 65536
# Below it, to read costs less than to have it read.
SMALLEST_FILE = 262144


class PulledInput(io.RawIOBase):
    """A request's body beyond what came with it, asked for piece by piece; made buffered by `open_input`."""

    def __init__(self, channel, first, is_current):
        self.channel = channel
        self.first = first
        self.is_current = is_current
        self.has_ended = False

    def readable(self):
        return True

    def readinto(self, buffer):
        size = len(buffer)
        if self.first:
            data, self.first = self.first[:size], self.first[size:]
        elif self.has_ended or size == 0:
            return 0
        elif not self.is_current():
            raise OSError("the response is complete: the rest of the request's body is not read any more")
        else:
            data = self.channel.ask_input(size)
            self.has_ended = not data
        buffer[: len(data)] = data
        return len(data)


def open_input(channel, first, is_current):
    """`read`, `readline`, `readlines` and iteration over a body that is still to come."""
    return io.BufferedReader(PulledInput(channel, first, is_current), BLOCK)


class ErrorStream:
    """`wsgi.errors`: whole lines go to the worker's log, with the request that they were written in."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, channel):
        self.channel = channel
        self.number = NUMBER.pack(0)
        self.pending = ""

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("wsgi.errors takes str, not " + type(text).__name__)
        self.pending += text
        if "\n" in text or len(self.pending) > BLOCK:
            self.flush_lines()
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        if self.pending:
            text, self.pending = self.pending, ""
            self.channel.send_object(ERRORS, text, self.number)

    def flush_lines(self):
        lines, newline, self.pending = self.pending.rpartition("\n")
        if newline:
            self.channel.send_object(ERRORS, lines, self.number)
        else:
            self.flush()


class FileWrapper:
    """`wsgi.file_wrapper`: a file as an iterable of blocks, from where it stands to its end."""

    def __init__(self, filelike, blksize=BLOCK):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def place(self, length):
        """Which part of which file this is, for the worker to read it; None where only Python can, or better does."""
        source = getattr(getattr(self.filelike, "read", None), "__self__", None)
        raw = source.raw if type(source) is io.BufferedReader else source
        if type(raw) is not io.FileIO:
            return None
        try:
            descriptor, offset = raw.fileno(), source.tell()
            status = os.fstat(descriptor)
        except (OSError, ValueError):
            return None
        size = status.st_size - offset
        if not stat.S_ISREG(status.st_mode) or size < SMALLEST_FILE or (length is not None and length > size):
            return None
        return {
            "descriptor": descriptor,
            "device": str(status.st_dev),
            "inode": str(status.st_ino),
            "offset": offset,
            "size": size if length is None else length,
        }

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration
