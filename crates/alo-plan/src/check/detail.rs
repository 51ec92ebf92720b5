//! `ui_args` and `ui_args_detail` against the arguments they speak of.

use std::collections::{HashMap, HashSet};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::model::{ArgDetail as Declared, ArgKind};
use crate::pointer::escaped;
use crate::section::{Arg, ArgDetail, Args, Names, Reader, Spanned, Text};
use crate::value::{KeyIdentity, Value};
use crate::yaml::{Data, Node};

/// Checks the details of one step and gives those that say something. `args` are the values the plan gives the step.
pub(crate) fn details(items: &[Spanned<ArgDetail>], args: &Args, reader: &mut Reader<'_>) -> Vec<Declared> {
    let mut declared = Vec::new();
    let given: HashMap<String, &Arg> = args.0.iter().map(|arg| (arg.entry.name(), arg)).collect();
    for item in items {
        let Some(detail) = declaration(item, reader) else { continue };
        if let Some(given) = given.get(&detail.name) {
            value(&given.entry.value, &given.pointer, &detail, reader);
        }
        declared.push(detail);
    }
    declared
}

/// Names in `ui_args` that the step has no argument for.
pub(crate) fn shown_names(names: &Names, args: &Args, reader: &mut Reader<'_>) -> Vec<String> {
    let known: Vec<String> = args.0.iter().map(|arg| arg.entry.name()).collect();
    let given: HashSet<&str> = known.iter().map(String::as_str).collect();
    for name in &names.0 {
        if given.contains(name.value.as_str()) {
            continue;
        }
        let help = match reader.similar(&name.value, known.iter().map(String::as_str)).first() {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("add `{}:` to `args`, or remove it here", name.value),
        };
        reader.push(
            Diagnostic::new(
                Code::UiArgUnknown,
                format!("`{}` is listed in `ui_args` but is no argument of the step", name.value),
            )
            .at(name.span)
            .pointing(name.pointer.clone())
            .help(help),
        );
    }
    names.0.iter().map(|name| name.value.clone()).collect()
}

fn declaration(item: &Spanned<ArgDetail>, reader: &mut Reader<'_>) -> Option<Declared> {
    let detail = &item.value;
    let Some(Spanned { value: Text(name), .. }) = &detail.name else {
        incomplete(item, "the detail names no argument", "add `name: …`", reader);
        return None;
    };
    let mut declared = Declared::new(name.as_str());
    declared.description = detail.description.as_ref().map(|text| text.value.0.clone());
    declared.default =
        detail.default.as_ref().map(|node| node.value.0.to_value()).filter(|v| *v != Value::Null);
    match &detail.kind {
        None => incomplete(item, &format!("the detail of `{name}` has no type"), "add `type: …`", reader),
        Some(kind) => declared.kind = kind_of(kind, reader),
    }
    if let Some(range) = &detail.range {
        declared.range = bounds(&range.value.0, &range.pointer, reader);
    }
    if let Some(selectable) = detail.selectable.as_ref().or(detail.selected.as_ref())
        && let Data::List(items) = &selectable.value.0.data
    {
        declared.selectable = items.iter().map(Node::to_value).collect();
    }
    if matches!(declared.kind, Some(ArgKind::SingleSelection | ArgKind::MultiSelection))
        && declared.selectable.is_empty()
    {
        let message = format!("`{name}` is a selection, but there is nothing to select from");
        incomplete(item, &message, "add `selectable: [ … ]`", reader);
    }
    Some(declared)
}

fn incomplete(item: &Spanned<ArgDetail>, message: &str, help: &str, reader: &mut Reader<'_>) {
    let span = item.value.name.as_ref().map_or(item.span, |name| name.span);
    reader.push(
        Diagnostic::new(Code::DetailIncomplete, message).at(span).pointing(item.pointer.clone()).help(help),
    );
}

fn kind_of(kind: &Spanned<Text>, reader: &mut Reader<'_>) -> Option<ArgKind> {
    let name = kind.value.0.as_str();
    let known = ArgKind::from_name(name);
    if known.is_none() {
        let names = ArgKind::ALL.map(ArgKind::as_str);
        let help = match reader.similar(name, names).first() {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("write one of {}", names.map(|name| format!("`{name}`")).join(", ")),
        };
        reader.push(
            Diagnostic::new(Code::DetailType, format!("`{name}` is no type of an argument"))
                .at(kind.span)
                .pointing(kind.pointer.clone())
                .help(help),
        );
    }
    known
}

fn bounds(node: &Node, pointer: &str, reader: &mut Reader<'_>) -> Option<[Value; 2]> {
    if let Data::List(items) = &node.data
        && let [low, high] = &items[..]
        && let (low, high) = (low.to_value(), high.to_value())
        && let (Some(least), Some(most)) = (number(&low), number(&high))
        && least <= most
    {
        return Some([low, high]);
    }
    if !node.is_null() {
        reader.push(
            Diagnostic::new(Code::DetailIncomplete, "a range is two numbers, the lower first")
                .at(node.span)
                .pointing(pointer)
                .help("write the range as `[1, 100]`"),
        );
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "bounds of arguments are far below 2^53")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// Checks a value that the plan gives. Nothing given is nothing to check.
fn value(node: &Node, pointer: &str, detail: &Declared, reader: &mut Reader<'_>) {
    let Some(kind) = detail.kind else { return };
    match &node.data {
        Data::Scalar(Value::Null) | Data::Map(_) => {}
        Data::Scalar(Value::String(text)) if text.is_empty() => {}
        // A user interface keeps a list of anything as text.
        Data::List(_) if kind == ArgKind::String => {}
        Data::List(items) => {
            let selectable = selection(detail);
            for (index, item) in items.iter().enumerate() {
                one(item, &format!("{pointer}/{index}"), kind, detail, &selectable, reader);
            }
        }
        Data::Scalar(_) => one(node, pointer, kind, detail, &selection(detail), reader),
    }
}

/// The values to select from, equal as Python has it.
fn selection(detail: &Declared) -> HashSet<KeyIdentity> {
    detail.selectable.iter().map(Value::identity).collect()
}

fn one(
    node: &Node,
    pointer: &str,
    kind: ArgKind,
    detail: &Declared,
    selectable: &HashSet<KeyIdentity>,
    reader: &mut Reader<'_>,
) {
    let value = node.to_value();
    let shown = reader.shown(node);
    let name = &detail.name;
    let fits = match kind {
        ArgKind::String => matches!(value, Value::String(_) | Value::Date(_) | Value::DateTime(_)),
        ArgKind::Int => matches!(value, Value::Int(_) | Value::BigInt(_)),
        ArgKind::Float => number(&value).is_some(),
        ArgKind::SingleSelection | ArgKind::MultiSelection => {
            if !selectable.is_empty() && !selectable.contains(&value.identity()) {
                let allowed: Vec<_> =
                    detail.selectable.iter().take(20).map(|one| format!("`{one}`")).collect();
                let words: Vec<_> = detail.selectable.iter().take(200).map(ToString::to_string).collect();
                let help = match reader.similar(&value.to_string(), words.iter().map(String::as_str)).first()
                {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => format!("select from {}", allowed.join(", ")),
                };
                fault(
                    Code::ValueSelection,
                    format!("`{shown}` is none of the values of `{name}`"),
                    help,
                    node,
                    pointer,
                    reader,
                );
            }
            return;
        }
    };
    if !fits {
        let message =
            format!("`{shown}` is {}, but `{name}` is declared as `{}`", node.kind(), kind.as_str());
        let help =
            format!("write a value of that type, or change the `type` of `{name}` in `ui_args_detail`");
        return fault(Code::ValueType, message, help, node, pointer, reader);
    }
    range(&value, &shown, detail, node, pointer, reader);
}

fn range(value: &Value, shown: &str, detail: &Declared, node: &Node, pointer: &str, reader: &mut Reader<'_>) {
    let Some([low, high]) = &detail.range else { return };
    let (Some(least), Some(most)) = (number(low), number(high)) else { return };
    let name = &detail.name;
    #[expect(clippy::cast_precision_loss, reason = "lengths of texts are far below 2^53")]
    let (measure, what) = match value {
        Value::String(text) if detail.kind == Some(ArgKind::String) => {
            (text.chars().count() as f64, "the length of ")
        }
        other => match number(other) {
            Some(number) if detail.kind != Some(ArgKind::String) => (number, ""),
            _ => return,
        },
    };
    if (least..=most).contains(&measure) {
        return;
    }
    let message = format!("{what}`{shown}` is outside of the range of `{name}`");
    fault(Code::ValueRange, message, format!("the range is {low} to {high}"), node, pointer, reader);
}

fn fault(code: Code, message: String, help: String, node: &Node, pointer: &str, reader: &mut Reader<'_>) {
    reader.push(Diagnostic::new(code, message).at(node.span).pointing(pointer).help(help));
}

/// A detail that speaks of a step which the pipeline does not have.
pub(crate) fn unknown_step(step: &Spanned<Text>, pipeline: &str, known: &[&str], reader: &mut Reader<'_>) {
    let name = &step.value.0;
    let help = match reader.similar(name, known.iter().copied()).first() {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("remove it, or add the step `{}` to the pipeline", escaped(name)),
    };
    reader.push(
        Diagnostic::new(Code::DetailWithoutStep, format!("`{pipeline}` has no step `{name}` to describe"))
            .at(step.span)
            .pointing(step.pointer.clone())
            .help(help),
    );
}
