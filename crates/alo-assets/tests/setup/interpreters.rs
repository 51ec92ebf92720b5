//! The choice of an interpreter, with real ones and programs that only look like it.

use alo_assets::PythonRequest;
use alo_plan::{PipelineKind, Plan};
use camino::Utf8PathBuf;

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

/// A program that answers as an interpreter would; what is `changed` is not as it should be.
fn fake(bench: &Bench, name: &str, changed: &[(&str, &str)]) -> Utf8PathBuf {
    let path = bench.root.join("bin").join(name);
    let mut answer = serde_json::json!({
        "version": "3.9.2", "implementation": "cpython", "bits": 64, "executable": path, "venv": true, "ensurepip": true,
    });
    for (key, value) in changed {
        answer[*key] = serde_json::from_str(value).unwrap();
    }
    bench.program(name, &format!("echo '{answer}'"))
}

#[test]
fn an_interpreter_without_venv_gets_its_own_sentence() {
    let (mut bench, plan) = bench();
    fake(&bench, "python3.9", &[("venv", "false")]);
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
    assert!(hint.contains("python3.8` answered as no Python does"), "{hint}");
}

#[test]
fn each_fault_of_an_interpreter_that_was_named_has_its_own_sentence() {
    let (mut bench, plan) = bench();
    let shim = "echo \"pyenv: python3.10: command not found\" >&2; echo 'The command exists in these versions:' >&2; exit 127";
    let dead =
        "echo 'Fatal Python error: init_fs_encoding' >&2; echo 'ModuleNotFoundError: encodings' >&2; exit 1";
    fs_err::write(bench.root.join("bin/text"), "").unwrap();
    for (path, sentence, advice) in [
        (fake(&bench, "a", &[("bits", "32")]), "is a 32-bit program", "64-bit"),
        (
            fake(&bench, "b", &[("version", "\"3.7.17\"")]),
            "is Python 3.7.17, which is too old",
            "3.8 to 3.13",
        ),
        (
            fake(&bench, "c", &[("version", "\"3.15.0\"")]),
            "is Python 3.15.0, which is too new",
            "3.8 to 3.13",
        ),
        (fake(&bench, "d", &[("implementation", "\"pypy\"")]), "is `pypy`: assets need CPython", "CPython"),
        (
            bench.program("e", shim),
            "shim of pyenv that refuses to run: pyenv: python3.10: command not found",
            "pyenv install",
        ),
        (
            bench.program("f", dead),
            "does not run: ModuleNotFoundError: encodings (exit status: 1)",
            "by hand",
        ),
        (
            bench.program("g", "echo 'Unknown option: -I' >&2; exit 2"),
            "of before 3.4, which is too old",
            "3.10",
        ),
        (bench.program("h", "kill -9 $$"), "does not run: it said nothing (signal: 9", "by hand"),
        (bench.root.join("bin/text"), "is no program", "--python"),
        (bench.root.join("bin/nowhere"), "is not there", "--python"),
    ] {
        bench.machine.python = Some(PythonRequest::Path(path.clone()));
        // The second time the answer is remembered.
        for _ in 0..2 {
            let (message, hint) = bench.set_up(&plan, TRAIN).failure();
            assert!(
                message.contains(&format!("the Python at `{path}` ")) && message.contains(sentence),
                "{message}"
            );
            assert!(hint.contains(advice), "{hint}");
        }
    }
}

#[test]
fn an_interpreter_can_be_named_by_its_path() {
    let (mut bench, plan) = bench();
    let link = bench.root.join("mine");
    std::os::unix::fs::symlink(real_python(), &link).unwrap();
    bench.machine.path = "/nowhere".into();
    bench.machine.python = Some(PythonRequest::Path(link));
    assert!(bench.set_up(&plan, TRAIN).prepared().environments[0].version.satisfies(real_version()));
}

#[test]
fn what_is_wrong_with_the_only_candidates_is_told() {
    let (mut bench, plan) = bench();
    fake(&bench, "python3.9", &[("bits", "32")]);
    bench.machine.python = Some("3.9.999".parse().unwrap());
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains("there is no Python 3.9.999"), "{message}");
    assert!(hint.contains("python3.9` is a 32-bit program"), "{hint}");
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
