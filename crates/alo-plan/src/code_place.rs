//! Where a plan says where the code of a step comes from: for advice that names a line.

use crate::model::{PipelineKind, StepName};
use crate::span::Span;
use crate::yaml::{Data, Node, compose};

/// The place of the value of `code` of a step, in the text of a plan.
///
/// `None` if the text has no such step in that pipeline of `asset_source`, or the step has no `code`.
///
/// ```
/// use alo_plan::{PipelineKind, StepName, code_place};
///
/// let text = "asset_source:\n  - train_pipeline:\n      - step: train\n        source:\n          code: https://h/a.git\n";
/// let place = code_place(text, PipelineKind::Train, &StepName::new("train")).unwrap();
/// assert_eq!((place.start.line, place.text(text)), (5, "https://h/a.git"));
/// ```
pub fn code_place(text: &str, kind: PipelineKind, step: &StepName) -> Option<Span> {
    let root = compose(text).root?;
    let section = child(&root, "asset_source")?;
    let old = match kind {
        PipelineKind::Train => "train_workflows",
        PipelineKind::Inference => "inference_workflows",
    };
    let Data::List(steps) = &child(section, kind.key()).or_else(|| child(section, old))?.data else {
        return None;
    };
    let found = steps.iter().find(|item| {
        let name = child(item, "step").and_then(text_of);
        name.is_some_and(|name| name.trim() == step.as_str())
    });
    let code = child(child(found?, "source")?, "code")?;
    matches!(code.data, Data::Scalar(_)).then_some(code.span)
}

/// The value of a key of a map, or of a list of maps.
fn child<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.data {
        Data::Map(entries) => entries.iter().find(|entry| entry.name() == key).map(|entry| &entry.value),
        Data::List(items) => items.iter().find_map(|item| child(item, key)),
        Data::Scalar(_) => None,
    }
}

fn text_of(node: &Node) -> Option<String> {
    match &node.data {
        Data::Scalar(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_step_of_its_own_pipeline_however_the_section_is_written() {
        let text = "asset_source:\n  train_workflows:\n  - {step: a, source: {code: one}}\n  \
                    inference_pipeline:\n  - step: a\n    source:\n    - branch: x\n    - code: two\n  - step: b\n";
        let find = |kind, step| {
            let place = code_place(text, kind, &StepName::new(step))?;
            Some((place.start.line, place.text(text)))
        };
        assert_eq!(find(PipelineKind::Train, "a"), Some((3, "one")));
        assert_eq!(find(PipelineKind::Inference, "a"), Some((8, "two")));
        assert_eq!(find(PipelineKind::Inference, "b"), None);
        assert_eq!(find(PipelineKind::Train, "b"), None);
    }
}
