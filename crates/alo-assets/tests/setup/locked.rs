//! The packages of `alo.lock`: obeyed while the requirements are the same, refreshed where they change.

use alo_assets::{Lockfile, SetupPolicy, Update};
use alo_plan::{PipelineKind, StepName};

use crate::bench::{Bench, both, local, train};
use crate::wheel::wheel;

const TRAIN: PipelineKind = PipelineKind::Train;
const INFERENCE: PipelineKind = PipelineKind::Inference;

fn bench(wheels: &[(&str, &str)]) -> Bench {
    let bench = Bench::new();
    for step in ["input", "train", "inference"] {
        bench.asset(step, &[(&format!("asset_{step}.py"), "")]);
    }
    for (name, version) in wheels {
        wheel(&bench.wheels(), name, version, &[]);
    }
    bench
}

fn lock_text(bench: &Bench) -> String {
    fs_err::read_to_string(bench.project.join("alo.lock")).unwrap()
}

#[test]
fn the_lock_tells_exact_packages_with_hashes_once_for_both_pipelines() {
    let bench = bench(&[("a", "1.0"), ("b", "2.0")]);
    let plan = both([local("train", &["b", "a"])], [local("inference", &["A"])]);
    for kind in PipelineKind::ALL {
        bench.set_up(&plan, kind).prepared();
    }
    let lock = Lockfile::read(&bench.project).unwrap();
    let [environment] = lock.environments() else { panic!("{}", lock_text(&bench)) };
    let packages: Vec<_> = environment.packages.packages().iter().map(ToString::to_string).collect();
    assert_eq!(packages, ["a==1.0", "b==2.0"]);
    for package in environment.packages.packages() {
        let file = bench.wheels().join(format!(
            "{}-{}-py3-none-any.whl",
            package.name,
            package.version.as_deref().unwrap()
        ));
        let digest = sha256(&fs_err::read(file).unwrap());
        assert_eq!(package.hashes, [format!("sha256:{digest}")]);
    }
    assert_eq!(environment.members(TRAIN).unwrap().steps, ["train"]);
    assert_eq!(environment.members(INFERENCE).unwrap().steps, ["inference"]);
    assert_eq!(lock.python(TRAIN).unwrap().to_string(), crate::bench::real_version().to_string());
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digits = Sha256::digest(bytes).iter().flat_map(|byte| [byte >> 4, byte & 15]).collect::<Vec<_>>();
    digits.into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[test]
fn locked_packages_stay_when_the_index_moves_on_and_update_takes_the_new_ones() {
    let bench = bench(&[("a", "1.0")]);
    let plan = train([local("train", &["a"])]);
    let packages = |policy: &SetupPolicy| {
        let told = bench.set_up_with(&plan, TRAIN, policy);
        (told.resolutions(), told.prepared().environments.remove(0).packages)
    };
    let once = SetupPolicy::default();
    assert_eq!(packages(&once), (1, vec!["a==1.0".to_owned()]));
    wheel(&bench.wheels(), "a", "2.0", &[]);
    assert_eq!(packages(&once), (0, vec!["a==1.0".to_owned()]));
    // Another machine has the lock and nothing in its cache.
    fs_err::remove_dir_all(bench.machine.cache.join("envs")).unwrap();
    assert_eq!(packages(&once), (0, vec!["a==1.0".to_owned()]));
    let other = SetupPolicy { update: Update::Steps(vec![StepName::new("input")]), ..SetupPolicy::default() };
    assert_eq!(packages(&other), (0, vec!["a==1.0".to_owned()]));
    let update =
        SetupPolicy { update: Update::Steps(vec![StepName::new("train")]), ..SetupPolicy::default() };
    assert_eq!(packages(&update), (1, vec!["a==2.0".to_owned()]));
    assert_eq!(packages(&once), (0, vec!["a==2.0".to_owned()]));
}

#[test]
fn what_one_pipeline_was_updated_to_is_its_own_though_both_require_the_same() {
    let bench = bench(&[("a", "1.0")]);
    let plan = both([local("train", &["a"])], [local("inference", &["a"])]);
    let packages = |kind, policy: &SetupPolicy| {
        bench.set_up_with(&plan, kind, policy).prepared().environments.remove(0).packages
    };
    let once = SetupPolicy::default();
    assert_eq!(
        (packages(TRAIN, &once), packages(INFERENCE, &once)),
        (vec!["a==1.0".into()], vec!["a==1.0".into()])
    );
    wheel(&bench.wheels(), "a", "2.0", &[]);
    let update =
        SetupPolicy { update: Update::Steps(vec![StepName::new("inference")]), ..SetupPolicy::default() };
    assert_eq!(packages(INFERENCE, &update), ["a==2.0"]);
    let text = lock_text(&bench);
    for policy in [once, SetupPolicy { locked: true, ..SetupPolicy::default() }] {
        assert_eq!(packages(TRAIN, &policy), ["a==1.0"]);
        assert_eq!(packages(INFERENCE, &policy), ["a==2.0"]);
        assert_eq!(lock_text(&bench), text);
    }
}

#[test]
fn a_changed_requirement_leaves_the_other_packages_where_they_are() {
    let bench = bench(&[("a", "1.0"), ("b", "1.0")]);
    let packages = |items: &[&str]| {
        bench.set_up(&train([local("train", items)]), TRAIN).prepared().environments.remove(0).packages
    };
    assert_eq!(packages(&["a", "b"]), ["a==1.0", "b==1.0"]);
    for name in ["a", "b"] {
        wheel(&bench.wheels(), name, "2.0", &[]);
    }
    assert_eq!(packages(&["a>1", "b"]), ["a==2.0", "b==1.0"]);
    // Where they cannot stay, they go.
    wheel(&bench.wheels(), "c", "1.0", &["b>1"]);
    assert_eq!(packages(&["a", "b", "c"]), ["a==2.0", "b==2.0", "c==1.0"]);
}

#[test]
fn a_lock_that_may_not_change_is_an_error_that_names_the_steps() {
    let bench = bench(&[("a", "1.0"), ("a", "2.0")]);
    let locked = SetupPolicy { locked: true, ..SetupPolicy::default() };
    let plan = train([local("input", &[]), local("train", &["a==1.0"])]);
    let (message, hint) = bench.set_up_with(&plan, TRAIN, &locked).failure();
    assert!(message.contains("`alo.lock` may not change"), "{message}");
    assert!(hint.contains("--locked"), "{hint}");
    bench.set_up(&plan, TRAIN).prepared();
    let text = lock_text(&bench);
    bench.set_up_with(&plan, TRAIN, &locked).prepared();
    let changed = train([local("input", &[]), local("train", &["a==2.0"])]);
    let told = bench.set_up_with(&changed, TRAIN, &locked);
    assert_eq!(told.resolutions(), 0);
    let (message, _) = told.failure();
    assert!(message.contains("the packages of `input`, `train`"), "{message}");
    assert_eq!(lock_text(&bench), text);
}

#[test]
fn a_lock_that_may_not_change_loses_nothing_that_the_plan_no_longer_needs() {
    let bench = bench(&[("a", "1.0"), ("b", "1.0")]);
    let locked = SetupPolicy { locked: true, ..SetupPolicy::default() };
    let failure = |plan| bench.set_up_with(&plan, TRAIN, &locked).failure();
    bench.set_up(&train([local("input", &["a"]), local("train", &["b"])]), TRAIN).prepared();
    let text = lock_text(&bench);
    let (message, hint) = failure(train([local("input", &[]), local("train", &[])]));
    assert!(message.ends_with("but the packages of `input`, `train` would"), "{message}");
    assert!(hint.contains("--locked"), "{hint}");
    let (message, _) = failure(train([local("train", &["a", "b"])]));
    assert!(message.ends_with("steps that the plan no longer has: `input`"), "{message}");
    // One more, of which the lock does not know that it shares the environment.
    let more = [local("input", &["a"]), local("train", &["b"]), local("inference", &["a"])];
    let (message, _) = failure(train(more));
    assert!(message.contains("`inference`"), "{message}");
    assert_eq!(lock_text(&bench), text);
}

#[test]
fn a_file_that_is_not_the_locked_one_is_refused() {
    let bench = bench(&[("a", "1.0")]);
    let plan = train([local("train", &["a"])]);
    bench.set_up(&plan, TRAIN).prepared();
    fs_err::remove_dir_all(bench.machine.cache.join("envs")).unwrap();
    wheel(&bench.wheels(), "b", "1.0", &[]);
    wheel(&bench.wheels(), "a", "1.0", &["b"]);
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains("a downloaded file is not the expected one"), "{message}");
    assert!(hint.contains("alo update"), "{hint}");
}

#[test]
fn a_path_of_the_project_is_locked_relative_to_it() {
    let bench = bench(&[]);
    fs_err::create_dir(bench.project.join("dist")).unwrap();
    wheel(&bench.project.join("dist"), "a", "1.0", &[]);
    let plan = train([local("train", &["./dist/a-1.0-py3-none-any.whl"])]);
    bench.set_up(&plan, TRAIN).prepared();
    assert!(!lock_text(&bench).contains(bench.root.as_str()), "{}", lock_text(&bench));
    let moved = bench.root.join("elsewhere");
    fs_err::rename(&bench.project, &moved).unwrap();
    let told = bench.set_up_in(&moved, &plan, TRAIN);
    assert_eq!(told.resolutions(), 0);
    assert_eq!(told.prepared().environments[0].packages, ["a==1.0"]);
}

#[test]
fn a_lock_of_another_python_is_told_before_it_is_replaced() {
    let mut bench = bench(&[("a", "1.0")]);
    let plan = train([local("train", &["a"])]);
    assert!(bench.set_up(&plan, TRAIN).warnings().is_empty());
    let ours = crate::bench::real_version();
    let lock = lock_text(&bench);
    let written = lock.lines().find(|line| line.contains("python: ")).unwrap();
    fs_err::write(
        bench.project.join("alo.lock"),
        lock.replace(written, &format!("{}python: 3.1.4", &written[..written.find("python: ").unwrap()])),
    )
    .unwrap();
    bench.machine.python = Some(ours.into());
    let told = bench.set_up(&plan, TRAIN);
    let warning = format!(
        "`alo.lock` has the packages of `train_pipeline` for Python 3.1: they are decided on again for Python {ours}"
    );
    assert!(told.warnings().contains(&warning.as_str()), "{:?}", told.warnings());
    told.prepared();
}
