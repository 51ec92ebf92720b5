//! What a set-up has made ready, and what an update has changed.

use alo_core::assets::CodeIdentity;
use alo_core::{FetchReport, FetchedPipeline};

use super::table::columns;
use super::{pipeline_table, quantity};
use crate::ui::{Paint, Ui};

/// How many letters of commits and keys are shown.
const SHORT: usize = 12;

/// Shows what is ready: steps, their commits, their environments.
pub(crate) fn show(report: &FetchReport, ui: &Ui) {
    ui.say("");
    let head = format!("{} is ready after {}", report.name, quantity::seconds(report.seconds));
    ui.say(&ui.paint(Paint::Good, &head));
    for pipeline in &report.pipelines {
        pipeline_table::show(pipeline.pipeline, &rows(pipeline), ui);
    }
}

/// Shows what is other than before.
pub(crate) fn show_changes(report: &FetchReport, ui: &Ui) {
    ui.say("");
    let rows = changes(report);
    if rows.is_empty() && !report.lock_changed {
        ui.say(&ui.paint(Paint::Good, "nothing has changed: every step and package is as it was"));
        return;
    }
    ui.say(&ui.paint(Paint::Good, &format!("{} is up to date; alo.lock has changed", report.name)));
    for line in columns(&rows) {
        ui.say(&format!("  {line}"));
    }
}

fn rows(pipeline: &FetchedPipeline) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for step in &pipeline.steps {
        let code = match &step.code {
            CodeIdentity::Git { url, commit, modified, .. } => {
                let edited = if *modified { " (edited)" } else { "" };
                format!("{} of {url}{edited}", short(&commit.to_string()))
            }
            local => format!("{} ({})", step.folder, short(local.digest())),
        };
        rows.push(vec!["step".to_owned(), step.name.clone(), code]);
    }
    for (index, environment) in pipeline.environments.iter().enumerate() {
        let steps: Vec<_> = pipeline
            .steps
            .iter()
            .filter(|step| step.environment == index)
            .map(|step| step.name.as_str())
            .collect();
        let whose = if pipeline.environments.len() > 1 {
            format!(" for {}", steps.join(", "))
        } else {
            String::new()
        };
        rows.push(vec![
            "environment".to_owned(),
            short(&environment.key),
            format!(
                "Python {}, {}{whose}",
                environment.python,
                quantity::count(environment.packages.len(), "package")
            ),
        ]);
    }
    rows
}

fn changes(report: &FetchReport) -> Vec<Vec<String>> {
    let shown = |version: &Option<String>| version.as_deref().map_or_else(|| "none".to_owned(), short);
    let code = report.code_changes.iter().map(|change| {
        let versions = format!("{} -> {}", shown(&change.was), shown(&change.now));
        vec![change.pipeline.to_string(), format!("step {}", change.step), versions]
    });
    let packages = report.package_changes.iter().map(|change| {
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
        let versions = format!("{} -> {}", version(&change.was), version(&change.now));
        vec!["package".to_owned(), change.package.clone(), versions]
    });
    let groups = report.group_changes.iter().map(|change| {
        let environments = |groups: &[Vec<String>]| {
            groups.iter().map(|steps| steps.join(", ")).collect::<Vec<_>>().join(" | ")
        };
        let steps = format!("{} -> {}", environments(&change.was), environments(&change.now));
        vec![change.pipeline.to_string(), "environments".to_owned(), steps]
    });
    code.chain(packages).chain(groups).collect()
}

fn short(text: &str) -> String {
    text.chars().take(SHORT).collect()
}
