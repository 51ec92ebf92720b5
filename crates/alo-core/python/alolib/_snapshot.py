"""What was at a place when a step read it: nothing, a file as its stamp tells, or a folder with names in it."""

import os
from stat import S_ISREG
from time import time_ns

from alolib._looks import plain_stat

# A file that was written so shortly before, in nanoseconds, may be written again without its times showing it.
_FRESH = 20_000_000


class Snapshot:
    """One place as it was; `seen` holds the notes that are not to tell of the looks made here."""

    def __init__(self, seen, path, stamp, names, is_fresh, is_known=False):
        self._seen = seen
        self._path = path
        self._stamp = stamp
        self._names = names
        self._is_fresh = is_fresh
        #: Whether its files are known otherwise.
        self.is_known = is_known

    @classmethod
    def of(cls, seen, path, listing, is_known):
        """Looks at a place; `listing` tells that the names in a folder count."""
        try:
            status = plain_stat(path)
        except (OSError, ValueError):
            return cls(seen, path, "absent", None, False)
        if not S_ISREG(status.st_mode):
            names = seen.names_in(path) if listing and not is_known else None
            return cls(seen, path, "any", names, False, is_known)
        # What was written just before may be written again without its time showing it.
        is_fresh = time_ns() - status.st_ctime_ns < _FRESH
        return cls(seen, path, {"file": _stamp(status)}, None, is_fresh)

    def then(self, own):
        """What was there, for the engine: it keeps what is still the same. `own` are the paths that the step wrote."""
        if self._is_fresh:
            return "changed"
        if self._names is not None:
            # Names that the step itself has added or taken away are those of the next time.
            real = self._seen.resolved(self._path)
            differ = self._names.symmetric_difference(self._seen.names_in(self._path) or ())
            if any(name != "__pycache__" and os.path.join(real, name) not in own for name in differ):
                return "changed"
        return self._stamp


def _stamp(status):
    return {
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "changed": status.st_ctime_ns,
        "inode": status.st_ino,
    }
