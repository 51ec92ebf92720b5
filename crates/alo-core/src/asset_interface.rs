//! The folder of the values between a pipeline's steps in file mode: `.asset_interface/<pipeline>/`.

use alo_artifacts::value_files;
use alo_plan::{HandOffMode, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};

use crate::project::Project;

/// The files by which `data` and `config` pass in file mode, which stay until the next run for whoever wants to look.
#[derive(Debug)]
pub(crate) struct AssetInterface {
    folder: Utf8PathBuf,
}

impl AssetInterface {
    /// That of a pipeline; none in memory mode.
    pub(crate) fn of(project: &Project, pipeline: PipelineKind) -> Option<Self> {
        let in_files = project.plan().control.interface_mode == HandOffMode::File;
        in_files.then(|| Self { folder: project.layout().asset_interface(pipeline) })
    }

    pub(crate) fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The file of what a step saves: its `data` or its `config`.
    pub(crate) fn file(&self, step: &str, what: &str) -> Utf8PathBuf {
        self.folder.join(format!("{step}_{what}.pkl"))
    }

    /// Removes what the last run has left.
    pub(crate) fn clear(&self) {
        // What cannot be removed is written anew before it is read.
        let _ = fs_err::remove_dir_all(&self.folder);
    }

    /// Shows the files of values that lie elsewhere. No step reads them here, so that nothing is lost if it fails.
    pub(crate) fn show(&self, step: &str, data: Option<&Utf8Path>, config: Option<&Utf8Path>) {
        let _ = fs_err::create_dir_all(&self.folder);
        for (what, value) in [("data", data), ("config", config)] {
            let Some(value) = value else { continue };
            let to = self.file(step, what);
            for from in value_files(value) {
                let rest = from.as_str().strip_prefix(value.as_str()).unwrap_or_default();
                share(&from, &Utf8PathBuf::from(format!("{to}{rest}")));
            }
        }
    }
}

/// Gives a file a second name, or where that cannot be a copy. What is done to it there is noticed before it is used.
fn share(from: &Utf8Path, to: &Utf8Path) {
    let _ = fs_err::remove_file(to);
    if fs_err::hard_link(from, to).is_err() {
        let _ = fs_err::copy(from, to);
    }
}
