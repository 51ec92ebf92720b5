//! `alo init`.

use camino::{Utf8Path, Utf8PathBuf};
use clap::ValueEnum;

use super::schema;
use crate::exit_code::Exit;
use crate::render::failure;
use crate::templates::{self, File};
use crate::ui::{Paint, Ui};

/// Makes a project: a plan and assets that run as they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo init                              a small project in this folder
  alo init my-project                   in a new folder
  alo init titanic --example titanic    the Titanic example: real data, a scikit-learn model, a report")]
pub(crate) struct Args {
    /// The folder; it is made when it does not exist.
    #[arg(default_value = ".")]
    folder: Utf8PathBuf,
    /// A complete example instead of the small starter.
    #[arg(long, value_enum)]
    example: Option<Example>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Example {
    /// Who survived the Titanic: pandas and scikit-learn on the real passenger table.
    Titanic,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let files = match args.example {
        Some(Example::Titanic) => templates::titanic(),
        None => templates::starter(&name_of(&args.folder), schema::text()),
    };
    if let Some(file) = files.iter().map(|file| args.folder.join(file.path)).find(|file| file.exists()) {
        return failure::wrong(
            ui,
            &format!("`{file}` is there already"),
            Some("choose another folder; nothing was written"),
        );
    }
    for file in &files {
        if let Err(error) = write(&args.folder, file) {
            return failure::failed(ui, &failure::chain(&error));
        }
        ui.progress(&format!("  {} {}", ui.paint(Paint::Good, "made"), args.folder.join(file.path)));
    }
    let plan = args.folder.join("experimental_plan.yaml");
    let plan = plan.strip_prefix(".").unwrap_or(&plan);
    ui.progress(&format!("run it: alo run {plan}"));
    Exit::Success
}

fn write(folder: &Utf8Path, file: &File) -> std::io::Result<()> {
    let path = folder.join(file.path);
    if let Some(parent) = path.parent() {
        fs_err::create_dir_all(parent)?;
    }
    fs_err::write(path, file.content.as_bytes())
}

/// The name of the contents: the folder's.
fn name_of(folder: &Utf8Path) -> String {
    let absolute = camino::absolute_utf8(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.file_name().unwrap_or("my-contents").to_owned()
}
