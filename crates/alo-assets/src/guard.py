"""Runs a program so that nothing of it outlives the engine.

    python guard.py REPORT run SCRIPT [ARGUMENT...]    SCRIPT goes on in a fork of this interpreter
    python guard.py REPORT exec PROGRAM [ARGUMENT...]  PROGRAM is started

File descriptor 0 is one end of a socket pair whose other end the engine holds. When the engine closes it, or dies, the kernel
reports a hang-up here: the program is interrupted (SIGINT) and, half a second later, killed with every process it has started.
When the program ends by itself, what it left behind gets half a second to end too and is then killed and listed in REPORT.
The guard ends as the program ended: with the same exit code, or by the same signal.

A worker that copies itself loads this file as a module and calls `guard`, so that each copy has a guard of its own.

Standard library only, Python 3.8 and later. Linux adopts orphans here (child sub-reaper), so no process escapes by
detaching itself; elsewhere the program's process group is killed.
"""

import os
import select
import signal
import sys
import time

GRACE_SECONDS = 0.5
POLL_SECONDS = 0.01
PR_SET_CHILD_SUBREAPER = 36


def main():
    report, verb, program = sys.argv[1], sys.argv[2], sys.argv[3:]

    def ended(status, left_behind):
        if left_behind:
            write_report(report, left_behind)
        end_like(status)

    guard(ended)
    return program_of(verb, program)


def guard(ended):
    """Forks. The child returns; the parent watches over it, tells `ended` how it ended and what it left, and never returns."""
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    previous = signal.signal(signal.SIGCHLD, lambda *_: None)
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, previous)
        os.close(woken)
        os.close(waker)
        os.setpgid(0, 0)
        return
    adopt_orphans()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    release_output()
    status, stopped = watch(child, woken)
    left_behind = end_descendants(child, 0.0 if stopped else GRACE_SECONDS)
    ended(status, left_behind)
    os._exit(1)


def program_of(verb, program):
    """Becomes the program (`exec`), or returns what is left to do in this interpreter (`run`)."""
    if verb == "run":
        return program
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(program[0], program)
    except OSError as error:
        os.write(2, ("%s: %s\n" % (program[0], error.strerror)).encode())
        os._exit(127)


def adopt_orphans():
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def release_output():
    """Lets go of the program's stdout and stderr, so that they end when the program's processes have ended."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def watch(child, woken):
    """Waits until the child ends; ends it when the engine is gone. Tells its status, and whether it was ended."""
    events = select.poll()
    events.register(0, 0)  # a hang-up is reported without being asked for
    events.register(woken, select.POLLIN)
    killed_at, stopped = None, False
    while True:
        status = reap(child)
        if status is not None:
            return status, stopped
        wait = None if killed_at is None else max(0.0, killed_at - time.monotonic()) * 1000
        for descriptor, _ in events.poll(wait):
            if descriptor == woken:
                os.read(woken, 4096)
            else:
                events.unregister(0)
                stopped = True
                signal_process(child, signal.SIGINT)
                killed_at = time.monotonic() + GRACE_SECONDS
        if killed_at is not None and time.monotonic() >= killed_at:
            signal_process(child, signal.SIGKILL)
            killed_at = None


def reap(child):
    """Collects ended processes; the child's status if it is among them."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == child:
            status = ended


def end_descendants(child, grace):
    """Waits a moment for what the program left behind, then kills it. Lists what had to be killed."""
    deadline = time.monotonic() + grace
    while True:
        reap(child)
        if (childless() or not descendants()) and not group_lives(child):
            return []
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)
    found = {}
    for _ in range(500):
        alive = descendants()
        for pid in alive:
            found.setdefault(pid, command_of(pid))
            signal_process(pid, signal.SIGKILL)
        if group_lives(child):
            signal_group(child, signal.SIGKILL)
        reap(child)
        if not alive and not group_lives(child):
            break
        time.sleep(POLL_SECONDS)
    return [{"pid": pid, "command": command} for pid, command in sorted(found.items())]


def childless():
    """Whether this process has no children at all, and so nobody below it. Asking the kernel spares a look at every process."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def descendants():
    """The living processes below this one, children of children included (Linux)."""
    children = {}
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    for pid in pids:
        try:
            with open("/proc/%s/stat" % pid, "rb") as stat:
                state, parent = stat.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state not in (b"Z", b"X"):
            children.setdefault(int(parent), []).append(int(pid))
    below, waiting = [], [os.getpid()]
    while waiting:
        found = children.get(waiting.pop(), [])
        below += found
        waiting += found
    return below


def command_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as line:
            return line.read(400).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def group_lives(group):
    """Whether a process of the program's own group is left, where /proc cannot tell."""
    if os.path.isdir("/proc/self"):
        return False
    try:
        os.killpg(group, 0)
        return True
    except OSError:
        return False


def signal_process(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass


def signal_group(group, number):
    try:
        os.killpg(group, number)
    except OSError:
        pass


def write_report(path, left_behind):
    import json

    try:
        with open(path, "w", encoding="utf-8") as report:
            json.dump({"left_behind": left_behind}, report)
    except OSError:
        pass


def end_like(status):
    if os.WIFSIGNALED(status):
        import resource

        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the program has written its own
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    SCRIPT = main()

    # The fork goes on as the script's own interpreter: nothing of the guard stays in its `__main__`.
    sys.argv[:] = SCRIPT
    sys.path[0] = os.path.dirname(os.path.abspath(SCRIPT[0]))
    sys.modules["__main__"] = type(sys)("__main__")
    sys.modules["__main__"].__file__ = os.path.abspath(SCRIPT[0])
    sys.modules["__main__"].__builtins__ = __builtins__
    with open(SCRIPT[0], "rb") as source:
        exec(compile(source.read(), sys.modules["__main__"].__file__, "exec"), sys.modules["__main__"].__dict__)
