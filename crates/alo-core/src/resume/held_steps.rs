//! The steps of a run that puts nothing back: what they leave is held, and kept if the run fails.

use std::collections::BTreeMap;

use alo_artifacts::{
    HeldStep, LoadedData, MadeFrom, NotKept, RecordingError, Snapshot, StepCache, StepDescription,
    StepRecording, digest_folder, stamp_folder,
};
use alo_plan::{PipelineKind, Step, StepName};
use camino::Utf8PathBuf;

use super::cache_use::{Attempt, CacheUse};
use super::decision::{StepDecision, Why};
use super::describe;
use super::left::KeptState;
use super::process_state::ProcessStates;
use super::recorder::{Recorder, Values};
use super::seen::Seen;
use crate::executor::Prepared;
use crate::journal::Journal;
use crate::project::Project;

/// The steps of a pipeline whose results are held.
pub(crate) struct HeldSteps<'a> {
    recorder: Recorder<'a>,
    cache_use: &'a CacheUse,
    /// What the step before has left; none if that could not be held, and nothing after it is.
    earlier: Option<Values>,
    /// What lies in the artifacts after the step before.
    artifacts: Option<Box<Snapshot>>,
}

/// What is held of a pipeline.
#[derive(Debug)]
pub(super) struct HeldPipeline {
    kind: PipelineKind,
    prepared: Prepared,
    common: StepDescription,
    data: LoadedData,
    /// The models that an inference began with: their folder, and what tells whether they are still the same.
    models: Option<(Utf8PathBuf, Option<String>)>,
    /// By number.
    steps: Vec<(usize, HeldStep)>,
    failed: Option<(usize, StepRecording)>,
}

impl<'a> HeldSteps<'a> {
    pub(super) fn new(recorder: Recorder<'a>, data: &LoadedData, cache_use: &'a CacheUse) -> Self {
        let kind = recorder.kind();
        let models = (kind == PipelineKind::Inference).then(|| recorder.scope.trained.models());
        cache_use.held.borrow_mut().push(HeldPipeline {
            kind,
            prepared: recorder.prepared.clone(),
            common: recorder.common.clone(),
            data: data.clone(),
            models: models.map(|folder| (folder.clone(), stamp_folder(&folder).ok())),
            steps: Vec::new(),
            failed: None,
        });
        Self { recorder, cache_use, earlier: Some(Values::default()), artifacts: None }
    }

    /// Starts to record a step. One that cannot be recorded runs all the same.
    pub(super) fn attempt(&mut self, step: &Step, journal: &mut Journal<'_>) -> Attempt {
        let decision = StepDecision::Runs { why: Why::NotAsked };
        let Some(earlier) = self.earlier.clone() else { return Attempt::Unrecorded(decision) };
        let artifacts = self.artifacts.take().map(|artifacts| *artifacts);
        match self.recorder.begin(step, StepDescription::default(), earlier, None, artifacts) {
            Ok(begun) => Attempt::Recorded(decision, Box::new(begun)),
            Err(error) => {
                self.give_up(step, &error, journal);
                Attempt::Unrecorded(decision)
            }
        }
    }

    /// Takes hold of what a step has left.
    pub(super) fn ended(
        &mut self,
        (step, number): (&Step, usize),
        recording: StepRecording,
        (kept, seen): (KeptState, Option<Seen>),
        journal: &mut Journal<'_>,
    ) {
        match self.recorder.hold(step, recording, &kept, seen) {
            Ok((held, artifacts)) => {
                self.artifacts = Some(Box::new(artifacts));
                self.earlier = Some(Values { data: held.data(), config: held.config() });
                self.last(|pipeline| pipeline.steps.push((number, held)));
            }
            Err(error) => self.give_up(step, &error, journal),
        }
    }

    /// Notes that a step has failed.
    pub(super) fn failed(&mut self, (step, number): (&Step, usize), recording: StepRecording) {
        self.recorder.show(step.name.as_str(), Some(recording.data()), Some(recording.config()));
        self.last(|pipeline| pipeline.failed = Some((number, recording)));
    }

    fn last(&self, change: impl FnOnce(&mut HeldPipeline)) {
        if let Some(pipeline) = self.cache_use.held.borrow_mut().last_mut() {
            change(pipeline);
        }
    }

    /// From now on the values pass as in a run that records nothing: they lie in the project, too.
    fn give_up(&mut self, step: &Step, error: &RecordingError, journal: &mut Journal<'_>) {
        let fault = crate::error_chain(error);
        journal.note(&format!("{} and what follows will not be there for --resume: {fault}", step.name));
        self.earlier = None;
    }
}

impl HeldPipeline {
    /// Keeps the steps, and adds those to `finished` that need not run again.
    ///
    /// An error means that nothing is known of what follows.
    pub(super) fn keep(
        self,
        project: &Project,
        cache: &StepCache,
        process: &mut ProcessStates,
        finished: &mut Vec<(PipelineKind, StepName)>,
    ) -> Result<(), RecordingError> {
        let Self { kind, prepared, mut common, data, models, steps, failed } = self;
        let Some(pipeline) = project.plan().pipeline(kind) else { return Ok(()) };
        if let Some((folder, then)) = models {
            common.models = digest_folder(&folder)?;
            // A step has changed them: what those before it began with is gone.
            if then.is_none() || stamp_folder(&folder).ok() != then {
                return Ok(());
            }
        }
        cache.keep_data_list(kind, &data)?;
        let mut earlier: Option<(String, String)> = None;
        let describe = |number: usize, process: &ProcessStates, earlier: &Option<(String, String)>| {
            let step = pipeline.steps.get(number - 1)?;
            let mut description = describe::of_step(&common, step, number, &prepared);
            description.process = process.digest(&description.environment);
            description.earlier.clone_from(earlier);
            Some((step.name.clone(), description))
        };
        for (number, mut held) in steps {
            let Some((name, description)) = describe(number, process, &earlier) else { return Ok(()) };
            if describe::code_has_changed(&prepared, number) {
                held.refuse(NotKept::CodeChanged);
            }
            let environment = description.environment.clone();
            let code_files = describe::code_files(&prepared, number, project.root());
            let recorded = held.keep(MadeFrom { description, code_files, data_id: data.data_id.clone() })?;
            if let Some((_, digest)) = recorded.process() {
                process.left(&environment, digest);
            }
            if recorded.not_kept.is_none() {
                finished.push((kind, name.clone()));
            }
            earlier = Some((name.to_string(), recorded.result.clone()));
        }
        if let Some((number, recording)) = failed
            && let Some((_, description)) = describe(number, process, &earlier)
        {
            let code_files = BTreeMap::new();
            recording.failed(MadeFrom { description, code_files, data_id: String::new() })?;
        }
        Ok(())
    }
}
