"""Python values as the JSON of the worker protocol, and back.

JSON cannot say dates, bytes, numbers outside 64 bits or maps with keys that are no strings; those are tagged
(`{"$date": …}`). An object that is no plain value at all goes as `{"$opaque": type, "str": text}`: the engine can name
it in a message, which is all it needs.
"""

import json
import sys

#: What `check_args` answers when the argument is absent and its default is no plain value.
DEFAULT = object()

_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_TEXT_OF_OPAQUE = 200
# The engine's JSON reader stops at 128 levels; what lies deeper is named instead of sent.
_DEPTH = 64


def dumps(message):
    """Writes one message as a line of bytes. Its values must have gone through `encode`."""
    return _encode_text(message).encode("ascii") + b"\n"


def loads(line):
    """Reads one line; tagged values come back as the Python objects they stand for."""
    return _decode_text(line.decode("utf-8"))


def text(string):
    """Gives a string that UTF-8 can carry: file names that were not UTF-8 hold lone surrogates."""
    try:
        string.encode("utf-8")
    except UnicodeEncodeError:
        return string.encode("utf-8", "backslashreplace").decode("utf-8")
    return str.__str__(string)


def describe(value):
    """Gives `str(value)`, whatever the object's own `__str__` does, shortened to what a message can show."""
    try:
        words = str(value)
    except Exception as error:  # an asset's object may do anything
        words = "<no text: %s>" % type(error).__name__
    return text(words[:_TEXT_OF_OPAQUE])


def encode(value, depth=_DEPTH):
    """Gives the JSON form of any Python object; it never fails."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        number = int(value)
        return number if _INT_MIN <= number <= _INT_MAX else {"$int": _digits(number)}
    if isinstance(value, float):
        return _encode_float(float(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        import binascii

        return {"$bytes": binascii.b2a_base64(bytes(value), newline=False).decode("ascii")}
    if depth > 0 and isinstance(value, dict):
        return _encode_map(value, depth - 1)
    if depth > 0 and isinstance(value, (list, tuple)):
        return [encode(item, depth - 1) for item in value]
    if depth > 0 and isinstance(value, (set, frozenset)):
        return [encode(item, depth - 1) for item in sorted(value, key=repr)]
    return _encode_other(value, depth)


def _encode_float(number):
    if number - number == 0.0:
        return number
    if number != number:
        return {"$float": "nan"}
    return {"$float": "inf" if number > 0 else "-inf"}


def _encode_map(entries, depth):
    plain = all(isinstance(key, str) for key in entries)
    if plain and not (len(entries) == 1 and next(iter(entries)).startswith("$")):
        return {text(key): encode(item, depth) for key, item in entries.items()}
    return {"$map": [[encode(key, depth), encode(item, depth)] for key, item in entries.items()]}


def _encode_other(value, depth):
    # Neither module is imported for this: an object of theirs exists only if somebody has.
    datetime = sys.modules.get("datetime")
    if datetime is not None and isinstance(value, datetime.date):
        written = value.isoformat()
        if written != "NaT":  # pandas' missing date is a date by class only
            return {"$datetime" if isinstance(value, datetime.datetime) else "$date": written}
    numpy = sys.modules.get("numpy")
    if numpy is not None and depth > 0 and isinstance(value, getattr(numpy, "generic", ())):
        item = value.item()
        # A long double's item is the long double itself.
        return encode(float(item) if type(item) is type(value) else item, depth - 1)
    return {"$opaque": text(type(value).__name__), "str": describe(value)}


def _digits(number):
    try:
        return str(number)
    except ValueError:  # Python 3.11 refuses to print thousands of digits
        return "-0x%x" % -number if number < 0 else "0x%x" % number


def _untag(entries):
    if len(entries) != 1:
        return entries
    tag, value = next(iter(entries.items()))
    if not tag.startswith("$"):
        return entries
    if tag == "$map":
        return {_key(key): item for key, item in value}
    if tag == "$default":
        return DEFAULT
    if tag == "$int":
        return int(value)
    if tag == "$float":
        return float(value)
    if tag == "$date":
        from datetime import date

        return date.fromisoformat(value)
    if tag == "$datetime":
        return _datetime(value)
    if tag == "$bytes":
        import binascii

        return binascii.a2b_base64(value)
    return entries


def _key(key):
    return tuple(_key(item) for item in key) if isinstance(key, list) else key


def _datetime(written):
    """Reads ISO 8601; before Python 3.11 `fromisoformat` knows neither `Z` nor every number of decimals."""
    from datetime import datetime

    if written.endswith(("Z", "z")):
        written = written[:-1] + "+00:00"
    head, dot, tail = written.partition(".")
    if dot:
        decimals = len(tail) - len(tail.lstrip("0123456789"))
        head += "." + (tail[:decimals] + "000000")[:6]
        written = head + tail[decimals:]
    return datetime.fromisoformat(written)


# Made once: `json.dumps` and `json.loads` would make them anew for each message.
_encode_text = json.JSONEncoder(separators=(",", ":")).encode
_decode_text = json.JSONDecoder(object_hook=_untag).decode
