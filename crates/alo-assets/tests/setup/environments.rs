//! Environments: built from real wheels, shared, repaired, and the faults of installers.

use std::cell::Cell;
use std::io::Write;
use std::process::Command;

use alo_assets::{Environment, InstallerChoice, SetupEvent};
use alo_plan::PipelineKind;
use camino::Utf8Path;

use crate::bench::{Bench, both, local, real_python, train};
use crate::real_uv::use_uv;
use crate::wheel::{wheel, wheel_of};

const TRAIN: PipelineKind = PipelineKind::Train;
const INFERENCE: PipelineKind = PipelineKind::Inference;

/// What a piece of Python says in the environment.
fn run(environment: &Environment, code: &str) -> String {
    let output = Command::new(&environment.python).args(["-I", "-c", code]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn bench(steps: &[&str]) -> Bench {
    let bench = Bench::new();
    for step in steps {
        bench.asset(step, &[(&format!("asset_{step}.py"), "")]);
    }
    bench
}

fn has_byte_code(folder: &Utf8Path, module: &str) -> bool {
    folder.read_dir_utf8().unwrap().any(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.path().is_dir() {
            has_byte_code(entry.path(), module)
        } else {
            name.starts_with(module) && entry.path().extension() == Some("pyc")
        }
    })
}

#[test]
fn without_requirements_nothing_is_installed_and_no_installer_is_needed() {
    let mut bench = bench(&["train"]);
    bench.machine.installer = InstallerChoice::Auto;
    bench.program("uv", "exit 1");
    let told = bench.set_up(&train([local("train", &[])]), TRAIN);
    assert!(told.warnings().is_empty(), "{:?}", told.warnings());
    let environment = told.prepared().environments.remove(0);
    assert!(environment.packages.is_empty());
    assert_eq!(run(&environment, "import sys; print(sys.prefix)"), environment.folder);
    assert_eq!(run(&environment, "import importlib.util as u; print(u.find_spec('pip'))"), "None");
}

#[test]
fn packages_of_all_steps_lie_in_one_environment_with_byte_code() {
    let bench = bench(&["input"]);
    bench.asset("train", &[("asset_train.py", ""), ("requirements.txt", "# ours\nb>=1\n\n")]);
    for (name, version) in [("a", "1.0"), ("a", "2.0"), ("b", "1.5")] {
        wheel(&bench.wheels(), name, version, &[]);
    }
    let plan = train([local("input", &["A==1.0"]), local("train", &["requirements.txt"])]);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    prepared.finishing[0].complete(&|| false, &mut |_| {}).unwrap();
    let environment = &prepared.environments[prepared.steps[1].environment];
    assert_eq!(environment.packages, ["a==1.0", "b==1.5"]);
    assert_eq!(environment.requirements, ["a==1.0", "b>=1"]);
    assert_eq!(run(environment, "import a, b; print(a.__version__, b.__version__)"), "1.0 1.5");
    assert!(has_byte_code(&environment.folder, "a."));
}

#[test]
fn a_changed_requirement_takes_effect_and_the_old_environment_stays() {
    let bench = bench(&["train"]);
    wheel(&bench.wheels(), "a", "1.0", &[]);
    wheel(&bench.wheels(), "a", "2.0", &[]);
    let environment =
        |pin: &str| bench.set_up(&train([local("train", &[pin])]), TRAIN).prepared().environments.remove(0);
    let (one, two) = (environment("a==1.0"), environment("a==2.0"));
    assert_eq!((one.packages[0].as_str(), two.packages[0].as_str()), ("a==1.0", "a==2.0"));
    assert_eq!(environment("a == 1.0"), one);
}

#[test]
fn a_local_wheel_counts_by_its_content() {
    let bench = bench(&["train"]);
    let built = wheel(&bench.wheels(), "a", "1.0", &[]);
    fs_err::create_dir(bench.project.join("dist")).unwrap();
    let kept = bench.project.join("dist/a-1.0-py3-none-any.whl");
    fs_err::copy(&built, &kept).unwrap();
    let named = train([local("train", &["a @ ./dist/a-1.0-py3-none-any.whl"])]);
    assert_eq!(bench.set_up(&named, TRAIN).prepared().environments[0].packages, ["a==1.0"]);
    let plan = train([local("train", &["./dist/a-1.0-py3-none-any.whl"])]);
    let first = bench.set_up(&plan, TRAIN).prepared().environments.remove(0);
    assert_eq!(first.packages, ["a==1.0"]);
    wheel(&bench.wheels(), "b", "1.0", &[]);
    let other = wheel(&bench.project.join("dist"), "a", "1.0", &["b"]);
    assert_eq!(other, kept);
    let second = bench.set_up(&plan, TRAIN).prepared().environments.remove(0);
    assert_eq!(second.packages, ["a==1.0", "b==1.0"]);
}

#[test]
fn a_forced_pin_wins_against_other_steps_and_against_dependencies() {
    let bench = bench(&["input", "train"]);
    wheel(&bench.wheels(), "numpy", "1.25.2", &[]);
    wheel(&bench.wheels(), "numpy", "1.26.4", &[]);
    wheel(&bench.wheels(), "pandas", "1.5.3", &["numpy==1.26.4"]);
    let plan = train([
        local("input", &["pandas==1.5.3", "numpy==1.26.4"]),
        local("train", &["numpy==1.25.2 --force-reinstall"]),
    ]);
    let environment = bench.set_up(&plan, TRAIN).prepared().environments.remove(0);
    assert_eq!(environment.packages, ["numpy==1.25.2", "pandas==1.5.3"]);
}

#[test]
fn a_package_of_the_time_of_numpy_1_gets_numpy_1_and_it_is_told() {
    let bench = bench(&["train"]);
    for version in ["1.26.4", "2.0.0"] {
        wheel(&bench.wheels(), "numpy", version, &[]);
    }
    wheel(&bench.wheels(), "pandas", "1.5.3", &["numpy>=1.21"]);
    let told = bench.set_up(&train([local("train", &["pandas==1.5.3"])]), TRAIN);
    let added = told.events.iter().any(|event| {
        matches!(event, SetupEvent::RequirementAdded { requirement, because }
            if requirement == "numpy<2" && because.contains("`pandas==1.5.3`"))
    });
    assert!(added, "{:#?}", told.events);
    assert_eq!(told.prepared().environments[0].packages, ["numpy==1.26.4", "pandas==1.5.3"]);
}

#[test]
fn pipelines_with_equal_requirements_share_an_environment() {
    let bench = bench(&["train", "inference"]);
    wheel(&bench.wheels(), "a", "1.0", &[]);
    wheel(&bench.wheels(), "b", "1.0", &[]);
    // Inference unpickles what `b` has made, though it does not say so.
    let plan = both([local("train", &["a", "b==1.0"])], [local("inference", &["A"])]);
    let first = bench.set_up(&plan, TRAIN).prepared().environments;
    let second = bench.set_up(&plan, INFERENCE);
    assert_eq!(second.builds(), 0);
    assert_eq!(first, second.prepared().environments);
}

#[test]
fn inference_gets_its_own_packages_where_train_s_cannot_join_them() {
    let bench = bench(&["train", "inference"]);
    for version in ["1.0", "2.0"] {
        wheel(&bench.wheels(), "base", version, &[]);
        wheel(&bench.wheels(), &format!("on-{}", &version[..1]), "1.0", &[&format!("base=={version}")]);
    }
    let plan = both([local("train", &["on-1"])], [local("inference", &["on-2"])]);
    for attempt in 0..2 {
        let told = bench.set_up(&plan, INFERENCE);
        assert!(told.warnings()[0].contains("gets its own alone"), "{:?}", told.warnings());
        assert_eq!((told.resolutions(), told.builds()), if attempt == 0 { (2, 1) } else { (0, 0) });
        assert_eq!(told.prepared().environments[0].packages, ["base==2.0", "on-2==1.0"]);
    }
}

#[test]
fn requirements_of_train_that_cannot_be_read_are_a_warning_for_inference() {
    let bench = bench(&["inference", "train"]);
    let plan = both([local("train", &["requirements.txt"])], [local("inference", &[])]);
    let told = bench.set_up(&plan, INFERENCE);
    assert!(told.warnings()[0].contains("step `train` of the train pipeline"), "{:?}", told.warnings());
    told.prepared();
    let (message, _) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.starts_with("failed to read the requirements of step `train`: "), "{message}");
}

#[test]
fn an_installation_that_fails_says_why_and_leaves_nothing() {
    let bench = bench(&["input", "train"]);
    wheel(&bench.wheels(), "a", "1.0", &[]);
    wheel(&bench.wheels(), "a", "2.0", &[]);
    wheel(&bench.wheels(), "b", "1.0", &["a==1.0"]);
    for (items, reason) in [
        (&["a==9"][..], "there is no such package or version for this Python: "),
        (
            &["a==2.0", "b"],
            "the requirements exclude each other: The user requested a==2.0; b 1.0 depends on a==1.0",
        ),
    ] {
        let told = bench.set_up(&train([local("input", &["a"]), local("train", items)]), TRAIN);
        assert!(!told.outcome.as_ref().unwrap_err().output().is_empty());
        assert_eq!(told.outcome.as_ref().unwrap_err().step().unwrap().as_str(), "train");
        let (message, hint) = told.failure();
        assert!(message.starts_with("failed to find the packages that step `train` requires: "), "{message}");
        assert!(
            message.contains("pip failed to install the packages: ") && message.contains(reason),
            "{message}"
        );
        assert!(!hint.is_empty());
    }
    assert_eq!(bench.left_in_cache(), [""; 0]);
}

#[test]
fn a_bad_requirement_is_found_before_anything_is_built() {
    let bench = bench(&["train"]);
    let told = bench.set_up(&train([local("train", &["pandas=1.5.3"])]), TRAIN);
    assert_eq!(told.builds(), 0);
    let (message, hint) = told.failure();
    assert!(message.contains("`pandas=1.5.3` in the requirements of step `train`"), "{message}");
    assert_eq!(hint, "did you mean `pandas==1.5.3`?");
}

#[test]
fn what_a_killed_build_left_behind_is_replaced() {
    let bench = bench(&["train"]);
    wheel(&bench.wheels(), "a", "1.0", &[]);
    let plan = train([local("train", &["a"])]);
    let environment = bench.set_up(&plan, TRAIN).prepared().environments.remove(0);
    fs_err::remove_file(environment.folder.join("alo-environment.json")).unwrap();
    fs_err::write(environment.folder.join("half"), "").unwrap();
    let again = bench.set_up(&plan, TRAIN);
    assert_eq!(again.builds(), 1);
    assert_eq!(again.prepared().environments[0], environment);
    assert!(!environment.folder.join("half").exists());
    fs_err::remove_file(&environment.python).unwrap();
    assert_eq!(bench.set_up(&plan, TRAIN).builds(), 1);
}

#[test]
fn many_that_need_one_environment_build_it_once() {
    let bench = bench(&["train"]);
    wheel(&bench.wheels(), "a", "1.0", &[]);
    let plan = train([local("train", &["a"])]);
    let builds: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| bench.set_up(&plan, TRAIN))).collect();
        threads
            .into_iter()
            .map(|thread| {
                let told = thread.join().unwrap();
                let builds = told.builds();
                assert_eq!(told.prepared().environments[0].packages, ["a==1.0"]);
                builds
            })
            .sum()
    });
    assert_eq!(builds, 1);
}

/// A program that says it is uv, keeps what it was given and makes empty environments.
fn fake_uv(bench: &mut Bench, more: &str) {
    bench.machine.installer = InstallerChoice::Auto;
    let (log, python) = (bench.root.join("uv.log"), real_python());
    bench.program(
        "uv",
        &format!(
            "[ \"$1\" = --version ] && echo 'uv 9.9' && exit 0\n\
             [ \"$1\" = venv ] && for last; do :; done && exec {python} -m venv --without-pip \"$last\"\n\
             (echo \"$@\"; set) >> '{log}'\n\
             [ \"$2\" = compile ] && echo 'a==1' > resolved.txt\n{more}"
        ),
    );
}

#[test]
fn uv_gets_the_user_s_settings_in_its_own_words_and_none_that_mislead_it() {
    let mut bench = bench(&["train"]);
    fake_uv(&mut bench, "exit 0");
    for (name, value) in [
        ("PIP_INDEX_URL", "https://user:secret@index/simple"),
        ("PIP_CERT", "/certs.pem"),
        ("VIRTUAL_ENV", "/elsewhere"),
        ("PIP_TARGET", "/elsewhere"),
    ] {
        bench.machine.variables.insert(name.into(), value.into());
    }
    let plan = train([local("train", &["a==1 --force-reinstall", "b --index-url https://extra/simple"])]);
    bench.set_up(&plan, TRAIN).prepared();
    let log = fs_err::read_to_string(bench.root.join("uv.log")).unwrap();
    for part in [
        "pip compile --quiet --python",
        "--generate-hashes",
        "--override",
        "pip install --python",
        "--no-deps",
        "--no-index",
        "UV_DEFAULT_INDEX='https://user:secret@index/simple'",
        "SSL_CERT_FILE='/certs.pem'",
        &format!("UV_FIND_LINKS='{}'", bench.wheels()),
    ] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    for part in ["VIRTUAL_ENV=", "PIP_TARGET=", "PYTHONPATH=", "PYTHONDONTWRITEBYTECODE="] {
        assert!(!log.contains(part), "{part} is in {log}");
    }
    assert!(log.lines().filter(|line| line.starts_with("pip ")).all(|line| !line.contains("secret")));
}

#[test]
fn an_installer_that_fails_shows_its_reason_without_credentials() {
    let mut bench = bench(&["train"]);
    fake_uv(&mut bench, "echo 'error: no space left on device: https://u:secret@h/x' >&2; exit 2");
    let told = bench.set_up(&train([local("train", &["a"])]), TRAIN);
    assert!(!format!("{:?}", told.events).contains("secret"));
    let (message, hint) = told.failure();
    assert!(message.ends_with("uv failed to install the packages: the disk is full"), "{message}");
    assert!(hint.contains("free space"));
}

#[test]
fn what_is_called_uv_but_is_not_is_left_alone() {
    let mut bench = bench(&["train"]);
    bench.machine.installer = InstallerChoice::Auto;
    wheel(&bench.wheels(), "a", "1.0", &[]);
    bench.program("uv", "echo 'this is something else'");
    let told = bench.set_up(&train([local("train", &["a"])]), TRAIN);
    assert!(told.warnings()[0].contains("it does not run as uv should"), "{:?}", told.warnings());
    assert_eq!(told.prepared().environments[0].packages, ["a==1.0"]);
}

#[test]
fn a_cancelled_set_up_ends_its_installer() {
    let mut bench = bench(&["train"]);
    let python = real_python();
    fake_uv(
        &mut bench,
        &format!("exec {python} -S -c 'import os,time; print(os.getpid(), flush=True); time.sleep(1000)'"),
    );
    let pid = Cell::new(None::<u32>);
    let plan = train([local("train", &["a"])]);
    let outcome = alo_assets::set_up(
        &bench.machine,
        alo_assets::SetupRequest {
            project: &bench.project,
            plan: &plan,
            kind: TRAIN,
            policy: &alo_assets::SetupPolicy::default(),
            cancelled: &|| pid.get().is_some(),
            observer: &mut |event| {
                if let SetupEvent::InstallerOutput { line } = event {
                    // Its last words, when it is interrupted, are no number.
                    pid.set(line.parse().ok().or(pid.get()));
                }
            },
        },
    );
    assert!(matches!(outcome, Err(alo_assets::SetupError::Cancelled)), "{outcome:?}");
    let pid = pid.get().unwrap();
    let alive = Command::new("/bin/sh").args(["-c", &format!("kill -0 {pid}")]).output().unwrap();
    assert!(!alive.status.success(), "the installer is still there");
    assert_eq!(bench.left_in_cache(), [""; 0]);
}

#[test]
fn files_that_are_gone_or_edited_deep_in_a_package_are_found_and_installed_again() {
    for by_uv in [false, true] {
        let mut bench = bench(&["train"]);
        if by_uv && !use_uv(&mut bench) {
            continue;
        }
        let files = [("a/__init__.py", ""), ("a/deep/__init__.py", ""), ("a/deep/b.py", "x = 1\n")];
        wheel_of(&bench.wheels(), "a", "1.0", &[], &files);
        let plan = train([local("train", &["a"])]);
        let environment = bench.set_up(&plan, TRAIN).prepared().environments.remove(0);
        assert_eq!(environment.find_damage(), None);
        let deep = run(&environment, "import a.deep, os; print(os.path.dirname(a.deep.__file__))");
        let file = Utf8Path::new(&deep).join("b.py");
        for damage in ["`a/deep/b.py` has changed", "`a/deep/__init__.py` is gone"] {
            if damage.ends_with("gone") {
                fs_err::remove_dir_all(&deep).unwrap();
            } else {
                // In place: uv may have linked the file from its cache.
                fs_err::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"x = 2\n").unwrap();
            }
            assert_eq!(environment.find_damage().as_deref(), Some(damage));
            let again = bench.set_up(&plan, TRAIN);
            assert!(
                again.warnings().iter().any(|warning| warning.contains(damage)),
                "{:?}",
                again.warnings()
            );
            assert_eq!(again.prepared().environments[0], environment);
            assert_eq!(run(&environment, "import a.deep.b as b; print(b.x)"), "1");
            assert_eq!((environment.find_damage(), bench.set_up(&plan, TRAIN).builds()), (None, 0));
        }
    }
}
