"""Copies of a worker: each goes on from where the worker stands, as a worker of its own under a guard of its own.

A copy made by `os.fork` is as good as a worker that did the same from its start, as long as nothing is there that two
processes cannot share, or that a copy does not get: threads, timers, open files, shared memory, child processes, temporary
files, clean-up at the end of the interpreter, and whatever names the folders of one run. `Forks.settle` looks for these and
says why no copy can be made.
"""

import gc
import os
import sys

from alolib import _made_files
from alolib._channel import Channel
from alolib._early_imports import OUTPUT, Generators

#: The descriptors of a copy: its line to the engine, stdout, stderr, and the pipe on which its guard tells how it ended.
_DESCRIPTORS = 4


class Forks:
    """Makes copies of this process. What it holds and makes from now on is noted."""

    def __init__(self):
        _made_files.begin()
        self._guards = []
        self._guard = None
        self._random = Randomness()
        self._known = _Holdings()

    def settle(self, order, runner):
        """Gets ready to be copied; gives why it cannot be, or None. `traces` of the order is what only one run may hold."""
        runner.release()
        # Garbage would be copied, and what it holds would count.
        gc.collect()
        reason = _held_back(order.get("traces"), runner, self._known)
        if reason is None:
            # Objects that live on need not be looked at by every copy's collector.
            gc.freeze()
            self._known = _Holdings()
            if order.get("traces") is None:
                # Nothing but imports has used the generators: no copy is to go on with the numbers of another.
                import random  # noqa: F401

                self._random.is_fresh()
            if self._guard is None:
                self._guard = _load(order["guard"])
        return {"refused": reason}

    def fork(self, channel):
        """Makes a copy, if the system lets it. Gives its channel in the copy, None in this process."""
        channel.tell({"forking": {}})
        descriptors = channel.descriptors(_DESCRIPTORS)
        self._guards = [pid for pid in self._guards if not _has_ended(pid)]
        before = self._random.states()
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid, refused = os.fork(), None
        except OSError as error:  # no memory, or no more processes
            pid, refused = None, str(error)
        if pid != 0:
            self._guards += [] if pid is None else [pid]
            for descriptor in descriptors:
                os.close(descriptor)
            channel.tell({"forked": {"refused": refused}})
            return None
        try:
            self._become(descriptors)
            self._random.restart(before)
            self._guards = []
            copied = Channel(descriptors[0])
            self._known = _Holdings()
            return copied
        except BaseException:
            os._exit(1)

    def _become(self, descriptors):
        """Takes the streams of the copy, and forks once more: the parent is the guard."""
        line, stdout, stderr, ended = descriptors
        for source, target in ((line, 0), (stdout, 1), (stderr, 2)):
            os.dup2(source, target)
        os.close(stdout)
        os.close(stderr)
        self._guard["guard"](lambda status, left_behind: _tell_end(ended, status, left_behind))
        os.close(ended)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)


class Randomness:
    """The global random generators: a copy's are seeded anew, unless a step has seeded or used them."""

    def __init__(self):
        self._fresh = {}

    def states(self):
        states = {}
        generator = sys.modules.get("random")
        if generator is not None:
            states["random"] = generator.getstate()
        mtrand = sys.modules.get("numpy.random.mtrand")
        if mtrand is not None:
            kind, keys, *rest = mtrand.get_state()
            states["numpy"] = (kind, keys.tobytes(), *rest)
            states["numpy state"] = (kind, keys, *rest)
        return states

    def is_fresh(self):
        """Notes that nobody has seeded or used them since they were seeded by chance."""
        self._fresh = {name: state for name, state in self.states().items() if name != "numpy state"}

    def restart(self, before):
        """In a copy: gives what steps have seeded or used its state back, and seeds the rest by chance."""
        random, mtrand = sys.modules.get("random"), sys.modules.get("numpy.random.mtrand")
        used = {name for name, state in before.items() if self._fresh.get(name) != state}
        if "numpy" not in self._fresh and "numpy" in used and before["numpy"][2:4] == Generators.UNTOUCHED:
            # A step was the first to load it, and did no more.
            used.discard("numpy")
        if random is not None:
            # Python itself has seeded it anew in the copy.
            if "random" in used:
                random.setstate(before["random"])
            else:
                self._fresh["random"] = random.getstate()
        if mtrand is not None and "numpy" not in used:
            mtrand.seed()
            kind, keys, *rest = mtrand.get_state()
            self._fresh["numpy"] = (kind, keys.tobytes(), *rest)


class _Holdings:
    """What the process holds of the system that a copy would share, to tell what steps have added."""

    def __init__(self):
        import atexit
        import weakref

        self.clean_ups = atexit._ncallbacks() if hasattr(atexit, "_ncallbacks") else 0
        self.clean_ups += sum(1 for found in list(weakref.finalize._registry.values()) if found.atexit)
        self.files = _open_files()


def _held_back(traces, runner, known):
    """Why a copy would not be as good as a worker that did the same from its start; None if it would."""
    count = _threads()
    if count > 1:
        _probe()
        count = _threads()
    if count != 1:
        return "%d threads of it would be missing in a copy" % (count - 1) if count else "its threads cannot be counted"
    now = _Holdings()
    opened = sorted(set(now.files.items()) - set(known.files.items()))
    if opened:
        return "it has opened `%s`, which copies would share" % opened[0][1]
    memory = _shared_memory()
    if memory is not None:
        return "it has memory that copies would share (%s)" % memory
    made = _made_files.left(traces)
    if made is not None:
        return "it has made `%s`, which copies would share" % made
    if _has_timer():
        return "it has set a timer, which copies would not have"
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return "a step has left a child process" if traces else "a package has left a child process"
    except ChildProcessError:
        pass
    if traces is None:
        return None
    if now.clean_ups > known.clean_ups:
        return "a step has asked for clean-up at the end of the interpreter"
    return runner.traces_of(traces)


def _threads():
    """The threads of this process as the kernel counts them; 0 where it cannot be asked."""
    try:
        with open("/proc/self/status", "rb") as status:
            for line in status:
                if line.startswith(b"Threads:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def _probe():
    """Forks once for nothing: libraries that are ready for a fork (OpenBLAS) end their threads before it."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _shared_memory():
    """What one process writes there, all others see: the first such place, None if there is none."""
    try:
        with open("/proc/self/maps", "rb") as places:
            for place in places:
                fields = place.split(None, 5)
                if fields[1][1:2] == b"w" and fields[1][3:4] == b"s":
                    return os.fsdecode(fields[5].strip()) if len(fields) > 5 else "without a name"
    except OSError:
        pass
    return None


def _has_timer():
    import signal

    timers = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
    if any(signal.getitimer(timer) != (0.0, 0.0) for timer in timers):
        return True
    try:
        with open("/proc/self/timers", "rb") as others:
            return bool(others.read(1))
    except OSError:  # the kernel does not tell
        return False


def _open_files():
    files = {}
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return files
    for name in names:
        try:
            found = os.readlink("/proc/self/fd/" + name)
        except OSError:  # the one that listed the folder
            continue
        # What imports have printed is written by each copy from its beginning.
        if OUTPUT not in os.path.basename(found):
            files[int(name)] = found
    return files


def _has_ended(pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _load(path):
    """Loads the guard, and what it needs, so that no copy has to."""
    import ctypes  # noqa: F401
    import json  # noqa: F401

    names = {"__name__": "alolib._guard", "__file__": path}
    with open(path, "rb") as source:
        exec(compile(source.read(), path, "exec"), names)
    return names


def _tell_end(pipe, status, left_behind):
    import json

    try:
        os.write(pipe, json.dumps({"status": status, "left_behind": left_behind}).encode("utf-8"))
    except OSError:  # the engine has gone
        pass
    os._exit(0)
