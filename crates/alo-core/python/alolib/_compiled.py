"""Compiled code of the project's modules is only used where it cannot be older than its source.

Python takes a `.pyc` file for good when it names its source's size and time of change in whole seconds (PEP 3147 and
552), so a module that is edited twice in one second goes on as it was. Of a source that changed when its compiled code
was written, or later, nobody can tell: it is compiled again, as git looks again into files of such a time.
"""

import os
import sys
from importlib.machinery import SourceFileLoader

# Between a source's time and that of its compiled code: the second that the time was cut off to, and one for the reading.
_APART = 2

# What is installed changes only as a whole.
_INSTALLED = (os.path.join(sys.prefix, "lib", ""), os.path.join(os.path.dirname(os.__file__), ""))

_path_stats = SourceFileLoader.path_stats


def distrust_young():
    """From now on imports do not use compiled code that was written when its source had just changed."""
    SourceFileLoader.path_stats = _checked_stats


def _checked_stats(loader, path):
    stats = _path_stats(loader, path)
    if not path.startswith(_INSTALLED):
        _drop_young(path, int(stats["mtime"]))
    return stats


def _drop_young(path, changed):
    """Removes the compiled code of a source, if it may be older; without leave to do so the import goes without it."""
    from importlib.util import cache_from_source

    try:
        compiled = cache_from_source(path)
        if os.stat(compiled).st_mtime < changed + _APART:
            os.unlink(compiled)
    except FileNotFoundError:
        pass
    except NotImplementedError:  # this Python has no compiled code
        pass
