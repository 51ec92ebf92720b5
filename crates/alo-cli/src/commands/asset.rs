//! `alo asset`.

use alo_core::StepName;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;

use super::{eject, place};
use crate::exit_code::Exit;
use crate::render::failure;
use crate::templates;
use crate::ui::{Paint, Ui};

/// Makes the code of a new step, or brings fetched code into the project.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Writes `assets/STEP/asset_STEP.py`, a skeleton that runs as it is.
    New(New),
    /// Copies the fetched code of a step to `assets/STEP/`, to be edited, and says which line of the plan to change.
    Eject(eject::Args),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo asset new preprocess       assets/preprocess/asset_preprocess.py
  alo asset new train2           assets/train2/asset_train.py: digits do not count in the file's name")]
struct New {
    /// The name of the step, as in the plan.
    step: String,
    /// The project folder [default: the one of the plan here].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    match &args.action {
        Action::New(new) => make(new, ui),
        // What went wrong has been said where it was found.
        Action::Eject(args) => eject::run(args, ui).unwrap_or_else(|exit| exit),
    }
}

fn make(new: &New, ui: &Ui) -> Exit {
    let name = StepName::new(&new.step);
    let is_folder_name =
        !new.step.contains(['/', '\\', '\0']) && !matches!(new.step.as_str(), "" | "." | "..");
    if name.base().is_empty() || !is_folder_name {
        let hint = "a step is named by letters, digits and `_`, for instance `preprocess`";
        return failure::wrong(ui, &format!("`{}` is no name for a step", new.step), Some(hint));
    }
    let folder = place::project_folder(new.project.as_deref()).join("assets").join(&new.step);
    let folder = folder.strip_prefix(".").map(Utf8Path::to_owned).unwrap_or(folder);
    let file = folder.join(format!("asset_{}.py", name.base()));
    if file.exists() {
        return failure::wrong(ui, &format!("`{file}` is there already"), Some("nothing was written"));
    }
    let written = fs_err::create_dir_all(&folder).and_then(|()| fs_err::write(&file, templates::STEP));
    if let Err(error) = written {
        return failure::failed(ui, &failure::chain(&error));
    }
    ui.progress(&format!("  {} {file}", ui.paint(Paint::Good, "made")));
    ui.progress(&format!(
        "add it to the plan: `- step: {0}` under user_parameters, and under asset_source with `code: local`",
        new.step
    ));
    Exit::Success
}
