//! `StepContext`: one step's view of its run.

use alo_artifacts::{ArtifactLayout, AssetInterface, RunId, Summary};
use alo_plan::{HandOffMode, Map, Pipeline, PipelineKind, Step, Value};

use super::arguments::{self, Absent, ArgumentType};
use super::hand_off::{HandOff, HandedKeys, Offer, Saved};
use super::refusal::Refusal;
use crate::cancel::CancelToken;
use crate::event::Level;
use crate::journal::{CallSite, Journal};
use crate::project::Project;
use crate::report::StepUsage;
use crate::resume::{KeptValues, Said, Seen};

/// What holds for a whole pipeline of a run.
#[derive(Clone, Copy)]
pub(crate) struct PipelineScope<'a> {
    pub(crate) project: &'a Project,
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) run: &'a RunId,
    /// Where this pipeline's artifacts are made; they become current when it has succeeded.
    pub(crate) artifacts: &'a ArtifactLayout,
    /// Where the artifacts of the training lie that an inference uses.
    pub(crate) trained: &'a ArtifactLayout,
    pub(crate) cancel: &'a CancelToken,
}

impl PipelineScope<'_> {
    /// Where the values between the steps lie; none in memory mode.
    pub(crate) fn asset_interface(&self) -> Option<AssetInterface> {
        let in_files = self.project.plan().control.interface_mode == HandOffMode::File;
        in_files.then(|| AssetInterface::new(self.project.layout(), self.pipeline.kind))
    }
}

/// What passes from step to step of a pipeline.
#[derive(Debug, Default)]
pub(crate) struct PipelineState {
    pub(crate) hand_off: HandOff,
    pub(crate) summary: Option<Summary>,
}

/// What is known here of values that a worker holds, for copies of the worker.
#[derive(Debug, Clone)]
pub(crate) struct WorkerState {
    keys: HandedKeys,
    summary: Option<Summary>,
}

impl From<PipelineState> for WorkerState {
    fn from(state: PipelineState) -> Self {
        Self { keys: state.hand_off.into_keys(), summary: state.summary }
    }
}

impl From<WorkerState> for PipelineState {
    fn from(state: WorkerState) -> Self {
        Self { hand_off: HandOff::of_worker(state.keys), summary: state.summary }
    }
}

/// All that a step can see and do: arguments, data of earlier steps, folders, summary, log.
///
/// Native steps get it as their argument. Assets in Python use the same methods through `self.asset`.
pub struct StepContext<'a> {
    pub(super) scope: PipelineScope<'a>,
    pub(super) step: &'a Step,
    pub(super) number: usize,
    pub(super) state: &'a mut PipelineState,
    pub(super) journal: Journal<'a>,
    pub(super) at: CallSite,
    saved: Saved,
    usage: Option<StepUsage>,
    /// By which files its values pass, if its result is to be kept.
    values: Option<KeptValues>,
    /// What it touched, if it was watched.
    seen: Option<Seen>,
    /// What it said that a run repeats in which its result is used again.
    said: Vec<Said>,
}

impl<'a> StepContext<'a> {
    pub(crate) fn new(
        scope: PipelineScope<'a>,
        step: &'a Step,
        number: usize,
        state: &'a mut PipelineState,
        journal: Journal<'a>,
    ) -> Self {
        Self {
            scope,
            step,
            number,
            state,
            journal,
            at: CallSite::default(),
            saved: Saved::default(),
            usage: None,
            values: None,
            seen: None,
            said: Vec::new(),
        }
    }

    /// Lets the step's values pass by these files, and lets it be watched.
    pub(crate) fn keep(&mut self, values: KeptValues) {
        self.values = Some(values);
    }

    /// By which files its values pass, if its result is to be kept.
    pub(crate) fn kept_values(&self) -> Option<&KeptValues> {
        self.values.as_ref()
    }

    /// Tells what the step touched.
    pub(crate) fn saw(&mut self, seen: Option<Seen>) {
        self.seen = seen;
    }

    /// What is known of the step when it has ended.
    pub(crate) fn into_outcome(self) -> (Option<Seen>, Vec<Said>) {
        (self.seen, self.said)
    }

    /// The step's name as the plan has it.
    pub fn step_name(&self) -> &str {
        self.step.name.as_str()
    }

    /// The pipeline that the step belongs to.
    pub fn pipeline(&self) -> PipelineKind {
        self.scope.pipeline.kind
    }

    /// Its place in the pipeline, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The step's arguments as the plan gives them (`load_args`).
    pub fn args(&self) -> &Map {
        &self.step.args
    }

    /// One argument, converted (`check_args`).
    ///
    /// Lists stay lists, whatever type is wanted. Fails when it is required and absent, and when it cannot be converted.
    pub fn check_arg(&self, key: &str, absent: &Absent, wanted: ArgumentType) -> Result<Value, Refusal> {
        arguments::check(self.args(), self.step_name(), key, absent, wanted)
    }

    /// Whether the run was asked to stop. A step that takes long should look now and then and return an error.
    pub fn is_cancelled(&self) -> bool {
        self.scope.cancel.is_cancelled()
    }

    /// Logs something in the step's name. With `show` the closing summary repeats it (`save_info`, `save_warning`).
    pub fn say(&mut self, level: Level, message: &str, show: bool) {
        let (step, at) = (self.step.name.as_str(), self.at.clone());
        self.journal.asset_says(step, &at, level, message, show);
        if show || level == Level::Warning {
            self.said.push(Said::new(&self.at, level, message, show));
        }
    }

    /// Remembers where in the asset the calls that follow come from.
    pub(crate) fn called_from(&mut self, at: CallSite) {
        self.at = at;
    }

    /// Tells what the step took of the machine, for the log and the record.
    pub fn used(&mut self, usage: StepUsage) {
        let StepUsage { cpu_seconds, peak_memory } = usage;
        let text =
            format!("{} used {cpu_seconds:.2} s of CPU and {peak_memory} bytes of memory", self.step_name());
        self.journal.note(&text);
        self.usage = Some(usage);
    }

    pub(crate) fn usage(&self) -> Option<StepUsage> {
        self.usage
    }

    pub(crate) fn scope(&self) -> &PipelineScope<'a> {
        &self.scope
    }

    pub(crate) fn journal(&mut self) -> &mut Journal<'a> {
        &mut self.journal
    }

    pub(crate) fn data_keys(&self, part: &str) -> Result<Vec<String>, Refusal> {
        self.state.hand_off.load_data(part)
    }

    pub(crate) fn accept_data(&mut self, offer: Offer) -> Result<bool, Refusal> {
        let type_name = offer.type_name.clone();
        let wrap = self.state.hand_off.save_data(&mut self.saved, offer)?;
        if wrap {
            let message = format!(
                "save_data got {type_name}, not a dict; it is handed on as {{'dataframe': …}}. \
                 Write self.asset.save_data({{'dataframe': …}})"
            );
            self.say(Level::Warning, &message, false);
        }
        Ok(wrap)
    }

    pub(crate) fn accept_config(&mut self, offer: Offer) -> Result<(), Refusal> {
        self.state.hand_off.save_config(&mut self.saved, offer)
    }

    pub(crate) fn end_step(&self) -> Result<(), Refusal> {
        self.saved.check()
    }
}
