"""The run's environment as a watched step sees it: asking for the run's id, which holds the time, is noted."""

from alolib import _watch


class Environment(dict):
    """A dict that tells the watch when somebody reads `run_id`."""

    def __getitem__(self, key):
        if key == "run_id":
            _watch.asked_for_run()
        return dict.__getitem__(self, key)

    def get(self, key, default=None):
        if key == "run_id":
            _watch.asked_for_run()
        return dict.get(self, key, default)

    def pop(self, key, *default):
        if key == "run_id":
            _watch.asked_for_run()
        return dict.pop(self, key, *default)

    def setdefault(self, key, default=None):
        if key == "run_id":
            _watch.asked_for_run()
        return dict.setdefault(self, key, default)

    def popitem(self):
        _watch.asked_for_run()
        return dict.popitem(self)

    def values(self):
        _watch.asked_for_run()
        return dict.values(self)

    def items(self):
        _watch.asked_for_run()
        return dict.items(self)

    # With an iterator of its own, `dict(envs)` and `{**envs}` ask for each key.
    def __iter__(self):
        return dict.__iter__(self)

    def keys(self):
        return dict.keys(self)

    def copy(self):
        return Environment(dict.items(self))

    def __reduce__(self):
        return dict, (dict(self),)

    def __repr__(self):
        _watch.asked_for_run()
        return dict.__repr__(self)
