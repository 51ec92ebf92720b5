//! [`History`]: the runs of a project.

use alo_plan::PipelineKind;

use super::entry::{self, HistoryEntry};
use super::error::HistoryError;
use super::index::scan;
use super::listed::ListedRun;
use super::open_run::OpenRun;
use super::record::RunRecord;
use super::run_folder::run_names;
use crate::layout::ProjectLayout;

/// The runs of a project.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let root = camino::Utf8PathBuf::try_from(dir.path().to_owned())?;
/// use alo_artifacts::{History, Keep, ProjectLayout, RunId, RunRecord, RunState};
/// use alo_plan::PipelineKind;
///
/// let history = History::new(&ProjectLayout::new(root));
/// let now = jiff::Timestamp::now();
/// let id = RunId::generate(now, "titanic");
/// let mut run = history.begin(RunRecord::new(id.clone(), PipelineKind::Train, now))?;
/// run.update(|record| record.data_id = "1f2e3d4c5b6a".into())?;
/// assert_eq!(history.list()?[0].record.state, RunState::Running);
/// run.finish(RunState::Succeeded, None, &Keep::nothing());
/// assert_eq!(history.find(id.as_str(), None)?.record.state, RunState::Succeeded);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct History {
    layout: ProjectLayout,
}

impl History {
    /// Describes the history of a project; nothing is touched.
    pub fn new(layout: &ProjectLayout) -> Self {
        Self { layout: layout.clone() }
    }

    /// Starts a run: its folder appears with the record in it, and the run counts as running until it is finished
    /// or its process is gone.
    pub fn begin(&self, record: RunRecord) -> Result<OpenRun, HistoryError> {
        OpenRun::begin(&self.layout, record)
    }

    /// Lists all runs with their records, the newest first. Never waits; foreign folders are passed over.
    ///
    /// Every record is read: for a table [`runs`](Self::runs) is faster.
    pub fn list(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        let mut entries = Vec::new();
        for kind in PipelineKind::ALL {
            let history = self.layout.history(kind);
            for name in run_names(&history)? {
                entries.extend(entry::read(&history, kind, &name).map(|read| read.entry));
            }
        }
        entries.sort_by(|a, b| ListedRun::from(b).order().cmp(&ListedRun::from(a).order()));
        Ok(entries)
    }

    /// Lists all runs in short, the newest first. Never waits.
    ///
    /// What was read once is remembered in `.alo/history-index`, which may be deleted at any time.
    pub fn runs(&self) -> Result<Vec<ListedRun>, HistoryError> {
        let mut runs: Vec<_> = scan(&self.layout)?.into_iter().map(|scanned| scanned.run).collect();
        runs.sort_by(|a, b| b.order().cmp(&a.order()));
        Ok(runs)
    }

    /// Reads the run of a line of the list; `None` if it has been removed since.
    pub fn read_run(&self, run: &ListedRun) -> Option<HistoryEntry> {
        let name = run.folder.file_name()?;
        entry::read(&self.layout.history(run.kind), run.kind, name).map(|read| read.entry)
    }

    pub(super) fn layout(&self) -> &ProjectLayout {
        &self.layout
    }
}
