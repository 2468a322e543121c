"""
The life of the interpreter: it says what it is, loads the application, runs one thread a channel, and leaves when its
worker says so or is gone. It is never left behind: the kernel ends it with its worker, and so does the closed channel.
"""

import faulthandler
import json
import os
import signal
import socket
import sys
import threading

from .call import serve
from .channel import Channel
from .load import LoadFailed, Refused, described, load_application, prepare_path
from .streams import FileWrapper

CONTROL_FD, STACKS_FD, FIRST_CHANNEL_FD = 3, 4, 5
# A signal that applications leave alone: its handler is written in C and needs no lock of the interpreter.
STACKS_SIGNAL = signal.SIGRTMIN + 7 if hasattr(signal, "SIGRTMIN") else signal.SIGUSR2
LEFT_TO_WORKER = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")


def main():
    parent = os.getppid()
    die_with_worker(parent)
    leave_signals_to_worker()
    os.set_inheritable(STACKS_FD, False)
    faulthandler.enable(STACKS_FD)
    faulthandler.register(STACKS_SIGNAL, STACKS_FD, all_threads=True)
    control = Control()
    order = control.next_line()
    if order is None:
        os._exit(1)
    control.say({"hello": describe_interpreter(), "stacksSignal": int(STACKS_SIGNAL)})
    control.watch()
    channels = [Channel(FIRST_CHANNEL_FD + index, order["window"]) for index in range(order["threads"])]
    os.register_at_fork(after_in_child=lambda: leave_to_parent(control, channels))
    sys.argv = [order["module"], *order["args"]]
    prepare_path(order["chdir"], order["path"])
    try:
        application = load_application(order["module"], order["attribute"], order["factory"])
    except (Refused, LoadFailed) as error:
        control.say(described(error))
        control.is_leaving = True
        os._exit(1)
    control.say({"loaded": describe(application)})
    if order["validate"]:
        from wsgiref.validate import validator

        application = validator(application)
    run(application, channels, base_environ(order))
    control.is_leaving = True


def run(application, channels, base):
    """One thread a channel; the first is the main one, so that one thread alone is as in a script."""
    others = [
        threading.Thread(target=serve, args=(channel, application, base), name="tsgate-%d" % number)
        for number, channel in enumerate(channels[1:], 2)
    ]
    for thread in others:
        thread.start()
    serve(channels[0], application, base)
    for thread in others:
        thread.join()


def leave_to_parent(control, channels):
    """In a process that the application has forked: the worker is its parent's, and signals end it as they do elsewhere."""
    for line in (control, *channels):
        line.leave()
    os.dup2(2, STACKS_FD, inheritable=False)
    for name in LEFT_TO_WORKER:
        number = getattr(signal, name)
        if signal.getsignal(number) is leave_signal:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


def base_environ(order):
    return {
        "SERVER_SOFTWARE": order["software"],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": order["threads"] > 1,
        "wsgi.multiprocess": order["multiprocess"],
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True,
    }


class Control:
    """The line to the worker beside the requests. Watched by a thread of its own."""

    def __init__(self):
        self.socket = socket.socket(fileno=CONTROL_FD)
        self.socket.set_inheritable(False)
        self.socket.setblocking(True)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.lock = threading.Lock()
        self.is_leaving = False

    def next_line(self):
        try:
            line = self.lines.readline()
        except OSError:
            line = ""
        return json.loads(line) if line else None

    def say(self, value):
        with self.lock:
            self.socket.sendall((json.dumps(value) + "\n").encode("ascii"))

    def leave(self):
        """In a process that the application has forked."""
        os.close(self.socket.detach())

    def watch(self):
        threading.Thread(target=self.answer, name="tsgate-watch", daemon=True).start()

    def answer(self):
        while True:
            order = self.next_line()
            if order is None:
                # The worker is gone, whatever the other threads are at.
                if not self.is_leaving:
                    os._exit(1)
                return
            if "ping" in order:
                self.say({"pong": order["ping"]})


def die_with_worker(parent):
    """Has the kernel kill this process when its worker ends (Linux), even while a thread holds the interpreter."""
    try:
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return
    if os.getppid() != parent:
        os._exit(1)


def leave_signals_to_worker():
    """A signal to the whole group is the master's business. Handlers, because ignoring would be inherited."""
    for name in LEFT_TO_WORKER:
        signal.signal(getattr(signal, name), leave_signal)


def leave_signal(number, stack):
    pass


def describe_interpreter():
    is_virtual = sys.prefix != sys.base_prefix
    return {
        "version": ".".join(str(part) for part in sys.version_info[:3]),
        "executable": sys.executable,
        "implementation": sys.implementation.name,
        "virtualEnvironment": sys.prefix if is_virtual else None,
    }


def describe(application):
    """In words what will be served, for the log."""
    kind = type(application)
    name = getattr(application, "__qualname__", None)
    if name is not None:
        return "the callable %s of %s" % (name, getattr(application, "__module__", "?"))
    return "a %s.%s" % (kind.__module__, kind.__qualname__)
