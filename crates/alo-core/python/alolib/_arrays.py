"""How NumPy's arrays are written to hand-off files, where pickle's own way costs time or memory.

Columns of texts: pickle keeps a note of each object, to write what occurs twice once. With millions of different texts
these notes take ten times as long as the texts. Values without an identity that matters (texts, numbers, None) need none,
unless they do occur again and again: then the notes save time and, for whoever reads them, memory.

Parts of larger arrays, such as what is left of a table's block when one of its columns was replaced, and times: pickle
copies these into its stream. Here the memory they lie in is written as it is, and they are parts of it again.
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


def dispatch_table():
    """How a pickler is to write what it meets: None, as ever, where NumPy is not in use."""
    kind = getattr(sys.modules.get("numpy"), "ndarray", None)
    if not isinstance(kind, type):
        return None
    table = dict(copyreg.dispatch_table)
    table.setdefault(kind, _reduce)
    return table


def _reduce(array):
    """Tells the pickler how to make an array again."""
    way = None
    if array.dtype.hasobject:
        if array.dtype.kind == "O" and array.size >= _MANY:
            way = _by_values(array)
    elif array.nbytes >= _LARGE:
        # Contiguous arrays are written as they are by NumPy, but for times.
        if not array.flags.forc or array.dtype.kind in "mM":
            way = _by_memory(array)
    return way or array.__reduce_ex__(pickle.HIGHEST_PROTOCOL)


def _by_values(array):
    order = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else None
    if order is None:
        return None
    values = _flat(array, order).tolist()
    if not (_are_distinct(values) and _PLAIN.issuperset(map(type, values))):
        return None
    return from_values, (array.shape, array.dtype, order, pickle.PickleBuffer(_dumped(values)))


def from_values(shape, dtype, order, dumped):
    """Makes an array of objects again."""
    import numpy  # that of the environment, which the array was pickled for

    array = numpy.empty(shape, dtype, order)
    _flat(array, order)[:] = pickle.loads(dumped)
    return array


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


def _are_distinct(values):
    some = values[::_STRIDE]
    return len(set(map(id, some))) >= _DISTINCT * len(some)


def _dumped(values):
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=5)
    pickler.fast = True  # no notes
    pickler.dump(values)
    return file.getbuffer()
