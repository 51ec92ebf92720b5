//! Workflow commands of GitHub, which show the faults beside the lines of a pull request.

use std::fmt::Write as _;

use camino::Utf8Path;

use crate::diagnostic::Diagnostic;
use crate::load::Loaded;
use crate::severity::Severity;

/// The faults of a plan as GitHub workflow commands, a line each; empty when there is none.
///
/// ```
/// let loaded = alo_plan::load_str("control:\n- backup_log: maybe\n", "plan.yaml".into());
/// let first = alo_plan::report::github(&loaded).lines().next().unwrap().to_owned();
/// assert!(first.starts_with("::error file=plan.yaml,line=2,col=15,endLine=2,endColumn=20,title=wrong-type::"));
/// ```
pub fn github(loaded: &Loaded) -> String {
    github_annotations(&loaded.path, &loaded.diagnostics)
}

/// Faults of any file, such as the code of an asset, as GitHub workflow commands.
pub fn github_annotations(path: &Utf8Path, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for fault in diagnostics {
        let command = match fault.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let _ = write!(out, "::{command} file={}", property(path.as_str()));
        if let Some(span) = fault.span {
            let _ = write!(
                out,
                ",line={},col={},endLine={},endColumn={}",
                span.start.line, span.start.column, span.end.line, span.end.column
            );
        }
        let mut message = fault.message.clone();
        if let Some(help) = &fault.help {
            let _ = write!(message, "\nhelp: {help}");
        }
        let _ = writeln!(out, ",title={}::{}", fault.code, data(&message));
    }
    out
}

/// Text after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value between commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
