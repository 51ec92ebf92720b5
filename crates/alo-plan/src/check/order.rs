//! Steps: named, once each, in both sections, in one order.

use std::collections::HashMap;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::model::{PipelineKind, StepName};
use crate::section::{Reader, Spanned};

/// A step as one of the sections lists it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepRef<'a> {
    pub(crate) name: &'a Spanned<String>,
}

/// Checks the steps of one pipeline. `unplaced` says that a step stands outside of any pipeline, which is reported
/// already and would only be reported once more as missing.
pub(crate) fn steps(
    kind: PipelineKind,
    parameters: &[StepRef<'_>],
    sources: &[StepRef<'_>],
    unplaced: bool,
    reader: &mut Reader<'_>,
) {
    let in_parameters = once_each(parameters, "user_parameters", kind, reader);
    let in_sources = once_each(sources, "asset_source", kind, reader);
    names(sources, &in_sources, reader);
    if !unplaced {
        missing(Code::StepWithoutSource, &in_parameters, &in_sources, "asset_source", kind, reader);
    }
    missing(Code::StepWithoutParameters, &in_sources, &in_parameters, "user_parameters", kind, reader);
    order(parameters, sources, &in_parameters, &in_sources, kind, reader);
}

type Index<'a> = HashMap<&'a str, &'a Spanned<String>>;

fn once_each<'a>(
    steps: &[StepRef<'a>],
    section: &str,
    kind: PipelineKind,
    reader: &mut Reader<'_>,
) -> Index<'a> {
    let mut index: Index<'a> = HashMap::new();
    for step in steps {
        let Some(first) = index.insert(&step.name.value, step.name) else { continue };
        index.insert(&step.name.value, first);
        let name = &step.name.value;
        reader.push(
            Diagnostic::new(
                Code::DuplicateStep,
                format!("the step `{name}` is twice in `{}` of `{section}`", kind.key()),
            )
            .at(step.name.span)
            .pointing(step.name.pointer.clone())
            .related(first.span, "first listed here")
            .help(format!("give each step its own name: `{name}1` and `{name}2` run the same code")),
        );
    }
    index
}

fn names(steps: &[StepRef<'_>], index: &Index<'_>, reader: &mut Reader<'_>) {
    let mut lower: HashMap<String, &Spanned<String>> = HashMap::new();
    for step in steps {
        let name = &step.name.value;
        let wrong = if StepName::new(name.as_str()).base().is_empty() {
            Some("has no letter, so it names no code")
        } else if name.contains(['/', '\\']) || name.contains(char::is_control) {
            Some("cannot be the name of a folder")
        } else {
            None
        };
        if let Some(why) = wrong {
            reader.push(
                Diagnostic::new(Code::BadStepName, format!("the step name `{name}` {why}"))
                    .at(step.name.span)
                    .pointing(step.name.pointer.clone())
                    .help("use letters, digits and `_`, starting with a letter, such as `train2`"),
            );
        }
        let Some(first) = lower.insert(name.to_lowercase(), step.name) else { continue };
        if first.value != *name && index.contains_key(name.as_str()) {
            let other = &first.value;
            reader.push(
                Diagnostic::new(
                    Code::StepNameCase,
                    format!("the steps `{other}` and `{name}` differ in upper and lower case only"),
                )
                .at(step.name.span)
                .pointing(step.name.pointer.clone())
                .related(first.span, "the other step")
                .help("rename one: on some systems their folders are the same"),
            );
        }
    }
}

fn missing(
    code: Code,
    here: &Index<'_>,
    there: &Index<'_>,
    section: &str,
    kind: PipelineKind,
    reader: &mut Reader<'_>,
) {
    let mut absent: Vec<_> = here.values().filter(|name| !there.contains_key(name.value.as_str())).collect();
    absent.sort_by_key(|name| name.span.start);
    if there.is_empty() && absent.len() > 1 {
        // One fault for a pipeline that one section lacks altogether.
        absent.truncate(1);
    }
    let unpaired: Vec<&str> =
        there.keys().copied().filter(|other| !here.contains_key(other)).take(100).collect();
    for name in absent {
        let step = &name.value;
        let help = match reader.similar(step, unpaired.iter().copied()).first() {
            Some(close) => format!("did you mean `{close}`? Both sections list the same steps"),
            None if code == Code::StepWithoutSource => format!(
                "add `- step: {step}` with its `source` to `{}` of `asset_source`, or remove it here",
                kind.key()
            ),
            None => format!(
                "add `- step: {step}` with `args:` to `{}` of `user_parameters`, or remove it here",
                kind.key()
            ),
        };
        let message = if there.is_empty() {
            format!("`{section}` has no steps for `{}`", kind.key())
        } else {
            format!("the step `{step}` is missing in `{}` of `{section}`", kind.key())
        };
        reader.push(Diagnostic::new(code, message).at(name.span).pointing(name.pointer.clone()).help(help));
    }
}

fn order(
    parameters: &[StepRef<'_>],
    sources: &[StepRef<'_>],
    in_parameters: &Index<'_>,
    in_sources: &Index<'_>,
    kind: PipelineKind,
    reader: &mut Reader<'_>,
) {
    let mut common_parameters =
        parameters.iter().filter(|step| in_sources.contains_key(step.name.value.as_str()));
    let common_sources = sources.iter().filter(|step| in_parameters.contains_key(step.name.value.as_str()));
    let duplicated = in_parameters.len() < parameters.len() || in_sources.len() < sources.len();
    for source in common_sources {
        let Some(parameter) = common_parameters.next() else { return };
        if parameter.name.value == source.name.value || duplicated {
            continue;
        }
        let steps: Vec<_> = sources.iter().map(|step| step.name.value.as_str()).collect();
        reader.push(
            Diagnostic::new(
                Code::StepOrder,
                format!("the steps of `{}` stand in another order than in `asset_source`", kind.key()),
            )
            .at(parameter.name.span)
            .pointing(parameter.name.pointer.clone())
            .related(source.name.span, "the order of execution is here")
            .help(format!("the order of `asset_source` counts; list the steps as: {}", steps.join(", "))),
        );
        return;
    }
}
