"""How NumPy's arrays are written to hand-off files, where pickle's own way costs time or memory.

Columns of texts: pickle keeps a note of each object, to write what occurs twice once. With millions of different texts
these notes take ten times as long as the texts. Values without an identity that matters (texts, numbers, None) need none,
unless they do occur again and again: then the notes save time and, for whoever reads them, memory. Such columns are
written apart from the rest, while a thread writes the large arrays of numbers.

Parts of larger arrays, such as what is left of a table's block when one of its columns was replaced, and times: pickle
copies these into its stream. Here the memory they lie in is written as it is, and they are parts of it again.

Element types: NumPy has one object for each that is built in, and pickle makes another of each that it reads. Whoever
pickles them with one of NumPy's own, as models do, would get other bytes than without a file in between.
"""

import copyreg
import io
import pickle
import sys

_PLAIN = frozenset((str, bytes, int, float, bool, type(None)))
# Smaller ones are quick either way.
_MANY = 10_000
_LARGE = 1 << 16
# Whether values occur again is looked for among one in so many.
_STRIDE = 8
# So many of these must be objects of their own.
_DISTINCT = 0.9
# The memory of a part may be so much larger than the part.
_SPARSE = 1.25


class NotPlain(Exception):
    """An array that looked like one of plain values has others, too."""


class Arrays:
    """The ways in which the arrays of one value are written.

    Whether an array has plain values alone is told by some of them, unless it is looked at `carefully`: `Plain.dumped`
    raises `NotPlain` where these were the wrong ones.
    """

    def __init__(self, carefully=False):
        self._carefully = carefully
        self._plain = {}

    def dispatch_table(self):
        """How a pickler is to write what it meets: None, as ever, where NumPy is not in use."""
        kind = getattr(sys.modules.get("numpy"), "ndarray", None)
        if not isinstance(kind, type):
            return None
        table = dict(copyreg.dispatch_table)
        table.setdefault(kind, self._reduce)
        for built_in in _built_in_types():
            table.setdefault(type(built_in), _reduce_type)
        return table

    def plain(self, buffer):
        """The values that the pickler means by this buffer, if it stands for an array of plain values."""
        found = self._plain.get(id(buffer))
        return found and found[1]

    def _reduce(self, array):
        """Tells the pickler how to make an array again."""
        way = None
        if array.dtype.hasobject:
            if array.dtype.kind == "O" and array.size >= _MANY:
                way = self._by_values(array)
        elif array.nbytes >= _LARGE:
            # Contiguous arrays are written as they are by NumPy, but for times.
            if not array.flags.forc or array.dtype.kind in "mM":
                way = _by_memory(array)
        return way or array.__reduce_ex__(pickle.HIGHEST_PROTOCOL)

    def _by_values(self, array):
        order = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else None
        if order is None:
            return None
        flat = _flat(array, order)
        looked_at = flat if self._carefully else flat[::_STRIDE]
        if not (_are_distinct(flat) and _are_plain(looked_at.tolist())):
            return None
        # What it holds is never written.
        buffer = pickle.PickleBuffer(bytearray(1))
        self._plain[id(buffer)] = buffer, Plain(flat)
        return from_values, (array.shape, array.dtype, order, buffer)


class Plain:
    """An array of plain values, most of which are objects of their own."""

    def __init__(self, flat):
        self._flat = flat
        #: The values as a list, once they are dumped.
        self.values = None

    def dumped(self):
        """The values as a pickle; raises `NotPlain` if they are not plain after all."""
        values = self._flat.tolist()
        if not _are_plain(values):
            raise NotPlain
        file = io.BytesIO()
        pickler = pickle.Pickler(file, protocol=5)
        pickler.fast = True  # no notes
        pickler.dump(values)
        self.values = values
        return file.getbuffer()


def from_values(shape, dtype, order, dumped):
    """Makes an array of objects again, from the pickle of its values or from the list of them."""
    import numpy  # that of the environment, which the array was pickled for

    array = numpy.empty(shape, dtype, order)
    _flat(array, order)[:] = dumped if isinstance(dumped, list) else pickle.loads(dumped)
    return array


def _built_in_types():
    numpy = sys.modules["numpy"]
    return map(numpy.dtype, numpy.typecodes["All"])


def _reduce_type(dtype):
    """Tells the pickler how to get an element type again: NumPy's own, where it is one of these."""
    make = sys.modules["numpy"].dtype
    is_own = dtype.isbuiltin == 1 and make(dtype.char) is dtype
    return (make, (dtype.char,)) if is_own else dtype.__reduce__()


def _by_memory(array):
    size = array.itemsize
    if any(stride <= 0 or stride % size for stride in array.strides):
        return None
    span = size + sum((number - 1) * stride for number, stride in zip(array.shape, array.strides))
    if not array.nbytes <= span <= _SPARSE * array.nbytes:
        return None
    numpy = sys.modules["numpy"]
    writeable = bool(array.flags.writeable)
    flat = numpy.lib.stride_tricks.as_strided(array, (span // size,), (size,), writeable=writeable)
    memory = pickle.PickleBuffer(flat.view(numpy.uint8))
    return from_memory, (array.shape, array.dtype, array.strides, memory)


def from_memory(shape, dtype, strides, memory):
    """Makes an array again that is a part of some memory."""
    import numpy

    return numpy.ndarray(shape, dtype, memory, 0, strides)


def _flat(array, order):
    """The elements as they lie in memory; a view."""
    return (array if order == "C" else array.T).reshape(-1)


def _are_plain(values):
    return _PLAIN.issuperset(map(type, values))


def _are_distinct(flat):
    numpy = sys.modules["numpy"]
    some = numpy.asarray(_Addresses(flat, numpy))[::_STRIDE]
    return len(numpy.unique(some)) >= _DISTINCT * len(some)


class _Addresses:
    """Where the objects of an array lie: what tells one from another."""

    def __init__(self, flat, numpy):
        self._flat = flat
        self.__array_interface__ = {
            "shape": flat.shape,
            "strides": flat.strides,
            "data": flat.__array_interface__["data"],
            "typestr": numpy.dtype(numpy.uintp).str,
            "version": 3,
        }
