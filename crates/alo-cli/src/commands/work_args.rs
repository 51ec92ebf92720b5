//! What every command that sets a project up is told, and how it begins.

use alo_core::assets::{Machine, Update};
use alo_core::{Mode, Project, RunOptions};
use camino::{Utf8Path, Utf8PathBuf};

use super::open_project::open_project;
use super::setup_args::SetupArgs;
use super::signals::cancel_on_signals;
use crate::exit_code::Exit;
use crate::machine::machine;
use crate::render::failure;
use crate::ui::Ui;

/// Which project, how it is set up, and whether to wait for it.
#[derive(Debug, clap::Args)]
pub(super) struct WorkArgs {
    /// The project folder [default: the plan's own, or the parent of solution/ or config/].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
    #[command(flatten)]
    setup: SetupArgs,
    /// Fails at once when another run holds the project, instead of waiting.
    #[arg(long)]
    no_wait: bool,
}

impl WorkArgs {
    /// Opens the project; what is wrong with its plan has been said.
    pub(super) fn open(&self, plan: Option<&Utf8Path>, ui: &Ui) -> Result<Project, Exit> {
        open_project(plan, self.project.as_deref(), ui)
    }

    /// This machine, with the Python and the installer that were asked for.
    pub(super) fn machine(&self, ui: &Ui) -> Result<Machine, Exit> {
        let mut machine = machine().map_err(|message| failure::wrong(ui, &message, None))?;
        self.setup.apply(&mut machine);
        Ok(machine)
    }

    /// The options of a run that ends with Ctrl-C.
    pub(super) fn options(&self, mode: Mode, update: Update, ui: &Ui) -> RunOptions {
        RunOptions {
            mode,
            wait: !self.no_wait,
            setup: self.setup.policy(update),
            cancel: cancel_on_signals(ui),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            ..RunOptions::default()
        }
    }
}
