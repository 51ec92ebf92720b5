//! What the assets of a plan must do together, and what the plan says to each.

use alo_plan::{Code, Diagnostic, Step};

use super::finding::weaken;
use super::raw_span::RawSpan;
use super::report::AssetReport;
use super::script::Answer;

/// The arguments of a step that its code does not read through `check_args`.
///
/// It is a rule of the service that contents are registered with: only such arguments are shown to users there.
pub(super) fn unread_arguments(step: &Step, answer: &Answer) -> Vec<Diagnostic> {
    if answer.failed || answer.dynamic || answer.class.is_none() {
        return Vec::new();
    }
    let names = step.args.iter().map(|(name, _)| name.to_string());
    let unread = names.filter(|name| !answer.read.contains(name));
    unread
        .map(|name| {
            let place = answer.named.get(&name).copied().or(answer.class);
            let message =
                format!("the argument `{name}` of the step `{}` is not read through `check_args`", step.name);
            let fault = Diagnostic::new(Code::AssetArgUnread, message)
                .help(format!("write `self.asset.check_args(\"{name}\")`, or take it out of the plan"));
            placed(fault, place, &answer.text)
        })
        .collect()
}

/// What the inference pipeline must leave, if no step of it leaves that. `answers` are those of its steps, in order.
///
/// Nothing is said when one of them could not be looked at.
pub(super) fn missing_results(answers: &[&Answer]) -> Vec<Diagnostic> {
    let Some(last) = answers.last() else { return Vec::new() };
    if answers.iter().any(|answer| answer.failed || answer.class.is_none()) {
        return Vec::new();
    }
    let is_used = |call: &str| answers.iter().any(|answer| answer.uses.iter().any(|used| used == call));
    let opaque = answers.iter().any(|answer| answer.opaque);
    let own_paths = answers.iter().any(|answer| answer.own_paths);
    let mut found = Vec::new();
    if !is_used("save_summary") {
        let mut fault = Diagnostic::new(
            Code::AssetSummaryMissing,
            "no step of the inference pipeline calls `save_summary`",
        )
        .help("inference must leave a summary: `self.asset.save_summary(result=\"OK\", score=0.9)`");
        weaken(&mut fault, opaque);
        found.push(fault);
    }
    if !is_used("get_output_path") {
        let mut fault = Diagnostic::new(
            Code::AssetOutputMissing,
            "no step of the inference pipeline calls `get_output_path`",
        )
        .help("inference must leave a `.csv`, an image, or both in `self.asset.get_output_path()`");
        weaken(&mut fault, opaque || own_paths);
        found.push(fault);
    }
    found.into_iter().map(|fault| placed(fault, last.class, &last.text)).collect()
}

/// Adds the faults of a file to its report.
pub(super) fn fill(report: &mut AssetReport, answer: &Answer) {
    report.source.clone_from(&answer.text);
    report.generation = answer.generation;
    report.diagnostics.extend(answer.findings.iter().map(|finding| finding.diagnostic(&answer.text)));
}

fn placed(fault: Diagnostic, place: Option<RawSpan>, text: &str) -> Diagnostic {
    match place.and_then(|place| place.of(text)) {
        Some(span) => fault.at(span),
        None => fault,
    }
}
