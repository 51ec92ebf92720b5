//! Kills, full disks and broken disks while the results of steps are kept or put back: `alo run --resume` never takes what
//! is half written, or of other data, for the result of a step.

use alo_tests::{Fault, PlanText, TestEnv, Tracer, fault_points};

/// Hands on what the data says, by every way there is.
const INPUT: &str = "number = open(self.asset.get_input_path() + 'data/number').read()\n\
    self.data['numbers'] = [number] * 3000\n\
    self.config['number'] = number\n\
    open(self.asset.get_extra_output_path() + 'number', 'w').write(number * 5000)";

/// Its last result is kept whole or not at all: each part must be of the same data.
const TRAIN: &str = "numbers = {*self.data['numbers'], self.config['number']}\n\
    assert len(numbers) == 1, 'a mixture of %s' % numbers\n\
    number = numbers.pop()\n\
    models = self.asset.get_model_path()\n\
    open(models + 'number', 'w').write(number)\n\
    open(models + 'large', 'w').write(number * 5000)\n\
    open(self.asset.get_report_path() + 'number', 'w').write(number)\n\
    self.asset.save_summary(result='ok', score=0.5, note=number)";

/// Runs with `--resume`, with a number in the data.
struct Project {
    env: TestEnv,
    tracer: Tracer,
}

impl Project {
    /// Makes the project, with a run in it; none where processes cannot be traced.
    fn new() -> Option<Self> {
        let plan = PlanText::new()
            .external("load_train_data_path", "./data")
            .control("backup_size", "0")
            .train(&["input", "train"]);
        let (env, tracer) = Tracer::with_project(&plan, &[("input", INPUT), ("train", TRAIN)])?;
        let project = Self { env, tracer };
        project.set(0);
        project.resumes(0, "at first");
        Some(project)
    }

    fn set(&self, number: usize) {
        self.env.write("data/number", format!("{number:04}"));
    }

    /// A run that must succeed, with results that are all of this number.
    #[track_caller]
    fn resumes(&self, number: usize, when: &str) {
        self.set(number);
        let outcome = self.env.alo(["run", "--resume", "--no-wait"]);
        assert_eq!(outcome.code, Some(0), "{when}: {outcome:?}");
        let number = format!("{number:04}");
        for (file, times) in [
            ("models/train/number", 1),
            ("models/train/large", 5000),
            ("report/number", 1),
            ("extra_output/input/number", 5000),
        ] {
            assert!(
                self.env.read(&format!("train_artifacts/{file}")) == number.repeat(times),
                "{when}: `{file}` is not of {number}: {outcome:?}"
            );
        }
        let summary = self.env.read("train_artifacts/score/train_summary.yaml");
        assert!(summary.contains(&number), "{when}: {summary}");
    }

    /// Runs with new data and a fault at so many steps of the run, each time followed by runs that must be right.
    fn survives(&self, fault: fn(usize) -> Fault, wanted: usize) {
        self.set(1);
        let steps = self.tracer.alo(&self.env, &["run", "--resume", "--no-wait"], Fault::None).1.len();
        assert!(steps > wanted, "only {steps} steps");
        for (number, step) in (2..).zip(fault_points(steps, wanted)) {
            let fault = fault(step);
            let when = format!("after {fault} of {steps}");
            self.set(number);
            self.tracer.alo(&self.env, &["run", "--resume", "--no-wait"], fault);
            self.resumes(number, &when);
            // What the run before has kept was not touched by the fault.
            self.resumes(number - 1, &when);
        }
    }
}

#[test]
fn a_kill_leaves_no_half_result_of_a_step() {
    if let Some(project) = Project::new() {
        project.survives(Fault::Kill, 40);
    }
}

#[test]
fn a_full_disk_leaves_no_half_result_of_a_step() {
    if let Some(project) = Project::new() {
        project.survives(Fault::Full, 20);
    }
}

#[test]
fn a_broken_disk_leaves_no_half_result_of_a_step() {
    if let Some(project) = Project::new() {
        project.survives(Fault::Io, 20);
    }
}
