"""Looks at the code of assets without running any of it.

    python -I -S -c THIS < QUESTIONS > ANSWERS

QUESTIONS is a JSON list of `{"file", "arguments"}`: an asset's file, and the arguments that plans give it. ANSWERS has one
line of JSON for each of them, in order, written as soon as it is known: should a file bring the interpreter down, it is the
first one without an answer. What is found is told as facts and places; the words are chosen by the reader.

Nothing is imported but the standard library: an asset is text here. Python 3.8 and later.
"""

import ast
import json
import os
import re
import sys
import tokenize
import warnings

LARGEST_FILE = 16 * 1024 * 1024
MOST_ENTRIES = 5000
SAVES = ("save_data", "save_config")
WATCHED = SAVES + ("save_summary", "get_output_path", "check_args")
TYPES = ("str", "int", "float", "list", "bool")
#: Calls that are given the asset and do not call back.
HARMLESS = ("super", "isinstance", "issubclass", "hasattr", "type", "id", "len", "print", "str", "repr", "vars", "dir")
#: Calls after which nobody can tell from the text what is done.
OPAQUE = ("exec", "eval", "__import__", "import_module", "run_path", "run_module")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
MAYBE = object()


class Fault(Exception):
    """A file that cannot be looked into: the finding that says so."""

    def __init__(self, **finding):
        super().__init__(finding)
        self.finding = finding


class Text:
    """The text of a file, and where its lines are."""

    def __init__(self, text):
        self.text = text
        self.lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text) or [""]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line.encode("utf-8", "replace")))

    def place(self, line, column):
        """Gives the place at a column in characters, from 0, of a line, from 1; one outside the text is moved into it."""
        if line > len(self.lines):
            line, column = len(self.lines), sys.maxsize
        line = max(line, 1)
        content = self.lines[line - 1].rstrip("\r\n")
        # A byte order mark is no column.
        mark = 1 if content.startswith("\ufeff") else 0
        column = min(max(column, 0), len(content) - mark)
        offset = self.starts[line - 1] + len(content[: column + mark].encode("utf-8", "replace"))
        return {"line": line, "column": column + 1, "offset": offset}

    def characters(self, line, column):
        """Turns a column in bytes, as syntax trees have them, into one in characters."""
        content = self.lines[min(line, len(self.lines)) - 1].lstrip("\ufeff")
        return len(content.encode("utf-8", "replace")[:column].decode("utf-8", "ignore"))

    def span(self, start, end):
        return {"start": self.place(*start), "end": self.place(*end)}

    def of(self, node):
        """Gives the span of an expression."""
        start = node.lineno, self.characters(node.lineno, node.col_offset)
        end = node.end_lineno, self.characters(node.end_lineno, node.end_col_offset)
        return self.span(start, end)

    def of_name(self, node):
        """Gives the span of the name of a class or a function."""
        column = self.characters(node.lineno, node.col_offset)
        content = self.lines[min(node.lineno, len(self.lines)) - 1].lstrip("\ufeff")
        found = re.match(r"(?:async\s+)?(?:class|def)\s+", content[column:])
        start = column + (found.end() if found else 0)
        return self.span((node.lineno, start), (node.lineno, start + len(node.name)))


def read(path):
    """Reads and parses a Python file; gives its text and its tree."""
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Fault(kind="unreadable", reason=error.strerror or str(error))
    if len(raw) > LARGEST_FILE:
        raise Fault(kind="unreadable", reason="it is larger than %d MiB" % (LARGEST_FILE >> 20))
    text = decode(raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return text, ast.parse(raw, path)
    except SyntaxError as error:
        raise Fault(kind="syntax", text=text.text, **of_syntax_error(error, text))
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "it is nested too deep"
        raise Fault(kind="syntax", text=text.text, error=type(error).__name__, reason=reason)


def decode(raw):
    lines = iter(raw.splitlines(True))
    try:
        encoding, _ = tokenize.detect_encoding(lambda: next(lines, b""))
        # The byte order mark stays: it counts where bytes are counted.
        return Text(raw.decode("utf-8" if encoding == "utf-8-sig" else encoding))
    except UnicodeDecodeError as error:
        before = Text(raw[: error.start].decode(error.encoding, "replace") + "?")
        last = len(before.lines), len(before.lines[-1].lstrip("\ufeff")) - 1
        text = Text(raw.decode(error.encoding, "replace"))
        span = text.span(last, (last[0], last[1] + 1))
        raise Fault(kind="syntax", text=text.text, error="SyntaxError", reason=str(error), span=span)
    except (SyntaxError, LookupError) as error:
        text = Text(raw.decode("utf-8", "replace"))
        raise Fault(kind="syntax", text=text.text, error="SyntaxError", reason=getattr(error, "msg", None) or str(error))


def of_syntax_error(error, text):
    told = {"error": type(error).__name__, "reason": error.msg or "invalid syntax"}
    if error.lineno:
        start = error.lineno, (error.offset or 1) - 1
        end = getattr(error, "end_lineno", None) or 0, (getattr(error, "end_offset", None) or 0) - 1
        told["span"] = text.span(start, end if end > start else (start[0], start[1] + 1))
    return told


def dotted(expression):
    """Gives `a.b.c` as a list of its names; None for any other expression."""
    names = []
    while isinstance(expression, ast.Attribute):
        names.append(expression.attr)
        expression = expression.value
    return [expression.id] + names[::-1] if isinstance(expression, ast.Name) else None


def statements(body):
    """Gives the statements of a module or class, those under `if`, `try` and `with` included."""
    for statement in body:
        yield statement
        for field in ("body", "orelse", "finalbody"):
            if isinstance(statement, (ast.If, ast.Try, ast.With)):
                yield from statements(getattr(statement, field, []))
        for handler in getattr(statement, "handlers", []):
            yield from statements(handler.body)


class Names:
    """What the names of a file stand for."""

    def __init__(self, tree):
        self.classes, self.imports, self.assigned, self.stars = {}, {}, set(), []
        for statement in statements(tree.body):
            if isinstance(statement, ast.ClassDef):
                self.classes[statement.name] = statement
                self.imports.pop(statement.name, None)
            elif isinstance(statement, ast.Import):
                for name in statement.names:
                    head = name.name.partition(".")[0]
                    self.imports[name.asname or head] = name.name if name.asname else head
            elif isinstance(statement, ast.ImportFrom):
                origin = "." * statement.level + (statement.module or "")
                for name in statement.names:
                    if name.name == "*":
                        self.stars.append(origin)
                    else:
                        self.imports[name.asname or name.name] = "%s.%s" % (origin, name.name)
                        self.classes.pop(name.asname or name.name, None)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for target in targets:
                    self.assigned.update(node.id for node in ast.walk(target) if isinstance(node, ast.Name))

    def is_elsewhere(self, name):
        """Whether the name comes, or may come, from another file or out of an expression."""
        return name in self.imports or name in self.assigned or bool(self.stars)

    def is_asset(self, base, seen=()):
        """Whether a base class is or derives from alolib's `Asset`: True, False or MAYBE."""
        names = dotted(base)
        if names is None:
            return MAYBE
        head = names[0]
        if head in self.imports:
            full = ".".join([self.imports[head]] + names[1:])
            return True if full.startswith("alolib.") and full.endswith(".Asset") else MAYBE
        if head in self.classes and len(names) == 1:
            return False if head in seen else self.derives(self.classes[head], seen + (head,))
        if head == "Asset" and "alolib.asset" in self.stars:
            return True
        return MAYBE if head in self.assigned or self.stars else False

    def derives(self, kind, seen=()):
        """Whether a class derives from alolib's `Asset`: True, False or MAYBE."""
        answers = [self.is_asset(base, seen) for base in kind.bases]
        if True in answers:
            return True
        return MAYBE if MAYBE in answers or kind.keywords else False

    def method(self, kind, name, seen=()):
        """Finds a method in a class or its bases: its definition, None, or MAYBE."""
        found = None
        for statement in statements(kind.body):
            if isinstance(statement, FUNCTIONS) and statement.name == name:
                found = statement
            elif isinstance(statement, ast.Assign) and any(dotted(target) == [name] for target in statement.targets):
                found = MAYBE
        if found is not None:
            return found
        for base in kind.bases:
            names = dotted(base)
            if names and len(names) == 1 and names[0] in self.classes and names[0] not in seen:
                found = self.method(self.classes[names[0]], name, seen + (names[0],))
            elif self.is_asset(base) is MAYBE:
                found = MAYBE
            if found is not None:
                return found
        return None


class Uses:
    """What a file calls of the asset API, wherever in it."""

    def __init__(self):
        self.names, self.read = set(), set()
        self.dynamic = self.opaque = self.own_paths = False
        self.wrong_types = []

    def add(self, tree):
        """Adds a file; gives the calls of `check_args` whose type does not exist."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                if node.attr in WATCHED:
                    self.names.add(node.attr)
                self.own_paths |= node.attr in ("asset_envs", "load_envs", "artifact_dir")
            elif isinstance(node, ast.Call):
                self.add_call(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.own_paths |= "inference_artifacts" in node.value

    def add_call(self, call):
        names = dotted(call.func)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "check_args":
            self.add_argument(call)
        elif names and names[-1] in OPAQUE:
            self.opaque = True
        elif not (names and len(names) == 1 and names[0] in HARMLESS) and not is_super(call.func):
            given = list(call.args) + [keyword.value for keyword in call.keywords]
            self.opaque |= any(dotted(value) in (["self"], ["self", "asset"]) for value in given)

    def add_argument(self, call):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        starred = None in keywords or any(isinstance(value, ast.Starred) for value in call.args)
        key = keywords.get("arg_key", call.args[0] if call.args else None)
        if starred or not isinstance(key, ast.Constant):
            self.dynamic = True
        else:
            self.read.add(str(key.value))
        kind = keywords.get("chng_type", call.args[3] if len(call.args) > 3 and not starred else None)
        if isinstance(kind, ast.Constant) and str(kind.value).lower() not in TYPES:
            self.wrong_types.append(kind)


def is_super(function):
    """Whether it is `super().__init__` or the like."""
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Call) and dotted(function.func) == ["super"]


class Modules:
    """The Python files beside an asset, found by what they are imported as."""

    def __init__(self, folder):
        self.files, self.compiled = {}, set()
        count = 0
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
            for name in names:
                stem, end = os.path.splitext(name)
                stem = os.path.basename(place) if stem == "__init__" else stem
                if end == ".py":
                    self.files.setdefault(stem, []).append(os.path.join(place, name))
                elif end in (".so", ".pyd"):
                    self.compiled.add(stem.partition(".")[0])
            count += len(names) + len(folders)
            if count > MOST_ENTRIES:
                break

    def add_imported(self, tree, uses):
        """Adds what the own modules that a file imports use, and those that they import."""
        waiting, seen = [tree], set()
        while waiting:
            for name in imported(waiting.pop()):
                uses.opaque |= name in self.compiled
                for path in self.files.get(name, []):
                    if path in seen:
                        continue
                    seen.add(path)
                    try:
                        found = read(path)[1]
                    except Fault:
                        uses.opaque = True
                        continue
                    uses.add(found)
                    waiting.append(found)


def imported(tree):
    """Gives every name that may be a module: of `import a.b` a and b, of `from a import b` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from name.name.split(".")
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
            for name in node.names:
                yield name.name


def parameters(init):
    """Gives the parameters of `__init__` behind `self`, and the generation they mean (None: neither)."""
    arguments = init.args
    names = [argument.arg for argument in arguments.posonlyargs + arguments.args][1:]
    required = max(len(names) - len(arguments.defaults), 0)
    most = sys.maxsize if arguments.vararg else len(names)
    four, one = required <= 4 <= most, required <= 1 <= most
    if any(default is None for default in arguments.kw_defaults):
        return names, None
    if four and (not one or names[:2] == ["envs", "argv"]):
        return names, "1.0"
    return names, "2.x" if one else None


def returned(function):
    """Gives the values that a function returns, those of functions inside it left out."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value
        if not isinstance(node, FUNCTIONS + (ast.Lambda, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))


def saves_of(statement):
    """Gives the calls of `save_data` and `save_config` in a statement itself, not in those below it."""
    for part in ast.iter_child_nodes(statement):
        if isinstance(part, (ast.expr, ast.withitem)):
            for node in ast.walk(part):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAVES:
                    yield node


def repeated_saves(body, in_loop=False):
    """Gives calls that happen more than once: `(call, the call before it or None for a loop)`."""
    before = {}
    for index, statement in enumerate(body):
        leaves = any(isinstance(later, (ast.Return, ast.Break, ast.Raise)) for later in body[index + 1 :])
        repeats = in_loop and not leaves
        for call in saves_of(statement):
            if repeats and not isinstance(statement, ast.Return):
                yield call, None
            elif call.func.attr in before:
                yield call, before[call.func.attr]
            elif isinstance(statement, ast.Expr):
                before[call.func.attr] = call
        if isinstance(statement, LOOPS):
            yield from repeated_saves(statement.body, True)
            yield from repeated_saves(statement.orelse, repeats)
        elif isinstance(statement, FUNCTIONS + (ast.ClassDef,)):
            yield from repeated_saves(statement.body)
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from repeated_saves(getattr(statement, field, []), repeats)
            for part in getattr(statement, "handlers", []) + getattr(statement, "cases", []):
                yield from repeated_saves(part.body, repeats)


class Inspection:
    """All that is found in one asset."""

    def __init__(self, text, tree, path):
        self.text, self.tree = text, tree
        self.names = Names(tree)
        self.findings = []
        self.generation = None
        self.uses = Uses()
        self.uses.add(tree)
        wrong_types, self.uses.wrong_types = self.uses.wrong_types, []
        for kind in wrong_types:
            self.tell("arg_type", text.of(kind), value=str(kind.value))
        Modules(os.path.dirname(path)).add_imported(tree, self.uses)
        self.kind = self.names.classes.get("UserAsset")

    def tell(self, kind, span, **more):
        self.findings.append(dict(more, kind=kind, span=span))

    def look(self):
        if self.kind is None:
            if not self.names.is_elsewhere("UserAsset"):
                self.tell("class_missing", self.text.span((1, 0), (1, 0)), classes=list(self.names.classes))
            return
        span = self.text.of_name(self.kind)
        derives = self.names.derives(self.kind)
        if derives is False:
            bases = [base for base in (dotted(base) for base in self.kind.bases) if base]
            self.tell("base_class", span, bases=[".".join(base) for base in bases])
            # What such a class does or does not do is beside the point.
            self.kind = None
            return
        self.look_at_init(derives)
        run = self.names.method(self.kind, "run")
        if run is None:
            methods = [found.name for found in statements(self.kind.body) if isinstance(found, FUNCTIONS)]
            self.tell("run_missing", span, methods=[name for name in methods if not name.startswith("_")])
        elif run is not MAYBE:
            self.look_at_run(run)

    def look_at_init(self, derives):
        init = self.names.method(self.kind, "__init__")
        if init is None:
            self.generation = "2.x" if derives is True else None
        elif init is not MAYBE and not init.decorator_list:
            names, self.generation = parameters(init)
            if self.generation is None:
                self.tell("init", self.text.of_name(init), parameters=names)

    def look_at_run(self, run):
        parts = [part for decorator in run.decorator_list for part in ast.walk(decorator)]
        if "decorator_run" not in [getattr(part, "attr", getattr(part, "id", None)) for part in parts]:
            self.tell("run_undecorated", self.text.of_name(run))
        if self.generation != "2.x":
            return
        missing = [name for name in SAVES if name not in self.uses.names]
        results = [value for value in returned(run) if not isinstance(value, ast.Constant)]
        pairs = [value for value in results if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == 2]
        # `return data, config`, as in ALO 1.0, saves them too.
        if missing and not (pairs and len(missing) == len(SAVES)):
            uncertain = self.uses.opaque or bool(results)
            self.tell("save_missing", self.text.of_name(run), calls=missing, uncertain=uncertain)
        for call, first in repeated_saves(self.kind.body):
            before = None if first is None else self.text.of(first)
            self.tell("save_repeated", self.text.of(call.func), call=call.func.attr, first=before)

    def answer(self, arguments):
        wanted, named = set(arguments), {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in wanted:
                named.setdefault(node.value, self.text.of(node))
        uses = self.uses
        return {
            "text": self.text.text,
            "generation": self.generation,
            "class": None if self.kind is None else self.text.of_name(self.kind),
            "findings": self.findings,
            "uses": sorted(uses.names),
            "opaque": uses.opaque,
            "own_paths": uses.own_paths,
            "read": sorted(uses.read),
            "dynamic": uses.dynamic,
            "named": named,
        }


def inspect(question):
    try:
        text, tree = read(question["file"])
        inspection = Inspection(text, tree, question["file"])
        inspection.look()
        return inspection.answer(question["arguments"])
    except Fault as fault:
        text = fault.finding.pop("text", "")
        return {"text": text, "findings": [fault.finding], "failed": True}


def main():
    output = sys.stdout.buffer
    for question in json.loads(sys.stdin.buffer.read().decode("utf-8")):
        line = json.dumps(inspect(question), ensure_ascii=False)
        # Half of a surrogate pair, which Python's texts may hold, is not for JSON.
        output.write(line.encode("utf-8", "replace") + b"\n")
        output.flush()


main()
