"""Runs steps: imports an asset, makes its `UserAsset`, calls `run`, and tells what became of it."""

import os
import sys

from alolib import _session, _watch
from alolib._modules import StepModules, load_file
from alolib.asset import Asset, AssetStructure
from alolib.exception import AssetError


class Runner:
    """Runs one step after the other and holds the `data` and `config` between them."""

    def __init__(self, channel):
        self._channel = channel
        self._early = None
        #: Whether any step has been begun.
        self.has_run = False
        self._data = {}
        self._config = {}
        self._crash_file = None

    def run(self, order):
        """Runs one step; gives its outcome as the protocol has it."""
        self.has_run = True
        run = _Run(self._channel, order, self._early)
        try:
            self._prepare(order)
            self._data, self._config = run.through(self._data, self._config)
            return {"finished": run.seen}
        except BaseException as error:  # `sys.exit`, Ctrl-C and the like end the step, not the worker
            from alolib._traceback import failure

            return failure(run.stage, error, run.place())
        finally:
            _watch.stop()
            _session.set_current(None)
            _enter(order["cwd"])

    @property
    def is_forked(self):
        """Whether this process is one that an asset has forked."""
        return self._channel.forked

    def attach(self, channel):
        """Goes on in a copy of the worker, which has a line of its own."""
        self._channel = channel

    def release(self, forget=False):
        """Lets go of the crash file, and of what is handed on, too, if it is to `forget`."""
        if self._crash_file is not None:
            import faulthandler

            faulthandler.disable()
            self._crash_file.close()
            self._crash_file = None
        if forget:
            self._data, self._config = {}, {}

    def traces_of(self, run):
        """Why a copy would go on with what belongs to one run alone; None if nothing here names it."""
        from alolib import _traces

        # It is given anew to each step.
        self._config.pop("meta", None)
        trace = _traces.Trace(run)
        reason = _traces.in_values(trace, (self._data, self._config))
        if reason is not None:
            return reason
        try:
            return _traces.in_process(trace)
        except Exception as error:  # objects of packages may do anything when they are looked at
            return "what is in the process cannot be looked through (%s)" % type(error).__name__

    def import_early(self, order):
        """Imports what steps to come need, until the engine has something else to do. Raises `Spoilt`."""
        from alolib import _early_imports

        self._early = self._early or _early_imports.EarlyImports(self._channel.has_news)
        self._early.make(order)

    def _prepare(self, order):
        _enter(order["cwd"])
        sys.argv = [order["file"]]
        self._watch(order.get("crash_file"))
        if order.get("swept"):
            from alolib import _kept_out

            _kept_out.begin(order.get("keep_out"))
        hand_off = order.get("hand_off") or {}
        if order.get("new_pipeline"):
            self._data, self._config = {}, {}
        if hand_off.get("load_data"):
            self._data = _read(hand_off, "data")
        if hand_off.get("load_config"):
            self._config = _read(hand_off, "config")
        handed_on = sys.modules.get("alolib._handoff")
        if handed_on is not None:
            handed_on.forget()

    def _watch(self, path):
        """Lets the interpreter write where it was when the process dies of a signal."""
        if not path or (self._crash_file is not None and self._crash_file.name == path):
            return
        import faulthandler

        before, self._crash_file = self._crash_file, open(path, "ab", buffering=0)
        faulthandler.enable(self._crash_file, all_threads=False)
        if before is not None:
            before.close()


class _Run:
    """One step on its way through the stages; `stage` says how far it got."""

    def __init__(self, channel, order, early):
        self.stage = "init"
        self._channel = channel
        self._order = order
        self._early = early
        self._run = None
        self.seen = {}

    def through(self, data, config):
        """Takes the step through all stages; gives the data and config for the next one."""
        order = self._order
        config["meta"] = order.get("meta")
        modules = StepModules(order["folder"], order.get("real_folder"))
        watch = _watch.start(order)
        step = _session.Step(self._channel, order, modules, data, config)
        _session.set_current(step)
        with modules:
            try:
                self.stage = "import"
                if self._early is not None:
                    self._early.give(order["file"])
                module = load_file(order["module"], order["file"])
                self.stage = "class"
                make = _maker(module, step)
                self.stage = "init"
                asset, first_generation = make()
                self.stage = "run"
                self._run = type(asset).run
                self._conclude(step, asset.run(), first_generation)
                if watch is not None:
                    # What it holds open is closed.
                    del asset
                    self.seen = {"seen": watch.end()}
            finally:
                step.end()
        return step.carried()

    def _conclude(self, step, result, first_generation):
        """Saves what `run` returned, where it returned instead of saving, and lets the engine check the step."""
        if self._channel.forked:
            raise SystemExit(0)
        if step.is_saved:
            return
        file, line, function = self.place()
        at = {"file": os.path.basename(file), "line": line, "function": function}
        pair = isinstance(result, (tuple, list)) and len(result) == 2
        if pair and not step.saved:
            step.save_data(result[0], at)
            step.save_config(result[1], at)
        elif first_generation and not step.saved:
            raise AssetError("`run` must return `(data, config)`, it returned `%s`" % type(result).__name__)
        if not step.is_saved:
            # The engine refuses that.
            step.call("step_end", at)

    def place(self):
        """Gives file, line and name of the asset's `run`, for faults that no line of the asset raised."""
        if self._run is None:
            return None
        import linecache

        func = self._run
        while hasattr(func, "__wrapped__"):
            func = func.__wrapped__
        code = getattr(func, "__code__", None)
        if code is None:
            return self._order["file"], 1, "run"
        line = code.co_firstlineno
        # The first line is that of the first decorator.
        for offset in range(20):
            if linecache.getline(code.co_filename, line + offset).lstrip().startswith(("def ", "async def ")):
                return code.co_filename, line + offset, code.co_name
        return code.co_filename, line, code.co_name


def _enter(folder):
    try:
        os.chdir(folder)
    except OSError:  # the asset may have removed it; the engine notices what is missing
        pass


def _read(hand_off, what):
    from alolib import _handoff

    return _handoff.read(hand_off["load_" + what], what, hand_off.get("environments"))


def _maker(module, step):
    """Finds `UserAsset` and the way it is made."""
    name = os.path.basename(step.file)
    kind = vars(module).get("UserAsset")
    if not isinstance(kind, type):
        classes = sorted(
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        )
        found = "it defines %s" % ", ".join("`%s`" % key for key in classes) if classes else "it defines no class"
        raise AssetError("`%s` has no class `UserAsset`; %s" % (name, found))
    if not issubclass(kind, Asset):
        raise AssetError("`UserAsset` in `%s` does not derive from `alolib.asset.Asset`" % name)
    if not callable(getattr(kind, "run", None)):
        raise AssetError("`UserAsset` in `%s` has no method `run`" % name)
    generation = _generation(kind)
    if generation == 2:
        return lambda: (kind(AssetStructure(step.envs, step.args, step.data, step.config)), False)
    if generation == 1:
        return lambda: (kind(step.envs, step.args, step.data, step.config), True)
    raise AssetError(
        "`UserAsset.__init__` in `%s` takes %s; it must take `asset_structure`, or (ALO 1.0) `envs, argv, data, config`"
        % (name, generation)
    )


def _generation(kind):
    """Tells how the class is made: 2 with one argument, 1 with four; else the parameters it has, in words."""
    init = kind.__init__
    if init is Asset.__init__:
        return 2
    while hasattr(init, "__wrapped__"):
        init = init.__wrapped__
    code = getattr(init, "__code__", None)
    if code is None:
        return 2
    names = code.co_varnames[1 : code.co_argcount]
    required = len(names) - len(init.__defaults__ or ())
    keyword_only = code.co_kwonlyargcount - len(init.__kwdefaults__ or ())
    any_number = bool(code.co_flags & 0x04)
    takes_four = required <= 4 <= (4 if any_number else len(names))
    takes_one = required <= 1 <= (1 if any_number else len(names))
    if keyword_only <= 0:
        if takes_four and (not takes_one or names[:2] == ("envs", "argv")):
            return 1
        if takes_one:
            return 2
    return "`%s`" % ", ".join(names) if names else "no argument"
