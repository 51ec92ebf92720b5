//! Where a pipeline left what it made, for the closing block.

use alo_artifacts::{ArtifactLayout, RunState};
use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::report::{PipelineReport, Places};

/// Names what is there.
pub(super) fn find(artifacts: &ArtifactLayout, kind: PipelineKind, places: &mut Places) {
    places.models = Some(artifacts.models()).filter(|models| !entries(models).is_empty());
    places.report = files(&artifacts.report());
    places.output = files(&artifacts.output());
    places.summary = Some(artifacts.summary(kind)).filter(|summary| summary.is_file());
    places.log = Some(artifacts.pipeline_log()).filter(|log| log.is_file());
}

/// The report of a pipeline that could not even begin.
pub(super) fn failed_before_start(kind: PipelineKind) -> PipelineReport {
    PipelineReport {
        pipeline: kind,
        state: RunState::Failed,
        seconds: 0.0,
        steps: Vec::new(),
        environments: Vec::new(),
        split: None,
        summary: None,
        places: Places::default(),
        shown: Vec::new(),
        warnings: Vec::new(),
    }
}

fn files(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_file()).collect()
}

/// What lies in a folder, by name; nothing if there is no such folder.
fn entries(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let Ok(entries) = folder.read_dir_utf8() else { return Vec::new() };
    let mut paths: Vec<_> =
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path().to_owned())).collect();
    paths.sort();
    paths
}
