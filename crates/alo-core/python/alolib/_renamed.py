"""Finds classes and functions of a pickle where this environment's version of their package keeps them.

Steps that cannot share an environment hand values on between different versions of the same packages. NumPy 2 renamed
`numpy.core` to `numpy._core`; each version knows a part of the other's names, but not those that arrays in files need
(NumPy 1.26 has no `numpy._core.numeric`) or only with a warning. pandas keeps a list of what it has moved.
"""


def find(find_class, module, name):
    """Gives what `module` calls `name`, or what took its place. `find_class` is the plain way."""
    if module.startswith(("numpy.core.", "numpy._core.", "numpy.rec")):
        return _find_in_numpy(find_class, module, name)
    try:
        found = find_class(module, name)
    except (ImportError, AttributeError):
        moved = _moved_in_pandas(module, name)
        if moved is None:
            raise
        return find_class(*moved)
    if name == "StringDtype" and module == "pandas.core.arrays.string_":
        return _string_dtype(found)
    return found


def _find_in_numpy(find_class, module, name):
    import numpy

    if name == "_frombuffer":
        return _from_buffer
    is_first = int(numpy.__version__.partition(".")[0]) < 2
    if module == "numpy.rec":
        return find_class("numpy.core.records" if is_first else module, name)
    parts = module.split(".")
    parts[1] = "core" if is_first else "_core"
    return find_class(".".join(parts), name)


def _from_buffer(buffer, dtype, shape, order, axis_order=None):
    """Makes an array of a buffer. NumPy 2.3 tells how exchanged axes lie, which those before it cannot read."""
    from numpy import frombuffer

    array = frombuffer(buffer, dtype=dtype)
    if order == "K" and axis_order is not None:
        return array.reshape(shape, order="C").transpose(axis_order)
    return array.reshape(shape, order=order)


def _moved_in_pandas(module, name):
    if not module.startswith("pandas."):
        return None
    try:
        from pandas.compat import pickle_compat
    except ImportError:
        return None
    return getattr(pickle_compat, "_class_locations_map", {}).get((module, name))


def _string_dtype(kind):
    """Lets pandas before 2.3 read the type of text columns with `pandas.NA`, the only one that it has."""
    if "na_value" in kind.__init__.__code__.co_varnames:
        return kind

    class StringDtype:
        def __new__(cls, *arguments):
            from pandas import NA

            if len(arguments) > 1 and arguments[1] is not NA:
                raise TypeError("this pandas has no text columns whose missing value is `%r`" % arguments[1])
            return kind(arguments[0]) if arguments else kind.__new__(kind)

    return StringDtype
