//! A training goes into the history while the inference runs: both are as if one had come after the other, and a kill in
//! that time leaves the new model whole and the history true.
//!
//! The tracer holds the thread that keeps the training at a chosen step until the inference tells that it runs.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use alo_tests::{Beside, Fault, Outcome, PlanText, REACHED, Step, TestEnv, Tracer, asset};
use camino::Utf8PathBuf;

/// A file that all trainings have, one of its own, both large enough to be shared, and a small one.
const TRAIN: &str = "number = open(self.asset.get_input_path() + 'data/number').read()\n\
    models = self.asset.get_model_path()\n\
    open(models + 'shared', 'w').write('same' * 4000)\n\
    open(models + 'own', 'w').write(number * 8000)\n\
    open(models + 'number', 'w').write(number)\n\
    self.asset.save_summary(result='ok', score=0.5, note=number)";

/// Changes what the training has left, tells that it runs, and goes on as long as the project has a file `stay`.
const INFERENCE: &str = "import os, time\n\
    models = self.asset.get_model_path()\n\
    number = open(models + 'number').read()\n\
    assert open(models + 'own').read() == number * 8000\n\
    open(models + 'own', 'a').write('changed by the inference')\n\
    while True:\n\
    \x20   open('PROJECT/reached', 'w').close()\n\
    \x20   if not os.path.exists('PROJECT/stay'):\n\
    \x20       break\n\
    \x20   time.sleep(0.01)\n\
    open(self.asset.get_output_path() + 'output.csv', 'w').write(number)\n\
    self.asset.save_summary(result='ok', score=0.5, note=number)";

/// What the thread does, in order, once the training's artifacts are current.
const STEPS: [Beside; 7] = [
    Beside { call: "chmod", name: "models/train/own" },
    Beside { call: "rename", name: "models/train/shared" },
    Beside { call: "rename", name: "files.json" },
    Beside { call: "link", name: ".objects/" },
    Beside { call: "rename", name: "run.yaml" },
    Beside { call: "unlink", name: ".running" },
    Beside { call: "unlink", name: "history-open/train-" },
];

/// A project with a run in its history.
struct Project {
    env: TestEnv,
    tracer: Tracer,
    /// The number of the run made last.
    last: u32,
}

impl Project {
    fn new() -> Option<Self> {
        let plan = PlanText::new()
            .external("load_train_data_path", "./data")
            .control("backup_size", "1000")
            .train(&["train"])
            .inference(&["inference"]);
        let (env, tracer) = Tracer::with_project(&plan, &[("train", TRAIN)])?;
        let inference = INFERENCE.replace("PROJECT", env.project().as_str());
        env.write("assets/inference/asset_inference.py", asset(&inference));
        let mut project = Self { env, tracer, last: 0 };
        project.run(Fault::None).0.expect(0);
        Some(project)
    }

    fn run(&mut self, fault: Fault) -> (Outcome, Vec<Step>) {
        self.last += 1;
        self.env.write("data/number", self.last.to_string());
        fs_err::remove_file(self.env.path(REACHED)).ok();
        self.tracer.alo(&self.env, &["run", "--no-wait", "--format", "json"], fault)
    }

    /// The states of the runs of a pipeline, oldest first; what has succeeded is what its training left.
    #[track_caller]
    fn states(&self, kind: &str, when: &str) -> Vec<String> {
        let history = self.env.alo(["history", "--format", "json"]);
        assert_eq!(history.code, Some(0), "{when}: {history:?}");
        let mut runs = history.events();
        runs.retain(|run| run["kind"] == kind);
        // Ids of the same second are in no order; without the `Z` times are, however many digits they have.
        runs.sort_by_key(|run| run["started"].as_str().unwrap().trim_end_matches('Z').to_owned());
        for (run, number) in runs.iter().zip(1_u32..) {
            assert!(run["damaged"].is_null(), "{when}: {run}");
            if run["kind"] == "train" && run["state"] == "succeeded" {
                assert_eq!(run["artifacts_kept"], true, "{when}: {run}");
                let models = Utf8PathBuf::from(run["folder"].as_str().unwrap()).join("models/train");
                let read = |name: &str| fs_err::read_to_string(models.join(name)).unwrap();
                assert_eq!(read("number"), number.to_string(), "{when}");
                assert_eq!(read("own"), number.to_string().repeat(8000), "{when}");
                assert_eq!(read("shared"), "same".repeat(4000), "{when}");
                self.env.alo(["history", "show", run["id"].as_str().unwrap()]).expect(0);
            }
        }
        runs.iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect()
    }

    /// The number of the current model, and that of the current output.
    fn current(&self) -> [String; 2] {
        ["train_artifacts/models/train/number", "inference_artifacts/output/output.csv"]
            .map(|file| fs_err::read_to_string(self.env.path(file)).unwrap())
    }
}

#[test]
fn a_training_is_kept_while_the_inference_runs_and_is_what_it_was_before() {
    let Some(mut project) = Project::new() else { return };
    let mut order = Vec::new();
    for step in STEPS {
        let when = format!("{step:?}");
        let (outcome, steps) = project.run(Fault::Hold(step));
        assert_eq!(outcome.code, Some(0), "{when}: {outcome:?}");
        let names = outcome.events().into_iter().map(|event| event["event"].as_str().unwrap().to_owned());
        // How far loading is, is told now and then.
        order.push(names.filter(|name| name != "data_progress").collect::<Vec<_>>());
        // The training is in the history before the inference that names it becomes current.
        let recorded = steps.iter().rposition(|step| {
            step.call == "rename"
                && step.to.as_str().contains("history/train")
                && step.to.ends_with("run.yaml")
        });
        let current = steps.iter().position(|step| {
            step.call == "rename"
                && step.to.ends_with("inference_artifacts")
                && step.to.parent() == Some(&project.env.project())
        });
        assert!(recorded.is_some() && recorded < current, "{when}: {steps:#?}");
        for kind in ["train", "inference"] {
            let states = project.states(kind, &when);
            assert!(states.iter().all(|state| state == "succeeded"), "{when}: {states:?}");
            assert_eq!(states.len(), project.last as usize, "{when}");
        }
        assert_eq!(project.current(), [project.last.to_string(), project.last.to_string()], "{when}");
    }
    order.dedup();
    assert_eq!(order.len(), 1, "events come in one order, whatever is first: {order:#?}");
    let shared = project.env.path("history/train").read_dir_utf8().unwrap().map(|run| {
        let folder = run.unwrap().into_path();
        fs_err::metadata(folder.join("models/train/shared")).unwrap().ino()
    });
    assert_eq!(shared.collect::<BTreeSet<_>>().len(), 1, "what all have is one file");
}

#[test]
fn killed_while_a_training_is_kept_and_the_inference_runs_the_model_is_new_and_the_history_true() {
    let Some(mut project) = Project::new() else { return };
    let mut expected = vec!["succeeded".to_owned()];
    for step in STEPS {
        let when = format!("killed at {step:?}");
        let before = project.current();
        project.env.write("stay", "");
        let (outcome, _) = project.run(Fault::HoldKill(step));
        fs_err::remove_file(project.env.path("stay")).unwrap();
        assert_eq!(outcome.code, Some(137), "{when}: {outcome:?}");
        assert_eq!(project.current(), [project.last.to_string(), before[1].clone()], "{when}");
        let is_recorded = step.call == "unlink";
        expected.push(if is_recorded { "succeeded" } else { "interrupted" }.to_owned());
        assert_eq!(project.states("train", &when), expected, "{when}");

        let (outcome, _) = project.run(Fault::None);
        assert_eq!(outcome.code, Some(0), "after it, {when}: {outcome:?}");
        expected.push("succeeded".to_owned());
        assert_eq!(project.states("train", &when), expected, "after it, {when}");
        assert_eq!(project.current(), [project.last.to_string(), project.last.to_string()], "{when}");
        let left = fs_err::read_dir(project.env.path(".alo/staging")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{when}: something is left in staging");
    }
}
