"""The watch over a step: hooks that are in place while it runs, and tell what the step sees and changes.

Only steps whose result is to be kept are watched; for all others nothing of it is imported.
"""

import os

# The variables that the worker began with.
_VARIABLES = dict(os.environ)

_active = None


def start(order):
    """Begins to watch a step, if the engine wants to keep its result; gives None otherwise."""
    global _active
    wanted = order.get("watch")
    if not wanted:
        return None
    watch = Watch(order, wanted)
    watch.begin()
    _active = watch
    return watch


def stop():
    """Ends the watch of a step, however it has ended."""
    global _active
    watch, _active = _active, None
    if watch is not None:
        watch.leave()


def environment(envs):
    """Gives the environment such that a watched step's question for the run is noted."""
    return envs if _active is None else _active.environment(envs)


def asked_for_run():
    """Notes that the step asked for the run's id."""
    if _active is not None:
        _active.seen.asked_for_run = True


class Watch:
    """One step's hooks, and what they have seen."""

    def __init__(self, order, wanted):
        from alolib import _children, _process_state
        from alolib._environment import Environment
        from alolib._folders import Folders
        from alolib._seen import Seen

        self._process = _process_state.beginning(_VARIABLES)
        if wanted.get("load_process"):
            self._process.load(wanted["load_process"])
        self._folder = order["folder"]
        self._crash_file = order.get("crash_file")
        self._process_file = wanted["save_process"]
        folders = Folders(order, wanted)
        self._process_before = self._process.changes(self._folder)
        self._is_installed = folders.is_installed
        self._children = _children.known()
        self.seen = Seen(folders)
        #: Makes the run's environment one that is noted when it is read.
        self.environment = Environment
        self._filters = _process_state.Filters(self._process, self._is_installed)
        self._modules = _process_state.Modules(self.seen)

    def begin(self):
        """Puts the hooks in place; the audit hook is the last, so that it sees nothing of this."""
        from alolib import _audit, _looks, _unfinished

        self._filters.begin()
        self._modules.begin()
        _unfinished.begin(self._is_installed)
        _looks.begin(self.seen)
        _audit.begin(self.seen)

    def leave(self):
        """Takes the hooks away."""
        from alolib import _audit, _looks, _unfinished

        _audit.end()
        self._filters.end()
        self._modules.end()
        _looks.end()
        _unfinished.end()

    def end(self):
        """Stops watching; gives what the engine wants to know. The state of the process goes to its file, if it has changed."""
        from alolib import _children, _unfinished

        stop()
        seen = self.seen
        modules = self._ask(seen.note_modules) or []
        unfinished = self._ask(lambda: _unfinished.left(self._crash_file, modules))
        lost = self._ask(lambda: self._process.lost(self._is_installed) or self._modules.changed())
        self._ask(seen.note_search_path)
        if not seen.programs and _children.known() != self._children:
            seen.programs["a child process"] = True
        self._save_process()
        return dict(seen.report(), unfinished=unfinished, process=lost)

    def _ask(self, question):
        """Gives the answer; where there is none, nothing is known of the step."""
        try:
            return question()
        except Exception:
            self.seen.blind = True
            return None

    def _save_process(self):
        after = self._process.changes(self._folder)
        if after == self._process_before:
            return
        import pickle

        fd = os.open(self._process_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as file:
            pickle.dump(after, file, protocol=4)
