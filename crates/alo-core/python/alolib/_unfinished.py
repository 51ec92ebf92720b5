"""What a step has left that goes on, or is done, only after it: what it leaves is not whole yet when it ends.

Threads, functions for the end of the interpreter, files that are still open for writing, objects that do something when
they are destroyed. What packages of the environment ask for by themselves is left aside.
"""

import _thread
import gc
import os
import stat
import sys
import time

# They only look on: `tqdm` starts one for its first bar and keeps it.
_LOOKING_ON = ("tqdm._monitor",)
# A thread that has just been joined is still counted for a moment.
_LOOKS = 20

# What the process began with.
_first = None
_wished = []


def begin(is_installed):
    """Begins to notice what is left; `is_installed` tells files of packages from those of a project."""
    global _first
    import atexit
    import weakref

    if _first is None:
        _first = _Beginning()
    del _wished[:]
    if not isinstance(atexit.register, _Register):
        atexit.register = _Register(atexit.register, is_installed)
        weakref.finalize.__init__ = _finalizing(weakref.finalize.__init__, is_installed)


def end():
    """Stops to notice."""
    import atexit
    import weakref

    if isinstance(atexit.register, _Register):
        atexit.register = atexit.register.plain
        weakref.finalize.__init__ = weakref.finalize.__init__.plain


def left(crash_file, modules):
    """Tells what a step has left, in words; None if nothing. `modules` are those of the project."""
    for wished in _wished:
        if not hasattr(wished, "alive"):
            return "the call of `%s` at the end of the interpreter" % getattr(wished, "__name__", wished)
        if wished.alive and wished.atexit:
            return "a `weakref.finalize`"
    threads = _first.new_threads()
    if threads:
        return "the thread `%s`, which is running" % threads[0]
    if _first.new_files(crash_file):
        # What nobody holds any longer is closed.
        gc.collect()
        opened = _first.new_files(crash_file)
        if opened:
            return "`%s`, which is open for writing" % opened[0]
    with_end = _classes_with_end(modules)
    if with_end:
        gc.collect()
        for found in gc.get_objects():
            if type(found) in with_end:
                return "a `%s`, which does something when it is destroyed" % type(found).__name__
    return None


class _Beginning:
    """Threads and open files of the process before its first step."""

    def __init__(self):
        self._threads = _threads()
        self._count = _thread._count()
        self._files = _open_for_writing()

    def new_threads(self):
        for _ in range(_LOOKS):
            threads = _threads()
            new = [thread for thread in threads if thread not in self._threads]
            named = [thread.name for thread in new if type(thread).__module__ not in _LOOKING_ON]
            if named or _thread._count() <= self._count + len(new):
                return named
            time.sleep(0.001)
        return ["without a name"]

    def new_files(self, crash_file):
        own = self._files
        return [path for number, path in _open_for_writing().items() if own.get(number) != path and path != crash_file]


class _Register:
    """`atexit.register`, with a note of what is not a package's."""

    def __init__(self, plain, is_installed):
        self.plain = plain
        self._is_installed = is_installed

    def __call__(self, function, *arguments, **named):
        if not self._is_installed(sys._getframe(1).f_code.co_filename):
            _wished.append(function)
        return self.plain(function, *arguments, **named)


def _finalizing(plain, is_installed):
    def __init__(*arguments, **named):
        plain(*arguments, **named)
        if not is_installed(sys._getframe(1).f_code.co_filename):
            _wished.append(arguments[0])

    __init__.plain = plain
    return __init__


def _threads():
    threading = sys.modules.get("threading")
    if threading is None:
        return []
    return [thread for thread in threading.enumerate() if thread is not threading.main_thread()]


def _open_for_writing():
    """Lists the open files that can be written to, by their descriptors."""
    found = {}
    try:
        numbers = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for number in numbers:
        try:
            status = os.fstat(int(number))
            # One without a name is nobody else's.
            if stat.S_ISREG(status.st_mode) and status.st_nlink and _is_for_writing(number):
                found[int(number)] = os.readlink("/proc/self/fd/" + number)
        except OSError:  # the one that listed the folder
            pass
    return found


def _is_for_writing(number):
    with open("/proc/self/fdinfo/" + number, "rb") as lines:
        for line in lines:
            if line.startswith(b"flags:"):
                return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return True


def _classes_with_end(modules):
    found = set()
    for module in modules:
        for value in list(vars(module).values()):
            if isinstance(value, type) and "__del__" in vars(value):
                found.add(value)
    return found
