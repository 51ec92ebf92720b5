//! Where a plan lies and what its paths mean.

use camino::{Utf8Path, Utf8PathBuf};

/// Folders in which a plan may lie without being the project itself.
const PLAN_FOLDERS: [&str; 2] = ["solution", "config"];

/// The default plans of a folder, in the order in which they are looked for.
const DEFAULT_PLANS: [&str; 3] =
    ["experimental_plan.yaml", "solution/experimental_plan.yaml", "config/experimental_plan.yaml"];

/// The project of a plan: the parent of `solution/` or `config/` when the plan lies in a folder of that name, else the
/// plan's own folder. The answer is absolute; the file system is not looked at.
///
/// ```
/// use camino::Utf8Path;
///
/// assert_eq!(alo_plan::project_folder(Utf8Path::new("/p/solution/experimental_plan.yaml")), "/p");
/// assert_eq!(alo_plan::project_folder(Utf8Path::new("/p/plans/experimental_plan.yaml")), "/p/plans");
/// ```
pub fn project_folder(plan: &Utf8Path) -> Utf8PathBuf {
    let folder = plan_folder(plan);
    match (folder.file_name(), folder.parent()) {
        (Some(name), Some(parent)) if PLAN_FOLDERS.contains(&name) => parent.to_owned(),
        _ => folder,
    }
}

/// The plan that a folder has when none is named: `experimental_plan.yaml` there, in `solution/` or in `config/`.
pub fn default_plan(folder: &Utf8Path) -> Option<Utf8PathBuf> {
    DEFAULT_PLANS.iter().map(|plan| folder.join(plan)).find(|plan| plan.is_file())
}

/// What a path written in a plan means: relative ones start at the project; for a plan in `config/`, one that does not
/// exist there is tried from `config/` (plans of ALO 2.1 say `../../sample_data`).
///
/// `s3://` URLs are no paths and are not for this function.
pub fn resolve_path(plan: &Utf8Path, project: &Utf8Path, written: &str) -> Utf8PathBuf {
    let in_project = tidy(&project.join(written));
    if Utf8Path::new(written).is_absolute() || in_project.exists() {
        return in_project;
    }
    let folder = plan_folder(plan);
    if folder.file_name() == Some("config") {
        let in_config = tidy(&folder.join(written));
        if in_config.exists() {
            return in_config;
        }
    }
    in_project
}

fn plan_folder(plan: &Utf8Path) -> Utf8PathBuf {
    // Without a current folder (it was deleted) the path is taken as it is.
    let absolute = camino::absolute_utf8(plan).unwrap_or_else(|_| plan.to_owned());
    absolute.parent().map_or_else(|| Utf8PathBuf::from("."), Utf8Path::to_owned)
}

/// The path without `.` and a trailing slash. `..` stays: what it means depends on links.
fn tidy(path: &Utf8Path) -> Utf8PathBuf {
    path.components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    #[test]
    fn a_plan_in_solution_or_config_belongs_to_the_folder_above() {
        assert_eq!(project_folder(Utf8Path::new("/p/config/a.yaml")), "/p");
        assert_eq!(project_folder(Utf8Path::new("/p/configs/a.yaml")), "/p/configs");
        assert_eq!(project_folder(Utf8Path::new("/a.yaml")), "/");
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        let here = Utf8PathBuf::try_from(std::env::current_dir().unwrap()).unwrap();
        assert_eq!(project_folder(Utf8Path::new("a.yaml")), here);
        assert_eq!(project_folder(Utf8Path::new("solution/a.yaml")), here);
    }

    #[test]
    fn the_plan_of_the_folder_itself_comes_first() {
        let (_keep, folder) = folder();
        assert_eq!(default_plan(&folder), None);
        for plan in DEFAULT_PLANS.iter().rev() {
            let plan = folder.join(plan);
            fs_err::create_dir_all(plan.parent().unwrap()).unwrap();
            fs_err::write(&plan, "").unwrap();
            assert_eq!(default_plan(&folder), Some(plan));
        }
    }

    #[test]
    fn a_plan_in_config_may_start_its_paths_there() {
        let (_keep, folder) = folder();
        let plan = folder.join("alo/config/plan.yaml");
        fs_err::create_dir_all(folder.join("alo/config")).unwrap();
        fs_err::create_dir_all(folder.join("sample_data/train")).unwrap();
        let project = project_folder(&plan);
        let data = resolve_path(&plan, &project, "../../sample_data/train/");
        assert_eq!(data, folder.join("alo/config/../../sample_data/train"));
        fs_err::create_dir_all(folder.join("alo/train")).unwrap();
        assert_eq!(resolve_path(&plan, &project, "./train"), folder.join("alo/train"));
        assert_eq!(resolve_path(&plan, &project, "none"), folder.join("alo/none"));
        assert_eq!(resolve_path(&plan, &project, "/data/x/"), "/data/x");
    }
}
