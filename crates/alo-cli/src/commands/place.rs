//! Which plan and which project a command is about.

use alo_core::plan;
use camino::{Utf8Path, Utf8PathBuf};

/// The plan that was named, else the one that lies where plans lie.
pub(super) fn plan_file(named: Option<&Utf8Path>, project: Option<&Utf8Path>) -> Result<Utf8PathBuf, String> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let folder = project.unwrap_or(Utf8Path::new("."));
    plan::default_plan(folder).ok_or_else(|| {
        format!(
            "there is no plan in `{folder}`: neither `experimental_plan.yaml` nor `solution/experimental_plan.yaml` \
             nor `config/experimental_plan.yaml`"
        )
    })
}

/// The project folder that was named, else the one of the plan in this folder, else this folder.
pub(super) fn project_folder(named: Option<&Utf8Path>) -> Utf8PathBuf {
    match named {
        Some(named) => named.to_owned(),
        None => plan::default_plan(Utf8Path::new("."))
            .map_or_else(|| Utf8PathBuf::from("."), |plan_file| plan::project_folder(&plan_file)),
    }
}
