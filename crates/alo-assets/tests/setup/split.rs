//! Steps that cannot share an environment: the fewest groups, and why.

use alo_assets::{Lockfile, SetupEvent, SetupPolicy};
use alo_plan::PipelineKind;

use crate::bench::{Bench, Told, both, local, train};
use crate::wheel::wheel;

const TRAIN: PipelineKind = PipelineKind::Train;

fn bench(steps: &[&str]) -> Bench {
    let bench = Bench::new();
    for step in steps {
        bench.asset(step, &[(&format!("asset_{step}.py"), "")]);
    }
    for version in ["1.0", "2.0", "3.0"] {
        wheel(&bench.wheels(), "numpy", version, &[]);
        let on = format!("on-{}", version.split('.').next().unwrap());
        wheel(&bench.wheels(), &on, "1.0", &[&format!("numpy=={version}")]);
    }
    wheel(&bench.wheels(), "a", "1.0", &[]);
    bench
}

/// The environment of each step, the packages of each environment, and why there are several.
fn outcome(told: Told) -> (Vec<usize>, Vec<Vec<String>>, String) {
    let prepared = told.prepared();
    let steps = prepared.steps.iter().map(|step| step.environment).collect();
    let packages = prepared.environments.iter().map(|environment| environment.packages.clone()).collect();
    (steps, packages, prepared.split.map(|split| split.to_string()).unwrap_or_default())
}

#[test]
fn two_pins_make_two_environments_and_no_resolver_is_asked_whether_they_fit() {
    let bench = bench(&["input", "train", "score"]);
    let plan = train([
        local("input", &["numpy==1.0", "a"]),
        local("train", &["numpy==2.0"]),
        local("score", &["a"]),
    ]);
    let told = bench.set_up(&plan, TRAIN);
    // Each step by itself, and the one group of two.
    assert_eq!(told.resolutions(), 4);
    assert!(told.events.iter().any(|event| matches!(event, SetupEvent::Split(_))));
    let first = outcome(told);
    assert_eq!(first.0, [0, 1, 0]);
    assert_eq!(first.1, [vec!["a==1.0", "numpy==1.0"], vec!["numpy==2.0"]]);
    assert_eq!(
        first.2,
        "the steps run in 2 environments, since `numpy==1.0` of `input` and `numpy==2.0` of `train` exclude each other"
    );
    // The lock remembers, on any machine.
    fs_err::remove_dir_all(bench.machine.cache.join("envs")).unwrap();
    let locked = SetupPolicy { locked: true, ..SetupPolicy::default() };
    let again = bench.set_up_with(&plan, TRAIN, &locked);
    assert_eq!((again.resolutions(), again.builds()), (0, 2));
    assert_eq!(outcome(again), first);
    assert_eq!(Lockfile::read(&bench.project).unwrap().environments().len(), 2);
}

#[test]
fn a_clash_of_dependencies_is_told_with_the_steps_and_the_reason() {
    let bench = bench(&["input", "train", "score"]);
    let plan = train([local("input", &["on-1"]), local("train", &["a"]), local("score", &["on-2"])]);
    let (steps, packages, why) = outcome(bench.set_up(&plan, TRAIN));
    assert_eq!(steps, [0, 0, 1]);
    assert_eq!(packages, [vec!["a==1.0", "numpy==1.0", "on-1==1.0"], vec!["numpy==2.0", "on-2==1.0"]]);
    assert!(
        why.contains("the requirements of `input` and the requirements of `score` exclude each other ("),
        "{why}"
    );
    assert_eq!(outcome(bench.set_up(&plan, TRAIN)).2, why);
}

#[test]
fn three_that_exclude_each_other_make_three_and_inference_carries_what_it_can() {
    let bench = bench(&["x", "y", "z", "inference"]);
    let steps = || [local("x", &["numpy==1.0"]), local("y", &["numpy==2.0"]), local("z", &["numpy==3.0"])];
    let (places, packages, _) = outcome(bench.set_up(&train(steps()), TRAIN));
    assert_eq!(places, [0, 1, 2]);
    assert_eq!(packages, [["numpy==1.0"], ["numpy==2.0"], ["numpy==3.0"]]);
    let plan = both(steps(), [local("inference", &["a"])]);
    let told = bench.set_up(&plan, PipelineKind::Inference);
    assert_eq!(told.warnings().len(), 2, "{:?}", told.warnings());
    assert_eq!(told.prepared().environments[0].packages, ["a==1.0", "numpy==1.0"]);
    let again = bench.set_up(&plan, PipelineKind::Inference);
    assert_eq!((again.resolutions(), again.warnings().len()), (0, 2));
    assert_eq!(Lockfile::read(&bench.project).unwrap().environments().len(), 4);
}

#[test]
fn a_package_that_was_missing_once_is_no_clash_when_it_is_there() {
    let bench = bench(&["input", "train"]);
    let plan = train([local("input", &["a"]), local("train", &["late"])]);
    let (message, _) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains("the packages that step `train` requires"), "{message}");
    wheel(&bench.wheels(), "late", "1.0", &[]);
    let (steps, packages, why) = outcome(bench.set_up(&plan, TRAIN));
    assert_eq!((steps, why), (vec![0, 0], String::new()));
    assert_eq!(packages, [["a==1.0", "late==1.0"]]);
}

#[test]
fn a_clash_is_remembered_for_the_indexes_where_it_was_found() {
    let mut bench = bench(&["input", "score"]);
    let plan = train([local("input", &["on-1"]), local("score", &["on-2"])]);
    let lock = bench.project.join("alo.lock");
    let resolutions = |bench: &Bench| {
        let told = bench.set_up(&plan, TRAIN);
        assert_eq!(outcome(Told { events: Vec::new(), outcome: told.outcome }).0, [0, 1]);
        fs_err::remove_file(&lock).unwrap();
        told.events.iter().filter(|event| matches!(event, SetupEvent::ResolvingPackages { .. })).count()
    };
    assert_eq!((resolutions(&bench), resolutions(&bench)), (3, 2));
    bench.machine.variables.insert("PIP_EXTRA_INDEX_URL".into(), "http://127.0.0.1:9/".into());
    assert_eq!(resolutions(&bench), 3);
}
