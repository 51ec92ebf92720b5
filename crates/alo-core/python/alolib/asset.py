"""`Asset`, the class every asset derives from."""

import alolib
from alolib import _session, _watch


class _Lazy:
    """An attribute that is made when it is asked for, and gives way to one of the same name set by the asset."""

    def __init__(self, make):
        self._make = make
        self.__doc__ = make.__doc__

    def __get__(self, instance, owner=None):
        return self if instance is None else self._make(instance)


class Asset:
    """The base of `UserAsset`: `self.asset` (or `self` itself) offers the calls below.

    An asset of ALO 2.x has one parameter, an asset of ALO 1.0 has four::

        class UserAsset(Asset):
            def __init__(self, asset_structure):
                super().__init__(asset_structure)

        class UserAsset(Asset):
            def __init__(self, envs, argv, data, config):
                super().__init__(envs, argv, version=1.0)

    A call with wrong values raises at the line of the asset that made it.
    """

    def __init__(self, asset_structure=None, argv=None, data=None, config=None, version=None):
        step = _session.current()
        if hasattr(asset_structure, "envs"):
            envs, argv = asset_structure.envs, asset_structure.args
            data, config = asset_structure.data, asset_structure.config
        else:
            envs = asset_structure
        self._alo_step = step
        self.asset_envs = step.envs if envs is None else envs
        self.asset_args = step.args if argv is None else argv
        self.asset_data = step.data if data is None else data
        self.asset_config = step.config if config is None else config
        self.asset_version = version
        self.alolib_version = alolib.__version__
        self.alo_version = step.envs.get("alo_version", "")
        self.asset_branch = step.envs.get("asset_branch")
        self.solution_metadata_version = step.envs.get("solution_metadata_version")
        self.proc_start_time = step.envs.get("proc_start_time")
        self.project_home = step.envs.get("project_home", "")
        self.input_data_home = self.project_home + "input/"
        self.asset_home = self.project_home + "assets/"
        kind = "inference" if step.envs.get("pipeline") == "inference_pipeline" else "train"
        self.artifact_dir = kind + "_artifacts/"
        self.save_artifacts_path = step.envs.get("save_%s_artifacts_path" % kind)
        self.log_file_path = self.project_home + self.artifact_dir + "log/pipeline.log"
        self.context = {}
        self.debug_mode = False

    # A plain attribute would tie the asset into a cycle and keep its data alive after the step.
    @_Lazy
    def asset(self):
        """The asset itself: `self.asset.load_args()` and `self.load_args()` are the same call."""
        return self

    @_Lazy
    def logger(self):
        """The logger of ALO's own library, which some assets reach for."""
        from alolib.logger import Logger

        return Logger(self.asset_envs)

    user_asset_logger = logger

    @staticmethod
    def decorator_run(func):
        """Marks `run`. What must hold after `run` is checked for every asset, decorated or not."""
        return func

    def load_args(self):
        """Gives a copy of the step's arguments."""
        return self._alo_step.call("load_args")

    def load_envs(self):
        """Gives a dict of the run's environment: project, pipeline, step, artifact folders, versions."""
        return _watch.environment(self._alo_step.call("load_envs"))

    def load_config(self, what=None):
        """Gives the config handed on by the step before; `load_config('args')` (ALO 1.0) gives the arguments."""
        if what in (None, "config"):
            return self._alo_step.load_config()
        if what in ("args", "argv"):
            return self.load_args()
        if what == "envs":
            return self.load_envs()
        raise ValueError("`load_config` knows 'args', 'config' and 'envs', not %r" % (what,))

    def save_config(self, config):
        """Hands a dict on to the next step; exactly once in a step."""
        self._alo_step.save_config(config)
        self.asset_config = self._alo_step.config

    def load_data(self, partial_load=""):
        """Gives the data handed on by the step before, or the part of it whose keys contain `partial_load`."""
        return self._alo_step.load_data(partial_load)

    def save_data(self, data):
        """Hands a dict on to the next step; exactly once in a step. Anything else becomes `{'dataframe': data}`."""
        self._alo_step.save_data(data)
        self.asset_data = self._alo_step.data

    def check_args(self, arg_key, is_required=False, default="", chng_type="str"):
        """Gives an argument of the step as `chng_type` (`str`, `int`, `float`, `list` or `bool`).

        An argument that is absent or null is `default`, or an error if it `is_required`. A list stays a list.
        """
        return self._alo_step.check_args(arg_key, is_required, default, chng_type)

    def save_summary(self, result, score, note="", probability=None):
        """Writes the summary of the pipeline.

        `result` is a text of at most 32 characters, `score` a number from 0 to 1, `note` a text of at most 128
        characters, `probability` a dict of labels and numbers that add up to 1.
        """
        self._alo_step.call(
            "save_summary",
            result=result,
            score=score,
            note=note,
            probability={} if probability is None else probability,
        )

    def load_summary(self):
        """Gives the summary saved earlier in this pipeline."""
        return self._alo_step.call("load_summary")

    def get_input_path(self):
        """Gives the folder of the pipeline's input data, ending in `/`."""
        return self._alo_step.call("get_input_path")

    def get_model_path(self, use_inference_path=False):
        """Gives the folder of the step's model, ending in `/`; inference reads what train of the same name wrote.

        `use_inference_path=True` gives a folder of the inference pipeline's own.
        """
        return self._alo_step.call("get_model_path", use_inference_path=use_inference_path)

    def get_output_path(self):
        """Gives the folder for the pipeline's results, ending in `/`."""
        return self._alo_step.call("get_output_path")

    def get_extra_output_path(self):
        """Gives the folder for further files of this step, ending in `/`."""
        return self._alo_step.call("get_extra_output_path")

    def get_report_path(self):
        """Gives the folder for the training report, ending in `/`; an error in inference."""
        return self._alo_step.call("get_report_path")

    def read_custom_config(self, config_file_path):
        """Reads an `.ini` (as `ConfigParser`) or a `.yaml` (as dict) below the input folder."""
        answer = self._alo_step.call("read_custom_config", path=config_file_path)
        if "ini" not in answer:
            return answer["yaml"]
        from configparser import ConfigParser

        parser = ConfigParser()
        with open(answer["ini"], encoding="utf-8-sig") as file:
            parser.read_file(file, source=config_file_path)
        return parser

    def save_info(self, msg, show=False):
        """Logs a message; `show=True` repeats it when the run has ended."""
        self._alo_log("info", msg, bool(show))

    def save_warning(self, msg):
        """Logs a warning."""
        self._alo_log("warning", msg)

    def save_error(self, msg):
        """Logs an error and ends the step by raising it."""
        self._alo_log("error", msg)

    def _alo_log(self, level, msg, show=False):
        self._alo_step.call("log", level=level, message=str(msg), show=show)


class AssetStructure:
    """What a 2.x asset is made from: `envs`, `args`, `data` and `config` of its step."""

    def __init__(self, envs, args, data, config):
        self.envs = envs
        self.args = args
        self.data = data
        self.config = config
