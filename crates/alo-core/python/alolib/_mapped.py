"""Private memory maps of hand-off files, and what of the memory in them still is what the file has.

A private map shows its file until one of its pages is written to; from then on the process has a page of its own there.
Linux tells which (`/proc/self/pagemap`, `Documentation/admin-guide/mm/pagemap.rst` of the kernel). Where that cannot be
read, or NumPy is not in use, no memory is known to be unchanged.
"""

import mmap
import os
import sys
import weakref

# Less than this is written sooner than it is looked at.
_WORTHWHILE = 1 << 20
# Bytes of an entry of the page map, and its bits: the page is in memory, is swapped out, is one of a file.
_ENTRY = 8
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61
# So many entries are looked at in one go.
_PAGES = 1 << 16

_maps = []


class _Map:
    """A map that may be in use still, and the file that it shows."""

    def __init__(self, mapped, path, file):
        self._mapped = weakref.ref(mapped)
        self._path = path
        self.file = file

    @property
    def is_alive(self):
        return self._mapped() is not None

    def place(self, numpy):
        """Gives where it begins and ends: nowhere if it is gone."""
        mapped = self._mapped()
        if mapped is None:
            return 0, 0
        start = _address(mapped, numpy)
        return start, start + len(mapped)

    def link(self, path):
        """Gives its file a second name, if it still is the one that was mapped; tells whether it could."""
        try:
            os.link(self._path, path)
        except OSError:  # it is gone, the name is taken, or it cannot have two
            return False
        if identity(os.stat(path)) == self.file:
            return True
        os.unlink(path)
        return False


def identity(status):
    """Tells a file from others and from what it was before it was changed; it may have been renamed."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def map_file(file, path):
    """Maps an open file: what is written to the map changes the memory of this process alone."""
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    _maps[:] = [known for known in _maps if known.is_alive]
    _maps.append(_Map(mapped, path, identity(os.fstat(file.fileno()))))
    return mapped


class Unchanged:
    """Memory that need not be written to the file `path`: other files have it, which get names beside that one."""

    def __init__(self, path):
        self._path = path
        self._linked = []

    @property
    def files(self):
        """How many other files there are."""
        return len(self._linked)

    def find(self, memory):
        """Gives for those of the buffers that need not be written the number of the file's name, and the offset in it."""
        self.remove()
        numpy = sys.modules.get("numpy")
        large = [(number, raw) for number, raw in memory if raw.nbytes >= _WORTHWHILE]
        if not large or not _maps or not hasattr(numpy, "frombuffer"):
            return {}
        large = sorted((_address(raw, numpy), raw.nbytes, number) for number, raw in large)
        found = {}
        for known in list(_maps):
            start, end = known.place(numpy)
            here = [part for part in large if start <= part[0] and part[0] + part[1] <= end]
            here = [part for part in _apart(here) if _is_unchanged(part[0], part[1], numpy)]
            # Otherwise much that nobody needs would stay with it.
            if here and 2 * sum(size for _, size, _ in here) >= end - start and self._link(known):
                found.update((number, [len(self._linked), address - start]) for address, _, number in here)
        return found

    def _link(self, known):
        path = beside(self._path, len(self._linked) + 1)
        is_linked = known.link(path)
        if is_linked:
            self._linked.append(path)
        return is_linked

    def remove(self):
        """Removes the names again."""
        while self._linked:
            os.unlink(self._linked.pop())


def beside(path, number):
    """The name of a file, counted from 1, that the one at `path` refers to."""
    return "%s-%d" % (path, number)


def _apart(parts):
    """Leaves out what lies in another: what is read from there is to have memory of its own."""
    end = 0
    for address, size, number in parts:
        if address >= end:
            yield address, size, number
            end = address + size


def _address(memory, numpy):
    return numpy.frombuffer(memory, numpy.uint8).__array_interface__["data"][0]


def _is_unchanged(start, size, numpy):
    """Whether the process has written to no page of that part of a private map."""
    first, end = start // mmap.PAGESIZE, -(-(start + size) // mmap.PAGESIZE)
    try:
        with open("/proc/self/pagemap", "rb", buffering=0) as file:
            file.seek(first * _ENTRY)
            return all(_are_of_file(file, min(_PAGES, end - page), numpy) for page in range(first, end, _PAGES))
    except OSError:
        return False


def _are_of_file(file, count, numpy):
    """Whether none of the next so many pages is the process's own."""
    read = file.read(count * _ENTRY)
    if len(read) != count * _ENTRY:
        return False
    entries = numpy.frombuffer(read, numpy.uint64)
    in_use, of_file = numpy.uint64(_PRESENT | _SWAPPED), numpy.uint64(_OF_FILE)
    return not (((entries & in_use) != 0) & ((entries & of_file) == 0)).any()
