"""Files of the last run that are written anew.

The memory in which the system keeps a large new file, and its place on the disk, have to be found and given back; those of
an old one of its size are there. It costs half as much to write to, or far less where memory is dear.
"""

import os
import signal
import stat

try:
    from fcntl import F_SETLEASE, F_SETSIG, F_UNLCK, F_WRLCK, fcntl
except ImportError:  # only Linux has leases
    fcntl = None


def take(path, part):
    """Opens the old file of `path` for writing, under the name `part`; gives None where there is none that can be had.

    One that has another name, or that anybody has open or mapped, is left to them.
    """
    old, fd = path + ".old", None
    try:
        fd = os.open(old, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        os.rename(old, part)
        if _is_ours_alone(fd):
            os.fchmod(fd, 0o600)
            return fd
    except OSError:  # there is none, or it is no file of ours
        pass
    if fd is not None:
        os.close(fd)
    _remove(old)
    _remove(part)
    return None


def _is_ours_alone(fd):
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid != os.geteuid() or fcntl is None:
        return False
    # A lease is given only where nobody else has the file open (fcntl(2)). Should somebody open it before the lease is given
    # back, a signal would tell: one that ends nothing.
    fcntl(fd, F_SETSIG, signal.SIGURG)
    fcntl(fd, F_SETLEASE, F_WRLCK)
    fcntl(fd, F_SETLEASE, F_UNLCK)
    return True


def _remove(part):
    try:
        os.unlink(part)
    except OSError:  # a folder, or it is gone
        pass
