//! Describes all that the result of a step depends on.

use std::collections::BTreeMap;

use alo_artifacts::{LoadedData, StepDescription, digest_folder, stamp_folder};
use alo_plan::{Fetch, HandOffMode, PipelineKind, Step};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::PipelineScope;
use crate::executor::{Keeping, Prepared};
use crate::python::to_json;

/// What the steps of a pipeline have in common, but for the models of the training.
pub(super) fn of_pipeline(
    scope: &PipelineScope<'_>,
    keeping: &Keeping,
    data: &LoadedData,
) -> StepDescription {
    let (layout, plan, kind) = (scope.project.layout(), scope.project.plan(), scope.pipeline.kind);
    let mut description = StepDescription {
        engine: format!("{} {}", env!("CARGO_PKG_VERSION"), keeping.api),
        project: scope.project.root().to_owned(),
        ..StepDescription::default()
    };
    let variables = keeping.variables.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    description.set_variables(variables);
    for source in &data.sources {
        let name = source.folder.file_name().unwrap_or(&source.source);
        description.data.insert(name.to_owned(), source.digest.clone());
    }
    // Nobody has looked whether the files are still those that were loaded.
    if data.sources.is_empty() || plan.control.get_external_data == Fetch::Once {
        let input = layout.input(kind);
        // A folder that cannot be listed is one that the steps cannot read either.
        let stamp = stamp_folder(&input).unwrap_or_default();
        description.data.insert(format!("input/{kind}"), stamp);
    }
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mode = match plan.control.interface_mode {
        HandOffMode::Memory => "memory",
        HandOffMode::File => "file",
    };
    for (key, value) in [
        ("version", text(plan.version.as_deref())),
        ("save_train_artifacts_path", text(plan.external.save_artifacts(PipelineKind::Train))),
        ("save_inference_artifacts_path", text(plan.external.save_artifacts(PipelineKind::Inference))),
        ("interface_mode", mode.to_owned()),
    ] {
        description.plan.insert(key.to_owned(), value);
    }
    description
}

/// What one step is made from, but for what the steps before have left.
pub(super) fn of_step(
    pipeline: &StepDescription,
    step: &Step,
    number: usize,
    prepared: &Prepared,
) -> StepDescription {
    let mut description = StepDescription { number, ..pipeline.clone() };
    // The names as JSON, too: `1` is not `"1"`.
    let arguments =
        step.args.iter().map(|(name, value)| (to_json(name).to_string(), to_json(value).to_string()));
    description.arguments = arguments.collect();
    if let Some(code) = prepared.code.get(number - 1) {
        description.code.clone_from(&code.identity);
    }
    if let Some(environment) = prepared.environment_of(step.name.as_str()) {
        description.environment.clone_from(&environment.key);
        description.python.clone_from(&environment.python);
        description.packages.clone_from(&environment.packages);
    }
    description
}

/// The environment of a step, by its key.
pub(super) fn environment(prepared: &Prepared, step: &str) -> String {
    prepared.environment_of(step).map(|used| used.key.clone()).unwrap_or_default()
}

/// Whether the files of a step's code are not those any longer that the run began with.
pub(super) fn code_has_changed(prepared: &Prepared, number: usize) -> bool {
    let Some(code) = prepared.code.get(number - 1) else { return true };
    code.editable
        .as_ref()
        .is_some_and(|folder| alo_assets::code_digest(folder).map_or(true, |digest| digest != code.identity))
}

/// The files of a step's code with their digests, if they may be edited.
pub(super) fn code_files(
    prepared: &Prepared,
    number: usize,
    root: &Utf8Path,
) -> BTreeMap<Utf8PathBuf, String> {
    let folder = prepared.code.get(number - 1).and_then(|code| code.editable.as_ref());
    // They only name what has changed.
    let files = folder.and_then(|folder| Some((folder, digest_folder(folder).ok()?)));
    let Some((folder, files)) = files else { return BTreeMap::new() };
    let ignored =
        |path: &Utf8Path| path.components().any(|part| matches!(part.as_str(), "__pycache__" | ".git"));
    let shown = |path: Utf8PathBuf| {
        let path = folder.join(path);
        path.strip_prefix(root).map(Utf8Path::to_owned).unwrap_or(path)
    };
    files.into_iter().filter(|(path, _)| !ignored(path)).map(|(path, digest)| (shown(path), digest)).collect()
}
