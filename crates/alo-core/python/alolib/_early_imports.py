"""Imports packages before the steps that need them, while the engine loads data.

The steps must not be able to tell. What an import prints or changes in the process is held back until its step begins;
what would come out otherwise is not imported early (see `_import_scan` and `_harmless`); and if an import fails, or brings in a module
that the folder of a step has too, the process ends: the engine starts another one, which imports nothing early.
"""

import importlib.util
import os
import sys

from alolib._harmless import is_harmless
from alolib._import_scan import Scan, names_in
from alolib._surroundings import Changes, Surroundings

#: Begins the names of the files that hold what imports have printed.
OUTPUT = "alo-output-"


class Spoilt(Exception):
    """The process has imported what no step may find imported."""


class EarlyImports:
    """Imports early, and gives each step what its imports have printed and changed."""

    def __init__(self, is_wanted):
        """`is_wanted` tells whether the engine waits for something else; then the steps import the rest themselves."""
        self._is_wanted = is_wanted
        self._held = {}

    def make(self, order):
        """Imports what the steps of the order import first, in their order."""
        steps, copied = order["steps"], order.get("all")
        wanted = (lambda: False) if copied else self._is_wanted
        loaded = set(sys.modules)
        for step in steps:
            if wanted():
                return
            scan = Scan(step["file"], step["folder"])
            generators = Generators() if scan.imports and (copied or not step["is_first"]) else None
            # Before the first step of a pipeline nothing runs but what loads data.
            may = (lambda _: True) if step["is_first"] else is_harmless
            done = self._import_for(step["file"], scan.imports, may, wanted)
            # What runs before may seed them; and copies of this process would go on with the same numbers.
            if generators is not None and generators.have_moved():
                raise Spoilt
            if not done:
                return
            self._look_for_shadows(set(sys.modules) - loaded, steps)
            if not scan.goes_on:
                return

    def give(self, file):
        """Gives the step of that file, which begins, what its imports have printed and changed."""
        for held in self._held.pop(file, ()):
            held.give()

    def _import_for(self, file, imports, may, wanted):
        """Imports what one step imports first; tells whether all of it could be."""
        before, argv = Surroundings(), sys.argv
        sys.argv = [file]
        with _Output() as output:
            try:
                done = _import_all(imports, may, wanted)
            finally:
                sys.argv = argv
                after = Surroundings()
                before.restore()
        # A file may be a step of both pipelines, or come in more than one order: its first step gets all.
        self._held.setdefault(file, []).append(_Held(output, Changes(before, after)))
        return done

    def _look_for_shadows(self, new, steps):
        """Refuses to go on with a module that a step's own file would have stood in for."""
        tops = {name.partition(".")[0] for name in new}
        for step in steps:
            if not tops.isdisjoint(names_in(step["folder"])):
                raise Spoilt


class Generators:
    """The global random generators at one moment: of `random`, and of NumPy where it is loaded."""

    #: Place and spare of NumPy's generator that was seeded by chance, when nobody has drawn from it or seeded it since.
    UNTOUCHED = (623, 0)

    def __init__(self):
        import random

        self._random = random
        self._states = self._now()

    def have_moved(self):
        """Tells whether somebody has drawn from them or seeded them since."""
        now = self._now()
        if self._states["numpy"] is None and now["numpy"] is not None and now["numpy"][2:4] == self.UNTOUCHED:
            del now["numpy"]
        return any(self._states[name] != state for name, state in now.items())

    def _now(self):
        generator = sys.modules.get("numpy.random.mtrand")
        numpy = None
        if hasattr(generator, "get_state"):
            kind, keys, *rest = generator.get_state()
            numpy = (kind, keys.tobytes(), *rest)
        return {"random": self._random.getstate(), "numpy": numpy}


class _Held:
    """What the imports of one step have printed and changed."""

    def __init__(self, output, changes):
        self._output = output
        self._changes = changes

    def give(self):
        self._changes.make()
        self._output.give()


class _Output:
    """While it is entered, what the process writes to stdout and stderr is kept."""

    def __enter__(self):
        _flush()
        self._kept = {1: _nameless_file(), 2: _nameless_file()}
        self._own = {}
        for number, kept in self._kept.items():
            self._own[number] = os.dup(number)
            os.dup2(kept, number)
        return self

    def __exit__(self, *_):
        _flush()
        for number, own in self._own.items():
            os.dup2(own, number)
            os.close(own)
        for number, kept in list(self._kept.items()):
            if os.fstat(kept).st_size == 0:
                os.close(kept)
                del self._kept[number]

    def give(self):
        """Writes what was kept to where it belongs."""
        _flush()
        for number, kept in self._kept.items():
            place = 0
            while True:
                # Copies of the process share the file with its position.
                rest = os.pread(kept, 65536, place)
                if not rest:
                    break
                place += len(rest)
                while rest:
                    rest = rest[os.write(number, rest) :]
            os.close(kept)
        self._kept = {}


def _import_all(imports, may, wanted):
    """Imports one after the other what may be; tells whether all of it could be."""
    for one in imports:
        if wanted():
            return False
        if isinstance(one, list):
            done = _import_all(one[0], may, wanted) or _import_all(one[1], may, wanted)
        else:
            done = may(one[0]) and _import(*one)
        if not done:
            return False
    return True


def _import(name, names):
    """Imports as the step will; tells whether it could be. Raises `Spoilt` if a part of it was imported."""
    try:
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            return False
    except Exception:  # finders are anybody's
        return False
    try:
        __import__(name, {}, {}, list(names), 0)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        missing = error.name or ""
        # The packages on the way to what is missing are whole, or they would have been taken out again.
        if (name + ".").startswith(missing + ".") and missing.rpartition(".")[0] in sys.modules:
            return False
        raise Spoilt
    except BaseException:
        raise Spoilt
    return True


def _nameless_file():
    if hasattr(os, "memfd_create"):
        try:
            return os.memfd_create(OUTPUT)
        except OSError:  # a sandbox may forbid it
            pass
    import tempfile

    fd, path = tempfile.mkstemp(prefix=OUTPUT)
    os.unlink(path)
    return fd


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # a package may have replaced it
            pass
