"""Values between steps as files: what one step saves, the next one reads without copying its arrays.

A file holds, in this order: a preamble of 4096 bytes (magic, place of the index), the pickle (protocol 5), the large
buffers it refers to (the memory of NumPy arrays and the like), each starting on a page, and the index of these (JSON).
It is read through a private memory map: arrays come back writable, are read from disk when they are first touched, and
writing to them changes no file. Files are for the run they were made in: they are private to the user and are not
synced to disk.
"""

import json
import mmap
import os
import pickle

from alolib import _modules
from alolib.exception import AssetError

_MAGIC = b"alo hand-off 1\n"
_PREAMBLE = 4096
_PAGE = max(4096, mmap.PAGESIZE)
# Smaller buffers stay in the pickle: a page each would be a waste.
_LARGE = 4096


def write(path, value, what, modules):
    """Writes `value` (the step's `what`: its data or config) to `path`, which appears only when it is complete.

    `modules` are those of the step: the classes they define are found again by the file they came from.
    """
    part = "%s.%d.part" % (path, os.getpid())
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
        with open(fd, "wb", buffering=1 << 20) as file:
            _write_to(file, value, modules)
        os.replace(part, path)
    except OSError as error:
        _remove(part)
        raise AssetError("cannot write the step's %s to `%s`: %s" % (what, path, error)) from error
    except BaseException as error:
        _remove(part)
        if not isinstance(error, Exception):
            raise
        raise AssetError(_blame(value, what, error)) from error


def read(path):
    """Reads a value that `write` wrote."""
    with open(path, "rb") as file:
        preamble = file.read(_PREAMBLE)
        if not preamble.startswith(_MAGIC):
            raise AssetError("`%s` is no file of values handed on between steps" % path)
        head = json.loads(preamble[len(_MAGIC) :].rstrip(b"\0"))
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    view = memoryview(mapped)
    buffers = []
    mapped.seek(head["index"])
    index = json.loads(mapped.read(head["index_length"]))
    for offset, length, read_only in index["buffers"]:
        buffer = view[offset : offset + length]
        buffers.append(buffer.toreadonly() if read_only else buffer)
    mapped.seek(_PREAMBLE)
    return _Unpickler(mapped, index["modules"], buffers).load()


def _write_to(file, value, modules):
    buffers = []

    def keep_apart(buffer):
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if raw.nbytes < _LARGE:
            return True
        buffers.append(raw)
        return False

    file.seek(_PREAMBLE)
    pickle.Pickler(file, protocol=5, buffer_callback=keep_apart).dump(value)
    placed = []
    for raw in buffers:
        start = -(-file.tell() // _PAGE) * _PAGE
        file.seek(start)
        file.write(raw)
        placed.append([start, raw.nbytes, raw.readonly])
    listed = json.dumps({"buffers": placed, "modules": modules.sources()}).encode("ascii")
    head = {"index": file.tell(), "index_length": len(listed)}
    file.write(listed)
    file.seek(0)
    file.write(_MAGIC + json.dumps(head).encode("ascii"))


class _Unpickler(pickle.Unpickler):
    """Finds classes that the step before defined in files of its own, which the running step does not see."""

    def __init__(self, file, modules, buffers):
        super().__init__(file, buffers=buffers)
        self._modules = modules

    def find_class(self, module, name):
        source = self._modules.get(module)
        if source is not None:
            module = _modules.foreign_module(*source).__name__
        return super().find_class(module, name)


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


def _remove(path):
    try:
        os.unlink(path)
    except OSError:  # it was never made
        pass
