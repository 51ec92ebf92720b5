"""`Logger`, ALO's own logger, as some assets use it directly: its messages go the way of `save_info`."""

from alolib import _session
from alolib.exception import print_color  # noqa: F401  (assets import it from here as well)


class Logger:
    """Logs through the engine, with the file and line of the asset that called."""

    def __init__(self, envs=None, service=None):
        self.asset_envs = {} if envs is None else envs
        self._step = _session.current()

    def asset_info(self, msg, show=False):
        """Logs a message; `show=True` repeats it when the run has ended."""
        # Older assets pass a colour as the second argument.
        self._log("info", msg, show is True)

    def asset_message(self, msg):
        """Logs a message."""
        self._log("info", msg)

    def asset_warning(self, msg):
        """Logs a warning."""
        self._log("warning", msg)

    def asset_error(self, msg):
        """Logs an error and ends the step by raising it."""
        self._log("error", msg)

    user_info = asset_message
    user_warning = asset_warning
    user_error = asset_error

    def _log(self, level, msg, show=False):
        self._step.call("log", level=level, message=str(msg), show=show)
