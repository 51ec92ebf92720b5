//! The step cache as an embedding program uses it: what a step left is held, kept, put back, and removed when it is too much.

use std::time::{Duration, SystemTime};

use alo_artifacts::{
    ArtifactLayout, Found, HeldStep, LeftBehind, MadeFrom, NotKept, ProjectLayout, RecordingError, RunId,
    Sharing, StepCache, StepDescription,
};
use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

const TRAIN: PipelineKind = PipelineKind::Train;
const LARGE: usize = 5 << 20;

struct Project {
    _dir: tempfile::TempDir,
    cache: StepCache,
    artifacts: ArtifactLayout,
    root: Utf8PathBuf,
    run: RunId,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        let artifacts = ArtifactLayout::new(root.join("staged/train"));
        fs_err::create_dir_all(artifacts.models()).expect("created");
        let cache = StepCache::new(&ProjectLayout::new(root.clone()));
        Self { _dir: dir, cache, artifacts, root, run: RunId::new(jiff::Timestamp::UNIX_EPOCH, 1, "x") }
    }

    fn model(&self) -> Utf8PathBuf {
        self.artifacts.models().join("model")
    }

    /// A step of that code writes the model, `data`, and then is held.
    fn step(&self, code: &str, model: &[u8], sharing: Sharing) -> Ended<'_> {
        let recording =
            self.cache.begin(TRAIN, "step", &self.artifacts, &self.run, (sharing, None)).expect("begun");
        fs_err::write(self.model(), model).expect("written");
        fs_err::write(recording.data(), format!("data of {code}")).expect("written");
        let (step, _) = recording.hold(LeftBehind::default()).expect("held");
        Ended { project: self, code: code.to_owned(), step }
    }

    fn find(&self, code: &str) -> Found {
        self.cache.find(TRAIN, "step", &description(code).key())
    }

    fn has(&self, code: &str) -> bool {
        matches!(self.find(code), Found::Entry(_))
    }

    /// When the entry was used last.
    fn used(&self, code: &str, ago: Duration) {
        let entry =
            self.root.join(".alo/steps/train/step").join(description(code).key().as_str()).join("entry");
        fs_err::File::open(entry).expect("there").file().set_modified(SystemTime::now() - ago).expect("set");
    }
}

struct Ended<'a> {
    project: &'a Project,
    code: String,
    step: HeldStep,
}

impl Ended<'_> {
    fn keep(self) -> Result<Option<NotKept>, RecordingError> {
        let made_from = MadeFrom { description: description(&self.code), ..MadeFrom::default() };
        let recorded = self.step.keep(made_from)?;
        assert!(recorded.not_kept.is_some() || self.project.has(&self.code));
        Ok(recorded.not_kept)
    }
}

fn description(code: &str) -> StepDescription {
    StepDescription { code: code.to_owned(), ..StepDescription::default() }
}

#[test]
fn what_is_held_is_put_back_though_later_steps_removed_and_replaced_it() {
    for sharing in [Sharing::Copies, Sharing::Links] {
        for size in [10, LARGE] {
            let project = Project::new();
            let model = vec![1; size];
            let held = project.step("a", &model, sharing);
            fs_err::remove_file(project.model()).expect("removed");
            fs_err::write(project.model(), "other").expect("written");
            assert_eq!(held.keep().expect("kept"), None);
            let Found::Entry(entry) = project.find("a") else { panic!("{sharing:?} {size}") };
            entry.put_back(&project.artifacts).expect("put back");
            let data = entry.data().expect("data");
            assert_eq!(fs_err::read_to_string(data).expect("read"), "data of a");
            assert_eq!(fs_err::read_to_string(entry.data().expect("read")).unwrap(), "data of a");
        }
    }
}

#[test]
fn what_is_written_to_in_place_right_afterwards_is_a_copy_or_noticed() {
    for (sharing, size) in [(Sharing::Copies, LARGE), (Sharing::Copies, 10), (Sharing::Links, 10)] {
        let project = Project::new();
        let held = project.step("a", &vec![1; size], sharing);
        fs_err::write(project.model(), vec![2; size]).expect("written");
        assert_eq!(held.keep().expect("kept"), None);
        let Found::Entry(entry) = project.find("a") else { panic!("{sharing:?} {size}") };
        entry.put_back(&project.artifacts).expect("put back");
        assert_eq!(fs_err::read(project.model()).expect("read"), vec![1; size], "{sharing:?}");
    }
    for _ in 0..20 {
        let project = Project::new();
        let held = project.step("a", &vec![1; LARGE], Sharing::Links);
        fs_err::write(project.model(), vec![2; LARGE]).expect("written");
        let error = held.keep().expect_err("it was written to");
        assert!(matches!(&error, RecordingError::Overwritten { path } if path.ends_with("model")), "{error}");
        assert!(matches!(project.find("a"), Found::Nothing));
    }
}

#[test]
fn what_is_not_kept_leaves_nothing() {
    let project = Project::new();
    drop(project.step("a", &[1; 10], Sharing::Links));
    project.cache.discard(&project.run).expect("discarded");
    assert_eq!(fs_err::read_dir(project.root.join(".alo/steps")).expect("read").count(), 0);
}

#[test]
fn the_oldest_are_removed_until_the_rest_fits() {
    let project = Project::new();
    let cache = project.cache.clone().quota(3000);
    for (code, hours) in [("a", 5), ("b", 4), ("c", 3), ("d", 2), ("e", 1)] {
        project.step(code, &code.as_bytes().repeat(1000), Sharing::Copies).keep().expect("kept");
        project.used(code, Duration::from_secs(3600 * hours));
    }
    cache.trim(&project.run).expect("trimmed");
    let left: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().filter(|code| project.has(code)).collect();
    // Each takes a little more than the model: three do not fit.
    assert_eq!(left, ["d", "e"]);

    // Looking for them was a use: nothing that may be in use is removed.
    cache.clone().quota(0).trim(&project.run).expect("trimmed");
    assert!(project.has("d") && project.has("e"));

    for (code, hours) in [("d", 1), ("e", 2)] {
        project.used(code, Duration::from_secs(3600 * hours));
    }
    cache.quota(0).trim(&project.run).expect("trimmed");
    assert!(project.has("d") && !project.has("e"), "the one that was used last stays");
}
