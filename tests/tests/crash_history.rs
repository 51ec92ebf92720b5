//! Kills at every step of what changes the history: `restore`, `rm`, `prune`, and a run that keeps and shares contents.
//! Afterwards the model is one of the two that it may be, the list tells what is there, every run that is listed is
//! whole, and after the next run no shared content is lost or left behind.
//!
//! Which steps are tried, and how many, is set as in `crash_matrix.rs`: `ALO_FAULT_SEED`, `ALO_FAULT_POINTS`.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use alo_tests::{Fault, PlanText, TestEnv, Tracer, fault_points, fault_seed};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value as Json;

/// A file that all runs have, one that each has for itself, both large enough to be shared, and the run's number.
const TRAIN: &str = "number = open(self.asset.get_input_path() + 'data/number').read()\n\
    models = self.asset.get_model_path()\n\
    open(models + 'shared', 'w').write('same' * 4000)\n\
    open(models + 'own', 'w').write(number * 8000)\n\
    open(models + 'number', 'w').write(number)\n\
    self.asset.save_summary(result='ok', score=0.5, note=number)";

/// A project with some runs in its history.
struct Kept {
    env: TestEnv,
    tracer: Tracer,
    /// The number of the run made last.
    last: u32,
}

/// A run as `alo history` lists it.
struct Listed {
    id: String,
    folder: Utf8PathBuf,
    has_artifacts: bool,
}

impl Kept {
    fn new() -> Option<Self> {
        let plan = PlanText::new().external("load_train_data_path", "./data").train(&["train"]);
        let (env, tracer) = Tracer::with_project(&plan, &[("train", TRAIN)])?;
        let mut project = Self { env, tracer, last: 0 };
        for _ in 0..3 {
            project.run(Fault::None);
        }
        Some(project)
    }

    fn run(&mut self, fault: Fault) -> usize {
        self.last += 1;
        self.env.write("data/number", self.last.to_string());
        let (outcome, steps) = self.tracer.alo(&self.env, &["run", "--no-wait"], fault);
        if fault == Fault::None {
            outcome.expect(0);
        }
        steps.len()
    }

    /// The number of the current model, all of whose files agree.
    #[track_caller]
    fn model(&self, when: &str) -> u32 {
        let folder = self.env.path("train_artifacts/models/train");
        let read = |name: &str| {
            fs_err::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{when}: {error}"))
        };
        let number = read("number");
        assert_eq!(read("own"), number.repeat(8000), "{when}: a mixture");
        assert_eq!(read("shared"), "same".repeat(4000), "{when}");
        let summary =
            fs_err::read_to_string(self.env.path("train_artifacts/score/train_summary.yaml")).unwrap();
        assert!(
            summary.contains(&format!("note: \"{number}\"")),
            "{when}: {number} with the summary {summary}"
        );
        number.parse().unwrap()
    }

    /// What is listed, oldest first: exactly what lies there, nothing as running or damaged, every run whole.
    #[track_caller]
    fn history(&self, when: &str) -> Vec<Listed> {
        let outcome = self.env.alo(["history", "--format", "json"]);
        assert_eq!(outcome.code, Some(0), "{when}: {outcome:?}");
        let mut listed: Vec<_> = outcome.events().iter().map(|run| self.listed(run, when)).collect();
        listed.sort_by(|one, other| one.id.cmp(&other.id));
        let root = self.env.path("history/train");
        let there: BTreeSet<_> =
            root.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
        let there: BTreeSet<_> =
            there.into_iter().filter(|path| !path.file_name().unwrap().starts_with('.')).collect();
        let folders: BTreeSet<_> = listed.iter().map(|run| run.folder.clone()).collect();
        assert_eq!(folders, there, "{when}: the list and the folders differ");
        listed
    }

    #[track_caller]
    fn listed(&self, run: &Json, when: &str) -> Listed {
        assert_ne!(run["state"], "running", "{when}: {run}");
        assert!(run["damaged"].is_null(), "{when}: {run}");
        let id = run["id"].as_str().unwrap().to_owned();
        let has_artifacts = run["state"] == "succeeded" && run["artifacts_kept"] != false;
        if has_artifacts {
            let shown = self.env.alo(["history", "show", &id]);
            assert_eq!(shown.code, Some(0), "{when}: {shown:?}");
            let text = format!("{}{}", shown.stdout, shown.stderr);
            assert!(!text.contains("damage"), "{when}: {text}");
        }
        Listed { id, folder: Utf8PathBuf::from(run["folder"].as_str().unwrap()), has_artifacts }
    }

    /// A run that succeeds, after which nothing is left over and every shared content has one object.
    #[track_caller]
    fn good_run(&mut self, when: &str) {
        self.run(Fault::None);
        assert_eq!(self.model(when), self.last, "{when}");
        let runs = self.history(when);
        for folder in [self.env.path("history/train"), self.env.path(".alo/staging")] {
            let left = folder.exists().then(|| folder.read_dir_utf8().unwrap());
            let left: Vec<_> = left.into_iter().flatten().map(|entry| entry.unwrap().into_path()).collect();
            let unknown = left.iter().filter(|path| path.file_name().unwrap().starts_with(['.', 't']));
            assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&Utf8PathBuf>::new(), "{when}: left over");
        }
        // What a killed run had kept is its own until the run goes; only those that succeeded must have it all.
        let (mut kept, mut whole) = (BTreeSet::new(), BTreeSet::new());
        for run in &runs {
            for name in ["shared", "own"] {
                match fs_err::metadata(run.folder.join("models/train").join(name)) {
                    Ok(meta) => drop(kept.insert(meta.ino())),
                    Err(error) => assert!(!run.has_artifacts, "{when}: {error}"),
                }
            }
            if run.has_artifacts {
                let folder = run.folder.join("models/train");
                whole
                    .extend(["shared", "own"].map(|name| fs_err::metadata(folder.join(name)).unwrap().ino()));
            }
        }
        let objects = objects(&self.env.path("history/.objects"));
        for (path, object) in &objects {
            assert!(kept.contains(object), "{when}: the object {path} belongs to no run");
        }
        let objects: BTreeSet<_> = objects.into_iter().map(|(_, object)| object).collect();
        assert!(whole.is_subset(&objects), "{when}: a content has lost its object");
    }

    /// The oldest run that can be restored and is not the current one.
    #[track_caller]
    fn oldest(&self, when: &str) -> (String, u32) {
        let runs = self.history(when);
        let run = runs.iter().find(|run| run.has_artifacts).unwrap();
        let number = fs_err::read_to_string(run.folder.join("models/train/number")).unwrap();
        (run.id.clone(), number.parse().unwrap())
    }
}

/// All objects, and the file that each is.
fn objects(root: &Utf8Path) -> Vec<(Utf8PathBuf, u64)> {
    let folders = root.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let files =
        folders.flat_map(|folder| folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()));
    files.map(|path| (path.clone(), fs_err::symlink_metadata(&path).unwrap().ino())).collect()
}

/// Kills `alo` with these arguments (the first `ID` is the oldest run) at each point, and runs again each time.
fn killed(arguments: &[&str], wanted: usize) {
    let Some(mut project) = Kept::new() else { return };
    let go = |project: &Kept, fault| {
        let (id, number) = project.oldest("before");
        let arguments: Vec<_> =
            arguments.iter().map(|&word| if word == "ID" { id.as_str() } else { word }).collect();
        let (outcome, steps) = project.tracer.alo(&project.env, &arguments, fault);
        (outcome, steps, number)
    };
    let (outcome, steps, _) = go(&project, Fault::None);
    outcome.expect(0);
    assert!(!steps.is_empty());
    project.good_run("after the whole command");
    for point in fault_points(steps.len(), wanted) {
        while project.history("before").iter().filter(|run| run.has_artifacts).count() < 3 {
            project.good_run("before");
        }
        let (outcome, made, oldest) = go(&project, Fault::Kill(point));
        let when =
            format!("{arguments:?} killed before step {point}, {:?}, seed {}", made.last(), fault_seed());
        assert!(outcome.code == Some(137) || made.len() < point, "{when}: {outcome:?}");
        let now = project.model(&when);
        let may_change = arguments.contains(&"restore");
        assert!(now == project.last || (may_change && now == oldest), "{when}: the model is {now}");
        project.history(&when);
        project.good_run(&when);
    }
}

#[test]
fn a_restore_that_is_killed_changes_everything_or_nothing() {
    killed(&["history", "restore", "ID"], 15);
}

#[test]
fn a_removal_that_is_killed_leaves_whole_runs_and_no_content_behind() {
    killed(&["history", "rm", "ID"], 10);
}

#[test]
fn a_prune_that_is_killed_leaves_whole_runs_and_no_content_behind() {
    killed(&["history", "prune", "--keep", "1"], 15);
}

#[test]
fn a_run_that_is_killed_while_it_shares_contents_loses_and_leaves_none() {
    let Some(mut project) = Kept::new() else { return };
    let steps = project.run(Fault::None);
    project.good_run("at first");
    for point in fault_points(steps, 20) {
        project.run(Fault::Kill(point));
        let when = format!("a run killed before step {point}, seed {}", fault_seed());
        let now = project.model(&when);
        assert!([project.last, project.last - 1].contains(&now), "{when}: the model is {now}");
        project.history(&when);
        project.good_run(&when);
    }
}
