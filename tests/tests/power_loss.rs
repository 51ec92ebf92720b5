//! Power failures, as far as they can be seen without one: whatever takes a place for good was flushed before, and the
//! folder that names it after. The order is read from a trace of the calls of a real run.

use alo_tests::{Fault, PlanText, Step, Tracer};
use camino::Utf8Path;

/// Whether the step flushes that file, by itself or with all others.
fn flushes(step: &Step, path: &Utf8Path) -> bool {
    step.call == "syncfs" || (step.call == "fsync" && step.path == path)
}

/// Everything written below `from` must be flushed before the step `at`, which gives it the name `to`; and the folder of
/// `to` afterwards, before the same thread removes anything or gives anything else a place for good.
#[track_caller]
fn lasts(steps: &[Step], at: usize, from: &Utf8Path, to: &Utf8Path) {
    let mut open: Vec<&Utf8Path> = Vec::new();
    for step in &steps[..at] {
        if ["write", "truncate"].contains(&step.call.as_str()) && step.path.starts_with(from) {
            open.push(&step.path);
        }
        // What was renamed in the folder since is flushed under its new name.
        if step.call == "rename" {
            for path in open.iter_mut().filter(|path| **path == step.path) {
                *path = &step.to;
            }
        }
        open.retain(|path| !flushes(step, path));
    }
    open.sort_unstable();
    open.dedup();
    assert!(open.is_empty(), "not flushed before `{to}` took its place: {open:?}");
    let folder = to.parent().unwrap();
    let after = steps[at + 1..].iter().position(|step| flushes(step, folder));
    let relies = steps[at + 1..].iter().position(|step| {
        step.thread == steps[at].thread && ["rename", "unlink"].contains(&step.call.as_str())
    });
    assert!(
        after.is_some_and(|after| relies.is_none_or(|relies| after < relies)),
        "`{folder}` is not flushed after `{to}` took its place: {:?}",
        &steps[at..(at + 6).min(steps.len())]
    );
}

#[test]
fn what_takes_a_place_for_good_is_flushed_before_and_its_folder_after() {
    let plan = PlanText::new()
        .external("save_train_artifacts_path", "./save")
        .external("save_inference_artifacts_path", "./save")
        .train(&["train"])
        .inference(&["inference"]);
    let train = "[open(self.asset.get_model_path() + str(name), 'w').write('x') for name in range(5)]";
    let inference = "open(self.asset.get_output_path() + 'output.csv', 'w').write('x')\n\
        self.asset.save_summary(result='ok', score=0.5)";
    let steps = [("train", train), ("inference", inference)];
    let Some((env, tracer)) = Tracer::with_project(&plan, &steps) else { return };

    // The second run exchanges folders and replaces files.
    for _ in 0..2 {
        let (outcome, steps) = tracer.alo(&env, &["run"], Fault::None);
        outcome.expect(0);
        let mut places = 0;
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.call == "rename") {
            let artifacts =
                step.to.parent() == Some(&env.project()) && step.to.as_str().ends_with("_artifacts");
            let archive = step.to.starts_with(env.path("save")) && step.to.extension() == Some("gz");
            // Of the records of a run the last one stays; the first is written before its folder has a name.
            let record = step.to.file_name() == Some("run.yaml")
                && !step.to.as_str().contains("/.new-")
                && !steps[at + 1..].iter().any(|later| later.call == "rename" && later.to == step.to);
            if artifacts || archive || record {
                lasts(&steps, at, &step.path, &step.to);
                places += 1;
            }
        }
        // Two pipelines, each with its artifacts, its record and its archive; and the model's archive.
        assert_eq!(places, 7, "{steps:#?}");
    }
}
