"""The child processes of the worker, those included that C code has started."""

import os


def known():
    """Gives a value that is the same again if no child process has started, ended or grown meanwhile."""
    try:
        import resource

        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = (ended.ru_minflt, ended.ru_majflt)
    except (ImportError, OSError):
        ended = None
    alive = []
    try:
        for thread in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % thread, "rb") as file:
                alive += file.read().split()
    except OSError:  # a thread has just ended, or the kernel does not tell
        pass
    return ended, sorted(alive)
