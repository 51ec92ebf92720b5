//! Folders that are packages: built from a copy, so that they stay as they are and every edit takes effect.

use std::process::Command;

use alo_assets::{PreparedPipeline, SetupPolicy};
use alo_plan::{PipelineKind, Plan};

use crate::bench::{Bench, git, local, train, write_files};
use crate::real_uv::use_uv;
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;
const PROJECT: &str = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n";
/// Leaves what setuptools leaves.
const BACKEND: &str = r#"
import os, zipfile
BESIDE = None
def build_wheel(wheels, config_settings=None, metadata_directory=None):
    for file in ("build/lib/pk.py", "pk.egg-info/PKG-INFO"):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        open(file, "w").close()
    files = {
        "pk.py": open(BESIDE or "pk.py").read(),
        "pk-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: pk\nVersion: 1\n",
        "pk-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["pk-1.dist-info/RECORD"] = "".join(name + ",,\n" for name in [*files, "pk-1.dist-info/RECORD"])
    with zipfile.ZipFile(os.path.join(wheels, "pk-1-py3-none-any.whl"), "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "pk-1-py3-none-any.whl"
"#;

/// A step that requires the folder `pk` of the project, once for each installer that is there.
fn each(check: impl Fn(&Bench, &Plan)) {
    for by_uv in [false, true] {
        let mut bench = Bench::new();
        if by_uv && !use_uv(&mut bench) {
            continue;
        }
        bench.asset("train", &[("asset_train.py", "")]);
        write_files(
            &bench.project.join("pk"),
            &[("pyproject.toml", PROJECT), ("backend.py", BACKEND), ("pk.py", "x = 1")],
        );
        check(&bench, &train([local("train", &["./pk"])]));
    }
}

fn value(prepared: &PreparedPipeline) -> String {
    let code = "import pk; print(pk.x)";
    let output = Command::new(&prepared.environments[0].python).args(["-I", "-c", code]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn names(bench: &Bench) -> Vec<String> {
    let entries = bench.project.join("pk").read_dir_utf8().unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_edit_takes_effect_and_the_folder_stays_as_it_is() {
    each(|bench, plan| {
        let first = bench.set_up(plan, TRAIN);
        let told = format!("{:?}", first.events);
        assert!(!told.contains("/folders/"), "{told}");
        assert_eq!(value(&first.prepared()), "1");
        assert_eq!(names(bench), ["backend.py", "pk.py", "pyproject.toml"]);
        let text = fs_err::read_to_string(bench.project.join("alo.lock")).unwrap();
        assert!(text.contains("path: ./pk\n"), "{text}");
        let locked = SetupPolicy { locked: true, ..SetupPolicy::default() };
        let again = bench.set_up_with(plan, TRAIN, &locked);
        assert_eq!((again.resolutions(), again.builds()), (0, 0));
        for edit in ["22", "333"] {
            fs_err::write(bench.project.join("pk/pk.py"), format!("x = {edit}")).unwrap();
            assert_eq!(value(&bench.set_up(plan, TRAIN).prepared()), edit);
        }
        // What other builds have left there says nothing of it.
        fs_err::create_dir_all(bench.project.join("pk/build/lib")).unwrap();
        fs_err::create_dir_all(bench.project.join("pk/src/pk.egg-info")).unwrap();
        fs_err::write(bench.project.join("pk/src/pk.egg-info/PKG-INFO"), "").unwrap();
        let again = bench.set_up(plan, TRAIN);
        assert_eq!((again.resolutions(), again.builds()), (0, 0));
    });
}

#[test]
fn a_folder_that_reads_what_lies_beside_it_is_built_where_it_lies() {
    each(|bench, plan| {
        let backend = BACKEND.replace("BESIDE = None", "BESIDE = '../beside.py'");
        write_files(&bench.project, &[("pk/backend.py", &backend), ("beside.py", "x = 5")]);
        assert_eq!(value(&bench.set_up(plan, TRAIN).prepared()), "5");
        let again = bench.set_up(plan, TRAIN);
        assert_eq!((again.resolutions(), again.builds()), (0, 0));
        write_files(&bench.project, &[("beside.py", "x = 6"), ("pk/pk.py", "# other")]);
        assert_eq!(value(&bench.set_up(plan, TRAIN).prepared()), "6");
    });
}

#[test]
fn a_folder_that_is_edited_between_decision_and_build_is_told() {
    let mut bench = Bench::new();
    bench.asset("train", &[("asset_train.py", "")]);
    let files = [("pyproject.toml", PROJECT), ("backend.py", BACKEND), ("pk.py", "x = 1")];
    write_files(&bench.project.join("pk"), &files);
    bench.set_up(&train([local("train", &["./pk"])]), TRAIN).prepared();
    let lock = bench.project.join("alo.lock");
    let text = fs_err::read_to_string(&lock).unwrap();
    let (before, rest) = text.split_once("path: ./pk\n").unwrap();
    let (before, rest) = (format!("{before}path: ./pk\n"), rest.split_once('\n').unwrap().1);
    fs_err::write(&lock, format!("{before}    digest: '0'\n{rest}")).unwrap();
    bench.policy.locked = true;
    let (message, hint) = bench.set_up(&train([local("train", &["./pk"])]), TRAIN).failure();
    assert!(message.contains("project/pk` no longer holds what `alo.lock` has of it"), "{message}");
    assert!(hint.contains("alo update"), "{hint}");
}

#[test]
fn a_package_beside_the_code_of_a_checkout_leaves_that_unedited() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit(
        "main",
        &[
            ("requirements.txt", "./pk"),
            ("asset_train.py", ""),
            ("pk/pyproject.toml", PROJECT),
            ("pk/backend.py", BACKEND),
            ("pk/pk.py", "x = 7"),
        ],
    );
    let mut step = git("train", &repo.url(), Some("main"));
    step.requirements = vec!["requirements.txt".to_owned()];
    let plan = train([step]);
    assert_eq!(value(&bench.set_up(&plan, TRAIN).prepared()), "7");
    let again = bench.set_up(&plan, TRAIN);
    assert_eq!((again.warnings(), again.builds()), (Vec::new(), 0));
}
