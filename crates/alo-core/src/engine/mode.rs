//! Which pipelines of a plan run.

use std::fmt;
use std::str::FromStr;

use alo_plan::{Pipeline, PipelineKind, Plan};

/// Which pipelines of a plan run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// All that the plan has, train first. The default.
    #[default]
    All,
    /// Only that one.
    Only(PipelineKind),
}

impl Mode {
    /// The pipelines to run, in order; pipelines without steps do not count.
    pub(crate) fn pipelines(self, plan: &Plan) -> Vec<&Pipeline> {
        PipelineKind::ALL
            .into_iter()
            .filter(|kind| self == Self::All || self == Self::Only(*kind))
            .filter_map(|kind| plan.pipeline(kind))
            .filter(|pipeline| !pipeline.steps.is_empty())
            .collect()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Only(kind) => kind.as_str(),
        })
    }
}

/// A word that names no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of `all`, `train`, `inference`")]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(word: &str) -> Result<Self, UnknownMode> {
        match word {
            "all" => Ok(Self::All),
            "train" => Ok(Self::Only(PipelineKind::Train)),
            // `inf` is what 2.1 called it.
            "inference" | "inf" => Ok(Self::Only(PipelineKind::Inference)),
            other => Err(UnknownMode(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use alo_plan::Step;

    use super::*;

    #[test]
    fn a_pipeline_without_steps_does_not_run() {
        let mut plan = Plan::new("x");
        plan.pipelines.push(Pipeline::new(PipelineKind::Train, [Step::new("train")]));
        plan.pipelines.push(Pipeline::new(PipelineKind::Inference, []));
        assert_eq!(Mode::All.pipelines(&plan).len(), 1);
        assert!("inf".parse::<Mode>().unwrap().pipelines(&plan).is_empty());
        assert_eq!(
            "both".parse::<Mode>().unwrap_err().to_string(),
            "`both` is none of `all`, `train`, `inference`"
        );
    }
}
