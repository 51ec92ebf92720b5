"""The worker's end of the socket to the engine: whole lines, one answer to each call, from any thread.

An asset may raise out of a signal handler (its own time-out, Ctrl-C) in the middle of a call. The channel then owes
the engine the rest of the line, and the engine owes it an answer nobody waits for; both are settled before the next
message, so that no answer is ever taken for another's. Python runs signal handlers only between two steps of its
interpreter: `list.extend(map(os.read, …))` is one step, so what was read or written is recorded even when a handler
raises right after.
"""

import errno
import os
import select
import sys
from _thread import RLock

from alolib._values import dumps, loads
from alolib.exception import AssetError

#: Why a copy of the asset in another process cannot make a call.
IN_CHILD = "the asset API works only in the process of the step, not in a child process of it"

_CHUNK = 65536
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF)


class EngineGone(Exception):
    """The engine has closed the socket: there is nobody left to work for."""


class Channel:
    """Sends and receives messages; safe to share between threads, of no use in a forked child."""

    def __init__(self, fd):
        self._fd = fd
        self._lock = RLock()
        self._busy = False
        # (line being sent, bytes of it that were written, bytes read) in one tuple, so that a change is one store.
        self._state = (None, [], [])
        os.register_at_fork(after_in_child=self._forget)

    @property
    def lock(self):
        """Held while a message and its answer are on their way; a thread may hold it to end a conversation."""
        return self._lock

    @property
    def forked(self):
        """Whether this is a copy of the worker made by `os.fork`, which has no engine to talk to."""
        return self._fd is None

    def ask(self, message):
        """Sends a message and waits for its answer."""
        line = dumps(message)
        with self._lock:
            if self._fd is None:
                raise AssetError(IN_CHILD)
            if self._busy:
                raise AssetError("the asset API was called from a signal handler during another call of it")
            self._busy = True
            try:
                self._settle()
                _flush()
                self._state = (line, [], self._state[2])
                self._push()
                return loads(self._take())
            finally:
                self._busy = False

    def tell(self, message):
        """Sends a message that has no answer."""
        line = dumps(message)
        with self._lock:
            self._settle()
            _flush()
            self._state = (line, [], self._state[2])
            self._push()
            self._state = (None, [], self._state[2])

    def hear(self):
        """Waits for a message of the engine; only between two steps, when no call can be made."""
        self._settle()
        return loads(self._take())

    def descriptors(self, count):
        """Waits for a byte that the engine sends with so many descriptors."""
        import socket
        from array import array

        numbers = array("i")
        with socket.socket(fileno=os.dup(self._fd)) as line:
            size = socket.CMSG_LEN(count * numbers.itemsize)
            byte, messages, _, _ = line.recvmsg(1, size, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        if not byte:
            raise EngineGone
        for level, kind, data in messages:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
        return list(numbers)

    def has_news(self):
        """Tells, without waiting, whether the engine has said what was not heard yet, or is gone."""
        if any(b"\n" in chunk for chunk in self._state[2]):
            return True
        line = select.poll()
        line.register(self._fd, select.POLLIN)
        return bool(line.poll(0))

    def _settle(self):
        line, written, _ = self._state
        if line is None:
            return
        if written:
            self._push()
            self._take()
        else:
            self._state = (None, [], self._state[2])

    def _push(self):
        line, written, _ = self._state
        while True:
            rest = memoryview(line)[sum(written) :]
            if not rest:
                return
            try:
                written.extend(map(os.write, (self._fd,), (rest,)))
            except OSError as error:
                raise _lost(error)

    def _take(self):
        while True:
            chunks = self._state[2]
            if chunks and b"\n" in chunks[-1]:
                line, _, rest = b"".join(chunks).partition(b"\n")
                self._state = (None, [], [rest] if rest else [])
                return line
            try:
                chunks.extend(map(os.read, (self._fd,), (_CHUNK,)))
            except OSError as error:
                raise _lost(error)
            if not chunks[-1]:
                raise EngineGone

    def _forget(self):
        """Runs in a forked child: gives up the socket, so that the child neither speaks on it nor keeps it open."""
        fd, self._fd = self._fd, None
        self._lock = RLock()
        self._busy = False
        if fd is not None:
            try:
                os.close(fd)
            except OSError:
                pass


def _lost(error):
    """Tells a fault of the socket from what a signal handler raised: `TimeoutError` is an `OSError` too."""
    return EngineGone() if error.errno in _GONE else error


def _flush():
    """Empties what was printed so far, so that the engine sees prints and calls in the order they were made."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the asset may have closed or replaced it
            pass
