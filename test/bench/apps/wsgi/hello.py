"""Hello world, and a page that is large enough for slow readers."""

HELLO = b"Hello, World!\n"
BIG = b"x" * 524288


def application(environ, start_response):
    if environ["REQUEST_METHOD"] != "GET":
        environ["wsgi.input"].read()
    body = BIG if environ["PATH_INFO"] == "/big" else HELLO
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
