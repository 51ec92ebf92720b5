//! An axis of a sweep: an argument of a step, and the values it takes.

use alo_plan::{PipelineKind, Plan, Value, similar};

use super::values::{self, ValuesError};
use crate::engine::Mode;

/// An argument of a step, and the values that it takes in a sweep.
///
/// Written `STEP.ARG=VALUES`, such as `train.max_depth=3:9:2` or `train.criterion=gini,entropy`.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepAxis {
    /// As it was written, but for its values.
    name: String,
    /// Whose argument it is: the step of each pipeline that runs and has it.
    steps: Vec<(PipelineKind, usize)>,
    argument: String,
    values: Vec<Value>,
    /// As it was written.
    text: String,
}

/// Why a text is no axis of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AxisError {
    /// It has no `=`, or no `.` before it.
    #[error("`{text}` is no setting: it must be `STEP.ARG=VALUES`")]
    Form {
        /// The text.
        text: String,
    },
    /// No pipeline that runs has the step.
    #[error("no pipeline that runs has a step for `{name}`")]
    UnknownStep {
        /// The name before the `=`.
        name: String,
        /// Steps of a similar name; if there are none, all.
        known: Vec<String>,
    },
    /// The step has no such argument, but one that is called nearly the same.
    #[error("the step `{step}` has no argument `{argument}`")]
    UnknownArgument {
        /// The step.
        step: String,
        /// The argument.
        argument: String,
        /// Arguments of a similar name.
        known: Vec<String>,
    },
    /// Two axes are the same argument.
    #[error("`{name}` is given twice")]
    Twice {
        /// The name before the `=`.
        name: String,
    },
    /// Its values cannot be read.
    #[error("`{name}`: {fault}")]
    Values {
        /// The name before the `=`.
        name: String,
        /// What is wrong with them.
        fault: ValuesError,
    },
}

impl AxisError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let (Self::UnknownStep { known, .. } | Self::UnknownArgument { known, .. }) = self else {
            return None;
        };
        let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        (!known.is_empty()).then(|| format!("did you mean {}?", known.join(" or ")))
    }
}

impl SweepAxis {
    /// Reads `STEP.ARG=VALUES` for the pipelines of a plan that `mode` runs.
    ///
    /// A step that both pipelines have gets the value in both; `train.STEP.ARG` and `inference.STEP.ARG` name one of them.
    pub fn parse(text: &str, plan: &Plan, mode: Mode) -> Result<Self, AxisError> {
        let form = || AxisError::Form { text: text.to_owned() };
        let (name, values) = text.split_once('=').ok_or_else(form)?;
        let name = name.trim();
        if !name.contains('.') {
            return Err(form());
        }
        let (steps, argument) = address(name, plan, mode)?;
        let fault = |fault| AxisError::Values { name: name.to_owned(), fault };
        let values = values::parse(values).map_err(fault)?;
        Ok(Self { name: name.to_owned(), steps, argument, values, text: text.to_owned() })
    }

    /// What it is called: the text before the `=`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values in order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// What is to be looked at: values that look like numbers and are none.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let written = self.text.split_once('=').map_or("", |(_, values)| values);
        values::numbers_as_text(written).into_iter().map(|(text, number)| {
            format!(
                "{}: `{text}` is text by the rules of plans (YAML 1.1); write `{number}` for the number, `'{text}'` if text is meant",
                self.name
            )
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether both speak of an argument of the same step.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.argument == other.argument && self.steps.iter().any(|step| other.steps.contains(step))
    }

    /// The steps that take it, by their pipeline and place.
    pub(super) fn steps(&self) -> &[(PipelineKind, usize)] {
        &self.steps
    }

    /// Whether the plan gives or declares the argument for one of the steps.
    pub(super) fn is_known(&self, plan: &Plan) -> bool {
        self.steps.iter().any(|(kind, at)| {
            let step = plan.pipeline(*kind).and_then(|pipeline| pipeline.steps.get(*at));
            step.is_some_and(|step| known_arguments(step).contains(&self.argument))
        })
    }

    /// Gives the steps of a plan one of the values.
    pub(super) fn apply(&self, value: &Value, plan: &mut Plan) {
        for (kind, at) in &self.steps {
            let pipeline = plan.pipelines.iter_mut().find(|pipeline| pipeline.kind == *kind);
            if let Some(step) = pipeline.and_then(|pipeline| pipeline.steps.get_mut(*at)) {
                step.args.insert(self.argument.as_str(), value.clone());
            }
        }
    }
}

/// Finds the steps and the argument of a name; the longest name of a step wins, a pipeline before it is looked for first.
fn address(name: &str, plan: &Plan, mode: Mode) -> Result<(Vec<(PipelineKind, usize)>, String), AxisError> {
    let pipelines = mode.pipelines(plan);
    let below = |kind: Option<PipelineKind>, rest: &str| {
        let mut found: Vec<(PipelineKind, usize, String)> = Vec::new();
        for pipeline in pipelines.iter().filter(|pipeline| kind.is_none_or(|kind| pipeline.kind == kind)) {
            let steps = pipeline.steps.iter().enumerate();
            let fits = steps.filter_map(|(at, step)| {
                let argument = rest.strip_prefix(step.name.as_str())?.strip_prefix('.')?;
                (!argument.is_empty()).then(|| (pipeline.kind, at, argument.to_owned()))
            });
            found.extend(fits.min_by_key(|(_, _, argument)| argument.len()));
        }
        found
    };
    let mut found = Vec::new();
    for kind in PipelineKind::ALL {
        if let Some(rest) = name.strip_prefix(kind.as_str()).and_then(|rest| rest.strip_prefix('.')) {
            found.extend(below(Some(kind), rest));
        }
    }
    if found.is_empty() {
        found = below(None, name);
    }
    let Some((_, _, argument)) = found.first().cloned() else {
        let mut names: Vec<&str> =
            pipelines.iter().flat_map(|pipeline| &pipeline.steps).map(|step| step.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let wrong = name.split('.').next().unwrap_or(name);
        let near = similar(wrong, names.iter().copied());
        let known = if near.is_empty() { names } else { near };
        let known = known.into_iter().map(str::to_owned).collect();
        return Err(AxisError::UnknownStep { name: name.to_owned(), known });
    };
    let steps: Vec<_> = found.into_iter().map(|(kind, at, _)| (kind, at)).collect();
    let mut known = Vec::new();
    for (kind, at) in &steps {
        let step = plan.pipeline(*kind).and_then(|pipeline| pipeline.steps.get(*at));
        known.extend(step.map(known_arguments).unwrap_or_default());
    }
    if !known.contains(&argument) {
        let near = similar(&argument, known.iter().map(String::as_str));
        if !near.is_empty() {
            let step = name.strip_suffix(&argument).unwrap_or(name).trim_end_matches('.').to_owned();
            let known = near.into_iter().map(str::to_owned).collect();
            return Err(AxisError::UnknownArgument { step, argument, known });
        }
    }
    Ok((steps, argument))
}

/// The arguments that the plan gives a step or declares for it; the asset may know others.
fn known_arguments(step: &alo_plan::Step) -> Vec<String> {
    let given = step.args.iter().map(|(name, _)| name.to_string());
    given.chain(step.ui_args_detail.iter().map(|detail| detail.name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use alo_plan::{Pipeline, Step};

    use super::*;

    fn plan() -> Plan {
        let mut plan = Plan::new("x");
        let mut train = Step::new("train");
        train.args.insert("max_depth", 6);
        plan.pipelines.push(Pipeline::new(PipelineKind::Train, [Step::new("input"), train]));
        let steps = ["input", "inference"].map(Step::new);
        plan.pipelines.push(Pipeline::new(PipelineKind::Inference, steps));
        plan
    }

    fn steps(text: &str, mode: Mode) -> Result<Vec<(PipelineKind, usize)>, String> {
        SweepAxis::parse(text, &plan(), mode)
            .map(|axis| axis.steps)
            .map_err(|error| format!("{error}; {}", error.hint().unwrap_or_default()))
    }

    #[test]
    fn a_step_is_found_in_the_pipelines_that_run() {
        use PipelineKind::{Inference, Train};
        assert_eq!(steps("train.max_depth=1", Mode::All), Ok(vec![(Train, 1)]));
        assert_eq!(steps("train.train.max_depth=1", Mode::All), Ok(vec![(Train, 1)]));
        assert_eq!(steps("input.sep=a", Mode::All), Ok(vec![(Train, 0), (Inference, 0)]));
        assert_eq!(steps("inference.input.sep=a", Mode::All), Ok(vec![(Inference, 0)]));
        assert_eq!(steps("input.sep=a", Mode::Only(Inference)), Ok(vec![(Inference, 0)]));
        assert_eq!(steps("inference.cut=a", Mode::All), Ok(vec![(Inference, 1)]));
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_is() {
        let refused = |text| steps(text, Mode::All).unwrap_err();
        assert_eq!(
            refused("trian.max_depth=1"),
            "no pipeline that runs has a step for `trian.max_depth`; did you mean `train`?"
        );
        assert_eq!(
            refused("train.max_dept=1"),
            "the step `train` has no argument `max_dept`; did you mean `max_depth`?"
        );
        assert_eq!(refused("max_depth=1"), "`max_depth=1` is no setting: it must be `STEP.ARG=VALUES`; ");
        assert_eq!(refused("train.max_depth="), "`train.max_depth`: it has no values; ");
    }
}
