//! The JSON of `alo validate --format json`.

use camino::Utf8Path;
use serde::Serialize;

use crate::check::redacted;
use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::load::Loaded;
use crate::model::{Control, ExternalPaths, PipelineKind, Plan, Source, StepName};
use crate::value::Map;

/// Several plans: the whole answer, `{"plans": […]}`.
#[derive(Debug, Clone, Serialize)]
pub struct Reports<'a> {
    /// One report for each plan, in the order asked.
    pub plans: Vec<PlanReport<'a>>,
}

/// One plan: what is wrong with it and what it says.
///
/// Dates are ISO 8601 texts, keys of maps are texts, and numbers that JSON does not have are texts.
///
/// ```
/// let loaded = alo_plan::load_str("name: orders\ncontrol: []\n", "plan.yaml".into());
/// let report = serde_json::to_value(alo_plan::report::PlanReport::new(&loaded)).unwrap();
/// assert_eq!(report["valid"], true);
/// assert_eq!(report["plan"]["control"]["backup_size"], 1000);
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PlanReport<'a> {
    /// The file as it was named.
    pub path: &'a Utf8Path,
    /// Whether it can be run. With strictness also a warning makes it false.
    pub valid: bool,
    /// The generation of the plan language; null for what is no plan.
    pub dialect: Option<Dialect>,
    /// The faults in the order of the text.
    pub diagnostics: &'a [Diagnostic],
    /// What the plan says; null when there is an error.
    pub plan: Option<PlanContent<'a>>,
}

/// What a plan says.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PlanContent<'a> {
    /// Name of the contents.
    pub name: Option<&'a str>,
    /// Version of the contents.
    pub version: Option<&'a str>,
    /// The pipelines in the order of execution.
    pub pipelines: Vec<PipelineReport<'a>>,
    /// How the engine behaves, defaults filled in.
    pub control: &'a Control,
    /// External paths as written.
    pub external: &'a ExternalPaths,
}

/// A pipeline.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PipelineReport<'a> {
    /// Which of the two.
    pub kind: PipelineKind,
    /// Its steps in the order of execution.
    pub steps: Vec<StepReport<'a>>,
}

/// A step.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct StepReport<'a> {
    /// Its name.
    pub name: &'a StepName,
    /// The user's values.
    pub args: &'a Map,
    /// Where its code comes from; a password or token in the URL is starred.
    pub source: Source,
    /// What it requires; starred likewise.
    pub requirements: Vec<String>,
}

impl<'a> PlanReport<'a> {
    /// Reports a plan in which warnings are allowed.
    pub fn new(loaded: &'a Loaded) -> Self {
        Self {
            path: &loaded.path,
            valid: loaded.is_valid(),
            dialect: loaded.dialect,
            diagnostics: &loaded.diagnostics,
            plan: loaded.plan.as_ref().map(PlanContent::new),
        }
    }

    /// Reports a plan in which a warning is as bad as an error.
    pub fn strict(loaded: &'a Loaded) -> Self {
        let mut report = Self::new(loaded);
        report.valid &= !loaded.has_warnings();
        report
    }
}

impl<'a> PlanContent<'a> {
    fn new(plan: &'a Plan) -> Self {
        let step = |step: &'a crate::model::Step| StepReport {
            name: &step.name,
            args: &step.args,
            source: match &step.source {
                Source::Git { url, reference } => {
                    Source::Git { url: redacted(url), reference: reference.clone() }
                }
                local @ Source::Local { .. } => local.clone(),
            },
            requirements: step.requirements.iter().map(|item| redacted(item)).collect(),
        };
        Self {
            name: plan.name.as_deref(),
            version: plan.version.as_deref(),
            pipelines: plan
                .pipelines
                .iter()
                .map(|pipeline| PipelineReport {
                    kind: pipeline.kind,
                    steps: pipeline.steps.iter().map(step).collect(),
                })
                .collect(),
            control: &plan.control,
            external: &plan.external,
        }
    }
}
