"""Keeps the modules of one step from another: each step sees the Python files of its own folder, and only while it runs."""

import os
import sys
from types import ModuleType


class StepModules:
    """A context in which `folder` is the first place where modules are looked for.

    On leaving it the modules that came from the folder are forgotten (objects made by them live on), and so are the
    entries of `sys.path` that point into it, whoever added them.
    """

    def __init__(self, folder):
        self._folder = folder
        self._roots = tuple({os.path.join(root, "") for root in (folder, os.path.realpath(folder))})
        # A project may keep its Python beside its assets; what is installed there belongs to every step.
        self._installed = tuple(
            os.path.join(prefix, "") for prefix in {sys.prefix, sys.base_prefix} if self._holds(prefix)
        )
        self._before = ()

    def __enter__(self):
        self._before = tuple(sys.path)
        sys.path.insert(0, self._folder)
        return self

    def __exit__(self, *_):
        for name in self.loaded():
            sys.modules.pop(name, None)
        sys.path[:] = [entry for entry in sys.path if entry in self._before or not self._holds(entry)]
        # A later step may change the folder's files before it runs them.
        for entry in [entry for entry in sys.path_importer_cache if self._holds(entry)]:
            sys.path_importer_cache.pop(entry, None)

    def loaded(self):
        """Gives the names and files of the loaded modules that came from the folder (a file is None for a folder)."""
        found = {}
        for name, module in list(sys.modules.items()):
            if not isinstance(module, ModuleType) or name.startswith(_FOREIGN):
                continue
            # Not `getattr`: modules that load themselves lazily would start doing so.
            attributes = vars(module)
            file = attributes.get("__file__")
            if isinstance(file, str):
                if self._holds(file):
                    found[name] = file
            elif file is None and "__path__" in attributes:
                if any(self._holds(entry) for entry in list(attributes["__path__"])):
                    found[name] = None
        return found

    def _holds(self, path):
        if not isinstance(path, str) or not path:
            return False
        path = os.path.join(os.path.abspath(path), "")
        return path.startswith(self._roots) and not path.startswith(getattr(self, "_installed", ()))


_FOREIGN = "_alo_of_"


def load_file(name, file, package=None):
    """Runs a Python file as the module `name`; nothing on `sys.path` can stand in for it."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, file, submodule_search_locations=package)
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def sources(folder):
    """Lists what a class of this step's modules must be looked up by in a later step: `{name: [name, file, folder]}`."""
    known = {name: [name, file, folder] for name, file in StepModules(folder).loaded().items() if file}
    known.update(_foreign)
    return known


#: Modules of other steps that were loaded to read values handed on by them, by the name they have here.
_foreign = {}


def foreign_module(name, file, folder):
    """Gives a module of another step, under a name of its own, so that it hides no module of the running step."""
    import importlib
    from hashlib import sha256

    top, dot, rest = name.partition(".")
    prefix = _FOREIGN + sha256(folder.encode("utf-8", "surrogateescape")).hexdigest()[:12] + "_"
    alias = prefix + name
    if alias not in sys.modules:
        with StepModules(folder):
            if dot:
                package = os.path.join(folder, top)
                if prefix + top not in sys.modules:
                    load_file(prefix + top, os.path.join(package, "__init__.py"), [package])
                importlib.import_module(alias)
            elif os.path.basename(file) == "__init__.py":
                load_file(alias, file, [os.path.dirname(file)])
            else:
                load_file(alias, file)
    _foreign[alias] = [name, file, folder]
    return sys.modules[alias]
