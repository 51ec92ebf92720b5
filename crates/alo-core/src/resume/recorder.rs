//! Records the steps of a pipeline while they run: by which files their values pass, and what they leave.

use std::collections::BTreeMap;

use alo_artifacts::{
    HeldStep, LeftBehind, LoadedData, NotKept, RecordingError, Sharing, Snapshot, StepCache, StepDescription,
    StepRecording,
};
use alo_plan::{PipelineKind, Step};
use camino::{Utf8Path, Utf8PathBuf};

use super::describe;
use super::left::KeptState;
use super::seen::Seen;
use super::values::{KeptValues, WatchOrder};
use crate::context::PipelineScope;
use crate::executor::Prepared;

/// Records the steps of a pipeline while they run.
pub(super) struct Recorder<'a> {
    pub(super) cache: StepCache,
    pub(super) scope: PipelineScope<'a>,
    pub(super) prepared: Prepared,
    /// What all steps are made from.
    pub(super) common: StepDescription,
    sharing: Sharing,
}

/// A step that is recorded while it runs.
pub(crate) struct RecordedStep {
    pub(crate) recording: StepRecording,
    /// What it is made from, as far as that is known before the run has ended.
    pub(crate) description: StepDescription,
    /// By which files its values pass.
    pub(crate) values: KeptValues,
}

/// The files of `data` and `config` that a step has left.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    pub(super) data: Option<Utf8PathBuf>,
    pub(super) config: Option<Utf8PathBuf>,
}

impl<'a> Recorder<'a> {
    /// Describes the pipeline; `None` if the executor cannot tell what its steps leave.
    ///
    /// Unless results are kept `at_once`, as little as possible is done for them.
    pub(super) fn new(
        scope: PipelineScope<'a>,
        prepared: Prepared,
        data: &LoadedData,
        at_once: bool,
    ) -> Option<Self> {
        let common = describe::of_pipeline(&scope, prepared.keeping.as_ref()?, data);
        let cache = StepCache::new(scope.project.layout());
        let sharing = if at_once { Sharing::Copies } else { Sharing::Links };
        Some(Self { cache, scope, prepared, common, sharing })
    }

    pub(super) fn kind(&self) -> PipelineKind {
        self.scope.pipeline.kind
    }

    /// The environment of a step, by its key.
    pub(super) fn environment(&self, step: &str) -> String {
        describe::environment(&self.prepared, step)
    }

    /// Starts to record a step, which begins with these values, this state of its process, and these artifacts, if they
    /// are known.
    pub(super) fn begin(
        &self,
        step: &Step,
        description: StepDescription,
        earlier: Values,
        load_process: Option<Utf8PathBuf>,
        before: Option<Snapshot>,
    ) -> Result<RecordedStep, RecordingError> {
        let Self { cache, scope, sharing, .. } = self;
        let recording =
            cache.begin(self.kind(), step.name.as_str(), scope.artifacts, scope.run, (*sharing, before))?;
        let layout = scope.project.layout();
        let mut known = vec![layout.input(self.kind())];
        if self.kind() == PipelineKind::Inference {
            known.push(scope.trained.models());
        }
        // Another step's kept values are read from there.
        known.push(layout.state().join("steps"));
        let values = KeptValues {
            load_data: earlier.data,
            load_config: earlier.config,
            save_data: recording.data(),
            save_config: recording.config(),
            watch: WatchOrder {
                own: vec![scope.artifacts.root().to_owned(), recording.folder().to_owned()],
                known,
                load_process,
                save_process: recording.process(),
            },
        };
        Ok(RecordedStep { recording, description, values })
    }

    /// Takes hold of what a step has left that has just succeeded.
    pub(super) fn hold(
        &self,
        step: &Step,
        recording: StepRecording,
        kept: &KeptState,
        seen: Option<Seen>,
    ) -> Result<(HeldStep, Snapshot), RecordingError> {
        self.show(step.name.as_str(), Some(&recording.data()), Some(&recording.config()));
        let not_kept = seen.as_ref().map_or(Some(NotKept::NotWatched), Seen::not_kept);
        let seen = seen.unwrap_or_default();
        recording.hold(LeftBehind {
            visible: kept.visible(),
            state: serde_json::to_value(kept).unwrap_or_default(),
            told: vec![self.scope.artifacts.summary(self.kind())],
            variables: self.of_the_session(&seen.variables),
            read: seen.read,
            looked: seen.looked,
            not_kept,
        })
    }

    /// Those of the variables that are not in the key of every step, with digests of their values; none where one is not set.
    ///
    /// `*` stands for all of them together.
    pub(super) fn of_the_session<'n>(
        &self,
        names: impl IntoIterator<Item = &'n String>,
    ) -> BTreeMap<String, Option<String>> {
        let Some(keeping) = &self.prepared.keeping else { return BTreeMap::new() };
        let in_key = |name: &str| keeping.variables.iter().any(|(known, _)| known == name);
        let value = |name: &str| {
            if name == "*" {
                return serde_json::to_vec(&keeping.session)
                    .ok()
                    .map(|all| StepDescription::variable("*", &all));
            }
            let set = keeping.session.iter().find(|(known, _)| known == name);
            set.map(|(_, value)| StepDescription::variable(name, value))
        };
        names.into_iter().filter(|name| !in_key(name)).map(|name| (name.clone(), value(name))).collect()
    }

    /// In file mode the values lie in the project, too, for whoever wants to look.
    pub(super) fn show(&self, step: &str, data: Option<&Utf8Path>, config: Option<&Utf8Path>) {
        if let Some(interface) = self.scope.asset_interface() {
            interface.show(step, data, config);
        }
    }
}
