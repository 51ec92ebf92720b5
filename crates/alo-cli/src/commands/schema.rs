//! `alo schema`.

use alo_core::plan;

use crate::exit_code::Exit;
use crate::ui::Ui;

/// Prints the JSON Schema of plans, with which editors complete and explain their keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo schema > experimental_plan.schema.json

An editor with a YAML language server takes it from the first line of a plan:
  # yaml-language-server: $schema=./experimental_plan.schema.json
`alo init` writes both.")]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args, ui: &Ui) -> Exit {
    ui.data(&text());
    Exit::Success
}

/// The schema as text.
pub(super) fn text() -> String {
    format!("{:#}", plan::schema())
}
