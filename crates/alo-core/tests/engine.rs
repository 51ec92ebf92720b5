//! The engine with native steps: no Python, no CLI.

use alo_core::artifacts::RunState;
use alo_core::{
    CancelToken, Engine, Event, FailureKind, Mode, NativeExecutor, Pipeline, PipelineKind, Plan, Project,
    RunError, RunOptions, Step, SummaryDraft,
};
use camino::Utf8Path;

fn project(folder: &tempfile::TempDir, pipelines: &[(PipelineKind, &[&str])]) -> Project {
    let mut plan = Plan::new("native");
    for (kind, steps) in pipelines {
        plan.pipelines.push(Pipeline::new(*kind, steps.iter().map(|name| Step::new(*name))));
    }
    Project::new(Utf8Path::from_path(folder.path()).expect("a UTF-8 path"), plan).expect("a project")
}

fn silent(_: &Event) {}

#[test]
fn data_passes_by_move_and_the_summary_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(&folder, &[(PipelineKind::Train, &["input", "train"])]);
    let executor = NativeExecutor::new()
        .step("input", |step| {
            step.put_data("rows", vec![1, 2, 3]);
            step.put_config("unit", "mm");
            Ok(())
        })
        .step("train", |step| {
            step.data_mut::<Vec<i32>>("rows")?.push(4);
            let sum: i32 = step.data::<Vec<i32>>("rows")?.iter().sum();
            assert_eq!(step.config().get("unit"), Some(&"mm".into()));
            fs_err::write(step.model_path()?.join("sum"), sum.to_string())?;
            Ok(step.save_summary(SummaryDraft::new("OK", 0.5).probability([("a", 0.5), ("b", 0.5)]))?)
        });
    let mut names = Vec::new();
    let mut observer = |event: &Event| {
        names.push(serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned());
    };
    let report = Engine::new(executor).run(&project, &RunOptions::default(), &mut observer).unwrap();
    assert_eq!(report.state, RunState::Succeeded);
    let train = &report.pipelines[0];
    assert_eq!(train.summary.as_ref().unwrap().score.to_string(), "0.5");
    let model = train.places.models.as_ref().unwrap().join("train/sum");
    assert_eq!(fs_err::read_to_string(model).unwrap(), "10");
    assert_eq!(
        (names.first().unwrap().as_str(), names.last().unwrap().as_str()),
        ("run_started", "run_finished")
    );
}

#[test]
fn a_wrong_type_and_an_absent_key_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(&folder, &[(PipelineKind::Train, &["train"])]);
    let executor = NativeExecutor::new().step("train", |step| {
        step.put_data("x", 1_i32);
        assert!(step.data::<String>("x").unwrap_err().message.contains("not of type"));
        step.data::<i32>("y")?;
        Ok(())
    });
    let failure = Engine::new(executor).run(&project, &RunOptions::default(), &mut silent).unwrap_err();
    let RunError::Step(step) = failure.error else { panic!("{failure:?}") };
    assert_eq!(step.kind, FailureKind::Refused);
    assert_eq!(step.cause, "no earlier step handed on `y`; there is: x");
}

#[test]
fn an_error_and_a_panic_are_failures_of_the_step() {
    for (panics, cause) in [(false, "no such table"), (true, "panic: the table is gone")] {
        let folder = tempfile::tempdir().unwrap();
        let project = project(&folder, &[(PipelineKind::Train, &["train"])]);
        let executor = NativeExecutor::new().step("train", move |_| {
            assert!(!panics, "the table is gone");
            Err("no such table".into())
        });
        let failure = Engine::new(executor).run(&project, &RunOptions::default(), &mut silent).unwrap_err();
        assert_eq!(failure.to_string(), format!("step `train` failed: {cause}"));
        assert!(failure.log.unwrap().is_file());
        assert_eq!(failure.report.unwrap().state, RunState::Failed);
    }
}

#[test]
fn a_step_without_code_is_named_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(&folder, &[(PipelineKind::Train, &["input", "train"])]);
    let executor = NativeExecutor::new().step("input", |_| panic!("it must not run"));
    let failure = Engine::new(executor).run(&project, &RunOptions::default(), &mut silent).unwrap_err();
    assert_eq!(failure.error.to_string(), "no code is registered for step `train`");
    assert!(failure.error.hint().unwrap().contains("NativeExecutor::step"));
}

#[test]
fn cancelling_interrupts_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(&folder, &[(PipelineKind::Train, &["input", "train"])]);
    let cancel = CancelToken::new();
    let asked = cancel.clone();
    let executor = NativeExecutor::new()
        .step("input", move |step| {
            asked.cancel();
            assert!(step.is_cancelled());
            Ok(())
        })
        .step("train", |_| panic!("it must not run"));
    let options = RunOptions { cancel, ..RunOptions::default() };
    let failure = Engine::new(executor).run(&project, &options, &mut silent).unwrap_err();
    assert!(failure.error.is_interruption());
    assert_eq!(failure.report.unwrap().state, RunState::Interrupted);
}

#[test]
fn a_mode_without_steps_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(&folder, &[(PipelineKind::Train, &["train"])]);
    let options = RunOptions { mode: Mode::Only(PipelineKind::Inference), ..RunOptions::default() };
    let failure = Engine::new(NativeExecutor::new()).run(&project, &options, &mut silent).unwrap_err();
    assert_eq!(failure.error.to_string(), "the plan has no steps to run in mode `inference`");
}
