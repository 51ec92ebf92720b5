//! The history that a command is about, and the right to change it.

use alo_core::PipelineKind;
use alo_core::artifacts::{
    FindError, History, HistoryEntry, Holder, ProjectLayout, ProjectLock, Recovery, recover,
};
use camino::Utf8PathBuf;

use super::words::Pipeline;
use crate::commands::place;
use crate::exit_code::Exit;
use crate::render::failure;
use crate::ui::{Paint, Ui};

/// Which project.
#[derive(Debug, clap::Args)]
pub(super) struct ProjectArgs {
    /// The project folder [default: the one of the plan here].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
}

impl ProjectArgs {
    /// Where everything lies in the project.
    pub(super) fn layout(&self, ui: &Ui) -> Result<ProjectLayout, Exit> {
        let folder = place::project_folder(self.project.as_deref());
        let folder = folder.canonicalize_utf8().map_err(|error| {
            failure::wrong(ui, &format!("`{folder}` is no project folder: {error}"), None)
        })?;
        Ok(ProjectLayout::new(folder))
    }
}

/// Which project, for commands that change its history.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// Fails at once when a run holds the project, instead of waiting.
    #[arg(long)]
    no_wait: bool,
}

impl ChangeArgs {
    /// Where everything lies in the project.
    pub(super) fn layout(&self, ui: &Ui) -> Result<ProjectLayout, Exit> {
        self.project.layout(ui)
    }

    /// Takes the project, waiting for a run in progress if wanted, and tidies up after killed ones.
    pub(super) fn lock(&self, layout: &ProjectLayout, ui: &Ui) -> Result<ProjectLock, Exit> {
        let command = std::env::args().collect::<Vec<_>>().join(" ");
        let me = Holder::current(command, jiff::Timestamp::now());
        let mut waits = |holder: &Holder| ui.progress(&format!("waiting for {holder}"));
        let lock = ProjectLock::acquire(layout, &me, !self.no_wait, &mut waits, &|| false)
            .map_err(|error| failure::refused(ui, &failure::chain(&error), error.hint().as_deref()))?;
        let warning = ui.paint(Paint::Warning, "warning:");
        match recover(layout) {
            Ok(recovery) if recovery == Recovery::default() => {}
            Ok(_) => ui.progress(&format!("{warning} what a killed run left was tidied up")),
            Err(error) => {
                return Err(failure::refused(ui, &failure::chain(&error), error.hint().as_deref()));
            }
        }
        Ok(lock)
    }
}

/// The runs that an id means.
pub(super) fn find_all(
    history: &History,
    id: &str,
    pipeline: Option<Pipeline>,
    ui: &Ui,
) -> Result<Vec<HistoryEntry>, Exit> {
    history.find_all(id, pipeline.map(PipelineKind::from)).map_err(|error| match error {
        FindError::History(error) => failure::refused(ui, &failure::chain(&error), error.hint().as_deref()),
        error => failure::wrong(ui, &error.to_string(), error.hint().as_deref()),
    })
}

/// The one run that an id means: the training where train and inference of one command have it.
pub(super) fn find_one(
    history: &History,
    id: &str,
    pipeline: Option<Pipeline>,
    ui: &Ui,
) -> Result<HistoryEntry, Exit> {
    let mut runs = find_all(history, id, pipeline, ui)?;
    Ok(runs.swap_remove(0))
}
