//! Which commands of uv a set-up runs: no more than a build needs, and in an environment that works where it was moved to.

use std::process::Command;

use alo_assets::Environment;
use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::bench::{Bench, local, train};
use crate::real_uv::use_uv;
use crate::wheel::wheel_of;

const TRAIN: PipelineKind = PipelineKind::Train;

/// What a program of the environment says.
fn said(program: &Utf8Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A bench with a uv that notes its commands and is slow to ask indexes: it waits until the guess is installed.
struct Slow {
    bench: Bench,
    log: Utf8PathBuf,
    line: Utf8PathBuf,
    /// Wheels that come to the index while it is asked.
    coming: Utf8PathBuf,
}

impl Slow {
    /// None where there is no uv.
    fn new() -> Option<Self> {
        let mut bench = Bench::new();
        if !use_uv(&mut bench) {
            return None;
        }
        // Locks that no other test holds, or its spare environment might be in the way of ours.
        let locks = bench.machine.cache.join("locks");
        fs_err::remove_file(&locks).unwrap();
        fs_err::create_dir(&locks).unwrap();
        let real = bench.machine.uv.clone().unwrap();
        let [log, line, coming] = ["uv.log", "line", "coming"].map(|name| bench.root.join(name));
        fs_err::create_dir(&coming).unwrap();
        let wheels = bench.wheels();
        let script = format!(
            r#"echo "$@" >> '{log}'
case "$*" in
"pip install"*--offline*) '{real}' "$@"; status=$?; echo over > '{line}'; exit $status;;
"pip compile"*--offline*) ;;
"pip compile"*) read over < '{line}'; PATH=/usr/bin:/bin find '{coming}' -name '*.whl' -exec mv {{}} '{wheels}' ';';;
esac
exec '{real}' "$@""#
        );
        bench.machine.uv = Some(bench.program("slow-uv", &script));
        bench.asset("train", &[("asset_train.py", "")]);
        Some(Self { bench, log, line, coming })
    }

    /// The environment for a requirement, which must hold just this package, and uv's commands.
    fn build(&mut self, requirement: &str, package: &str) -> (Environment, Vec<String>) {
        let _ = fs_err::remove_file(&self.log);
        let _ = fs_err::remove_file(&self.line);
        rustix::fs::mkfifoat(rustix::fs::CWD, self.line.as_str(), 0o600.into()).unwrap();
        // Held open, so that nobody waits for the other side and nothing is lost.
        let line = fs_err::OpenOptions::new().read(true).write(true).open(&self.line).unwrap();
        let told = self.bench.set_up(&train([local("train", &[requirement])]), TRAIN);
        drop(line);
        let environment = told.prepared().environments.remove(0);
        assert_eq!(environment.packages, [package]);
        let text = fs_err::read_to_string(&self.log).unwrap();
        let mut commands: Vec<_> = text
            .lines()
            .map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
                ["pip", command, ..] if line.contains(" --offline ") => format!("{command} offline"),
                ["pip", command, ..] | [command, ..] => command.to_owned(),
                [] => String::new(),
            })
            .collect();
        // What runs beside another may come before or after it.
        commands.sort();
        (environment, commands)
    }
}

fn wheel_with_script(folder: &Utf8Path, version: &str) {
    let script = format!("one-{version}.data/scripts/say-one");
    let files = [("one.py", ""), (script.as_str(), "#!python\nimport sys; print(sys.prefix)\n")];
    wheel_of(folder, "one", version, &[], &files);
}

fn works(environment: &Environment) {
    let prefix = said(&environment.python, &["-I", "-c", "import one, sys; print(sys.prefix)"]);
    assert_eq!(prefix, environment.folder);
    // Scripts find the interpreter of their environment, too.
    assert_eq!(said(&environment.folder.join("bin/say-one"), &[]), environment.folder);
}

#[test]
fn what_the_cache_says_is_installed_while_the_indexes_are_asked() {
    let Some(mut slow) = Slow::new() else { return };
    for version in ["1.0", "2.0"] {
        wheel_with_script(&slow.bench.wheels(), version);
    }
    // What a killed process has left is no environment, and not in the way.
    let killed = slow.bench.machine.cache.join("envs/spare-0123456789abcdef");
    fs_err::create_dir_all(killed.join("bin")).unwrap();

    let (environment, commands) = slow.build("one==1.0", "one==1.0");
    assert_eq!(commands, ["--version", "compile", "compile offline", "install offline", "venv"]);
    works(&environment);
    let (environment, commands) = slow.build("one==2.0", "one==2.0");
    assert_eq!(commands, ["compile", "compile offline", "install offline", "venv"]);
    works(&environment);
    fs_err::remove_dir_all(killed).unwrap();
    assert_eq!(slow.bench.left_in_cache().len(), 2);
}

#[test]
fn a_guess_counts_only_if_the_indexes_say_the_same() {
    let Some(mut slow) = Slow::new() else { return };
    wheel_with_script(&slow.bench.wheels(), "1.0");
    wheel_with_script(&slow.coming, "2.0");
    let (environment, commands) = slow.build("one", "one==2.0");
    let twice =
        ["--version", "compile", "compile offline", "install offline", "install offline", "venv", "venv"];
    assert_eq!(commands, twice);
    works(&environment);
    assert_eq!(slow.bench.left_in_cache().len(), 1);
}
