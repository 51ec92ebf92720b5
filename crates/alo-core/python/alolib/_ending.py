"""The end of the worker's process: as a Python program ends, without the time that taking apart the interpreter costs.

A process that has imported pandas and scikit-learn frees for a tenth of a second what the kernel frees at once. That is left
out where nobody can tell: threads are waited for, `atexit` callbacks are called, what was printed is written. What has been
left to be closed when it is destroyed, such as an open file, is destroyed by the interpreter in its own way.
"""

import gc
import io
import os
import sys


def leave(code):
    """Ends the process after `finish`, or returns if the interpreter has to do it."""
    try:
        waiting = _waiting_for_destruction()
    except Exception:  # a class of an asset may do anything when it is looked at
        return
    if not waiting:
        os._exit(code)
    _let_go(waiting)


def ignore_interrupts():
    """Lets the process end in order though the engine is already ending it; an asset's own way with the signal stays."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def finish():
    """Does what a Python program does before it ends: threads, `atexit`, the standard streams."""
    import atexit

    threading = sys.modules.get("threading")
    try:
        if threading is not None:
            threading._shutdown()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    try:
        atexit._run_exitfuncs()
    except BaseException:  # Python has told it
        pass
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the asset may have closed or replaced it
            pass


def _waiting_for_destruction():
    """Lists the objects that do something when they are destroyed, but for those that packages keep for themselves."""
    known = {}
    waiting = []
    for found in gc.get_objects():
        kind = type(found)
        has_end = known.get(kind)
        if has_end is None:
            has_end = known[kind] = _has_end(kind)
        if has_end and _is_open(found) and not _belongs_to_package(found):
            waiting.append(found)
    return waiting


def _let_go(waiting):
    """Takes what is waiting out of the global names of the steps, which the collector would destroy in any order.

    Thus a file is closed after what writes to it, as with the global names of a program.
    """
    for text in [found for found in waiting if isinstance(found, io.TextIOBase)]:
        try:
            text.flush()
        except Exception:  # closing it says so
            pass
    identities = {id(found) for found in waiting}
    for holder in gc.get_referrers(*waiting):
        if type(holder) is dict and "__builtins__" in holder:
            for name in [name for name, value in holder.items() if id(value) in identities]:
                del holder[name]
    waiting.clear()


def _has_end(kind):
    # Generators are closed then; a `finally` in one that nobody has finished is not waited for.
    return hasattr(kind, "__del__") and kind.__module__ != "builtins" and kind not in _WITHOUT_BUFFER


#: What is in memory alone, or with the system already.
_WITHOUT_BUFFER = (io.BytesIO, io.StringIO, io.FileIO, io.BufferedReader)


def _is_open(found):
    return not isinstance(found, io.IOBase) or (not found.closed and found.writable())


def _belongs_to_package(found):
    """Whether it is a global of the module that its class comes from, such as the resource tracker of `joblib`."""
    module = sys.modules.get("sys" if isinstance(found, io.IOBase) else type(found).__module__)
    return any(value is found for value in vars(module).values()) if module is not None else False
