"""The rules of `start_response` (PEP 3333): what a head may be, and when it may still be changed."""

import re

# The server's to send (RFC 9110 section 7.6.1).
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer trailers "
    "transfer-encoding upgrade".split()
)
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
STATUS = re.compile(r"[2-9]\d\d [^\x00-\x1f\x7f]*\Z|[2-9]\d\d\Z")
CONTROL = re.compile(r"[\x01-\x08\x0a-\x1f\x7f]")
LARGEST_CACHE = 512

known_names = {}


def encode_head(status, headers):
    """A head as bytes, and its Content-Length or None. Raises what is wrong with it, in one sentence."""
    if type(status) is not str:
        raise TypeError("the status must be a str like '200 OK', not " + type(status).__name__)
    if not STATUS.match(status):
        raise ValueError("the status %r is not three digits from 200, one space and a reason" % status)
    if type(headers) is not list:
        raise TypeError("the headers must be a list of (name, value), not " + type(headers).__name__)
    length = None
    parts = [status]
    for pair in headers:
        if type(pair) is not tuple or len(pair) != 2:
            raise TypeError("each header must be a tuple (name, value), not %r" % (pair,))
        name, value = pair
        lower = known_names.get(name) or check_name(name)
        if type(value) is not str:
            raise TypeError("the value of the header %s must be a str, not %s" % (name, type(value).__name__))
        if lower == "content-length":
            length = check_length(value)
        parts += pair
    text = "\0".join(parts)
    if CONTROL.search(text) or text.count("\0") != 2 * len(headers):
        raise ValueError("a control character stands in the head: %r" % [status, *headers])
    try:
        return text.encode("latin-1"), length
    except UnicodeEncodeError as error:
        raise ValueError("%r cannot be sent in a header: encode it to latin-1 first" % text[error.start]) from None


def check_name(name):
    if type(name) is not str:
        raise TypeError("a header's name must be a str, not " + type(name).__name__)
    if not TOKEN.match(name):
        raise ValueError("%r is not a header name" % name)
    lower = name.lower()
    if lower in HOP_BY_HOP:
        raise ValueError("the header %s is the server's to send, not the application's" % name)
    if lower == "status":
        raise ValueError("the status is no header: it is the first argument of start_response")
    if len(known_names) < LARGEST_CACHE:
        known_names[name] = lower
    return lower


def check_length(value):
    if value.isascii() and value.isdigit():
        return int(value)
    raise ValueError("the Content-Length %r is not a number of bytes" % value)
