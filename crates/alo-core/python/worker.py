"""The worker: a Python process of the asset's environment that runs steps for the engine.

Descriptor 0 is the socket to the engine; see `docs/design/worker-protocol.md`. The file does nothing unless it is the
main program: child processes that `multiprocessing` spawns for an asset load it as their `__main__` too.
"""

import sys


def main():
    """Serves the engine until it says `shutdown`; ends the process, or gives the exit code."""
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    # Last, not first: an asset's `import worker` must find the environment's package of that name, not this file.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here] + [here]
    sys.path_importer_cache.pop(here, None)

    # The environment may have a package of that name; the asset must get this one.
    sys.path.insert(0, here)
    from alolib import _channel, _compiled, _ending, _steps

    sys.path.remove(here)
    _compiled.distrust_young()

    socket = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    channel = _channel.Channel(socket)
    runner = _steps.Runner(channel)
    code = _serve(channel, runner)
    if not runner.is_forked:
        _ending.ignore_interrupts()
        _ending.finish()
        runner.release(forget=True)
        _ending.leave(code)
    return code


def _serve(channel, runner):
    """Does what the engine says until it says `shutdown`; gives the exit code."""
    import os

    from alolib import _channel

    hello = {"protocol": 1, "python": "%d.%d.%d" % sys.version_info[:3]}
    forks = None
    try:
        channel.tell({"hello": dict(hello, pid=os.getpid())})
        while True:
            order = channel.hear()
            if "shutdown" in order:
                return 0
            if forks is None and _leads_to_copies(order):
                forks = _forks()
            if "import" in order:
                _import_early(runner, order["import"])
                channel.tell({"imported": {}})
            if "settle" in order:
                channel.tell({"settled": forks.settle(order["settle"], runner)})
            if "fork" in order:
                copied = forks.fork(channel)
                if copied is not None:
                    channel = copied
                    runner.attach(channel)
                    channel.tell({"hello": dict(hello, pid=os.getpid())})
            if "run_step" in order:
                outcome = runner.run(order["run_step"])
                if channel.forked:
                    return _end_of_fork(outcome)
                channel.tell({"done": outcome})
    except _channel.EngineGone:
        return 1
    except KeyboardInterrupt:
        return 130


def _leads_to_copies(order):
    """Whether copies may be made of what the process is after that: from now on counts what is done to it."""
    steps = order.get("run_step") or order.get("import") or {}
    return "settle" in order or "fork" in order or bool(steps.get("swept") or steps.get("all"))


def _forks():
    from alolib._forks import Forks

    return Forks()


def _import_early(runner, order):
    import os

    try:
        runner.import_early(order)
    except KeyboardInterrupt:
        raise
    except BaseException:
        # What was imported cannot be taken back. Where no step has run there is nothing that could want to end in order.
        if runner.has_run:
            sys.exit(1)
        os._exit(1)


def _end_of_fork(outcome):
    """Ends a process that an asset forked and that came back from the asset, as if the asset had been its program."""
    failed = outcome.get("failed")
    if failed is None:
        return 0
    if failed["exit_code"] is None:
        sys.stderr.write(failed["traceback"])
        return 1
    return failed["exit_code"]


if __name__ == "__main__":
    try:
        CODE = main()
    except KeyboardInterrupt:  # while it starts or has ended its work: no asset of which a stack trace would tell
        CODE = 130
    sys.exit(CODE)
