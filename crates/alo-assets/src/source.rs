//! Where the code of a step comes from: what `code:` in the plan means in this project.

use alo_plan::{PipelineKind, Plan, Source, Step, StepName};
use camino::{Utf8Path, Utf8PathBuf};

use crate::asset::CodeError;
use crate::git::{GitRef, GitUrl};

/// A source with everything decided that the plan leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CodeSource {
    /// A repository at a reference. `inherited`: it is that of the same-named step of the other pipeline.
    Git { url: GitUrl, reference: Option<GitRef>, inherited: bool },
    /// A folder, used in place.
    Folder(Utf8PathBuf),
}

/// Decides where the code of a step comes from.
///
/// `code: local` is `assets/<step>/` if that exists, else the source of the same-named step of the other pipeline.
pub(crate) fn of_step(
    project: &Utf8Path,
    plan: &Plan,
    kind: PipelineKind,
    step: &Step,
) -> Result<CodeSource, CodeError> {
    let mut looked_for = Vec::new();
    if let Some(found) = direct(project, &step.name, &step.source, false, &mut looked_for)? {
        return Ok(found);
    }
    let other = match kind {
        PipelineKind::Train => PipelineKind::Inference,
        PipelineKind::Inference => PipelineKind::Train,
    };
    let is_local = matches!(step.source, Source::Local { path: None });
    let twin =
        plan.pipeline(other).and_then(|pipeline| pipeline.steps.iter().find(|twin| twin.name == step.name));
    if let (true, Some(twin)) = (is_local, twin)
        && let Some(found) = direct(project, &twin.name, &twin.source, true, &mut looked_for)?
    {
        return Ok(found);
    }
    looked_for.dedup();
    Err(CodeError::NoFolder { looked_for, other: is_local.then_some(other) })
}

/// The source by its own words alone; `None` if its folder is not there.
fn direct(
    project: &Utf8Path,
    step: &StepName,
    source: &Source,
    inherited: bool,
    looked_for: &mut Vec<Utf8PathBuf>,
) -> Result<Option<CodeSource>, CodeError> {
    let folder = match source {
        Source::Git { url, reference } => {
            let url = GitUrl::parse(url, project)?;
            let reference = reference.as_deref().and_then(GitRef::new);
            return Ok(Some(CodeSource::Git { url, reference, inherited }));
        }
        Source::Local { path: Some(path) } => project.join(path.strip_prefix("./").unwrap_or(path)),
        Source::Local { path: None } => project.join("assets").join(step.as_str()),
        other => return Err(CodeError::UnknownKind(format!("{other:?}"))),
    };
    if folder.is_dir() {
        if is_bare_repository(&folder) {
            return Err(CodeError::BareRepository { folder });
        }
        return Ok(Some(CodeSource::Folder(folder)));
    }
    looked_for.push(folder);
    Ok(None)
}

fn is_bare_repository(folder: &Utf8Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

#[cfg(test)]
mod tests {
    use alo_plan::Pipeline;

    use super::*;

    fn step(name: &str, source: Source) -> Step {
        let mut step = Step::new(name);
        step.source = source;
        step
    }

    fn plan(train: Vec<Step>, inference: Vec<Step>) -> Plan {
        let mut plan = Plan::new("p");
        plan.pipelines.push(Pipeline::new(PipelineKind::Train, train));
        plan.pipelines.push(Pipeline::new(PipelineKind::Inference, inference));
        plan
    }

    #[test]
    fn local_is_the_folder_of_the_step_else_the_source_of_its_twin() {
        let project = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(project.path()).unwrap();
        let git = Source::Git { url: "https://h/a.git".to_owned(), reference: Some("main".to_owned()) };
        let local = Source::Local { path: None };
        let plan = plan(vec![step("input", git)], vec![step("input", local.clone()), step("gone", local)]);
        let steps = &plan.pipeline(PipelineKind::Inference).unwrap().steps;
        let found = of_step(project, &plan, PipelineKind::Inference, &steps[0]).unwrap();
        assert!(
            matches!(&found, CodeSource::Git { inherited: true, url, .. } if url.identity() == "https://h/a.git")
        );
        fs_err::create_dir_all(project.join("assets/input")).unwrap();
        let found = of_step(project, &plan, PipelineKind::Inference, &steps[0]).unwrap();
        assert_eq!(found, CodeSource::Folder(project.join("assets/input")));
        let error = of_step(project, &plan, PipelineKind::Inference, &steps[1]).unwrap_err();
        assert!(error.to_string().contains("assets/gone"), "{error}");
    }

    #[test]
    fn a_path_is_a_folder_of_the_project_and_no_bare_repository() {
        let project = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(project.path()).unwrap();
        let path = Source::Local { path: Some("./code/x".to_owned()) };
        let plan = plan(vec![step("input", path)], vec![]);
        let step = &plan.pipelines[0].steps[0];
        let error = of_step(project, &plan, PipelineKind::Train, step).unwrap_err();
        assert!(error.to_string().contains("code/x"), "{error}");
        git2::Repository::init_bare(project.join("code/x")).unwrap();
        assert!(
            of_step(project, &plan, PipelineKind::Train, step)
                .unwrap_err()
                .hint()
                .unwrap()
                .contains("file://")
        );
    }
}
