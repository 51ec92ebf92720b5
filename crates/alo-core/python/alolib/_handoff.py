"""Values between steps as files: what one step saves, the next one reads without copying its arrays.

A file holds, in this order: a preamble of 4096 bytes (magic, place of the index), the pickle (protocol 5), the large
buffers it refers to (the memory of NumPy arrays and the like), each starting on a page, and the index of these (JSON).
It is read through a private memory map: arrays come back writable, are read from disk when they are first touched, and
writing to them changes no file. Files are for the run they were made in: they are private to the user and are not
synced to disk.

Arrays that nobody has changed since they were read are not written again (`_mapped.py`): the file that they were read from
gets a second name beside the new one (`data-1` for `data`), and a buffer of the index may lie in it.

Where the same process reads what it has written, the texts of large columns are not made anew: nobody can change them.
"""

import errno
import itertools
import json
import mmap
import os
import pickle

from alolib import _arrays, _modules, _recycled, _renamed
from alolib._background import BackgroundWriter, write_at
from alolib._mapped import Unchanged, beside, identity, map_file
from alolib.exception import AssetError

_MAGIC = b"alo hand-off 1\n"
_PREAMBLE = 4096
_PAGE = max(4096, mmap.PAGESIZE)
# Smaller buffers stay in the pickle: a page each would be a waste.
_LARGE = 4096
# What the system says of a disk, or a share of it, that has no space left.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# A value with more entries than these is a table in disguise; the others are not named in messages.
_LISTED = 10_000

# The plain values of columns in files that this process has written and is about to read, by file and by buffer.
_at_hand = {}


def write(path, value, what, modules, spare=None, next_here=False):
    """Writes `value` (the step's `what`: its data or config) to `path`, which appears only when it is complete.

    `modules` are those of the step: the classes they define are found again by the file they came from. Where there is
    too little space the file goes to the folder `spare` under the same name, if there is one. `next_here` tells that the
    step that reads it runs in this process.
    """
    try:
        return _write_whole(path, value, what, modules, next_here)
    except AssetError as error:
        if spare is None or getattr(error.__cause__, "errno", None) not in _FULL:
            raise
    return _write_whole(os.path.join(spare, os.path.basename(path)), value, what, modules, next_here)


def _write_whole(path, value, what, modules, next_here):
    part = "%s.%d.part" % (path, os.getpid())
    unchanged = Unchanged(path)
    try:
        fd = _recycled.take(path, part)
        if fd is None:
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
        with open(fd, "wb", buffering=1 << 20) as file:
            columns = _write_to(file, value, modules, unchanged)
            file.flush()
            if next_here and columns:
                _at_hand[identity(os.fstat(file.fileno()))] = columns
        os.replace(part, path)
    except OSError as error:
        _remove(part, unchanged)
        reason = os.strerror(error.errno) + "; make room there, or hand on less" if error.errno in _FULL else error
        raise AssetError("cannot write the step's %s to `%s`: %s" % (what, path, reason)) from error
    except BaseException as error:
        _remove(part, unchanged)
        if not isinstance(error, Exception):
            raise
        raise AssetError(_blame(value, what, error)) from error


def read(path, what, environments=None):
    """Reads a value (the `what` of the step before) that `write` wrote.

    `environments` describes, where they differ, the environment that wrote it and the one that reads it.
    """
    try:
        unpickler, entries = _open(path)
        return unpickler.load()
    except Exception as error:  # unpickling runs code of any package
        raise AssetError(_blame_of_reading(path, what, environments, error)) from error


def forget():
    """Lets go of what was kept for a step that has read all it wants."""
    _at_hand.clear()


def _open(path, kind=None):
    """Gives the unpickler of a file, and what is known of the entries of its value."""
    with open(path, "rb") as file:
        columns = _at_hand.pop(identity(os.fstat(file.fileno())), {})
        preamble = file.read(_PREAMBLE)
        if not preamble.startswith(_MAGIC):
            raise AssetError("`%s` is no file of values handed on between steps" % path)
        head = json.loads(preamble[len(_MAGIC) :].rstrip(b"\0"))
        mapped = map_file(file, path)
    mapped.seek(head["index"])
    index = json.loads(mapped.read(head["index_length"]))
    views = [memoryview(mapped), *(_view_of(beside(path, 1 + number)) for number in range(index.get("others", 0)))]
    buffers = []
    for number, (offset, length, read_only, *other) in enumerate(index["buffers"]):
        buffer = views[other[0] if other else 0][offset : offset + length]
        buffers.append(columns.get(number) or (buffer.toreadonly() if read_only else buffer))
    mapped.seek(_PREAMBLE)
    return (kind or _Unpickler)(mapped, index["modules"], buffers), index["entries"]


def _view_of(path):
    with open(path, "rb") as file:
        return memoryview(map_file(file, path))


def _write_to(file, value, modules, unchanged):
    """Writes all of a file; gives the lists of plain values in it, by the number of their buffer."""
    try:
        return _write_with(file, value, modules, unchanged, _arrays.Arrays())
    except _arrays.NotPlain:
        file.seek(0)
        file.truncate()
        return _write_with(file, value, modules, unchanged, _arrays.Arrays(carefully=True))


def _write_with(file, value, modules, unchanged, arrays):
    buffers = []

    def keep_apart(buffer):
        plain = arrays.plain(buffer)
        if plain is not None:
            buffers.append(plain)
            return False
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if raw.nbytes < _LARGE:
            return True
        buffers.append(raw)
        return False

    file.seek(_PREAMBLE)
    pickler = pickle.Pickler(file, protocol=5, buffer_callback=keep_apart)
    table = arrays.dispatch_table()
    if table is not None:
        pickler.dispatch_table = table
    pickler.dump(value)
    places, end = _write_buffers(file, buffers, unchanged)
    index = {"buffers": places, "others": unchanged.files, "modules": modules.sources(), "entries": _entries(value)}
    # In order: what a step leaves again is to be the same, byte for byte.
    listed = json.dumps(index, sort_keys=True).encode("ascii")
    head = {"index": end, "index_length": len(listed)}
    file.seek(end)
    file.write(listed)
    file.truncate()
    file.seek(0)
    file.write((_MAGIC + json.dumps(head).encode("ascii")).ljust(_PREAMBLE, b"\0"))
    return {number: plain.values for number, plain in enumerate(buffers) if isinstance(plain, _arrays.Plain)}


def _write_buffers(file, buffers, unchanged):
    """Writes large buffers behind what is in the file, but for those that another one has.

    Gives place, length and use of each, and where the last one ends.
    """
    end = file.tell()
    file.flush()
    places = [None] * len(buffers)
    memory = [(number, raw) for number, raw in enumerate(buffers) if not isinstance(raw, _arrays.Plain)]
    elsewhere = unchanged.find(memory)
    written = []
    for number, raw in memory:
        if number in elsewhere:
            other, offset = elsewhere[number]
            places[number] = [offset, raw.nbytes, raw.readonly, other]
        else:
            places[number], end = _place(file, raw, end)
            written.append((places[number][0], raw))
    columns = [(number, plain) for number, plain in enumerate(buffers) if isinstance(plain, _arrays.Plain)]
    with BackgroundWriter(file.fileno(), written, worthwhile=bool(columns)):
        for number, plain in columns:
            raw = plain.dumped()
            places[number], end = _place(file, raw, end)
            write_at(file.fileno(), raw, places[number][0])
    return places, end


def _place(file, raw, end):
    start = -(-end // _PAGE) * _PAGE
    # What an old file has there must not make it differ from a new one.
    write_at(file.fileno(), bytes(start - end), end)
    return [start, raw.nbytes, raw.readonly], start + raw.nbytes


def _entries(value):
    """Lists keys and types of a value's entries, for the message should one of them not be readable elsewhere."""
    items = itertools.islice(value.items(), _LISTED) if isinstance(value, dict) else ()
    return [[_label(key), _type_name(item)] for key, item in items]


def _label(key):
    try:
        return repr(key)
    except Exception:  # a key may be any object
        return object.__repr__(key)


def _type_name(item):
    kind = type(item)
    module = "" if kind.__module__ == "builtins" else "%s." % kind.__module__
    return module + kind.__qualname__


class _Finder:
    """Finds classes that the step before defined in files of its own, and what packages call otherwise here."""

    def __init__(self, file, modules, buffers):
        super().__init__(file, buffers=buffers)
        self._modules = modules

    def find_class(self, module, name):
        source = self._modules.get(module)
        if source is not None:
            return super().find_class(_modules.foreign_module(*source).__name__, name)
        return _renamed.find(super().find_class, module, name)


class _Unpickler(_Finder, pickle.Unpickler):
    """Reads a value."""


class _Tracer(_Finder, pickle._Unpickler):
    """Reads a value slowly, such that it can be told where it failed."""

    def failed_at(self, entries):
        """Gives the entry of the value that was being read."""
        # On the stack lie the value, then key and item in turn, then parts of the item that failed; what an inner mark
        # has hidden lies on the meta stack.
        levels = [*self.metastack, self.stack]
        value, rest = levels[0][0], levels[0][1:] or (levels[1] if len(levels) > 1 else [])
        found = None
        for (key, kind), there in zip(entries[len(value) :], rest[::2]):
            if _label(there) != key:
                break
            found = key, kind
        return found


def _blame_of_reading(path, what, environments, error):
    """Says which entry of the value could not be read, and between which environments."""
    place = None
    if not isinstance(error, (OSError, MemoryError, AssetError)):
        try:
            tracer, entries = _open(path, _Tracer)
            try:
                tracer.load()
            except Exception:  # it fails as it has failed before
                place = tracer.failed_at(entries)
        except Exception:  # the file makes no sense at all
            place = None
    if place is None:
        return "cannot read the %s handed on by the step before from `%s`" % (what, path)
    words = "cannot take `%s[%s]` (%s) over from the step before" % ((what,) + place)
    if environments is not None:
        words += ": it was made in %s and cannot be loaded in %s" % tuple(environments)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return "%s, which has no module `%s`" % (words, error.name) if environments else words
    return words


def _blame(value, what, error):
    """Says which entry of the value cannot be pickled, by trying each alone."""
    reason = "%s: %s" % (type(error).__name__, error)
    if isinstance(value, dict):
        for key, item in value.items():
            try:
                pickle.Pickler(_Nowhere(), protocol=5, buffer_callback=lambda _: False).dump((key, item))
            except Exception as fault:  # any object may fail in its own way
                return "cannot hand on `%s[%r]` in a file, it cannot be pickled: %s: %s" % (
                    what,
                    key,
                    type(fault).__name__,
                    fault,
                )
    return "cannot hand on the step's %s in a file, it cannot be pickled: %s" % (what, reason)


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data):
        return len(data)


def _remove(part, unchanged):
    for remove in (unchanged.remove, lambda: os.unlink(part)):
        try:
            remove()
        except OSError:  # it was never made
            pass
