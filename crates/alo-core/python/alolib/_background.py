"""Writes memory to a file while the interpreter goes on with something else."""

import os

# Less than this is written sooner than a thread is started.
_WORTHWHILE = 1 << 20


class BackgroundWriter:
    """A context in which a thread writes `memory`, pairs of an offset and a buffer; the end of the context waits for it.

    Without a thread, where none is `worthwhile` or can be had, all is written at the beginning.
    """

    def __init__(self, fd, memory, worthwhile):
        self._fd = fd
        self._memory = memory
        self._worthwhile = worthwhile and sum(raw.nbytes for _, raw in memory) >= _WORTHWHILE
        self._thread = None
        self._error = None
        self._given_up = False

    def __enter__(self):
        if self._worthwhile:
            self._start()
        if self._thread is None:
            self._write(self._fd)
        return self

    def __exit__(self, kind, *_):
        if self._thread is None:
            return
        self._given_up = kind is not None
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _start(self):
        import threading

        # A descriptor of its own: the wait may be interrupted, and the file closed, before it has ended.
        fd = os.dup(self._fd)
        thread = threading.Thread(target=self._run, args=(fd,), name="alo-hand-off", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads allowed
            os.close(fd)
            return
        self._thread = thread

    def _run(self, fd):
        try:
            self._write(fd)
        except BaseException as error:
            self._error = error
        finally:
            os.close(fd)

    def _write(self, fd):
        for offset, raw in self._memory:
            write_at(fd, raw, offset, lambda: self._given_up)


def write_at(fd, raw, offset, given_up=lambda: False):
    """Writes a contiguous buffer to that place of a file, in large pieces, until all is written or `given_up`."""
    rest = memoryview(raw).cast("B")
    while rest and not given_up():
        written = os.pwrite(fd, rest[:_PIECE], offset)
        offset += written
        rest = rest[written:]


# So much is written without looking up.
_PIECE = 64 << 20
