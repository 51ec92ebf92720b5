//! Kills and faults of the disk around the moment when a model from outside and what an inference made with it become
//! current: after the next run has tidied up both are of one run, and the trained model is in the history.
//!
//! Which of the other steps are tried is set as in `crash_matrix.rs`: `ALO_FAULT_SEED`, `ALO_FAULT_POINTS`.

use alo_tests::{Fault, PlanText, TestEnv, Tracer, fault_points};

/// So many steps before and after the swap are all tried.
const AROUND: usize = 8;

const INFERS: &str = "import os\n\
    if os.path.exists('fail'): raise ValueError('no')\n\
    model = open(self.asset.get_model_path() + 'm').read()\n\
    open(self.asset.get_output_path() + 'output.csv', 'w').write(model)\n\
    self.asset.save_summary(result='OK', score=1)";

struct Project {
    env: TestEnv,
    tracer: Tracer,
    /// The number of the model outside.
    last: u32,
}

impl Project {
    /// A project whose trained model only its artifacts have.
    fn new() -> Option<Self> {
        let plan =
            PlanText::new().train(&["train"]).inference(&["inference"]).control("backup_artifacts", "False");
        let plan = plan.external("load_model_path", "./outside");
        let trains =
            "import uuid\nopen(self.asset.get_model_path() + 'm', 'w').write('mine' + str(uuid.uuid4()))";
        let (env, tracer) = Tracer::with_project(&plan, &[("train", trains), ("inference", INFERS)])?;
        env.write("outside/train/m", "0");
        Some(Self { env, tracer, last: 0 })
    }

    /// Trains a model that only its artifacts have, and makes results that are known by it.
    fn train(&self) -> String {
        self.env.alo(["run", "--mode", "train"]).expect(0);
        let model = self.env.read("train_artifacts/models/train/m");
        self.env.write("inference_artifacts/output/output.csv", &model);
        model
    }

    /// Infers with a model that no run has had yet; gives the steps on the disk.
    fn infer(&mut self, fault: Fault) -> Vec<alo_tests::Step> {
        self.last += 1;
        self.env.write("outside/train/m", self.last.to_string());
        let arguments = ["run", "--mode", "inference", "--no-wait"];
        let (outcome, steps) = self.tracer.alo(&self.env, &arguments, fault);
        if fault == Fault::None {
            outcome.expect(0);
        }
        steps
    }

    /// What the next run finds when it has tidied up, though it fails itself.
    #[track_caller]
    fn check(&self, trained: &str, when: &str) {
        self.env.write("fail", "");
        self.env.alo(["run", "--mode", "inference", "--no-wait"]).expect(1);
        fs_err::remove_file(self.env.path("fail")).unwrap();
        let model = self.env.read("train_artifacts/models/train/m");
        assert_eq!(model, self.env.read("inference_artifacts/output/output.csv"), "{when}: of two runs");
        let ids = self.env.read("train_artifacts/log/experimental_history.json");
        let is_outside = ids.contains("load-external-model");
        assert_eq!(model, if is_outside { self.last.to_string() } else { trained.to_owned() }, "{when}");
        let left = fs_err::read_dir(self.env.path(".alo/staging")).unwrap().count();
        assert_eq!(left, 0, "{when}: left over");
        if is_outside {
            assert_eq!(self.recorded(), trained, "{when}: the trained model is lost");
        }
    }

    /// The model that was recorded last because another one was to take its place.
    fn recorded(&self) -> String {
        let history = self.env.alo(["history", "--format", "json"]).expect(0).events();
        let is_record = |run: &&serde_json::Value| run["mode"] == "restore" && run["state"] == "succeeded";
        let run = history.iter().find(is_record).expect("a recorded model");
        fs_err::read_to_string(format!("{}/models/train/m", run["folder"].as_str().unwrap())).unwrap()
    }
}

#[test]
fn kills_and_faults_leave_model_and_results_of_one_run_and_lose_no_trained_model() {
    let Some(mut project) = Project::new() else { return };
    project.env.alo(["run"]).expect(0);
    let trained = project.train();
    let steps = project.infer(Fault::None);
    project.check(&trained, "no fault");
    assert_eq!(project.env.read("train_artifacts/models/train/m"), "1");
    let swap = steps.iter().position(|step| step.path.as_str().contains("models.together")).unwrap() + 1;
    let around = swap.saturating_sub(AROUND)..=(swap + AROUND).min(steps.len());
    for point in fault_points(steps.len(), 4).into_iter().chain(around) {
        for fault in [Fault::Kill(point), Fault::Io(point)] {
            let trained = project.train();
            project.infer(fault);
            project.check(&trained, &format!("{fault} of {}", steps.len()));
        }
    }
}
