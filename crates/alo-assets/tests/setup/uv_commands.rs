//! Which commands of uv a set-up runs: no more than a build needs, and in an environment that works where it was moved to.

use std::process::Command;

use alo_plan::PipelineKind;
use camino::Utf8Path;

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

#[test]
fn uv_is_asked_for_its_version_once_and_for_packages_it_has_without_a_network() {
    let mut bench = Bench::new();
    if !use_uv(&mut bench) {
        return;
    }
    // Locks that no other test holds, or its spare environment might be in the way of ours.
    let locks = bench.machine.cache.join("locks");
    fs_err::remove_file(&locks).unwrap();
    fs_err::create_dir(&locks).unwrap();
    let real = bench.machine.uv.clone().unwrap();
    let log = bench.root.join("uv.log");
    let noting = bench.program("noting-uv", &format!("echo \"$@\" >> '{log}'; exec '{real}' \"$@\""));
    bench.machine.uv = Some(noting);
    bench.asset("train", &[("asset_train.py", "")]);
    for version in ["1.0", "2.0"] {
        let script = ("one-1.data/scripts/say-one", "#!python\nimport sys; print(sys.prefix)\n");
        let script = (script.0.replace("-1.", &format!("-{version}.")), script.1);
        wheel_of(&bench.wheels(), "one", version, &[], &[("one.py", ""), (&script.0, script.1)]);
    }
    // What a killed process has left is no environment, and not in the way.
    let killed = bench.machine.cache.join("envs/spare-0123456789abcdef");
    fs_err::create_dir_all(killed.join("bin")).unwrap();

    let commands = |version: &str| {
        let _ = fs_err::remove_file(&log);
        let told = bench.set_up(&train([local("train", &[&format!("one=={version}")])]), TRAIN);
        let environment = told.prepared().environments.remove(0);
        assert_eq!(environment.packages, [format!("one=={version}")]);
        let prefix = said(&environment.python, &["-I", "-c", "import one, sys; print(sys.prefix)"]);
        assert_eq!(prefix, environment.folder);
        // Scripts find the interpreter of their environment, too.
        assert_eq!(said(&environment.folder.join("bin/say-one"), &[]), environment.folder);
        let text = fs_err::read_to_string(&log).unwrap();
        let mut commands: Vec<_> = text
            .lines()
            .map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
                ["pip", "install", ..] if line.contains(" --offline ") => "install offline".to_owned(),
                ["pip", command, ..] | [command, ..] => command.to_owned(),
                [] => String::new(),
            })
            .collect();
        // The environment is made while packages are decided on: either may be first.
        commands.sort();
        commands
    };
    assert_eq!(commands("1.0"), ["--version", "compile", "install offline", "venv"]);
    assert_eq!(commands("2.0"), ["compile", "install offline", "venv"]);
    fs_err::remove_dir_all(killed).unwrap();
    assert_eq!(bench.left_in_cache().len(), 2);
}
