//! The steps of one pipeline: each is put back or recorded.

use alo_artifacts::{
    Found, LoadedData, MadeFrom, NotKept, PutBackError, Recorded, RecordingError, StepDescription, StepEntry,
    StepRecording, digest_folder,
};
use alo_plan::{PipelineKind, Step, StepName};

use super::attempt::Attempt;
use super::cache_use::CacheUse;
use super::decision::{StepDecision, Why};
use super::describe;
use super::difference::{difference, first_key};
use super::left::KeptState;
use super::recorder::{Recorder, Values};
use super::seen::Seen;
use crate::journal::Journal;

/// The steps of a pipeline, of which those that have not changed are put back.
pub(crate) struct KeptSteps<'a> {
    recorder: Recorder<'a>,
    cache_use: &'a CacheUse,
    data_id: String,
    /// The step before.
    earlier: Option<Earlier>,
}

/// What the step before has left.
struct Earlier {
    step: String,
    result: String,
    values: Values,
    /// Keeps its files.
    _recorded: Option<Recorded>,
}

impl<'a> KeptSteps<'a> {
    pub(super) fn new(
        mut recorder: Recorder<'a>,
        data: &LoadedData,
        cache_use: &'a CacheUse,
    ) -> Result<Self, RecordingError> {
        let kind = recorder.kind();
        recorder.cache.keep_data_list(kind, data)?;
        if kind == PipelineKind::Inference {
            recorder.common.models = digest_folder(&recorder.scope.trained.models())?;
        }
        Ok(Self { recorder, cache_use, data_id: data.data_id.clone(), earlier: None })
    }

    /// Puts a step back, or starts to record it.
    pub(super) fn attempt(
        &mut self,
        step: &Step,
        number: usize,
        journal: &mut Journal<'_>,
    ) -> Result<Attempt, RecordingError> {
        let name = step.name.as_str();
        let description = self.describe(step, number);
        let key = description.key();
        let kind = self.recorder.kind();
        let why = match self.recorder.cache.find(kind, name, &key) {
            Found::NotKept(reason) => Why::NotKept { reason },
            Found::Nothing => self.why(name, number, &description),
            Found::Entry(entry) => match self.put_back(&step.name, &entry, journal) {
                Ok((decision, kept)) => return Ok(Attempt::Reused(decision, Box::new(kept))),
                Err(why) => {
                    self.recorder.cache.forget(kind, name, &key)?;
                    why
                }
            },
        };
        let earlier = self.earlier.as_ref().map(|earlier| earlier.values.clone()).unwrap_or_default();
        let process = self.cache_use.process.borrow().file(&description.environment);
        let begun = self.recorder.begin(step, description, earlier, process, None)?;
        Ok(Attempt::Recorded(StepDecision::Runs { why }, Box::new(begun)))
    }

    fn describe(&self, step: &Step, number: usize) -> StepDescription {
        let mut description = describe::of_step(&self.recorder.common, step, number, &self.recorder.prepared);
        description.process = self.cache_use.process.borrow().digest(&description.environment);
        let earlier = self.earlier.as_ref();
        description.earlier = earlier.map(|earlier| (earlier.step.clone(), earlier.result.clone()));
        description
    }

    fn why(&self, step: &str, number: usize, now: &StepDescription) -> Why {
        let Recorder { cache, prepared, scope, .. } = &self.recorder;
        let Some(before) = cache.latest(self.recorder.kind(), step) else { return Why::NeverRan };
        let files = describe::code_files(prepared, number, scope.project.root());
        let changed_file = || cache.changed_data(self.recorder.kind(), &before.data_id);
        difference(&before, now, &files, changed_file).unwrap_or(Why::NeverRan)
    }

    fn put_back(
        &mut self,
        step: &StepName,
        entry: &StepEntry,
        journal: &mut Journal<'_>,
    ) -> Result<(StepDecision, KeptState), Why> {
        if let Some(path) = entry.changed_dependency() {
            return Err(Why::Read { path: path.to_owned() });
        }
        let (then, now) = (entry.variables(), self.recorder.of_the_session(entry.variables().keys()));
        if let Some(name) = first_key(then, &now) {
            return Err(Why::Variable { name });
        }
        let fault = |error: &dyn std::error::Error| Why::Damaged { fault: crate::error_chain(error) };
        let kept: KeptState = serde_json::from_value(entry.state().clone()).map_err(|error| fault(&error))?;
        entry.put_back(self.recorder.scope.artifacts).map_err(|error: PutBackError| fault(&error))?;
        self.recorder.show(step.as_str(), entry.data().as_deref(), entry.config().as_deref());
        let decision = StepDecision::Reused { run: entry.run().to_string() };
        journal.note(&format!("{step} {decision}"));
        if let Some((file, digest)) = entry.process() {
            let environment = self.recorder.environment(step.as_str());
            self.cache_use.process.borrow_mut().put_back(&environment, digest, file);
        }
        self.has_finished(step);
        self.earlier = Some(Earlier {
            step: step.to_string(),
            result: entry.result().to_owned(),
            values: Values { data: entry.data(), config: entry.config() },
            _recorded: None,
        });
        Ok((decision, kept))
    }

    /// Keeps what a step has left that has just succeeded.
    pub(super) fn ended(
        &mut self,
        (step, number): (&Step, usize),
        recording: StepRecording,
        description: StepDescription,
        (kept, seen): (KeptState, Option<Seen>),
    ) -> Result<(), RecordingError> {
        let Recorder { prepared, scope, .. } = &self.recorder;
        let environment = description.environment.clone();
        let code_files = describe::code_files(prepared, number, scope.project.root());
        let has_changed = describe::code_has_changed(prepared, number);
        let (mut held, _) = self.recorder.hold(step, recording, &kept, seen)?;
        if has_changed {
            held.refuse(NotKept::CodeChanged);
        }
        let recorded = held.keep(MadeFrom { description, code_files, data_id: self.data_id.clone() })?;
        if let Some((_, digest)) = recorded.process() {
            self.cache_use.process.borrow_mut().left(&environment, digest);
        }
        if recorded.not_kept.is_none() {
            self.has_finished(&step.name);
        }
        self.earlier = Some(Earlier {
            step: step.name.to_string(),
            result: recorded.result.clone(),
            values: Values { data: recorded.data(), config: recorded.config() },
            _recorded: Some(recorded),
        });
        Ok(())
    }

    fn has_finished(&self, step: &StepName) {
        self.cache_use.finished.borrow_mut().push((self.recorder.kind(), step.clone()));
    }

    /// Keeps the cache within its bounds.
    pub(super) fn trim(&self) -> Result<(), RecordingError> {
        Ok(self.recorder.cache.trim(self.recorder.scope.run)?)
    }
}
