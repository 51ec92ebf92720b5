//! Every form of a requirement, by pip and by a real uv, with real wheels in folders and behind a real index.

use alo_plan::PipelineKind;
use camino::Utf8PathBuf;
use sha2::{Digest, Sha256};

use crate::bench::{Bench, local, train, write_files};
use crate::git_server::Server;
use crate::index_server::{PRIVATE, serve};
use crate::real_uv::use_uv;
use crate::repository::Repo;
use crate::wheel::wheel;

const INDEX_URL: &str = "PIP_INDEX_URL";
const TRAIN: PipelineKind = PipelineKind::Train;

/// A package that builds itself, without anything from an index.
const BACKEND: &str = r#"
import zipfile
INFO = "built-3.0.dist-info/"
METADATA = "Metadata-Version: 2.1\nName: built\nVersion: 3.0\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
def write(folder, code):
    name = "built-3.0-py3-none-any.whl"
    files = {"built.py": code, INFO + "METADATA": METADATA, INFO + "WHEEL": WHEEL}
    with zipfile.ZipFile(folder + "/" + name, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(INFO + "RECORD", "".join(f + ",,\n" for f in [*files, INFO + "RECORD"]))
    return name
def build_wheel(folder, settings=None, metadata=None): return write(folder, "kind = 'copied'\n")
def build_editable(folder, settings=None, metadata=None): return write(folder, "kind = 'editable'\n")
def get_requires_for_build_wheel(settings=None): return []
def get_requires_for_build_editable(settings=None): return []
"#;
const PYPROJECT: &str = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n\n[project]\nname = \"built\"\nversion = \"3.0\"\n";

/// A bench with folders of wheels, an index over them, and a package as source.
struct Forms {
    bench: Bench,
    server: Server,
    /// `a` 1.0, as a file.
    a: Utf8PathBuf,
}

impl Forms {
    fn new(mut bench: Bench) -> Self {
        let indexes = bench.root.join("indexes");
        for (index, packages) in
            [("one", &["p", "b"][..]), ("two", &["q"]), (PRIVATE, &["hidden"]), ("empty", &[])]
        {
            fs_err::create_dir_all(indexes.join(index)).unwrap();
            for package in packages {
                wheel(&indexes.join(index), package, "1.0", &[]);
            }
        }
        let wheels = bench.wheels();
        let a = wheel(&wheels, "a", "1.0", &[]);
        wheel(&wheels, "a", "2.0", &[]);
        wheel(&wheels, "b", "1.0", &[]);
        wheel(&wheels, "with-extra", "1.0", &["b; extra == 'more'\nProvides-Extra: more"]);
        wheel(&wheels, "numpy", "1.25.2", &[]);
        wheel(&wheels, "numpy", "1.26.4", &[]);
        wheel(&wheels, "pandas", "1.5.3", &["numpy>=1.26"]);
        for (folder, name) in
            [("project/dist", "c"), ("project/assets/train/dist", "d"), ("project/assets/train/more", "e")]
        {
            fs_err::create_dir_all(bench.root.join(folder)).unwrap();
            wheel(&bench.root.join(folder), name, "1.0", &[]);
        }
        let source = [("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)];
        write_files(&bench.project.join("source"), &source);
        Repo::new(&bench.root.join("built.git")).commit("main", &source);
        let server = serve(&indexes);
        bench.asset("train", &[("asset_train.py", "")]);
        for (name, value) in [("WHO", "me"), ("WORD", "s3cret"), ("PLACE", bench.wheels().as_str())] {
            bench.machine.variables.insert(name.into(), value.into());
        }
        Self { bench, server, a }
    }

    /// Without the folder of wheels and with an index that has nothing.
    fn by_index(&mut self) {
        for name in ["PIP_NO_INDEX", "PIP_FIND_LINKS"] {
            self.bench.machine.variables.remove(std::ffi::OsStr::new(name));
        }
        let empty = self.index("empty");
        self.bench.machine.variables.insert("PIP_INDEX_URL".into(), empty.into());
    }

    fn index(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}/simple", self.server.port)
    }

    /// The packages that come of it; `own` is the text of the asset's `requirements.txt`.
    #[track_caller]
    fn gives(&self, items: &[&str], own: &str, packages: &[&str]) {
        self.bench.asset("train", &[("requirements.txt", own)]);
        let told = self.bench.set_up(&train([local("train", items)]), TRAIN);
        assert!(!format!("{:?}", told.events).contains("s3cret"), "{:?}", told.events);
        assert_eq!(told.prepared().environments[0].packages, packages, "{items:?} {own:?}");
        let lock = fs_err::read_to_string(self.bench.project.join("alo.lock")).unwrap();
        assert!(!lock.contains("s3cret"), "{lock}");
    }
}

fn every_form(forms: Forms) {
    let file = ["requirements.txt"];
    let digits = Sha256::digest(fs_err::read(&forms.a).unwrap());
    let digits = digits.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hash: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    let wrong = "0".repeat(64);

    // Extras, markers, and a package as source.
    forms.gives(
        &["with-extra[more]==1.0", "a<2 ; python_version >= '3'", "numpy ; python_version < '3'", "./source"],
        "",
        &["a==1.0", "b==1.0", "built==3.0", "with-extra==1.0"],
    );
    // A file with a mark at its start, comments, a line that goes on, another file, constraints and a wheel beside it.
    forms.bench.asset(
        "train",
        &[("more/others.txt", "./e-1.0-py3-none-any.whl\n-c limits.txt\n"), ("more/limits.txt", "a<2\n")],
    );
    let own =
        "\u{feff}# ours\r\nb \\\n  ==1.0  # pinned\n\n-r more/others.txt\na\n./dist/d-1.0-py3-none-any.whl\n";
    forms.gives(&file, own, &["a==1.0", "b==1.0", "d==1.0", "e==1.0"]);
    // Files relative to the project, with and without a name, and by URL.
    let url = format!("a @ file://{}", forms.a);
    forms.gives(&["./dist/c-1.0-py3-none-any.whl", &url], "", &["a==1.0", "c==1.0"]);
    // Beside the code, by its folder, with blanks and signs that mean something in files of requirements.
    let odd = forms.bench.project.join("assets/train/내 wheels#1 50%20");
    fs_err::create_dir_all(&odd).unwrap();
    wheel(&odd, "odd", "1.0", &["b; extra == 'more'\nProvides-Extra: more"]);
    fs_err::write(odd.join("limits.txt"), "a<2\n").unwrap();
    forms.gives(
        &["./내 wheels#1 50%20/odd-1.0-py3-none-any.whl[more]", "-c './내 wheels#1 50%20/limits.txt'", "a"],
        "",
        &["a==1.0", "b==1.0", "odd==1.0"],
    );
    forms.gives(&["-f '내 wheels#1 50%20'", "odd==1.0"], "", &["odd==1.0"]);
    let source = forms.bench.project.join("assets/train/so#ur ce");
    write_files(&source, &[("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)]);
    forms.gives(&file, "./so#ur ce/ ; python_version >= '3'\n", &["built==3.0"]);
    let source = forms.bench.project.join("assets/train/so%20ur ce");
    write_files(&source, &[("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)]);
    forms.gives(&file, "-e 'so%20ur ce'\n", &["built==3.0"]);
    forms.gives(&["./source ; python_version < '3'", "./dist/c-1.0-py3-none-any.whl"], "", &["c==1.0"]);
    write_files(
        &forms.bench.project.join("assets/train"),
        &[("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)],
    );
    forms.gives(&["."], "", &["built==3.0"]);
    forms.gives(&["-e ."], "", &["built==3.0"]);
    // Hashes.
    forms.gives(
        &file,
        &format!("a==1.0 \\\n    --hash=sha256:{wrong} \\\n    --hash=sha256:{hash}\n"),
        &["a==1.0"],
    );
    let refused = [local("train", &[&format!("b==1.0 --hash=sha256:{wrong}")])];
    let (message, hint) = forms.bench.set_up(&train(refused), TRAIN).failure();
    assert!(
        message.contains("a downloaded file does not have the hash in the requirements of step `train`"),
        "{message}"
    );
    assert!(hint.contains("correct the hash in"));
    // This pin overrides what others ask for; and a package as source, used in place.
    forms.gives(
        &["pandas==1.5.3", "numpy>=1.26", "numpy==1.25.2 --force-reinstall", "-e ./source"],
        "",
        &["built==3.0", "numpy==1.25.2", "pandas==1.5.3"],
    );

    every_place(forms);
}

fn every_place(mut forms: Forms) {
    let file = ["requirements.txt"];
    // Places to look at.
    forms.by_index();
    forms.gives(&file, "--find-links dist\n-f ${PLACE}\nd\nb\n", &["b==1.0", "d==1.0"]);
    let (one, two) = (forms.index("one"), forms.index("two"));
    forms.gives(&file, &format!("--index-url {one}\n--extra-index-url {two}\np\nq\n"), &["p==1.0", "q==1.0"]);
    forms.gives(
        &["p", &format!("q --index-url {two}"), &format!("--extra-index-url={one}")],
        "",
        &["p==1.0", "q==1.0"],
    );
    fs_err::remove_file(forms.bench.project.join("alo.lock")).unwrap();
    let plan =
        train([local("train", &["p", &format!("q --index-url {two}"), &format!("--extra-index-url={one}")])]);
    let told = forms.bench.set_up(&plan, TRAIN);
    let warning = format!("the index `{two}` of `q` is asked for every package of its environment");
    assert!(told.warnings().iter().any(|told| told.starts_with(&warning)), "{:?}", told.events);
    assert!(forms.bench.set_up(&plan, TRAIN).warnings().is_empty(), "told when packages are decided on");
    let private = forms.index(PRIVATE);
    forms.gives(
        &[&format!("hidden --index-url {}", private.replace("//", "//me:s3cret@"))],
        "",
        &["hidden==1.0"],
    );
    // The index of pip's own file, whichever installer works.
    let (conf, empty) = (
        forms.bench.root.join("pip.conf"),
        forms.bench.machine.variables.remove(std::ffi::OsStr::new(INDEX_URL)),
    );
    fs_err::write(&conf, format!("[global]\nindex-url = {two}\nextra-index-url =\n    {one}\n")).unwrap();
    forms.bench.machine.variables.insert("PIP_CONFIG_FILE".into(), conf.into_string().into());
    forms.gives(&["q", "p"], "", &["p==1.0", "q==1.0"]);
    forms.bench.machine.variables.remove(std::ffi::OsStr::new("PIP_CONFIG_FILE"));
    forms.bench.machine.variables.extend(empty.map(|empty| (INDEX_URL.into(), empty)));
    // An index that refuses is not one that has no such package.
    let wrong = private.replace("//", "//me:wr0ng@");
    let told = forms.bench.set_up(&train([local("train", &[&format!("hidden --index-url {wrong}")])]), TRAIN);
    let (message, hint) = told.failure();
    assert!(message.contains("the package index refuses: "), "{message}");
    assert!(message.contains("401") && !message.contains("wr0ng"), "{message}");
    assert!(hint.contains("password or token"));
    fs_err::remove_dir_all(forms.bench.machine.cache.join("envs")).unwrap();
    forms.gives(
        &file,
        &format!("--index-url {}\nhidden\n", private.replace("//", "//${WHO}:${WORD}@")),
        &["hidden==1.0"],
    );
    // A wheel by its URL, also one that wants a password.
    let hidden = format!("{}/files/hidden-1.0-py3-none-any.whl", private.trim_end_matches("/simple"));
    let hidden = hidden.replace("//", "//me:s3cret@");
    fs_err::remove_dir_all(forms.bench.machine.cache.join("envs")).unwrap();
    forms.gives(&[&format!("hidden @ {hidden}")], "", &["hidden==1.0"]);
    let file_url = format!("{}/files/p-1.0-py3-none-any.whl", one.trim_end_matches("/simple"));
    let other_url = file_url.replace("p-1.0", "b-1.0");
    forms.gives(&[&file_url, &format!("b @ {other_url}")], "", &["b==1.0", "p==1.0"]);
}

/// The installers themselves start `git` for this one.
fn a_repository(forms: &Forms, item: &str) {
    let found = std::env::var("PATH").unwrap();
    let git =
        found.split(':').map(|folder| camino::Utf8Path::new(folder).join("git")).find(|git| git.is_file());
    let Some(git) = git else {
        eprintln!("skipped: a requirement from a repository needs the git program");
        return;
    };
    // It is made of scripts that start other programs.
    forms.bench.program("git", &format!("PATH='{found}' exec '{git}' \"$@\""));
    let item = item.replace("URL", &format!("git+file://{}/built.git@main", forms.bench.root));
    forms.gives(&[&item], "", &["built==3.0"]);
    let lock = fs_err::read_to_string(forms.bench.project.join("alo.lock")).unwrap();
    let locked = lock.lines().find_map(|line| line.trim().strip_prefix("url: ")).unwrap();
    assert!(!locked.contains("@main"), "the commit is locked, not the branch: {lock}");
}

#[test]
fn every_form_of_a_requirement_is_installed_by_pip() {
    every_form(Forms::new(Bench::new()));
}

#[test]
fn every_form_of_a_requirement_is_installed_by_uv() {
    let mut bench = Bench::new();
    if use_uv(&mut bench) {
        every_form(Forms::new(bench));
    }
}

#[test]
fn a_repository_is_a_requirement_for_pip() {
    // A name before it is no requirement to pip before 24, where the URL has no host.
    a_repository(&Forms::new(Bench::new()), "URL#egg=built");
}

#[test]
fn a_repository_is_a_requirement_for_uv() {
    let mut bench = Bench::new();
    if use_uv(&mut bench) {
        a_repository(&Forms::new(bench), "built @ URL");
    }
}
