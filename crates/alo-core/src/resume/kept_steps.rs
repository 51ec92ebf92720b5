//! The steps of one pipeline: each is put back or recorded.

use std::cell::RefCell;

use alo_artifacts::{
    Found, LeftBehind, LoadedData, NotKept, PutBackError, Recorded, RecordingError, StepCache,
    StepDescription, StepEntry, StepRecording,
};
use alo_plan::{HandOffMode, PipelineKind, Step};
use camino::{Utf8Path, Utf8PathBuf};

use super::decision::{StepDecision, Why};
use super::left::{KeptState, Said};
use super::process_state::ProcessStates;
use super::seen::Seen;
use super::values::{KeptValues, WatchOrder};
use super::{describe, difference::difference};
use crate::context::{PipelineScope, PipelineState};
use crate::executor::Prepared;
use crate::journal::Journal;

/// The steps of a pipeline, of which those that have not changed are put back.
pub(crate) struct KeptSteps<'a> {
    cache: StepCache,
    scope: PipelineScope<'a>,
    prepared: Prepared,
    /// What all steps are made from.
    common: StepDescription,
    data_id: String,
    process: &'a RefCell<ProcessStates>,
    /// The step before.
    earlier: Option<Earlier>,
}

/// What the step before has left.
struct Earlier {
    step: String,
    result: String,
    data: Option<Utf8PathBuf>,
    config: Option<Utf8PathBuf>,
    /// Keeps its files.
    _recorded: Option<Recorded>,
}

/// How a step is done.
pub(crate) enum Attempt {
    /// Its files are put back; the engine's own part of it is still to be.
    Reused(StepDecision, Box<KeptState>),
    /// It runs and is recorded.
    Runs(StepDecision, Box<StepRecording>, KeptValues),
}

impl Attempt {
    /// What was decided.
    pub(crate) fn decision(&self) -> StepDecision {
        match self {
            Self::Reused(decision, _) | Self::Runs(decision, ..) => decision.clone(),
        }
    }
}

impl<'a> KeptSteps<'a> {
    /// Describes the pipeline; `None` if the executor cannot tell what its steps leave.
    pub(crate) fn new(
        scope: PipelineScope<'a>,
        prepared: Prepared,
        data: &LoadedData,
        process: &'a RefCell<ProcessStates>,
    ) -> Result<Option<Self>, RecordingError> {
        let Some(keeping) = &prepared.keeping else { return Ok(None) };
        let common = describe::of_pipeline(&scope, keeping, data)?;
        let cache = StepCache::new(scope.project.layout());
        cache.keep_data_list(scope.pipeline.kind, data)?;
        let data_id = data.data_id.clone();
        Ok(Some(Self { cache, scope, prepared, common, data_id, process, earlier: None }))
    }

    /// Why a step runs that nobody can watch.
    pub(crate) fn not_watched() -> StepDecision {
        StepDecision::Runs { why: Why::NotKept { reason: NotKept::NotWatched } }
    }

    /// Puts a step back, or starts to record it.
    pub(crate) fn attempt(
        &mut self,
        step: &Step,
        number: usize,
        journal: &mut Journal<'_>,
    ) -> Result<Attempt, RecordingError> {
        let name = step.name.as_str();
        let description = self.describe(step, number);
        let key = description.key();
        let kind = self.scope.pipeline.kind;
        let why = match self.cache.find(kind, name, &key) {
            Found::NotKept(reason) => Why::NotKept { reason },
            Found::Nothing => self.why(name, number, &description),
            Found::Entry(entry) => match self.put_back(name, &entry, journal) {
                Ok((decision, kept)) => return Ok(Attempt::Reused(decision, Box::new(kept))),
                Err(why) => {
                    self.cache.forget(kind, name, &key)?;
                    why
                }
            },
        };
        let recording = self.cache.begin(kind, name, description, self.scope.artifacts, self.scope.run)?;
        let values = self.values(name, &recording);
        Ok(Attempt::Runs(StepDecision::Runs { why }, Box::new(recording), values))
    }

    fn describe(&self, step: &Step, number: usize) -> StepDescription {
        let mut description = describe::of_step(&self.common, step, number, &self.prepared);
        description.process = self.process.borrow().digest(&description.environment);
        let earlier = self.earlier.as_ref();
        description.earlier = earlier.map(|earlier| (earlier.step.clone(), earlier.result.clone()));
        description
    }

    fn why(&self, step: &str, number: usize, now: &StepDescription) -> Why {
        let kind = self.scope.pipeline.kind;
        let Some(before) = self.cache.latest(kind, step) else { return Why::NeverRan };
        let files = describe::code_files(&self.prepared, number, self.scope.project.root());
        let changed_file = || self.cache.changed_data(kind, &before.data_id);
        difference(&before, now, &files, changed_file).unwrap_or(Why::NeverRan)
    }

    fn put_back(
        &mut self,
        step: &str,
        entry: &StepEntry,
        journal: &mut Journal<'_>,
    ) -> Result<(StepDecision, KeptState), Why> {
        if let Some(path) = entry.changed_dependency() {
            return Err(Why::Read { path: path.to_owned() });
        }
        let fault = |error: &dyn std::error::Error| Why::Damaged { fault: crate::error_chain(error) };
        let kept: KeptState = serde_json::from_value(entry.state().clone()).map_err(|error| fault(&error))?;
        entry.put_back(self.scope.artifacts).map_err(|error: PutBackError| fault(&error))?;
        self.show(step, entry.data().as_deref(), entry.config().as_deref());
        let decision = StepDecision::Reused { run: entry.run().to_string() };
        journal.note(&format!("{step} {decision}"));
        if let Some((file, digest)) = entry.process() {
            let environment = self.environment(step);
            self.process.borrow_mut().put_back(&environment, digest, file);
        }
        self.earlier = Some(Earlier {
            step: step.to_owned(),
            result: entry.result().to_owned(),
            data: entry.data(),
            config: entry.config(),
            _recorded: None,
        });
        Ok((decision, kept))
    }

    fn values(&self, step: &str, recording: &StepRecording) -> KeptValues {
        let layout = self.scope.project.layout();
        let kind = self.scope.pipeline.kind;
        let mut known = vec![layout.input(kind)];
        if kind == PipelineKind::Inference {
            known.push(self.scope.trained.models());
        }
        // Another step's kept values are read from there.
        known.push(layout.state().join("steps"));
        let earlier = self.earlier.as_ref();
        KeptValues {
            load_data: earlier.and_then(|earlier| earlier.data.clone()),
            load_config: earlier.and_then(|earlier| earlier.config.clone()),
            save_data: recording.data(),
            save_config: recording.config(),
            watch: WatchOrder {
                own: vec![self.scope.artifacts.root().to_owned(), recording.folder().to_owned()],
                known,
                load_process: self.process.borrow().file(&self.environment(step)),
                save_process: recording.process(),
            },
        }
    }

    /// Keeps what a step has left that has just succeeded.
    pub(crate) fn ended(
        &mut self,
        (step, number): (&Step, usize),
        recording: StepRecording,
        state: &PipelineState,
        (seen, said): (Option<Seen>, Vec<Said>),
    ) -> Result<Option<NotKept>, RecordingError> {
        let name = step.name.as_str();
        let kept = KeptState::of(state, said);
        let layout = self.scope.artifacts;
        let code_has_changed = self.code_has_changed(number);
        let not_kept = match &seen {
            None => Some(NotKept::NotWatched),
            Some(_) if code_has_changed => Some(NotKept::CodeChanged),
            Some(seen) => seen.not_kept(),
        };
        let left = LeftBehind {
            visible: kept.visible(),
            state: serde_json::to_value(&kept).unwrap_or_default(),
            told: vec![layout.summary(self.scope.pipeline.kind)],
            read: seen.map(|seen| seen.read).unwrap_or_default(),
            code_files: describe::code_files(&self.prepared, number, self.scope.project.root()),
            data_id: self.data_id.clone(),
            not_kept,
        };
        let recorded = recording.finish(left)?;
        self.show(name, recorded.data().as_deref(), recorded.config().as_deref());
        if let Some((_, digest)) = recorded.process() {
            self.process.borrow_mut().left(&self.environment(name), digest);
        }
        let not_kept = recorded.not_kept.clone();
        self.earlier = Some(Earlier {
            step: name.to_owned(),
            result: recorded.result.clone(),
            data: recorded.data(),
            config: recorded.config(),
            _recorded: Some(recorded),
        });
        Ok(not_kept)
    }

    /// Keeps the cache within its bounds.
    pub(crate) fn trim(&self) -> Result<(), RecordingError> {
        Ok(self.cache.trim(self.scope.run)?)
    }

    fn environment(&self, step: &str) -> String {
        self.prepared.environment_of(step).map(|used| used.key.clone()).unwrap_or_default()
    }

    /// Whether the files of a step's code are not those any longer that the run began with.
    fn code_has_changed(&self, number: usize) -> bool {
        let Some(code) = self.prepared.code.get(number - 1) else { return true };
        code.editable.as_ref().is_some_and(|folder| {
            alo_assets::code_digest(folder).map_or(true, |digest| digest != code.identity)
        })
    }

    /// In file mode the values lie in the project, too, for whoever wants to look.
    fn show(&self, step: &str, data: Option<&Utf8Path>, config: Option<&Utf8Path>) {
        if self.scope.project.plan().control.interface_mode != HandOffMode::File {
            return;
        }
        let folder = self.scope.project.layout().asset_interface(self.scope.pipeline.kind);
        for (what, from) in [("data", data), ("config", config)] {
            let to = folder.join(format!("{step}_{what}.pkl"));
            // No step reads them.
            let _ = fs_err::create_dir_all(&folder);
            let _ = from.map(|from| fs_err::copy(from, to));
        }
    }
}
