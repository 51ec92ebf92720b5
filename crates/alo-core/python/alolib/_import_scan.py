"""Finds out, from the text of an asset, which packages it imports before anything else it does could matter to them.

What is found may be imported before the step runs without the step, or another one, being able to tell: the statements
before it only import, define and name things. A call, a change of a variable of the environment or of the search path
ends the list, since a package may read at its import what these set. Imports inside of functions do not count: nobody
knows whether they will run.
"""

import _ast
import os

#: Names by which code changes what packages look at when they are imported.
_CHANGES = frozenset(
    (
        "environ environb putenv unsetenv load_dotenv chdir fchdir umask setlocale setrlimit addsitedir path_hooks meta_path"
        " reload invalidate_caches simplefilter filterwarnings resetwarnings set_start_method setswitchinterval"
        " basicConfig dictConfig fileConfig system Popen check_call check_output sched_setaffinity"
    ).split()
)
#: Attributes of `sys` of the same kind.
_CHANGES_OF_SYS = frozenset(("path", "modules", "flags", "setrecursionlimit", "setdlopenflags", "addaudithook"))


class Scan:
    """What a step imports first.

    `imports` lists name and from-list of each import in order; a list of two such lists is what is imported, and what
    instead where that is absent. With `goes_on` nothing in the step's code is known that a package imported after it
    could notice, so that those of the next step may be imported early as well.
    """

    def __init__(self, file, folder):
        self.imports = []
        self.goes_on = True
        self.names = names_in(folder)
        self._folder = folder
        self._seen = set()
        self._read(file, ())

    def _read(self, file, package):
        """Reads a file of the step; tells whether its statements are such that the next import may follow."""
        if file in self._seen:
            return True
        self._seen.add(file)
        try:
            tree = _parse(file)
        except Exception:  # the step will tell what is wrong with it
            self.goes_on = False
            return False
        self.goes_on = self.goes_on and not _changes_something(tree)
        return self._walk(tree.body, package)

    def _walk(self, statements, package):
        return all(self._pass(statement, package) for statement in statements)

    def _pass(self, statement, package):
        """Takes a statement; tells whether an import may follow it."""
        kind = type(statement)
        if kind is _ast.Import:
            return all(self._import(alias.name, (), package) for alias in statement.names)
        if kind is _ast.ImportFrom:
            names = tuple(alias.name for alias in statement.names)
            return self._import_from(statement.module or "", names, statement.level, package)
        if kind is _ast.Try:
            return self._try(statement, package)
        if kind is _ast.If and _is_name(statement.test, "TYPE_CHECKING"):
            return self._walk(statement.orelse, package)
        return _only_defines(statement)

    def _try(self, statement, package):
        """Takes imports of what may be absent, with one way to do without."""
        if len(statement.handlers) != 1:
            return False
        before, wanted, instead = self.imports, [], []
        before.append([wanted, instead])
        try:
            self.imports = wanted
            follows = self._walk(statement.body, package)
            self.imports = instead
            follows = self._walk(statement.handlers[0].body, package) and follows
        finally:
            self.imports = before
        return follows and self._walk([*statement.orelse, *statement.finalbody], package)

    def _import_from(self, module, names, level, package):
        if level:
            if level > len(package):
                return False
            module = ".".join([*package[: len(package) - level + 1], *([module] if module else [])])
        return self._import(module, names, package)

    def _import(self, name, names, package):
        parts = tuple(name.split("."))
        if parts[0] == "alolib":
            return True
        if parts[0] not in self.names:
            self.imports.append((name, names))
            return True
        # The step's own modules: not to be run, but what they import is imported with them.
        for count in range(1, len(parts) + 1):
            if not self._read_own(parts[:count]):
                return False
        return all(self._read_own((*parts, each)) for each in names if self._file_of((*parts, each)))

    def _read_own(self, parts):
        file = self._file_of(parts)
        if file is None:
            return os.path.isdir(os.path.join(self._folder, *parts))
        is_package = os.path.basename(file) == "__init__.py"
        return self._read(file, parts if is_package else parts[:-1])

    def _file_of(self, parts):
        place = os.path.join(self._folder, *parts)
        for file in (os.path.join(place, "__init__.py"), place + ".py"):
            if os.path.isfile(file):
                return file
        return None


def names_in(folder):
    """Gives the names by which the files and folders of a folder can be imported."""
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name.partition(".")[0]
                for entry in entries
                if entry.name.endswith((".py", ".pyc", ".so")) or entry.is_dir()
            }
    except OSError:
        return set()


def _parse(file):
    import warnings

    with open(file, "rb") as source:
        text = source.read()
    with warnings.catch_warnings():
        # They are shown when the step is imported.
        warnings.simplefilter("ignore")
        return compile(text, file, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)


def _only_defines(statement):
    """Whether a statement does nothing but to give names to values."""
    kind = type(statement)
    if kind in (_ast.FunctionDef, _ast.AsyncFunctionDef):
        return not statement.decorator_list and not _calls(statement.args)
    if kind is _ast.ClassDef:
        return not statement.decorator_list and not _changes_something(statement)
    if kind is _ast.Expr:
        return type(statement.value) is _ast.Constant
    if kind is _ast.Assign:
        return all(type(target) is _ast.Name for target in statement.targets) and not _calls(statement.value)
    if kind is _ast.AnnAssign:
        return type(statement.target) is _ast.Name and not (statement.value and _calls(statement.value))
    return kind is _ast.Pass


def _calls(node):
    return any(type(part) in (_ast.Call, _ast.Await, _ast.NamedExpr) for part in _parts(node))


def _changes_something(tree):
    for part in _parts(tree):
        kind = type(part)
        if kind is _ast.Attribute:
            if part.attr in _CHANGES or (part.attr in _CHANGES_OF_SYS and _is_name(part.value, "sys")):
                return True
        elif kind is _ast.Name:
            if part.id in _CHANGES:
                return True
        elif kind is _ast.ImportFrom:
            changes = _CHANGES_OF_SYS if part.module == "sys" else _CHANGES
            if any(alias.name in changes for alias in part.names):
                return True
    return False


def _is_name(node, name):
    return (type(node) is _ast.Name and node.id == name) or (type(node) is _ast.Attribute and node.attr == name)


def _parts(tree):
    """Gives all nodes of a tree. The module `ast`, which could do it, costs more to import than this."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, _ast.AST):
                waiting.append(value)
            elif isinstance(value, list):
                waiting.extend(item for item in value if isinstance(item, _ast.AST))
