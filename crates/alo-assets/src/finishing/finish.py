"""Finishes a new environment: imports what was asked for, then compiles byte-code, with the environment's own Python.

    python finish.py ORDER

ORDER is JSON: `import` (names of distributions; `null`: none is left to do), `jobs` (processes at once), `seconds` (for one
import), `tests` (whether folders of tests are compiled, too). It tells, a JSON object a line on stdout:

    {"importing": […]}      these will be imported
    {"import": {"requirement": …, "module": …, "state": "ok" | "warning" | "error", "cause": …}}
    {"checked": {}}         every import was tried
    {"compiled": "code"}    all but folders of tests
    {"compiled": "all"}

Each import has a process of its own, a fork of this one, so that what it does to itself stays there. Standard library only, Python
3.8 and later. It leaves a processor to the run beside it, and compiles only where the run needs none: a bad import is to be known
soon, byte-code only at the run's end.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import select
import signal
import sys
import time
import warnings

NICENESS = 10
POLL_SECONDS = 0.02
KEPT_BYTES = 64 * 1024
LONGEST_CAUSE = 500
TEST_FOLDERS = {"test", "tests"}
# Top-level modules that some distributions leave behind by mistake.
NOT_IMPORTED = {"benchmarks", "docs", "examples", "scripts", "setup", "test", "tests"}
CRASHES = {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}

# What means, in the words of an import that failed, that compiled code does not fit to its neighbours.
OTHER_NUMPY = (
    "_ARRAY_API not found",
    "binary incompatibility",
    "compiled against ABI version",
    "compiled against API version",
    "compiled against NumPy C-API version",
    "compiled using NumPy",
    "dtype size changed",
    "multiarray failed to import",
)
# An operator that the library at hand does not have: torchvision beside a PyTorch it was not made for.
OTHER_TORCH = re.compile(r"operator torch\w*::\w+ does not exist")
# What means that there is no screen.
NO_DISPLAY = re.compile(r"failed to acquire X connection|DisplayNameError|DisplayConnectionError|\bDISPLAY\b|connect to X server|no display name")
# Libraries of drivers: without them a package works on the processor, or not on this machine.
DRIVERS = re.compile(r"lib(cuda|cudart|cudnn|cublas|cufft|curand|cusparse|cusolver|nccl|nvidia|nvrtc|rocm|amdhip|hip)[\w.-]*\.so")


def main():
    order = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    news = os.dup(1)
    silence()

    def tell(message):
        os.write(news, (json.dumps(message) + "\n").encode())

    if order["import"] is not None:
        waiting = importable(order["import"])
        tell({"importing": [name for name, _ in waiting]})
        for outcome in import_all(waiting, max(1, order["jobs"] - 1), order["seconds"]):
            tell({"import": outcome})
        tell({"checked": {}})
    try:
        os.nice(NICENESS)
    except OSError:
        pass
    code, tests = sources()
    if not compile_all(code, order["jobs"]):
        return 1
    tell({"compiled": "code"})
    if order["tests"]:
        if not compile_all(tests, order["jobs"]):
            return 1
        tell({"compiled": "all"})
    return 0


def silence():
    """Sends what imports print, from now on, nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)


# --- imports


def importable(names):
    """The distributions that have something to import, each with its modules."""
    found = ((name, modules_of(name)) for name in requirements(names))
    return [(name, modules) for name, modules in found if modules]


def import_all(waiting, jobs, seconds):
    """Imports the distributions, several at once. The last comes first: a run that goes on beside this begins at the other end."""
    running = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            trial = Trial(*waiting.pop(), seconds)
            running[trial.output] = trial
        ready, _, _ = select.select(list(running), [], [], POLL_SECONDS)
        for output in ready:
            running[output].hear()
        for output, trial in list(running.items()):
            outcome = trial.ended()
            if outcome is not None:
                del running[output]
                yield outcome


def requirements(names):
    """The names, and those of distributions that were installed from a path or an address."""
    found = {}
    for name in names:
        found.setdefault(normal(name), name)
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and normal(name) not in found and distribution.read_text("direct_url.json"):
            found[normal(name)] = name
    return list(found.values())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def modules_of(name):
    """The modules a distribution can be imported by, the most likely first; none if it has nothing to import."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    files = [file for file in distribution.files or [] if file.parts and ".." not in file.parts]
    listed = (distribution.read_text("top_level.txt") or "").split()
    found = {entry.replace("/", ".") for entry in listed} or top_level(files)
    usual = normal(name).replace("-", "_")
    found = {
        module
        for module in found
        if module not in NOT_IMPORTED and not module.startswith("_") and all(map(str.isidentifier, module.split(".")))
    }
    return sorted(found, key=lambda module: (module.lower() != usual, module.count("."), module))


def top_level(files):
    """Modules and packages that lie directly in the environment; of a namespace, the packages in it."""
    packages = {file.parts[:-1] for file in files if file.name == "__init__.py"}
    found = {".".join(package) for package in packages if not any(package[:n] in packages for n in range(1, len(package)))}
    for file in files:
        if len(file.parts) == 1 and file.name.endswith((".py", ".so", ".pyd")):
            found.add(file.name.split(".")[0])
    return found


class Trial:
    """An import that is going on in a process of its own."""

    def __init__(self, requirement, modules, seconds):
        self.requirement, self.modules = requirement, modules
        self.text, self.deadline = b"", time.monotonic() + seconds
        self.seconds = seconds
        self.output, output = os.pipe()
        self.answer, answer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            try_import(modules, answer)
        os.close(output)
        os.close(answer)

    def hear(self):
        self.text = (self.text + os.read(self.output, 65536))[-KEPT_BYTES:]

    def ended(self):
        """What came of it, once it has ended or its time is over."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        late = pid == 0 and time.monotonic() >= self.deadline
        if pid == 0 and not late:
            return None
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except OSError:
            pass
        if late:
            os.waitpid(self.pid, 0)
        while select.select([self.output], [], [], 0)[0]:
            before = self.text
            self.hear()
            if self.text == before:
                break
        answer = os.read(self.answer, 65536) if select.select([self.answer], [], [], 0)[0] else b""
        os.close(self.output)
        os.close(self.answer)
        text = self.text.decode("utf-8", "replace")
        if late:
            return self.outcome("warning", "it was not imported within %d s" % self.seconds)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            state = "error" if number in CRASHES else "warning"
            return self.outcome(state, "its import crashed (%s)" % signal.Signals(number).name)
        if not answer:
            return self.outcome("warning", "its import ended the process")
        said = json.loads(answer.decode())
        return self.outcome(*judge(said, text), module=said["module"])

    def outcome(self, state, cause, module=None):
        cause = cause and cause.strip()[:LONGEST_CAUSE]
        return {"requirement": self.requirement, "module": module or self.modules[0], "state": state, "cause": cause}


def try_import(modules, answer):
    """Imports the first of the modules that can be imported, tells how it went, and ends the process."""
    first = None
    for module in modules:
        said = {"module": module, "exception": None, "kinds": [], "missing": None, "text": ""}
        try:
            __import__(module)
            first = said
            break
        except BaseException as error:  # also `SystemExit`: nothing that an import does may pass for a success
            said["exception"] = type(error).__name__
            said["kinds"] = [kind.__name__ for kind in type(error).__mro__]
            said["missing"] = getattr(error, "name", None) if isinstance(error, ImportError) else None
            said["text"] = str(error)[:8192]
            first = first or said
    os.write(answer, json.dumps(first).encode())
    os._exit(0)


def judge(said, text):
    """The state of a requirement, and the cause in one sentence if it is not well."""
    if said["exception"] is None:
        if "_ARRAY_API not found" in text:
            return "warning", "a part of it was built for another NumPy: AttributeError: _ARRAY_API not found"
        return "ok", None
    lines = [line for line in said["text"].strip().splitlines() if line.strip()]
    cause = "%s: %s" % (said["exception"], lines[0] if lines else "")
    everything = said["text"] + "\n" + text
    for sign in OTHER_NUMPY:
        if sign in everything:
            return "error", "it was built for another NumPy (%s)" % cause
    if OTHER_TORCH.search(everything):
        return "error", "it was built for another PyTorch (%s)" % cause
    if "ImportError" not in said["kinds"] or NO_DISPLAY.search(said["text"]):
        return "warning", cause
    if said["missing"] == said["module"] and "ModuleNotFoundError" in said["kinds"]:
        return "ok", None  # its list of modules is wrong; that says nothing of what works
    if DRIVERS.search(said["text"]):
        return "warning", cause
    return "error", cause


# --- byte-code


def sources():
    """Source files of the environment: (all but tests, tests), large ones first."""
    import sysconfig

    code, tests = [], []
    for root in sorted({os.path.realpath(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}):
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name != "__pycache__"]
            parts = set(os.path.relpath(folder, root).split(os.sep))
            group = tests if parts & TEST_FOLDERS else code
            for name in files:
                if name.endswith(".py"):
                    path = os.path.join(folder, name)
                    try:
                        group.append((os.stat(path).st_size, path))
                    except OSError:
                        pass
    return [[path for _, path in sorted(group, reverse=True)] for group in (code, tests)]


def compile_all(paths, jobs):
    """Compiles what is not compiled yet, several files at once. Tells whether all could be written."""
    paths = [path for path in paths if not is_compiled(path)]
    if not paths:
        return True
    numbers, feed = os.pipe()
    children = []
    for _ in range(min(jobs, len(paths))):
        child = os.fork()
        if child == 0:
            os.close(feed)
            os._exit(0 if compile_numbered(paths, numbers) else 1)
        children.append(child)
    os.close(numbers)
    try:
        for number in range(len(paths)):
            os.write(feed, number.to_bytes(4, "little"))
    except BrokenPipeError:
        pass
    os.close(feed)
    return all([os.waitpid(child, 0)[1] == 0 for child in children])


def compile_numbered(paths, numbers):
    """Compiles the files whose numbers come through the pipe, which is shared with the other processes."""
    import py_compile

    warnings.simplefilter("ignore")
    while True:
        number = os.read(numbers, 4)
        if not number:
            return True
        path = paths[int.from_bytes(number, "little")]
        try:
            # The run beside this may have imported it since.
            if not is_compiled(path):
                py_compile.compile(path, doraise=True)
        except FileExistsError:
            pass  # a link where the byte-code would go: it is left as it is
        except OSError:
            return False
        except Exception:
            pass  # a template, or made for another version: no program imports it


def is_compiled(path):
    """Whether byte-code of that very source lies beside it."""
    try:
        with open(importlib.util.cache_from_source(path), "rb") as file:
            head = file.read(16)
        if len(head) < 16 or head[:4] != importlib.util.MAGIC_NUMBER:
            return False
        if head[4:8] != b"\0\0\0\0":
            return True  # checked by content
        source = os.stat(path)
        stamp = int(source.st_mtime) & 0xFFFFFFFF
        return head[8:] == stamp.to_bytes(4, "little") + (source.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    except (OSError, NotImplementedError):
        return False


if __name__ == "__main__":
    sys.exit(main())
