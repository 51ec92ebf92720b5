"""What all code of a process shares, such as random numbers and warning filters: steps leave it for each other.

What a step has left is written to a file, which puts another process there. Some of it no file can bring back; then the
result of a step is not kept.
"""

import builtins
import os
import sys
import warnings
from types import ModuleType

# What `decimal` and NumPy begin with.
_DECIMAL = (28, "ROUND_HALF_EVEN", -999999, 999999, 1, 0, ("DivisionByZero", "InvalidOperation", "Overflow"))
_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_LOGGING = (30, 0)

_beginning = None


def beginning(variables):
    """Gives the state that the process began with: `variables` are those of its environment then."""
    global _beginning
    if _beginning is None:
        _beginning = _Beginning(variables)
    return _beginning


class _Beginning:
    def __init__(self, variables):
        self._variables = variables
        self._path = list(sys.path)
        self._umask = _umask()
        self._recursion = sys.getrecursionlimit()
        self._locale = _locale()
        self._builtins = dict(vars(builtins))
        self._warnings = (warnings.warn, warnings.showwarning, warnings.formatwarning)
        self._own_filters = list(warnings.filters)
        # The filters that steps have asked for.
        self._filters = []

    def changes(self, folder):
        """Gives what is not as it was, in a form that a file can hold; `folder` holds the code of the step."""
        variables = dict(os.environ)
        changed = {name: value for name, value in variables.items() if self._variables.get(name) != value}
        changed.update((name, None) for name in self._variables if name not in variables)
        states = {"variables": changed}
        if "random" in sys.modules:
            states["random"] = sys.modules["random"].getstate()
        numpy = sys.modules.get("numpy.random")
        if hasattr(numpy, "get_state"):
            kind, key, *rest = numpy.get_state()
            states["numpy"] = (kind, key.tobytes(), *rest)
        torch = sys.modules.get("torch")
        if hasattr(torch, "get_rng_state"):
            states["torch"] = torch.get_rng_state().numpy().tobytes()
        for name, now, before in (
            ("path", self._added_to_path(folder), ([], [])),
            ("filters", self._filters_now(), []),
            ("umask", _umask(), self._umask),
            ("recursion", sys.getrecursionlimit(), self._recursion),
            ("locale", _locale(), self._locale),
            ("decimal", _decimal(), _DECIMAL),
            ("errors", _errors(), _ERRORS),
            ("logging", _logging(), _LOGGING),
        ):
            if now != before:
                states[name] = now
        return states

    def load(self, path):
        """Puts the process where another one was left."""
        import pickle

        with open(path, "rb") as file:
            states = pickle.load(file)
        for name, value in states["variables"].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if "random" in states:
            import random

            random.setstate(states["random"])
        if "numpy" in states:
            import numpy

            kind, key, *rest = states["numpy"]
            numpy.random.set_state((kind, numpy.frombuffer(key, dtype=numpy.uint32), *rest))
        if "torch" in states:
            import torch

            torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))
        self._load_settings(states)

    def _load_settings(self, states):
        front, back = states.get("path", ((), ()))
        sys.path[:] = [entry for entry in front if entry not in sys.path] + sys.path
        sys.path.extend(entry for entry in back if entry not in sys.path)
        if "umask" in states:
            os.umask(states["umask"])
        if "recursion" in states:
            sys.setrecursionlimit(states["recursion"])
        if "locale" in states:
            import _locale

            _locale.setlocale(_locale.LC_ALL, states["locale"])
        if "decimal" in states:
            import decimal

            *numbers, traps = states["decimal"]
            prec, rounding, low, high, capitals, clamp = numbers
            traps = [getattr(decimal, name) for name in traps]
            decimal.setcontext(decimal.Context(prec, rounding, low, high, capitals, clamp, [], traps))
        if "errors" in states:
            import numpy

            numpy.seterr(**states["errors"])
        if "logging" in states:
            import logging

            level, disabled = states["logging"]
            logging.getLogger().setLevel(level)
            logging.disable(disabled)
        # The last, since what is imported for the others adds filters of its own.
        filters = states.get("filters", [])
        if filters:
            warnings.filters[:] = filters + [one for one in warnings.filters if one not in filters]
            self.asked_for_filters(filters)
            _forget_warnings()

    def _added_to_path(self, folder):
        """Gives the entries of the search path that steps have added, in front and behind."""
        known = [number for number, entry in enumerate(sys.path) if entry in self._path]
        first = known[0] if known else 0
        own = tuple(os.path.join(form, "") for form in (os.path.abspath(folder), os.path.realpath(folder)))
        added = ([], [])
        for number, entry in enumerate(sys.path):
            if isinstance(entry, str) and entry not in self._path:
                if not os.path.join(os.path.abspath(entry), "").startswith(own):
                    added[number > first].append(entry)
        return added

    def lost(self, is_installed):
        """Tells what a step has changed that no file can bring back, in words; None if nothing."""
        now = vars(builtins)
        for name in () if now == self._builtins else [*now, *self._builtins]:
            # Extension modules keep pointers there.
            if now.get(name) is not self._builtins.get(name) and type(now.get(name)).__name__ != "PyCapsule":
                return "`builtins.%s`" % name
        is_reset = any(one not in warnings.filters for one in self._own_filters)
        if is_reset or (warnings.warn, warnings.showwarning, warnings.formatwarning) != self._warnings:
            return "how warnings are shown"
        for _, _, category, _, _ in self._filters_now():
            module = sys.modules.get(category.__module__)
            file = getattr(module, "__file__", None)
            if module is None or (file is not None and not is_installed(file)):
                return "the filter of the warnings `%s`" % category.__name__
        return None

    def asked_for_filters(self, filters):
        """Notes filters of warnings that a step has asked for."""
        self._filters += [one for one in filters if one not in self._filters]

    def _filters_now(self):
        return [one for one in warnings.filters if one in self._filters]


class Filters:
    """While it is entered, it is noted which filters of warnings the project asks for, and not a package."""

    _plain = (warnings.simplefilter, warnings.filterwarnings)

    def __init__(self, state, is_installed):
        self._state = state
        self._is_installed = is_installed

    def begin(self):
        simple, full = self._plain

        def simplefilter(action, category=Warning, lineno=0, append=False):
            simple(action, category, lineno, append)
            self._note(append, sys._getframe(1))

        def filterwarnings(action, message="", category=Warning, module="", lineno=0, append=False):
            full(action, message, category, module, lineno, append)
            self._note(append, sys._getframe(1))

        warnings.simplefilter, warnings.filterwarnings = simplefilter, filterwarnings

    def end(self):
        warnings.simplefilter, warnings.filterwarnings = self._plain

    def _note(self, append, frame):
        if not self._is_installed(frame.f_code.co_filename) and warnings.filters:
            self._state.asked_for_filters([warnings.filters[-1 if append else 0]])


class Modules:
    """The modules of the project that stay loaded: what they hold when they are loaded, and later."""

    # Names with modules, and what they held. Modules stay loaded from step to step.
    _first = {}

    def __init__(self, seen):
        self._seen = seen
        self._folders = seen.folders

    def begin(self):
        from importlib.machinery import SourceFileLoader

        plain, seen, note = SourceFileLoader.exec_module, self._seen, self._note

        def exec_module(self, module):
            stays = seen.folders.stays(module)
            seen.importing += stays
            try:
                plain(self, module)
            finally:
                seen.importing -= stays
            note(module)

        # Tracebacks leave out what happens in importlib.
        code = exec_module.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")
        exec_module.__code__ = code
        SourceFileLoader.exec_module = exec_module

    def end(self):
        from importlib.machinery import SourceFileLoader

        del SourceFileLoader.exec_module

    def _note(self, module):
        if self._folders.stays(module) and not self._folders.is_installed(module.__file__):
            try:
                held = _held_by(module)
            except Exception:  # it counts as changed
                held = {"*": None}
            self._first[module.__name__] = (module, held)

    def changed(self):
        """Gives the name of what is not any more what it was when its module was loaded; None if there is nothing."""
        for name, (module, before) in list(self._first.items()):
            if sys.modules.get(name) is not module:
                continue
            now = _held_by(module)
            for key in [*now, *before]:
                if now.get(key) != before.get(key):
                    return "%s.%s" % (name, key)
        return None


def _held_by(module):
    """What tells whether the global names of a module have changed."""
    return {
        name: _print_of(value, module.__name__)
        for name, value in list(vars(module).items())
        if not (name.startswith("__") and name.endswith("__")) and not isinstance(value, ModuleType)
    }


_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_COLLECTIONS = (list, dict, set, frozenset, tuple, bytearray)
# Larger ones are known by their length.
_LARGEST = 10_000


def _print_of(value, module):
    kind = type(value)
    if kind in _PLAIN:
        return kind, repr(value)
    if kind in _COLLECTIONS:
        if len(value) > _LARGEST:
            return id(value), len(value)
        try:
            import pickle

            return id(value), pickle.dumps(value, protocol=4)
        except Exception:  # functions and the like are in it
            return id(value), len(value)
    if isinstance(value, type):
        own = vars(value) if value.__module__ == module else {}
    else:
        own = getattr(value, "__dict__", {}) if kind.__module__ == module else {}
    held = [(name, _print_of(one, None)) for name, one in list(own.items()) if type(one) in _PLAIN + _COLLECTIONS]
    return id(value), held


def _umask():
    try:
        with open("/proc/self/status", "rb") as status:
            for line in status:
                if line.startswith(b"Umask:"):
                    return int(line.split()[1], 8)
    except OSError:
        pass
    return None


def _locale():
    try:
        import _locale

        return _locale.setlocale(_locale.LC_ALL, None)
    except (ImportError, ValueError):
        return None


def _decimal():
    decimal = sys.modules.get("decimal")
    if not hasattr(decimal, "getcontext"):
        return _DECIMAL
    context = decimal.getcontext()
    traps = tuple(sorted(signal.__name__ for signal, is_trapped in context.traps.items() if is_trapped))
    return context.prec, context.rounding, context.Emin, context.Emax, context.capitals, context.clamp, traps


def _errors():
    numpy = sys.modules.get("numpy")
    return numpy.geterr() if hasattr(numpy, "geterr") else _ERRORS


def _logging():
    logging = sys.modules.get("logging")
    return (logging.root.level, logging.root.manager.disable) if hasattr(logging, "root") else _LOGGING


def _forget_warnings():
    # Filters are looked up in a cache.
    mutated = getattr(warnings, "_filters_mutated", None)
    if mutated is not None:
        mutated()
