"""Arrays of Python objects in hand-off files: a column of texts, written without a note of every text.

pickle keeps a note of each object, to write what occurs twice once. With millions of different texts these notes take
ten times as long as the texts. Values without an identity that matters (texts, numbers, None) need none, unless they do
occur again and again: then the notes save time and, for whoever reads them, memory.
"""

import copyreg
import io
import pickle
import sys

_PLAIN = frozenset((str, bytes, int, float, bool, type(None)))
# Smaller ones are quick either way.
_MANY = 10_000
# Whether values occur again is looked for among one in so many.
_STRIDE = 8
# So many of these must be objects of their own.
_DISTINCT = 0.9


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
    if array.dtype.kind == "O" and array.size >= _MANY:
        order = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else None
        if order is not None:
            values = _flat(array, order).tolist()
            if _are_distinct(values) and _PLAIN.issuperset(map(type, values)):
                return restore, (array.shape, array.dtype, order, pickle.PickleBuffer(_dumped(values)))
    return array.__reduce_ex__(pickle.HIGHEST_PROTOCOL)


def restore(shape, dtype, order, dumped):
    """Makes an array again."""
    import numpy  # that of the environment, which the array was pickled for

    array = numpy.empty(shape, dtype, order)
    _flat(array, order)[:] = pickle.loads(dumped)
    return array


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
