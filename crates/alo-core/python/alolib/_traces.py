"""Looks for what names a run in all that a process remembers, so that nobody goes on with the folders of another run."""

import functools
import gc
import os
import pickle
import sys

#: Time and number of a run's id: what no other run has.
_UNIQUE = 25
#: So much of a buffer is copied at a time to be searched.
_PIECE = 1 << 20
#: Elements of these kinds are numbers or times.
_NUMBERS = "?hHiIlLqQnNefdgF"


class Trace:
    """The id of a run: as text, and as bytes of one, two and four a letter."""

    def __init__(self, run):
        self._text = run[:_UNIQUE]
        # Without the last zeros these are found in either byte order.
        self._forms = [self._text.encode(form).rstrip(b"\0") for form in ("utf-8", "utf-16-le", "utf-32-le")]
        self._own = {id(one) for one in (run, self._text, *self._forms)}

    def is_in_text(self, text):
        return len(text) >= _UNIQUE and self._text in text and id(text) not in self._own

    def is_in_bytes(self, found):
        """Tells whether a piece of memory holds it; numbers of several bytes are no letters."""
        if isinstance(found, bytes):
            return id(found) not in self._own and any(form in found for form in self._forms)
        try:
            with memoryview(found) as view:
                if view.itemsize > 1 and view.format.strip("@=<>!") in _NUMBERS:
                    return False
                if not view.contiguous:
                    return any(form in view.tobytes() for form in self._forms)
            with pickle.PickleBuffer(found).raw() as memory:
                return self._is_in_memory(memory)
        except (TypeError, ValueError, BufferError):  # it has been released, or offers no memory
            return False

    def _is_in_memory(self, memory):
        for start in range(0, len(memory), _PIECE):
            piece = bytes(memory[start : start + _PIECE + 4 * _UNIQUE])
            if any(form in piece for form in self._forms):
                return True
        return False


def in_values(trace, values):
    """Why values belong to one run alone: they name it, or cannot be looked through. None if they do not."""
    named = []
    try:
        # Memory apart from the stream is looked at where it lies.
        plain = pickle.dumps(values, protocol=5, buffer_callback=lambda buffer: named.append(trace.is_in_bytes(buffer)))
    except Exception as error:
        return "what is handed on cannot be looked through (%s)" % type(error).__name__
    if any(named) or trace.is_in_bytes(plain):
        return "what is handed on names the folder of the run"
    return None


def in_process(trace):
    """Where else the process remembers the run, or None: what modules, the environment and living objects hold."""
    gc.unfreeze()
    known = gc.get_objects()
    passed_over = _caches(known)
    passed_over.update(map(id, (known, passed_over, trace, trace.__dict__)))
    level = [one for one in known if id(one) not in passed_over]
    looks = {dict: _inner, tuple: _inner}
    seen = passed_over
    while level:
        following = []
        for one in gc.get_referents(*level):
            kind = type(one)
            try:
                look = looks[kind]
            except KeyError:
                look = looks[kind] = _look(kind)
            if look is None:
                continue
            if look is _inner:
                if not gc.is_tracked(one) and id(one) not in seen:
                    seen.add(id(one))
                    following.append(one)
            elif look is _text:
                if trace.is_in_text(one):
                    return _place(one)
            elif id(one) not in seen:
                seen.add(id(one))
                if look(trace, one, following):
                    return _place(one)
        level = following
    return None


def _look(kind):
    """How objects of a kind are looked at; None for those that lead to nothing that is not looked at anyhow."""
    if issubclass(kind, str):
        return _text
    if issubclass(kind, (bytes, bytearray, memoryview)) or kind.__module__ in ("array", "mmap"):
        return _bytes
    array = getattr(sys.modules.get("numpy"), "ndarray", None)
    if isinstance(array, type) and issubclass(kind, array):
        return _array
    return None


def _text():
    """Marks texts."""


def _inner():
    """Marks plain containers, which the collector does not list while they hold nothing but texts and numbers."""


def _bytes(trace, found, _):
    return trace.is_in_bytes(found)


def _array(trace, array, following):
    if array.dtype.hasobject:
        if array.dtype.kind == "O":
            following.append(tuple(array.ravel().tolist()))
        return False
    return trace.is_in_bytes(array)


def _caches(known):
    """What packages keep by the arguments they were called with: only who names the run can ask for it."""
    caches = [getattr(sys.modules.get(module), name, None) for module, name in _BY_ARGUMENTS]
    for module in list(sys.modules.values()):
        try:
            caches.append(vars(module).get("__warningregistry__"))
        except Exception:  # anything may lie in `sys.modules`
            pass
    wrapper = type(functools.lru_cache()(lambda: None))
    caches += [one for one in known if type(one) is wrapper and _is_installed(one)]
    caches = [cache for cache in caches if cache is not None]
    return {id(one) for cache in caches for one in (cache, *gc.get_referents(cache))}


_BY_ARGUMENTS = (
    ("linecache", "cache"),
    ("re", "_cache"),
    ("re", "_cache2"),
    ("urllib.parse", "_parse_cache"),
)


def _is_installed(function):
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    installed = tuple(os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix))
    return code is None or code.co_filename.startswith(installed)


def _place(found):
    """Says by what name something is known, as far as it has one."""
    for name in os.environ:
        if os.environ[name] == found or os.environb.get(os.fsencode(name)) == found:
            return "the variable `%s` names the folder of the run" % name
    for name, module in list(sys.modules.items()):
        try:
            names = [key for key, value in vars(module).items() if value is found]
        except Exception:  # anything may lie in `sys.modules`
            continue
        if names:
            return "`%s.%s` names the folder of the run" % (name, names[0])
    return "something that a step has left in the process names the folder of the run"
