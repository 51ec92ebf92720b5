//! From the sections as written to the plan they mean.

use crate::check::{self, StepRef};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Control, ExternalPaths, Permission, Pipeline, PipelineKind, Plan, Source, Step, StepName,
};
use crate::section::{
    self, Args, CodeSource, Items, PlanFile, Reader, Section, Spanned, StepDetail, StepParameters,
    StepSource, Text,
};
use crate::span::Span;
use crate::value::Map;

/// Makes the plan; where something is missing, the faults say so and the plan is not to be used.
pub(crate) fn lower(file: &PlanFile, reader: &mut Reader<'_>) -> Plan {
    let mut pipelines = Vec::new();
    for kind in PipelineKind::ALL {
        if let Some(pipeline) = pipeline(file, kind, reader) {
            pipelines.push(pipeline);
        }
    }
    nothing_to_run(file, &pipelines, reader);
    let mut plan = Plan {
        name: text(file.name.as_ref()),
        version: text(file.version.as_ref()),
        pipelines,
        external: ExternalPaths::default(),
        permission: Permission::default(),
        control: Control::default(),
    };
    if let Some(external) = &file.external_path {
        let external = with_old_names(&external.value.0);
        let kinds: Vec<_> = plan.pipelines.iter().map(|pipeline| pipeline.kind).collect();
        check::external(&external, &kinds, reader);
        plan.external = ExternalPaths {
            load_train_data_path: paths(external.load_train_data_path.as_ref()),
            load_inference_data_path: paths(external.load_inference_data_path.as_ref()),
            save_train_artifacts_path: text(external.save_train_artifacts_path.as_ref()),
            save_inference_artifacts_path: text(external.save_inference_artifacts_path.as_ref()),
            load_model_path: text(external.load_model_path.as_ref()),
        };
    }
    if let Some(permission) = &file.external_path_permission {
        let permission = &permission.value.0;
        two_credentials(permission, reader);
        plan.permission = Permission {
            s3_private_key_file: text(permission.s3_private_key_file.as_ref()),
            aws_key_profile: text(permission.aws_key_profile.as_ref()),
        };
    }
    if let Some(section) = &file.control {
        plan.control = control(&section.value.0);
    }
    plan
}

fn text(value: Option<&Spanned<Text>>) -> Option<String> {
    value.map(|text| text.value.0.trim().to_owned())
}

fn paths(value: Option<&Spanned<section::Paths>>) -> Vec<String> {
    value.map_or_else(Vec::new, |paths| {
        paths.value.0.iter().map(|path| path.value.trim().to_owned()).collect()
    })
}

/// Keys of drafts take the place of the keys they became.
fn with_old_names(section: &section::External) -> section::External {
    let mut section = section.clone();
    section.load_train_data_path = section.load_train_data_path.or(section.load_train_data.take());
    section.load_inference_data_path =
        section.load_inference_data_path.or(section.load_inference_data.take());
    section.save_train_artifacts_path =
        section.save_train_artifacts_path.or(section.save_train_artifacts.take());
    section.save_inference_artifacts_path =
        section.save_inference_artifacts_path.or(section.save_inference_artifacts.take());
    section
}

fn two_credentials(permission: &section::Permission, reader: &mut Reader<'_>) {
    if let (Some(file), Some(profile)) = (&permission.s3_private_key_file, &permission.aws_key_profile) {
        reader.push(
            Diagnostic::new(
                Code::TwoCredentials,
                "both a key file and a profile are given; the key file counts",
            )
            .at(profile.span)
            .pointing(profile.pointer.clone())
            .related(file.span, "the key file")
            .help("remove one of the two"),
        );
    }
}

fn control(section: &section::Control) -> Control {
    let default = Control::default();
    let get_asset_source = section.get_asset_source.as_ref().or(section.check_asset_source.as_ref());
    Control {
        get_asset_source: get_asset_source.map_or(default.get_asset_source, |fetch| fetch.value.0),
        get_external_data: section
            .get_external_data
            .as_ref()
            .map_or(default.get_external_data, |f| f.value.0),
        backup_artifacts: section.backup_artifacts.as_ref().map_or(default.backup_artifacts, |f| f.value.0),
        backup_log: section.backup_log.as_ref().map_or(default.backup_log, |flag| flag.value.0),
        backup_size: section.backup_size.as_ref().map_or(default.backup_size, |size| size.value.0),
        interface_mode: section.interface_mode.as_ref().map_or(default.interface_mode, |mode| mode.value.0),
        save_inference_format: section
            .save_inference_format
            .as_ref()
            .map_or(default.save_inference_format, |format| format.value.0),
        check_resource: section.check_resource.as_ref().map_or(default.check_resource, |flag| flag.value.0),
    }
}

/// The step lists of one pipeline in a section, under its name or the name drafts gave it.
fn steps_of<'a, T>(
    current: Option<&'a Spanned<Items<T>>>,
    old: Option<&'a Spanned<Items<T>>>,
) -> &'a [Spanned<T>] {
    current.or(old).map_or(&[], |items| &items.value.0)
}

macro_rules! pipeline_of {
    ($section:expr, $kind:expr) => {
        $section.map_or(&[][..], |section| {
            let Section(pipelines) = &section.value;
            match $kind {
                PipelineKind::Train => {
                    steps_of(pipelines.train_pipeline.as_ref(), pipelines.train_workflows.as_ref())
                }
                PipelineKind::Inference => {
                    steps_of(pipelines.inference_pipeline.as_ref(), pipelines.inference_workflows.as_ref())
                }
            }
        })
    };
}

fn pipeline(file: &PlanFile, kind: PipelineKind, reader: &mut Reader<'_>) -> Option<Pipeline> {
    let parameters: &[Spanned<StepParameters>] = pipeline_of!(file.user_parameters.as_ref(), kind);
    let sources: &[Spanned<StepSource>] = pipeline_of!(file.asset_source.as_ref(), kind);
    let details: &[Spanned<StepDetail>] = pipeline_of!(file.ui_args_detail.as_ref(), kind);
    let parameter_names = names(parameters, |step| step.step.as_ref(), "user_parameters", reader);
    let source_names = names(sources, |step| step.step.as_ref(), "asset_source", reader);
    let unplaced = reader.diagnostics.iter().any(|fault| fault.code == Code::StepOutsidePipeline);
    check::steps(kind, &refs(&parameter_names), &refs(&source_names), unplaced, reader);
    let known: Vec<&str> = source_names.iter().flatten().map(|name| name.value.as_str()).collect();
    let parameter_index = index(&parameter_names);
    let source_index = index(&source_names);
    let detail_names = names(details, |step| step.step.as_ref(), "ui_args_detail", reader);
    for detail in details {
        if let Some(step) = &detail.value.step
            && !source_index.contains_key(step.value.0.trim())
            && !parameter_index.contains_key(step.value.0.trim())
        {
            check::unknown_step(step, kind.key(), &known, reader);
        }
    }
    let detail_index = index(&detail_names);
    let mut steps = Vec::new();
    for (source, name) in sources.iter().zip(&source_names) {
        let Some(name) = name else { continue };
        let parameters = parameter_index.get(name.value.as_str()).map(|at| &parameters[*at].value);
        let details = detail_index.get(name.value.as_str()).map(|at| &details[*at].value);
        steps.push(step(name, parameters, &source.value, details, reader));
    }
    // A step that only `user_parameters` has is reported above; its values are still checked.
    for (parameter, name) in parameters.iter().zip(&parameter_names) {
        let Some(name) = name.as_ref().filter(|name| !source_index.contains_key(name.value.as_str())) else {
            continue;
        };
        let details = detail_index.get(name.value.as_str()).map(|at| &details[*at].value);
        values(Some(&parameter.value), details, &mut Step::new(name.value.as_str()), reader);
    }
    (!steps.is_empty()).then_some(Pipeline { kind, steps })
}

fn index(names: &[Option<Spanned<String>>]) -> std::collections::HashMap<&str, usize> {
    let mut index = std::collections::HashMap::new();
    for (at, name) in names.iter().enumerate() {
        if let Some(name) = name {
            index.entry(name.value.as_str()).or_insert(at);
        }
    }
    index
}

/// The names of the listed steps; one without a name is a fault.
fn names<T>(
    steps: &[Spanned<T>],
    name: impl Fn(&T) -> Option<&Spanned<Text>>,
    section: &str,
    reader: &mut Reader<'_>,
) -> Vec<Option<Spanned<String>>> {
    let mut names = Vec::with_capacity(steps.len());
    for step in steps {
        let found = name(&step.value).map(|name| Spanned {
            value: name.value.0.trim().to_owned(),
            span: name.span,
            pointer: name.pointer.clone(),
        });
        if found.is_none() {
            reader.push(
                Diagnostic::new(Code::UnnamedStep, format!("this entry of `{section}` names no step"))
                    .at(first_line(step.span, reader.source))
                    .pointing(step.pointer.clone())
                    .help("add `step: …` to it"),
            );
        }
        names.push(found);
    }
    names
}

fn refs(names: &[Option<Spanned<String>>]) -> Vec<StepRef<'_>> {
    names.iter().flatten().map(|name| StepRef { name }).collect()
}

fn step(
    name: &Spanned<String>,
    parameters: Option<&StepParameters>,
    source: &StepSource,
    details: Option<&StepDetail>,
    reader: &mut Reader<'_>,
) -> Step {
    let mut step = Step::new(name.value.as_str());
    step.name = StepName::new(name.value.as_str());
    values(parameters, details, &mut step, reader);
    let code = source.source.as_ref().map(|source| &source.value.0);
    match code.and_then(|source| source.code.as_ref()) {
        None => {
            let place =
                source.source.as_ref().map_or(name.span, |source| first_line(source.span, reader.source));
            reader.push(
                Diagnostic::new(Code::MissingCode, format!("the step `{}` does not say where its code is", name.value))
                    .at(place)
                    .pointing(name.pointer.trim_end_matches("/step"))
                    .help("add `source:` with `code: local` (the folder `assets/<step>/`) or the URL of a git repository"),
            );
        }
        Some(code) => {
            let code =
                Spanned { value: code.value.0.clone(), span: code.span, pointer: code.pointer.clone() };
            step.source = source_of(&code, source, reader);
        }
    }
    if let Some(CodeSource { requirements: Some(requirements), .. }) = code {
        step.requirements = check::requirements(&requirements.value.0, reader);
    }
    step
}

fn source_of(code: &Spanned<String>, source: &StepSource, reader: &mut Reader<'_>) -> Source {
    let branch = source.source.as_ref().and_then(|source| source.value.0.branch.as_ref()).map(|branch| {
        Spanned { value: branch.value.0.clone(), span: branch.span, pointer: branch.pointer.clone() }
    });
    check::source(code, branch.as_ref(), reader).unwrap_or(Source::Local { path: None })
}

/// Arguments, and what the plan declares about them.
fn values(
    parameters: Option<&StepParameters>,
    details: Option<&StepDetail>,
    step: &mut Step,
    reader: &mut Reader<'_>,
) {
    let none = Args::default();
    let args = parameters.and_then(|step| {
        let old = step.parameters.as_ref().or(step.parmeters.as_ref());
        step.args.as_ref().or(old).map(|args| &args.value)
    });
    let args = args.unwrap_or(&none);
    step.args = Map::from_distinct(
        args.0.iter().map(|arg| (arg.entry.key.to_value(), arg.entry.value.to_value())).collect(),
    );
    if let Some(names) = parameters.and_then(|step| step.ui_args.as_ref()) {
        step.ui_args = check::shown_names(&names.value, args, reader);
    }
    if let Some(items) = details.and_then(|step| step.args.as_ref()) {
        step.ui_args_detail = check::details(&items.value.0, args, reader);
    }
}

fn nothing_to_run(file: &PlanFile, pipelines: &[Pipeline], reader: &mut Reader<'_>) {
    let steps_are_wrong =
        reader.diagnostics.iter().any(|fault| fault.is_error() || fault.code == Code::UnknownSection);
    if !pipelines.is_empty() || steps_are_wrong {
        return;
    }
    let span =
        file.asset_source.as_ref().map_or(Span::START, |section| first_line(section.span, reader.source));
    reader.push(
        Diagnostic::new(Code::NothingToRun, "the plan has no step to run")
            .at(span)
            .pointing(if file.asset_source.is_some() { "/asset_source" } else { "" })
            .help("list steps in `user_parameters` and `asset_source`, below `- train_pipeline:` or `- inference_pipeline:`"),
    );
}

/// A span cut to its first line: enough to show where a block starts.
fn first_line(span: Span, source: &str) -> Span {
    let written = span.text(source);
    let line = written.split(['\n', '\r']).next().unwrap_or_default().trim_end();
    if line.len() == written.len() {
        return span;
    }
    let mut end = span.start;
    end.offset += crate::span::narrow(line.len());
    end.column += crate::span::narrow(line.chars().count());
    Span { start: span.start, end }
}
