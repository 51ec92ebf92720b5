//! What there is to say of a pipeline, in a table below its name.

use alo_core::PipelineKind;

use super::table::columns;
use crate::ui::{Paint, Ui};

/// Shows the rows below the name of the pipeline.
pub(super) fn show(pipeline: PipelineKind, rows: &[Vec<String>], ui: &Ui) {
    ui.say("");
    ui.say(&ui.paint(Paint::Strong, pipeline.as_str()));
    for line in columns(rows) {
        ui.say(&format!("  {line}"));
    }
}
