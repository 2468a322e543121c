"""Finds the application: imports its module, and says in one sentence why what it names is none."""

import importlib
import inspect
import os
import sys

from .call import describe_error, text_of


class Refused(Exception):
    """What was found is not an application; the message says what it is."""


class LoadFailed(Exception):
    """The module could not be imported: `cause` is the application's own error."""

    def __init__(self, cause, message):
        super().__init__(message)
        self.cause = cause


def prepare_path(chdir, extra):
    """What `--pythonpath` and `--chdir` name comes first, as if the interpreter had been started there."""
    for folder in [*reversed(extra), chdir]:
        folder = os.path.abspath(folder)
        if folder not in sys.path:
            sys.path.insert(0, folder)


def load_application(module, attribute, is_factory):
    """The callable. Raises `Refused` or `LoadFailed`."""
    try:
        loaded = importlib.import_module(module)
    except BaseException as error:
        if is_missing(error, module):
            raise Refused("was not found: Python finds no module %s, first in %s" % (error.name, sys.path[0])) from None
        raise LoadFailed(error, "failed to load: " + summary(error)) from None
    value = loaded
    for name in attribute.split("."):
        if not hasattr(value, name):
            raise Refused("has no attribute %s; %s" % (attribute, others(loaded)))
        value = getattr(value, name)
    if is_factory:
        value = call_factory(value, attribute)
    refuse_asgi(value, attribute)
    if not callable(value):
        raise Refused("cannot be served: its %s is %s; a WSGI application is a callable (environ, start_response)"
                      % (attribute, a(type(value).__name__)))
    refuse_arity(value, attribute)
    return value


def refuse_arity(value, attribute):
    """What cannot be called with two arguments would fail at every request."""
    if not inspect.isfunction(value):
        return
    # A decorator's own arguments, not those of what it has wrapped.
    signature = inspect.signature(value, follow_wrapped=False)
    try:
        signature.bind({}, None)
    except TypeError:
        raise Refused("cannot be served: its %s takes %s, and a WSGI application is called with (environ, start_response); "
                      "if it makes one, say --factory" % (attribute, signature)) from None


def call_factory(value, attribute):
    if not callable(value):
        raise Refused("has no factory: its %s is %s (--factory)" % (attribute, a(type(value).__name__)))
    try:
        return value()
    except BaseException as error:
        raise LoadFailed(error, "failed in its factory: " + summary(error)) from None


def is_missing(error, module):
    """Whether it is the application's own module that is not there, and not one that it imports."""
    return isinstance(error, ModuleNotFoundError) and error.name is not None and (module + ".").startswith(error.name + ".")


def summary(error):
    return ("%s: %s" % (type(error).__name__, text_of(error))).strip(": ")


def refuse_asgi(value, attribute):
    call = value if inspect.isroutine(value) else getattr(value, "__call__", None)
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(call):
        raise Refused("cannot be served: its %s is an ASGI application (asynchronous), and tsgate serves WSGI; "
                      "name the WSGI one, such as mysite.wsgi:application" % attribute)


def others(module):
    names = [name for name, value in vars(module).items() if not name.startswith("_") and looks_served(value, module)]
    if not names:
        return "it defines no callable"
    return "it defines " + ", ".join(sorted(names)[:8])


def looks_served(value, module):
    if inspect.ismodule(value) or not callable(value):
        return False
    return getattr(value, "__module__", None) == module.__name__ or not isinstance(value, type) and not inspect.isroutine(value)


def a(name):
    return ("an " if name[:1].lower() in "aeiou" else "a ") + name


def described(error):
    """A failure as the worker is told of it."""
    if isinstance(error, LoadFailed):
        return {"failed": "load", "message": str(error), "error": describe_error(error.cause)}
    return {"failed": "refused", "message": str(error)}
