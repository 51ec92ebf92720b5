//! What the script tells about one file, and the words for it.

use alo_plan::{Code, Diagnostic, Severity};
use serde::Deserialize;

use super::raw_span::RawSpan;

/// A fact about a file.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Finding {
    Unreadable { reason: String },
    Syntax { error: String, reason: String, span: Option<RawSpan> },
    ClassMissing { classes: Vec<String>, span: RawSpan },
    BaseClass { bases: Vec<String>, span: RawSpan },
    Init { parameters: Vec<String>, span: RawSpan },
    RunMissing { methods: Vec<String>, span: RawSpan },
    RunUndecorated { span: RawSpan },
    SaveMissing { calls: Vec<String>, uncertain: bool, span: RawSpan },
    SaveRepeated { call: String, first: Option<RawSpan>, span: RawSpan },
    ArgType { value: String, span: RawSpan },
}

impl Finding {
    fn span(&self) -> Option<RawSpan> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Syntax { span, .. } => *span,
            Self::ClassMissing { span, .. }
            | Self::BaseClass { span, .. }
            | Self::Init { span, .. }
            | Self::RunMissing { span, .. }
            | Self::RunUndecorated { span }
            | Self::SaveMissing { span, .. }
            | Self::SaveRepeated { span, .. }
            | Self::ArgType { span, .. } => Some(*span),
        }
    }

    /// The fault, placed in the text of its file.
    pub(super) fn diagnostic(&self, text: &str) -> Diagnostic {
        let fault = self.in_words(text);
        match self.span().and_then(|span| span.of(text)) {
            Some(span) => fault.at(span),
            None => fault,
        }
    }

    fn in_words(&self, text: &str) -> Diagnostic {
        match self {
            Self::Unreadable { reason } => {
                Diagnostic::new(Code::AssetUnreadable, format!("the file cannot be read: {reason}"))
                    .help("check that it is a Python file and may be read")
            }
            Self::Syntax { error, reason, .. } => {
                Diagnostic::new(Code::AssetSyntax, format!("this is not Python: `{error}`: {reason}"))
                    .help("correct it; no step can import the file as it is")
            }
            Self::ClassMissing { classes, .. } => {
                let help = match classes.as_slice() {
                    [] => "write `class UserAsset(Asset):`; `alo asset new` makes a file to start from"
                        .to_owned(),
                    [only] => format!("rename the class `{only}` to `UserAsset`"),
                    several => format!("rename one of {} to `UserAsset`", list(several)),
                };
                Diagnostic::new(Code::AssetClassMissing, "the file has no class `UserAsset`").help(help)
            }
            Self::BaseClass { bases, .. } => {
                let help = if bases.iter().any(|base| base == "Asset") {
                    "`Asset` is another class here: write `from alolib.asset import Asset` above it"
                } else {
                    "write `from alolib.asset import Asset`, and `class UserAsset(Asset):`"
                };
                Diagnostic::new(Code::AssetBaseClass, "`UserAsset` does not derive from `alolib.asset.Asset`")
                    .help(help)
            }
            Self::Init { parameters, .. } => {
                let message = match parameters.as_slice() {
                    [] => "`__init__` takes nothing but `self`".to_owned(),
                    names => format!("`__init__` takes `{}`", names.join(", ")),
                };
                Diagnostic::new(Code::AssetInit, message).help(
                    "it takes `self, asset_structure`, or `self, envs, argv, data, config` as in ALO 1.0",
                )
            }
            Self::RunMissing { methods, .. } => {
                let help = match methods.as_slice() {
                    [only] => format!("rename the method `{only}` to `run`"),
                    _ => "write `def run(self):`; it is what a step calls".to_owned(),
                };
                Diagnostic::new(Code::AssetRunMissing, "`UserAsset` has no method `run`").help(help)
            }
            Self::RunUndecorated { .. } => Diagnostic::new(
                Code::AssetRunUndecorated,
                "`run` is not decorated with `@Asset.decorator_run`",
            )
            .help("write `@Asset.decorator_run` above it; alo runs it as it is, ALO itself does not"),
            Self::SaveMissing { calls, uncertain, .. } => {
                let mut fault = Diagnostic::new(
                    Code::AssetSaveMissing,
                    format!("`run` never calls {}", list_with(calls, "and")),
                )
                .help(format!("call {} exactly once each", wanted(calls)));
                weaken(&mut fault, *uncertain);
                fault
            }
            Self::SaveRepeated { call, first, .. } => {
                let first = first.and_then(|first| first.of(text));
                let message = match first {
                    Some(_) => format!("`{call}` is called a second time"),
                    None => format!("`{call}` is called in a loop"),
                };
                let fault = Diagnostic::new(Code::AssetSaveRepeated, message)
                    .help("call it exactly once, when all is done: a second call fails the step");
                match first {
                    Some(first) => fault.related(first, "the first time"),
                    None => fault,
                }
            }
            Self::ArgType { value, .. } => {
                Diagnostic::new(Code::AssetArgType, format!("`{value}` is no type of `check_args`"))
                    .help("write `str`, `int`, `float`, `list` or `bool`")
            }
        }
    }
}

/// Makes an error a warning where code that cannot be seen may do what is missed.
pub(super) fn weaken(fault: &mut Diagnostic, uncertain: bool) {
    if uncertain {
        fault.severity = Severity::Warning;
    }
}

fn wanted(calls: &[String]) -> String {
    let calls: Vec<_> = calls
        .iter()
        .map(|call| format!("`self.asset.{call}({})`", call.trim_start_matches("save_")))
        .collect();
    calls.join(" and ")
}

fn list(names: &[String]) -> String {
    list_with(names, "or")
}

fn list_with(names: &[String], word: &str) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {word} {last}", others.join(", ")),
        None => String::new(),
    }
}
