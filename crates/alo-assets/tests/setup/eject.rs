//! Fetched code that becomes code of the project.

use alo_assets::{CodeIdentity, EjectError, EjectRequest, Ejected, eject};
use alo_plan::{PipelineKind, Plan, StepName, load_str};

use crate::bench::Bench;
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;
const INFERENCE: PipelineKind = PipelineKind::Inference;

fn plan_text(code: &str, inference: &str) -> String {
    let step = |code: &str| format!("      - step: input\n        source:\n          code: {code}\n");
    format!(
        "user_parameters:\n  - train_pipeline:\n      - step: input\n  - inference_pipeline:\n      - step: input\n\
         asset_source:\n  - train_pipeline:\n{}  - inference_pipeline:\n{}",
        step(code),
        step(inference)
    )
}

fn plan(text: &str) -> Plan {
    load_str(text, "plan.yaml".into()).plan.unwrap()
}

fn run(bench: &Bench, text: &str, kind: PipelineKind, step: &str) -> Result<Ejected, EjectError> {
    let request = EjectRequest {
        project: &bench.project,
        plan: &plan(text),
        text,
        kind,
        step: &StepName::new(step),
        policy: &bench.policy,
        cancelled: &|| false,
        observer: &mut |_| {},
    };
    eject(&bench.machine, request)
}

#[test]
fn the_pinned_commit_is_copied_and_the_lines_to_change_are_named() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_input.py", "1"), ("deep/more.py", "2")]);
    let text = plan_text(&repo.url(), &repo.url());
    bench.set_up(&plan(&text), TRAIN).prepared();
    repo.commit("main", &[("asset_input.py", "later")]);
    let ejected = run(&bench, &text, TRAIN, "input").unwrap();
    assert_eq!(ejected.folder, bench.project.join("assets/input"));
    assert_eq!(fs_err::read_to_string(ejected.folder.join("asset_input.py")).unwrap(), "1");
    assert_eq!(fs_err::read_to_string(ejected.folder.join("deep/more.py")).unwrap(), "2");
    assert!(
        matches!(&ejected.identity, CodeIdentity::Git { commit, modified: false, .. } if commit.as_str() == first)
    );
    let changes: Vec<_> = ejected.changes.iter().map(|change| (change.kind, change.line)).collect();
    assert_eq!(changes, [(TRAIN, Some(10)), (INFERENCE, Some(14))]);
    assert_eq!((ejected.changes[0].was.clone(), ejected.changes[0].becomes.as_str()), (repo.url(), "local"));
    let names: Vec<_> = bench.project.join("assets").read_dir_utf8().unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it: {names:?}");
    // The plan that says `local` runs the very same code.
    let local = plan(&plan_text("local", "local"));
    let step = bench.set_up(&local, TRAIN).prepared().steps.remove(0);
    assert_eq!(step.code.identity.digest(), ejected.identity.digest());
}

#[test]
fn an_edited_checkout_is_copied_as_it_is() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_input.py", "1")]);
    let text = plan_text(&repo.url(), "local");
    let step = bench.set_up(&plan(&text), TRAIN).prepared().steps.remove(0);
    fs_err::write(&step.code.file, "edited").unwrap();
    fs_err::create_dir(step.code.folder.join("__pycache__")).unwrap();
    // A step that borrows the code: the line to change is its owner's, in the other pipeline.
    let ejected = run(&bench, &text, TRAIN, "input").unwrap();
    assert!(matches!(ejected.identity, CodeIdentity::Git { modified: true, .. }));
    assert_eq!(fs_err::read_to_string(ejected.folder.join("asset_input.py")).unwrap(), "edited");
    assert!(!ejected.folder.join("__pycache__").exists());
    assert_eq!(ejected.changes.len(), 1);
    assert_eq!(ejected.changes[0].line, Some(10));
}

#[test]
fn what_is_there_is_never_touched() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_input.py", "1")]);
    let text = plan_text(&repo.url(), "./own");
    bench.asset("input", &[("mine.py", "mine")]);
    let error = run(&bench, &text, TRAIN, "input").unwrap_err();
    assert!(matches!(error, EjectError::Exists { .. }), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(bench.project.join("assets/input").read_dir_utf8().unwrap().count(), 1);
    assert!(matches!(run(&bench, &text, INFERENCE, "input").unwrap_err(), EjectError::Local { .. }));
    assert!(matches!(run(&bench, &text, TRAIN, "nobody").unwrap_err(), EjectError::NoStep { .. }));
}
