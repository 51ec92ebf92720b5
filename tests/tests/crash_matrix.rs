//! Kills, full disks and broken disks at every step of a run: the artifacts are the previous or the new ones, history
//! tells the truth, and the next run works.
//!
//! The steps are the calls by which `alo` changes files of the project, seen by a tracer (`faults/tracer.c`). How many
//! are tried can be set: `ALO_FAULT_POINTS` (each test's number, or `all`), and which ones: `ALO_FAULT_SEED`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use alo_tests::{Fault, Outcome, PlanText, Step, TestEnv, Tracer, fault_points, fault_seed};
use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal, kill_process};

/// A project whose every file carries the number of the run that wrote it.
struct Numbered {
    env: TestEnv,
    tracer: Tracer,
    /// The last run that succeeded.
    good: u32,
    /// The run made last.
    last: u32,
}

/// Reads the number from all files of the data, which must agree, and writes it to several files.
const TRAIN: &str = "import glob\n\
    numbers = {open(path).read() for path in glob.glob(self.asset.get_input_path() + 'data/*')}\n\
    assert len(numbers) == 1, 'mixed data: %s' % numbers\n\
    number = numbers.pop()\n\
    for path in (self.asset.get_model_path(), self.asset.get_report_path(), self.asset.get_output_path()):\n\
    \x20   open(path + 'number', 'w').write(number)\n\
    self.asset.save_summary(result='ok', score=0.5, note=number)";

/// Passes the model's number on.
const INFERENCE: &str = "number = open(self.asset.get_model_path() + 'number').read()\n\
    open(self.asset.get_output_path() + 'output.csv', 'w').write(number)\n\
    open(self.asset.get_extra_output_path() + 'number', 'w').write(number)\n\
    self.asset.save_summary(result='ok', score=0.5, note=number)";

impl Numbered {
    /// Makes the project, with one good run in it; none where processes cannot be traced.
    fn new() -> Option<Self> {
        let plan = PlanText::new()
            .external("load_train_data_path", "./data")
            .external("save_train_artifacts_path", "./save/train")
            .external("save_inference_artifacts_path", "./save/inference")
            .control("backup_size", "0")
            .train(&["train"])
            .inference(&["inference"]);
        let (env, tracer) = Tracer::with_project(&plan, &[("train", TRAIN), ("inference", INFERENCE)])?;
        let mut project = Self { env, tracer, good: 0, last: 0 };
        project.good_run("at first");
        Some(project)
    }

    /// Gives the data the next number.
    fn next(&mut self) {
        self.last += 1;
        for file in ["a", "b", "c"] {
            self.env.write(&format!("data/{file}"), self.last.to_string());
        }
    }

    fn run(&mut self, fault: Fault) -> (Outcome, Vec<Step>) {
        self.next();
        self.tracer.alo(&self.env, &["run", "--no-wait"], fault)
    }

    /// A run after which everything must be new, and nothing unfinished left.
    #[track_caller]
    fn good_run(&mut self, when: &str) {
        self.next();
        let outcome = self.env.alo(["run", "--no-wait"]);
        assert_eq!(outcome.code, Some(0), "the run after it, {when}: {outcome:?}");
        self.good = self.last;
        let now = self.check(when);
        assert_eq!(now, [self.last; 2], "{when}: {outcome:?}");
        let staging = self.env.path(".alo/staging");
        let left = staging.exists().then(|| fs_err::read_dir(staging).unwrap().count());
        assert_eq!(left.unwrap_or_default(), 0, "{when}: something is left in staging");
    }

    /// Checks everything that lies there; gives the numbers of the current train and inference artifacts.
    #[track_caller]
    fn check(&self, when: &str) -> [u32; 2] {
        let project = self.env.project();
        let [train, inference] = [
            ("train_artifacts", &["models/train/number", "report/number", "output/number"][..]),
            ("inference_artifacts", &["output/output.csv", "extra_output/inference/number"][..]),
        ]
        .map(|(folder, files)| {
            let kind = folder.trim_end_matches("_artifacts");
            let folder = project.join(folder);
            let mut numbers: BTreeSet<_> =
                files.iter().map(|file| number(&folder.join(file), when)).collect();
            numbers.insert(note(&folder.join(format!("score/{kind}_summary.yaml")), when));
            numbers.extend(exported(
                &project.join(format!("save/{kind}/{kind}_artifacts.tar.gz")),
                files,
                when,
            ));
            // The archive follows the artifacts: between the two it is of the run before.
            let current = number(&folder.join(files[0]), when);
            assert!(
                numbers.iter().all(|number| [self.good, self.last].contains(number)),
                "{when}: {numbers:?}"
            );
            let inside: BTreeSet<_> = files.iter().map(|file| number(&folder.join(file), when)).collect();
            assert_eq!(inside.len(), 1, "{when}: a mixture of {inside:?} in {folder}");
            current
        });
        assert!(inference <= train, "{when}: the inference of {inference} with the model of {train}");
        self.check_history(when, [train, inference]);
        [train, inference]
    }

    /// No run is shown as running, and one that is shown as good has its whole results in history.
    #[track_caller]
    fn check_history(&self, when: &str, current: [u32; 2]) {
        let history = self.env.alo(["history", "--format", "json"]);
        assert_eq!(history.code, Some(0), "{when}: {history:?}");
        for run in history.events() {
            let state = run["state"].as_str().unwrap();
            assert_ne!(state, "running", "{when}: {run}");
            assert!(run["damaged"].is_null(), "{when}: {run}");
            if state != "succeeded" || run["artifacts_kept"] == false {
                continue;
            }
            let folder = Utf8Path::new(run["folder"].as_str().unwrap());
            let (file, current) = match run["kind"].as_str().unwrap() {
                "train" => ("models/train/number", current[0]),
                _ => ("output/output.csv", current[1]),
            };
            let kept = number(&folder.join(file), when);
            assert!(kept <= current, "{when}: {kept} counts as good, but {current} is current");
        }
    }
}

#[track_caller]
fn number(path: &Utf8Path, when: &str) -> u32 {
    let text = fs_err::read_to_string(path).unwrap_or_else(|error| panic!("{when}: {error}"));
    text.parse().unwrap_or_else(|_| panic!("{when}: {path} holds {text:?}"))
}

#[track_caller]
fn note(path: &Utf8Path, when: &str) -> u32 {
    let text = fs_err::read_to_string(path).unwrap_or_else(|error| panic!("{when}: {error}"));
    let note = text.lines().find_map(|line| line.strip_prefix("note:"));
    note.and_then(|note| note.trim().trim_matches(['\'', '"']).parse().ok())
        .unwrap_or_else(|| panic!("{when}: {path} holds {text:?}"))
}

/// The number in an archive, which must be whole and of one run.
#[track_caller]
fn exported(archive: &Utf8Path, files: &[&str], when: &str) -> Option<u32> {
    let file = fs_err::File::open(archive).unwrap_or_else(|error| panic!("{when}: {error}"));
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut numbers = BTreeSet::new();
    for member in tar.entries().unwrap() {
        let mut member = member.unwrap_or_else(|error| panic!("{when}: {archive}: {error}"));
        let path = Utf8PathBuf::try_from(member.path().unwrap().into_owned()).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut member, &mut text)
            .unwrap_or_else(|error| panic!("{when}: {archive}: {error}"));
        if files.contains(&path.as_str()) {
            numbers.insert(text.parse().unwrap_or_else(|_| panic!("{when}: {path} holds {text:?}")));
        }
    }
    assert_eq!(numbers.len(), 1, "{when}: a mixture of {numbers:?} in {archive}");
    numbers.pop_first()
}

/// Tries all points, each lane in a project of its own.
fn in_lanes(points: &[usize], lane: impl Fn(&mut Numbered, usize) + Sync) {
    let next = AtomicUsize::new(0);
    let lanes = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                let mut project = Numbered::new().expect("tracing works");
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    lane(&mut project, *point);
                }
            });
        }
    });
}

/// The steps of a run that changes everything.
fn steps_of_a_run() -> Option<Vec<Step>> {
    let mut project = Numbered::new()?;
    let (outcome, steps) = project.run(Fault::None);
    outcome.expect(0);
    assert!(steps.len() > 50, "{}", steps.len());
    Some(steps)
}

#[test]
fn killed_at_any_step_the_artifacts_are_whole() {
    let Some(steps) = steps_of_a_run() else { return };
    in_lanes(&fault_points(steps.len(), 200), |project, point| {
        let (outcome, made) = project.run(Fault::Kill(point));
        let step = made.last().cloned();
        let when = format!("killed before step {point}, {step:?}, seed {}", fault_seed());
        assert!(outcome.code == Some(137) || made.len() < point, "{when}: {outcome:?}");
        project.check(&when);
        project.good_run(&when);
    });
}

#[test]
fn killed_at_any_moment_the_artifacts_are_whole() {
    if Numbered::new().is_none() {
        return;
    }
    in_lanes(&fault_points(40, 40), |project, point| {
        project.next();
        let begun = Instant::now();
        project.env.alo(["run", "--no-wait"]).expect(0);
        let whole_run = begun.elapsed();
        project.good = project.last;
        project.next();
        let mut child = project.env.start(["run", "--no-wait"]);
        // Not to wait for something: the moments are spread over the length of a run.
        std::thread::sleep(whole_run * u32::try_from(point).unwrap() / 40);
        kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
        child.wait().unwrap();
        let when = format!("killed after {point} fortieths of a run");
        project.check(&when);
        project.good_run(&when);
    });
}

#[test]
fn on_a_disk_that_fails_or_is_full_at_any_step_the_artifacts_are_whole() {
    let Some(steps) = steps_of_a_run() else { return };
    in_lanes(&fault_points(steps.len(), 60), |project, point| {
        for fault in [Fault::Io(point), Fault::Full(point)] {
            let (outcome, made) = project.run(fault);
            let step = made.get(point - 1).cloned();
            let when = format!("{fault:?}, {step:?}, seed {}", fault_seed());
            let now = project.check(&when);
            match outcome.code {
                Some(0) => assert_eq!(now, [project.last; 2], "{when}: {outcome:?}"),
                Some(1) => assert!(outcome.stderr.contains("error"), "{when}: {outcome:?}"),
                _ => panic!("{when}: {outcome:?}"),
            }
            project.good_run(&when);
        }
    });
}

#[test]
fn on_a_disk_without_locks_runs_keep_each_other_out_and_kills_leave_no_lock() {
    let Some(mut project) = Numbered::new() else { return };
    let (outcome, steps) = project.run(Fault::NoLock);
    outcome.expect(0);
    project.good = project.last;
    assert_eq!(project.check("without locks"), [project.last; 2]);
    for point in fault_points(steps.len(), 12) {
        let (_, made) = project.run(Fault::NoLockKill(point));
        let when =
            format!("without locks, killed before step {point}, {:?}, seed {}", made.last(), fault_seed());
        project.check(&when);
        let (outcome, _) = project.run(Fault::NoLock);
        assert_eq!(outcome.code, Some(0), "{when}: {outcome:?}");
        project.good = project.last;
        assert_eq!(project.check(&when), [project.last; 2], "{when}");
    }
    // A run on a machine whose disk has locks does not pass over the claim of one without.
    let claim = project.env.path(".alo/lock.claim");
    assert!(!claim.exists());
    let other =
        serde_json::json!({"host": "elsewhere", "boot": "b", "namespace": "n", "pid": 1, "started": 1});
    fs_err::write(&claim, other.to_string()).unwrap();
    for fault in [Fault::None, Fault::NoLock] {
        let (outcome, _) = project.run(fault);
        outcome.expect(1).says("in use").says("lock.claim");
    }
}

/// The unfinished files of exports in a folder.
fn unfinished(folder: &Utf8Path) -> Vec<String> {
    let names = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned());
    names.filter(|name| name.starts_with(".alo-tmp-")).collect()
}

#[test]
fn what_a_killed_export_leaves_goes_with_the_next_and_nothing_else_does() {
    let Some(mut project) = Numbered::new() else { return };
    // The second run looks for what the first has left open, from the third on all take the same steps.
    project.good_run("looks around");
    let (outcome, steps) = project.run(Fault::None);
    outcome.expect(0);
    project.good = project.last;
    let save = project.env.path("save/train");
    let is_export = |step: &Step| step.call == "write" && step.path.starts_with(&save);
    let point = steps.iter().position(is_export).expect("an archive is written") + 1;
    // Of another project, or of another program: none of our business.
    let foreign = save.join(".alo-tmp-0123456789abcdef-x");
    fs_err::write(&foreign, "").unwrap();
    let (outcome, made) = project.run(Fault::Kill(point));
    assert_eq!(outcome.code, Some(137), "{outcome:?}");
    assert!(made.last().is_some_and(is_export), "{made:?}");
    let left = unfinished(&save);
    assert_eq!(left.len(), 2, "{left:?}");
    // As long as somebody has it locked, its writer counts as alive.
    let ours = left.iter().find(|name| !foreign.as_str().ends_with(name.as_str())).unwrap();
    let held = fs_err::File::open(save.join(ours)).unwrap();
    held.file().lock().unwrap();
    project.good_run("while the file is locked");
    assert_eq!(unfinished(&save).len(), 2);
    drop(held);
    project.next();
    project.env.alo(["run", "--no-wait"]).expect(0).says("unfinished files of killed runs");
    assert_eq!(unfinished(&save), [".alo-tmp-0123456789abcdef-x"]);
}
