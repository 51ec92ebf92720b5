"""The error of a refused call, and the message helpers that assets of the first generation import by `*`."""

import os  # noqa: F401  (assets written for ALO 1.0 get `os` and `sys` through `from alolib.exception import *`)
import sys

#: Names of the colours `print_color` knows, with their terminal codes.
color_dict = {
    "PURPLE": "\033[95m",
    "CYAN": "\033[96m",
    "DARKCYAN": "\033[36m",
    "BLUE": "\033[94m",
    "GREEN": "\033[92m",
    "YELLOW": "\033[93m",
    "RED": "\033[91m",
    "BOLD": "\033[1m",
    "UNDERLINE": "\033[4m",
}
#: Ends a colour.
COLOR_END = "\033[0m"
#: Type names `check_type` accepts.
TYPE_LIST = ("str", "dataframe", "numpy", "int", "float", "bool", "list", "dict", "class")
#: Kinds of columns, for assets that check their own.
DTYPE_LIST = ("numeric", "categorical", "bool", "time")


class AssetError(RuntimeError):
    """Raised at the asset's own line when the engine refuses a call."""


def print_color(msg, _color):
    """Prints `msg` in a colour of `color_dict`; an unknown colour or a message that is no string is a `ValueError`."""
    _require_string(msg)
    _require_string(_color)
    start = color_dict.get(_color.upper())
    if start is None:
        raise ValueError("unknown color `%s`, known are %s" % (_color, ", ".join(color_dict)))
    print(start + msg + COLOR_END)


def print_error(msg):
    """Prints where it was called from, then ends the step with `msg`."""
    _require_string(msg)
    caller = sys._getframe(1)
    print("  %s, def %s, line %d" % (caller.f_code.co_filename, caller.f_code.co_name, caller.f_lineno))
    sys.exit("[ERROR] : " + msg)


def value_error(msg):
    """Raises `ValueError(msg)`."""
    _require_string(msg)
    raise ValueError(msg)


def add_warning_log(log, msg):
    """Prints `msg` and appends it to the list `log['warning']`, which is made when it is not there."""
    check_type("dict", log)
    _require_string(msg)
    known = log.get("warning")
    if isinstance(known, list):
        known.append(msg)
    elif known is None or known == "":
        log["warning"] = [msg]
    else:
        log["warning"] = [known, msg]
    print(msg)


def check_type(str_type, value):
    """Raises a `ValueError` unless the name of the value's type contains `str_type`, one of `TYPE_LIST`."""
    _require_string(str_type)
    wanted = str_type.lower()
    if wanted not in TYPE_LIST:
        raise ValueError("unknown type `%s`, known are %s" % (str_type, ", ".join(TYPE_LIST)))
    if wanted not in str(type(value)).lower():
        raise ValueError("expected a value of type `%s`, got %s" % (str_type, type(value)))


def _require_string(value):
    if not isinstance(value, str):
        raise ValueError("expected a string, got `%s`" % type(value).__name__)
