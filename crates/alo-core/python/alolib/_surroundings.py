"""What modules change in their process when they are imported, apart from themselves: noted, taken back, made again."""

import _signal
import os
import sys
import warnings

_SIGNALS = range(1, getattr(_signal, "NSIG", 65))


class Surroundings:
    """Variables of the environment, search path, warning filters, signal handlers and working folder at one moment."""

    def __init__(self):
        self.environment = dict(os.environ)
        self.path = list(sys.path)
        self.filters = list(warnings.filters)
        self.handlers = {number: _handler(number) for number in _SIGNALS}
        self.folder = _folder()

    def restore(self):
        """Makes them what they were at that moment."""
        for name in set(os.environ) - set(self.environment):
            del os.environ[name]
        for name, value in self.environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if sys.path != self.path:
            sys.path[:] = self.path
        if warnings.filters != self.filters:
            _set_filters(self.filters)
        for number, handler in self.handlers.items():
            if _handler(number) is not handler:
                _handle(number, handler)
        if self.folder is not None and _folder() != self.folder:
            os.chdir(self.folder)


class Changes:
    """What was changed between two moments, to be made later, when other changes may have been made meanwhile."""

    def __init__(self, before, after):
        old, new = before.environment, after.environment
        self._set = {name: value for name, value in new.items() if old.get(name) != value}
        self._removed = [name for name in old if name not in new]
        self._path = [entry for entry in after.path if entry not in before.path]
        self._in_front = bool(self._path) and after.path[:1] != before.path[:1]
        self._filters = (before.filters, after.filters)
        self._handlers = {
            number: handler for number, handler in after.handlers.items() if handler is not before.handlers[number]
        }
        self._folder = after.folder if after.folder != before.folder else None

    def make(self):
        """Makes them, as far as they are not made."""
        os.environ.update(self._set)
        for name in self._removed:
            os.environ.pop(name, None)
        path = [entry for entry in self._path if entry not in sys.path]
        sys.path[:] = path + sys.path if self._in_front else sys.path + path
        self._make_filters()
        for number, handler in self._handlers.items():
            _handle(number, handler)
        if self._folder is not None:
            os.chdir(self._folder)

    def _make_filters(self):
        before, after = self._filters
        if after == before:
            return
        if warnings.filters == before:
            _set_filters(after)
            return
        filters = [one for one in after if one not in before and one not in warnings.filters]
        if filters:
            _set_filters(filters + list(warnings.filters))


def _set_filters(filters):
    warnings.filters[:] = filters
    # They are looked up in a cache otherwise.
    mutated = getattr(warnings, "_filters_mutated", None)
    if mutated is not None:
        mutated()


def _handler(number):
    try:
        return _signal.getsignal(number)
    except (ValueError, OSError):  # no such signal
        return None


def _handle(number, handler):
    if handler is not None:  # one that was not made by Python cannot be made again by it
        _signal.signal(number, handler)


def _folder():
    try:
        return os.getcwd()
    except OSError:
        return None
