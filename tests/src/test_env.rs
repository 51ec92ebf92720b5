//! `TestEnv`: a project, a home, a cache and a temporary folder of a test's own.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::outcome::Outcome;

/// Variables that find interpreters and package indexes on the machine; every other one is cleared.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "PYENV_ROOT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_FIND_LINKS",
    "HTTPS_PROXY",
    "https_proxy",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
];

/// A project in a clean environment.
pub struct TestEnv {
    folder: TempDir,
    variables: Vec<(String, String)>,
    cache: Utf8PathBuf,
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

impl TestEnv {
    /// Makes an empty project, with an empty home and an empty cache.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("alo-test-").tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(folder.path()).expect("a UTF-8 path").to_owned();
        for name in ["project", "home", "tmp"] {
            fs_err::create_dir(root.join(name)).expect("a folder");
        }
        Self { folder, variables: Vec::new(), cache: root.join("cache") }
    }

    /// Shares the cache with every other test that shares it: for what takes long to install.
    #[must_use]
    pub fn with_shared_cache(mut self) -> Self {
        self.cache = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/alo-test-cache");
        self.with_shared_downloads()
    }

    /// Installs with uv, and shares the cache with every other test that does: nothing in it was made by pip.
    ///
    /// Where no uv is on the path, `alo` fetches its own.
    #[must_use]
    pub fn with_uv(mut self) -> Self {
        self.cache = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/alo-test-cache-uv");
        self.with_shared_downloads().with_variable("ALO_INSTALLER", "uv")
    }

    /// Keeps what installers download from the index.
    fn with_shared_downloads(self) -> Self {
        let downloads = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/alo-test-downloads");
        self.with_variable("PIP_CACHE_DIR", downloads.join("pip"))
            .with_variable("UV_CACHE_DIR", downloads.join("uv"))
    }

    /// Sets a variable of the programs that the test starts.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// The folder that holds all the others.
    pub fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).expect("a UTF-8 path")
    }

    /// The project folder.
    pub fn project(&self) -> Utf8PathBuf {
        self.root().join("project")
    }

    /// The cache folder.
    pub fn cache(&self) -> &Utf8Path {
        &self.cache
    }

    /// A path in the project.
    pub fn path(&self, relative: &str) -> Utf8PathBuf {
        self.project().join(relative)
    }

    /// Writes the project's plan.
    pub fn plan(&self, plan: impl std::fmt::Display) -> &Self {
        self.write("experimental_plan.yaml", plan.to_string())
    }

    /// Writes a file of the project.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> &Self {
        write(&self.path(relative), content.as_ref());
        self
    }

    /// Reads a text file of the project.
    #[track_caller]
    pub fn read(&self, relative: &str) -> String {
        fs_err::read_to_string(self.path(relative)).expect("a text file")
    }

    /// What the last inference and the two summaries say, without the time.
    pub fn results(&self) -> [String; 3] {
        let summary = |kind: &str| {
            let text = self.read(&format!("{kind}_artifacts/score/{kind}_summary.yaml"));
            text.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n")
        };
        [self.read("inference_artifacts/output/output.csv"), summary("train"), summary("inference")]
    }

    /// Writes an executable file below [`Self::root`] and returns its path.
    pub fn program(&self, relative: &str, script: &str) -> Utf8PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.root().join(relative);
        write(&path, script.as_bytes());
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        path
    }

    /// Runs `alo` in the project folder until it ends.
    #[track_caller]
    pub fn alo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        Outcome::new(&self.command(arguments).output().expect("alo starts"))
    }

    /// Runs `alo` where no connection can be made: in a network namespace of its own, which has no network.
    ///
    /// Where this machine does not allow that, proxies that are not there stand for it.
    #[track_caller]
    pub fn alo_without_network<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        let unshare = |program: &OsStr| {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--net"]).arg(program).stdin(Stdio::null());
            command
        };
        let mut alone = unshare("true".as_ref());
        let allowed = alone.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        let alo = self.command(arguments);
        let mut command = if allowed { unshare(alo.get_program()) } else { Command::new(alo.get_program()) };
        command.args(alo.get_args()).current_dir(self.project()).stdin(Stdio::null());
        self.set_variables(&mut command);
        if !allowed {
            for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"] {
                command.env(name, "http://127.0.0.1:1");
            }
        }
        Outcome::new(&command.output().expect("alo starts"))
    }

    /// Starts `alo` in the project folder.
    #[track_caller]
    pub fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("alo starts")
    }

    /// `alo` in the project folder, to be started.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(alo());
        self.set_variables(&mut command);
        command.args(arguments).current_dir(self.project()).stdin(Stdio::null());
        command
    }

    /// Gives a program the clean environment.
    pub fn set_variables(&self, command: &mut Command) {
        command.env_clear();
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", self.root().join("home"))
            .env("TMPDIR", self.root().join("tmp"))
            .env("ALO_CACHE_DIR", &self.cache)
            .env("LANG", "C.UTF-8")
            // uv would be fetched from an index first, where none is on the path.
            .env("ALO_INSTALLER", "pip")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

/// Waits until something is so. It is for what other processes do; no test asserts how long it takes.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The built program. `cargo test --workspace` builds it before any test runs.
fn alo() -> Utf8PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("the target folder");
    let alo = Utf8PathBuf::from_path_buf(folder.join("alo")).expect("a UTF-8 path");
    assert!(
        alo.exists(),
        "`{alo}` is not built: run `cargo test --workspace`, or `cargo build -p alo-cli` before"
    );
    alo
}

fn write(path: &Utf8Path, content: &[u8]) {
    fs_err::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let mut file = fs_err::File::create(path).expect("a file");
    file.write_all(content).expect("its content");
}
