"""The comparison's application for WSGI; `$WORKLOAD` says which."""

import json
import os

WORKLOAD = os.environ.get("WORKLOAD", "hello")
LARGE = b"x" * 65536
CHUNK = b"y" * 1024


def application(environ, start_response):
    if WORKLOAD == "stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (CHUNK for _ in range(16))
    if WORKLOAD == "large":
        body = LARGE
    elif WORKLOAD == "json" and environ["REQUEST_METHOD"] != "GET":
        length = int(environ["CONTENT_LENGTH"])
        body = str(len(json.loads(environ["wsgi.input"].read(length))["items"])).encode()
    else:
        body = b"hello world\n"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
