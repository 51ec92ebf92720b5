"""One step as its asset sees it: the values it was given, and its conversation with the engine."""

import builtins
import os
import sys

from alolib import _watch
from alolib._channel import IN_CHILD
from alolib._values import DEFAULT, encode
from alolib.exception import AssetError

#: Folder of this package and the worker: its frames are of no interest to the author of an asset.
HOME = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")

_current = None


def current():
    """Gives the running step; an asset used outside of `alo run` gets an error that says so."""
    if _current is None:
        raise AssetError("an asset can only be used inside of `alo run`: there is no engine to answer its calls")
    return _current


def set_current(step):
    """Makes `step` (or nothing, for None) the one that new assets belong to."""
    global _current
    _current = step


class Step:
    """The running step: `data`, `config` and the calls of the asset API."""

    def __init__(self, channel, order, modules, data, config):
        self._channel = channel
        self._modules = modules
        self._over = False
        self.file = order["file"]
        self.folder = order["folder"]
        self.envs = _watch.environment(order["envs"])
        self.args = order["args"]
        self.data = data
        self.config = config
        self._hand_off = order.get("hand_off") or {}
        self.saved = set()
        self._own = modules.roots

    def __getstate__(self):
        """Assets are sent to worker processes along with their methods; there the step is known but has no engine."""
        kept = ("_over", "file", "folder", "envs", "args", "_hand_off", "saved", "_own")
        return dict({key: self.__dict__[key] for key in kept}, _channel=None, _modules=None, data={}, config={})

    def __deepcopy__(self, memo):
        return self

    def call(self, name, at=None, **arguments):
        """Makes an API call; what the engine refuses is raised here."""
        self._must_be_running()
        message = {
            "call": name,
            "arguments": {key: encode(value) for key, value in arguments.items()},
            "at": at or self._place(sys._getframe(1)),
        }
        with self._channel.lock:
            self._must_be_running()
            answer = self._channel.ask(message)
        if "refused" in answer:
            raise _refusal(answer["refused"])
        return answer.get("result")

    def _must_be_running(self):
        """Refuses calls of child processes, and those of threads that outlive their step."""
        if self._channel is None or self._channel.forked:
            raise AssetError(IN_CHILD)
        if self._over:
            raise AssetError("the step has ended: its asset can make no more calls")

    def end(self):
        """Ends the conversation: calls that threads of the asset make from now on are errors."""
        with self._channel.lock:
            self._over = True

    def check_args(self, arg_key, is_required, default, chng_type):
        """Asks for an argument; a default that no message can carry is handed back as it is."""
        value = self.call("check_args", arg_key=arg_key, is_required=is_required, default=default, chng_type=chng_type)
        return default if value is DEFAULT else value

    def load_data(self, partial_load):
        """Gives the data at hand: all of it as the very dict, or a new dict of the keys that were asked for."""
        if isinstance(partial_load, str) and partial_load == "":
            self._must_be_running()
            return self.data
        keys = set(self.call("load_data", partial_load=partial_load))
        return {key: value for key, value in self.data.items() if str(key) in keys}

    def load_config(self):
        """Gives the config at hand."""
        self._must_be_running()
        return self.config

    @property
    def is_saved(self):
        """Whether both values for the next step are there."""
        return len(self.saved) == 2

    def save_data(self, value, at=None):
        """Makes `value` the data of the next step."""
        answer = self.call("save_data", at, **_shape(value))
        if answer.get("wrap"):
            value = {"dataframe": value}
        self.data = value
        self._write("data", value)
        self.saved.add("data")

    def save_config(self, value, at=None):
        """Makes `value` the config of the next step."""
        self.call("save_config", at, **_shape(value))
        self.config = value
        self._write("config", value)
        self.saved.add("config")

    def carried(self):
        """Gives the `data` and `config` that stay in memory for the next step; what was written to a file does not."""
        return (
            {} if self._hand_off.get("save_data") else self.data,
            {} if self._hand_off.get("save_config") else self.config,
        )

    def _write(self, what, value):
        path = self._hand_off.get("save_" + what)
        if path:
            from alolib import _handoff

            with _WithoutMeta(value if what == "config" else {}):
                hand_off = self._hand_off
                _handoff.write(path, value, what, self._modules, hand_off.get("spare"), hand_off.get("next_here"))

    def _place(self, frame):
        """Finds the asset's line: the innermost frame in the step's own folder, else the caller of the API."""
        caller = None
        while frame is not None:
            file = frame.f_code.co_filename
            for own in self._own:
                if file.startswith(own):
                    return _at(file[len(own) :], frame)
            if caller is None and not file.startswith(HOME):
                caller = _at(os.path.basename(file), frame)
            frame = frame.f_back
        return caller or {"file": os.path.basename(self.file), "line": 1, "function": "<module>"}


class _WithoutMeta:
    """A context in which `config['meta']` is empty: each step gets its own, and that of a file would name an old run."""

    def __init__(self, config):
        self._config = config

    def __enter__(self):
        self._meta = self._config.get("meta")
        if self._meta is not None:
            self._config["meta"] = None

    def __exit__(self, *_):
        if self._meta is not None:
            self._config["meta"] = self._meta


def _at(file, frame):
    return {"file": encode(file), "line": frame.f_lineno, "function": frame.f_code.co_name}


def _shape(value):
    is_dict = isinstance(value, dict)
    keys = [str(key) for key in value] if is_dict else []
    return {"type": type(value).__name__, "is_dict": is_dict, "keys": keys}


def _refusal(refused):
    """Makes the exception the engine asks for; only those that take one message are made by name."""
    kind = getattr(builtins, refused.get("exception") or "", None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)) or issubclass(kind, UnicodeError):
        kind = AssetError
    error = kind(refused["message"])
    error.alo_refused = True
    return error
