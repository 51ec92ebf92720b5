//! `Tracer`: runs `alo` and kills it, or lets a call fail, at a chosen step of its work on the disk.

use std::fmt;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::outcome::Outcome;
use crate::plan_text::{PlanText, asset};
use crate::test_env::TestEnv;

/// The program that does it.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/faults/tracer.c");

/// What goes wrong. Steps are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// SIGKILL before that step.
    Kill(usize),
    /// That step fails with EIO.
    Io(usize),
    /// From that step on the disk is full.
    Full(usize),
    /// The file system has no locks.
    NoLock,
    /// The same, and SIGKILL before that step.
    NoLockKill(usize),
    /// The first such step waits until the file [`REACHED`] is in the project.
    Hold(Beside),
    /// The same, and SIGKILL instead of the step.
    HoldKill(Beside),
}

/// The file by which a project tells that it has come as far as a test wants it to.
pub const REACHED: &str = "reached";

/// A step of another thread than the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// Its kind, as of [`Step::call`].
    pub call: &'static str,
    /// What one of its paths contains.
    pub name: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Kill(step) => write!(f, "kill:{step}"),
            Self::Io(step) => write!(f, "io:{step}"),
            Self::Full(step) => write!(f, "full:{step}"),
            Self::NoLock => f.write_str("nolock"),
            Self::NoLockKill(step) => write!(f, "nolock-kill:{step}"),
            Self::Hold(Beside { call, name }) => write!(f, "hold:{REACHED}:{call}:{name}"),
            Self::HoldKill(Beside { call, name }) => write!(f, "hold-kill:{REACHED}:{call}:{name}"),
        }
    }
}

/// A call that changes files of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The thread that makes it.
    pub thread: String,
    /// Its kind: `create`, `write`, `rename`, `fsync`, …
    pub call: String,
    /// What it is done to.
    pub path: Utf8PathBuf,
    /// The new name, for `rename` and `link`.
    pub to: Utf8PathBuf,
}

/// The built tracer.
pub struct Tracer {
    program: Utf8PathBuf,
}

impl Tracer {
    /// Builds the tracer; none, and a line that says so, where processes cannot be traced.
    pub fn build(folder: &Utf8Path) -> Option<Self> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            eprintln!("skipped: the tracer is for Linux on x86-64");
            return None;
        }
        let program = folder.join("tracer");
        let built = Command::new("cc").args(["-O1", "-o", program.as_str(), SOURCE]).output().expect("cc");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let log = folder.join("tracer.log");
        let tried = Command::new(&program).args([log.as_str(), "/nowhere", "none", "/bin/true"]).output();
        if tried.expect("the tracer starts").status.success() {
            Some(Self { program })
        } else {
            eprintln!("skipped: this machine does not let a process trace another");
            None
        }
    }

    /// A project with that plan and the code of those steps, and the tracer for it; none as with [`Self::build`].
    pub fn with_project(plan: &PlanText, steps: &[(&str, &str)]) -> Option<(TestEnv, Self)> {
        let env = TestEnv::new();
        let tracer = Self::build(env.root())?;
        env.plan(plan);
        for (step, code) in steps {
            env.write(&format!("assets/{step}/asset_{step}.py"), asset(code));
        }
        Some((env, tracer))
    }

    /// Runs `alo` with a fault; gives how it ended and the steps it made. Fails the test when it left a process behind.
    #[track_caller]
    pub fn alo(&self, env: &TestEnv, arguments: &[&str], fault: Fault) -> (Outcome, Vec<Step>) {
        let log = env.root().join("steps");
        let alo = env.command(arguments);
        let mut command = Command::new(&self.program);
        env.set_variables(&mut command);
        command.args([log.as_str(), env.project().as_str(), &fault.to_string()]);
        command.arg(alo.get_program()).args(alo.get_args()).current_dir(env.project());
        let outcome = Outcome::new(&command.stdin(std::process::Stdio::null()).output().expect("the tracer"));
        assert_ne!(outcome.code, Some(99), "{fault}: a process was left behind\n{outcome:?}");
        assert_ne!(outcome.code, Some(98), "{fault}: tracing failed\n{outcome:?}");
        let step = |line: &str| {
            let mut fields = line.split('\t').skip(1);
            let mut field = || fields.next().unwrap_or_default();
            Step {
                thread: field().to_owned(),
                call: field().to_owned(),
                path: field().into(),
                to: field().into(),
            }
        };
        let steps = fs_err::read_to_string(&log).expect("the steps").lines().map(step).collect();
        (outcome, steps)
    }
}
