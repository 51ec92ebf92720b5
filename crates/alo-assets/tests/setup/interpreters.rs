//! The choice of an interpreter, with real ones and programs that only look like it.

use alo_plan::{PipelineKind, Plan};

use crate::bench::{Bench, local, real_python, real_version, train};

const TRAIN: PipelineKind = PipelineKind::Train;

fn bench() -> (Bench, Plan) {
    let bench = Bench::new();
    bench.asset("train", &[("asset_train.py", "")]);
    (bench, train([local("train", &[])]))
}

#[test]
fn a_shim_that_refuses_does_not_hide_the_real_one_of_pyenv() {
    let (bench, plan) = bench();
    let version = real_version();
    let shim = format!("python{version}");
    let real = bench.root.join(format!("home/.pyenv/versions/{version}.99/bin"));
    fs_err::create_dir_all(&real).unwrap();
    std::os::unix::fs::symlink(real_python(), real.join("python")).unwrap();
    fs_err::remove_file(bench.root.join("bin").join(&shim)).unwrap();
    let log = bench.root.join("shim.log");
    bench.program(
        &shim,
        &format!("echo asked >> '{log}'; echo 'pyenv: {shim}: command not found' >&2; exit 127"),
    );
    for _ in 0..2 {
        let prepared = bench.set_up(&plan, TRAIN).prepared();
        assert!(prepared.environments[0].version.satisfies(version));
    }
    assert_eq!(fs_err::read_to_string(log).unwrap(), "asked\n", "the refusal is remembered");
}

#[test]
fn a_version_that_is_not_there_is_an_error_that_names_what_is() {
    let (mut bench, plan) = bench();
    let version = real_version();
    bench.machine.python = Some(format!("{version}.999").parse().unwrap());
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains(&format!("there is no Python {version}.999 on this machine")), "{message}");
    assert!(hint.contains("found ") && hint.contains(&format!("{version}.")), "{hint}");
    bench.machine.python = Some("2.7".parse().unwrap());
    assert!(bench.set_up(&plan, TRAIN).failure().0.contains("not supported"));
}

#[test]
fn without_a_wish_it_is_3_10_or_a_warning() {
    let (mut bench, plan) = bench();
    bench.machine.python = None;
    let told = bench.set_up(&plan, TRAIN);
    let is_warned = told.warnings().iter().any(|warning| warning.contains("3.10"));
    let version = told.prepared().environments[0].version;
    assert_eq!(is_warned, (version.major, version.minor) != (3, 10), "{version}");
}

#[test]
fn an_interpreter_without_venv_gets_its_own_sentence() {
    let (mut bench, plan) = bench();
    let answer = r#"{"version": "3.9.2", "implementation": "cpython", "bits": 64, "executable": "PATH", "venv": false, "ensurepip": false}"#;
    let path = bench.root.join("bin/python3.9");
    bench.program("python3.9", &format!("echo '{}'", answer.replace("PATH", path.as_str())));
    bench.machine.python = Some("3.9".parse().unwrap());
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.ends_with("python3.9` has no `venv` module"), "{message}");
    assert!(hint.contains("apt install python3.9-venv"), "{hint}");
}

#[test]
fn nonsense_and_other_implementations_are_not_believed() {
    let (mut bench, plan) = bench();
    bench.program("python3.8", "echo 'I am no Python'");
    bench.machine.python = Some("3.8.999".parse().unwrap());
    let (_, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(hint.contains("python3.8` does not run: it answered as no Python does"), "{hint}");
}

#[test]
fn a_replaced_interpreter_is_asked_again() {
    let (bench, plan) = bench();
    let name = format!("python{}", real_version());
    let log = bench.root.join("asked.log");
    fs_err::remove_file(bench.root.join("bin").join(&name)).unwrap();
    let script = |more: &str| format!("echo asked >> '{log}'; {more} exec {} \"$@\"", real_python());
    bench.program(&name, &script(""));
    bench.set_up(&plan, TRAIN).prepared();
    bench.set_up(&plan, TRAIN).prepared();
    assert_eq!(fs_err::read_to_string(&log).unwrap().lines().count(), 1);
    bench.program(&name, &script("true;"));
    bench.set_up(&plan, TRAIN).prepared();
    assert_eq!(fs_err::read_to_string(&log).unwrap().lines().count(), 2);
}
