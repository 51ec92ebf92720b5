//! The grid of a sweep: every combination of the values of its axes.

use alo_plan::{Diagnostic, Plan, Value, load_str};
use camino::Utf8Path;

use super::axis::{AxisError, SweepAxis};
use crate::engine::Mode;

/// So many combinations are a slip of the pen.
const MOST_COMBINATIONS: usize = 100_000;

/// Every combination of the values of some axes; the last axis runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepGrid {
    axes: Vec<SweepAxis>,
    combinations: usize,
}

/// Why axes make no grid: all that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// There is no axis.
    #[error("the sweep has no settings to combine")]
    NoAxis,
    /// Some axes are wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Axes(Vec<AxisError>),
    /// There are too many combinations.
    #[error("the settings have more than {MOST_COMBINATIONS} combinations")]
    TooMany,
}

impl GridError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAxis => Some("name a setting and its values: --set train.max_depth=3:9:2".into()),
            Self::Axes(errors) => errors.iter().find_map(AxisError::hint),
            Self::TooMany => None,
        }
    }
}

impl SweepGrid {
    /// Reads axes, each `STEP.ARG=VALUES`, for the pipelines of a plan that `mode` runs.
    ///
    /// ```
    /// use alo_core::{Mode, Pipeline, PipelineKind, Plan, Step, SweepGrid};
    ///
    /// let mut plan = Plan::new("x");
    /// plan.pipelines.push(Pipeline::new(PipelineKind::Train, [Step::new("train")]));
    /// let grid = SweepGrid::parse(["train.trees=50,100", "train.depth=3:9:2"], &plan, Mode::All)?;
    /// assert_eq!(grid.len(), 8);
    /// # Ok::<_, alo_core::GridError>(())
    /// ```
    ///
    /// # Errors
    /// All that is wrong with them, together.
    pub fn parse<T: AsRef<str>>(
        settings: impl IntoIterator<Item = T>,
        plan: &Plan,
        mode: Mode,
    ) -> Result<Self, GridError> {
        let (mut read, mut errors) = (Vec::<SweepAxis>::new(), Vec::new());
        for text in settings {
            match SweepAxis::parse(text.as_ref(), plan, mode) {
                Ok(axis) if read.iter().any(|other| other.is_same(&axis)) => {
                    errors.push(AxisError::Twice { name: axis.name().to_owned() });
                }
                Ok(axis) => read.push(axis),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(GridError::Axes(errors));
        }
        if read.is_empty() {
            return Err(GridError::NoAxis);
        }
        let product = read.iter().try_fold(1_usize, |product, axis| product.checked_mul(axis.values().len()));
        let combinations =
            product.filter(|product| *product <= MOST_COMBINATIONS).ok_or(GridError::TooMany)?;
        Ok(Self { axes: read, combinations })
    }

    /// The axes in order.
    pub fn axes(&self) -> &[SweepAxis] {
        &self.axes
    }

    /// How many combinations there are.
    pub fn len(&self) -> usize {
        self.combinations
    }

    /// Whether there is none; a grid has at least one.
    pub fn is_empty(&self) -> bool {
        self.combinations == 0
    }

    /// The values of a combination, in the order of the axes.
    pub fn values(&self, combination: usize) -> Vec<&Value> {
        let mut rest = combination;
        let mut values: Vec<&Value> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let count = axis.values().len().max(1);
            values.extend(axis.values().get(rest % count));
            rest /= count;
        }
        values.reverse();
        values
    }

    /// The plan with the values of a combination.
    pub fn apply(&self, combination: usize, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        for (axis, value) in self.axes.iter().zip(self.values(combination)) {
            axis.apply(value, &mut plan);
        }
        plan
    }

    /// What is to be looked at: values that look like numbers and are text, values that the plan's own declarations (`ui_args_detail`) do not allow, each as the plan's own
    /// check says it, and arguments that the plan does not know.
    pub fn warnings(&self, plan: &Plan) -> Vec<String> {
        let known: Vec<String> = faults(plan).into_iter().map(|fault| fault.message).collect();
        let mut warnings = Vec::new();
        for axis in &self.axes {
            if !axis.is_known(plan) {
                warnings.push(format!(
                    "the plan does not give `{}` a value; its asset may not know it",
                    axis.name()
                ));
            }
            warnings.extend(axis.notes());
            for value in axis.values() {
                let mut changed = plan.clone();
                axis.apply(value, &mut changed);
                for fault in faults(&changed).into_iter().filter(|fault| !known.contains(&fault.message)) {
                    let help = fault.help.map(|help| format!("; {help}")).unwrap_or_default();
                    let warning = format!("{}: {}{help}", axis.name(), fault.message);
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            }
        }
        warnings
    }

    /// How many steps of the pipelines in `mode` are the same for all combinations: those before the first that an axis changes.
    pub(super) fn common_steps(&self, plan: &Plan, mode: Mode) -> usize {
        let pipelines = mode.pipelines(plan);
        let mut common = usize::MAX;
        for (kind, at) in self.axes.iter().flat_map(SweepAxis::steps) {
            let before: usize =
                pipelines.iter().take_while(|pipeline| pipeline.kind != *kind).map(|p| p.steps.len()).sum();
            common = common.min(before + at);
        }
        common
    }
}

/// What the plan's own check finds in a plan as it is meant.
fn faults(plan: &Plan) -> Vec<Diagnostic> {
    load_str(&plan.to_yaml(), Utf8Path::new("plan")).diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "\
user_parameters:
  - train_pipeline:
      - step: input
        args:
      - step: train
        args:
          - trees: 10
            depth: 3
asset_source:
  - train_pipeline:
      - step: input
        source: {code: local}
      - step: train
        source: {code: local}
ui_args_detail:
  - train_pipeline:
      - step: train
        args:
          - {name: trees, type: int, range: [1, 100]}
";

    fn grid(axes: &[&str]) -> (Plan, Result<SweepGrid, GridError>) {
        let plan = load_str(PLAN, Utf8Path::new("plan.yaml")).plan.unwrap();
        let grid = SweepGrid::parse(axes, &plan, Mode::All);
        (plan, grid)
    }

    #[test]
    fn the_last_axis_runs_fastest_and_the_plan_gets_the_values() {
        let (plan, grid) = grid(&["train.trees=10,20", "train.depth=1:3"]);
        let grid = grid.unwrap();
        let all: Vec<String> = (0..grid.len())
            .map(|at| grid.values(at).iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(all, ["10 1", "10 2", "10 3", "20 1", "20 2", "20 3"]);
        let args = &grid.apply(4, &plan).pipelines[0].steps[1].args;
        assert_eq!((args.get("trees"), args.get("depth")), (Some(&20.into()), Some(&2.into())));
        assert_eq!(grid.common_steps(&plan, Mode::All), 1);
    }

    #[test]
    fn values_are_checked_as_those_of_the_plan() {
        let (plan, grid) = grid(&["train.trees=10,ten,1000", "train.other=1"]);
        assert_eq!(
            grid.unwrap().warnings(&plan),
            [
                "train.trees: `ten` is text, but `trees` is declared as `int`; write a value of that type, or change the \
                 `type` of `trees` in `ui_args_detail`",
                "train.trees: `1000` is outside of the range of `trees`; the range is 1 to 100",
                "the plan does not give `train.other` a value; its asset may not know it",
            ]
        );
    }

    #[test]
    fn numbers_that_are_text_are_told() {
        let (plan, grid) = grid(&["train.depth=1e-3,0.5,'1e5'"]);
        assert_eq!(
            grid.unwrap().warnings(&plan),
            [
                "train.depth: `1e-3` is text by the rules of plans (YAML 1.1); write `1.0e-3` for the number, `'1e-3'` if text is \
                 meant"
            ]
        );
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let (_, grid) = grid(&["trian.x=1", "train.depth=1", "train.train.depth=2", "train.trees=3:1:1"]);
        let error = grid.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no pipeline that runs has a step for `trian.x`; `train.train.depth` is given twice; \
             `train.trees`: the range `3:1:1` holds no value"
        );
        assert_eq!(error.hint().unwrap(), "did you mean `train`?");
        assert_eq!(super::tests::grid(&[]).1.unwrap_err(), GridError::NoAxis);
    }
}
