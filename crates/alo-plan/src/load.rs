//! Loading: a file or a text to a plan and all its faults.

use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, in_order};
use crate::dialect::Dialect;
use crate::lower::lower;
use crate::model::Plan;
use crate::pointer::Pointer;
use crate::section::{PlanFile, Reader, Shape};
use crate::severity::Severity;
use crate::span::{Position, Span, narrow};
use crate::yaml::{Data, LARGEST_TEXT, Node, compose};

/// What a file says, and all that is wrong with it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// The file as it was named.
    pub path: Utf8PathBuf,
    /// Its text; empty when it could not be read.
    pub source: String,
    /// The generation of the plan language; `None` when it is no plan.
    pub dialect: Option<Dialect>,
    /// The plan, when there is no error.
    pub plan: Option<Plan>,
    /// The faults, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// Whether there is no error.
    pub fn is_valid(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Whether there is a warning. With strictness a plan that has one is not valid.
    pub fn has_warnings(&self) -> bool {
        self.diagnostics.iter().any(|fault| fault.severity == Severity::Warning)
    }

    /// Adds faults found later, such as those of [`crate::check::paths`], and keeps the order of the text.
    pub fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
        in_order(&mut self.diagnostics);
        if !self.is_valid() {
            self.plan = None;
        }
    }

    fn failed(path: &Utf8Path, source: String, fault: Diagnostic) -> Self {
        Self { path: path.to_owned(), source, dialect: None, plan: None, diagnostics: vec![fault] }
    }
}

/// Reads and checks a plan. Nothing is run, and no other file is looked at.
///
/// A file that does not exist or cannot be read is a fault like any other.
///
/// ```
/// use camino::Utf8Path;
///
/// let loaded = alo_plan::load(Utf8Path::new("no-such-plan.yaml"));
/// assert!(!loaded.is_valid());
/// assert_eq!(loaded.diagnostics[0].code, alo_plan::Code::FileMissing);
/// ```
pub fn load(path: &Utf8Path) -> Loaded {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(fault) => return Loaded::failed(path, String::new(), *fault),
    };
    match String::from_utf8(bytes) {
        Ok(text) => load_str(&text, path),
        Err(error) => {
            let fault = not_utf8(error.as_bytes(), error.utf8_error().valid_up_to());
            Loaded::failed(path, String::from_utf8_lossy(error.as_bytes()).into_owned(), fault)
        }
    }
}

/// Reads and checks the text of a plan; the path only names it.
///
/// ```
/// let text = "control:\n  - get_asset_source: onse\n";
/// let loaded = alo_plan::load_str(text, "plan.yaml".into());
/// let fault = &loaded.diagnostics[0];
/// assert_eq!(fault.code.name(), "wrong-value");
/// assert_eq!(fault.pointer, "/control/0/get_asset_source");
/// assert_eq!(fault.span.unwrap().start.column, 23);
/// ```
pub fn load_str(text: &str, path: &Utf8Path) -> Loaded {
    if text.len() > LARGEST_TEXT {
        return Loaded::failed(path, String::new(), too_large());
    }
    let composed = compose(text);
    let mut reader = Reader { source: text, diagnostics: composed.diagnostics };
    let mut dialect = None;
    let mut plan = None;
    match composed.root {
        Some(root) if !root.is_null() => {
            dialect = Dialect::of(&root);
            plan = read_plan(root, dialect, &mut reader);
        }
        _ if reader.diagnostics.is_empty() => reader.push(
            Diagnostic::new(Code::EmptyPlan, "the file is empty")
                .at(Span::START)
                .help("`alo init` writes a plan to start from"),
        ),
        _ => {}
    }
    let mut diagnostics = reader.diagnostics;
    in_order(&mut diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        plan = None;
    }
    Loaded { path: path.to_owned(), source: text.to_owned(), dialect, plan, diagnostics }
}

fn read_plan(root: Node, dialect: Option<Dialect>, reader: &mut Reader<'_>) -> Option<Plan> {
    match (&root.data, dialect) {
        (Data::Map(entries), Some(Dialect::Alo3)) => {
            let key =
                entries.iter().find(|entry| entry.name() == "solution").map_or(root.span, |e| e.key.span);
            // What else the file holds follows other rules; its faults would only confuse.
            reader.diagnostics.clear();
            reader.push(
                Diagnostic::new(Code::Alo3Plan, "this is a plan of ALO 3, which is another language")
                    .at(key)
                    .pointing("/solution")
                    .help("run it with ALO 3, or write its steps as `user_parameters` and `asset_source` of ALO 2"),
            );
            None
        }
        (Data::Map(_), _) if dialect.is_some() || has_known_key(&root) => {
            let file = PlanFile::read(&root, &Pointer::ROOT, reader)?;
            // Of a large plan it is the largest part, and nobody needs it any more.
            drop(root);
            Some(lower(&file, reader))
        }
        _ => {
            let message = match &root.data {
                Data::Map(_) => "this is no plan: it has none of the sections of one".to_owned(),
                _ => format!("a plan is a map of sections, not {}", root.kind()),
            };
            let span = first_line_of(root.span, reader.source);
            reader.push(
                Diagnostic::new(Code::NotAPlan, message).at(span).help(
                    "a plan has `user_parameters`, `asset_source` and `control`; `alo init` writes one",
                ),
            );
            None
        }
    }
}

fn has_known_key(root: &Node) -> bool {
    matches!(&root.data, Data::Map(entries) if entries.iter().any(|entry| entry.name() == "ui_args_detail"))
}

fn first_line_of(span: Span, source: &str) -> Span {
    let line = span.text(source).lines().next().unwrap_or_default();
    let end = Position {
        column: span.start.column + narrow(line.chars().count()),
        offset: span.start.offset + narrow(line.len()),
        ..span.start
    };
    Span { start: span.start, end }
}

fn read(path: &Utf8Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    let mut bytes = Vec::new();
    let limit = LARGEST_TEXT as u64 + 1;
    let opened = fs_err::File::open(path).and_then(|file| {
        if file.metadata()?.is_dir() {
            return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
        }
        file.take(limit).read_to_end(&mut bytes)
    });
    match opened {
        Ok(_) if bytes.len() > LARGEST_TEXT => Err(Box::new(too_large())),
        Ok(_) => Ok(bytes),
        Err(error) => Err(Box::new(unreadable(path, &error))),
    }
}

fn unreadable(path: &Utf8Path, error: &std::io::Error) -> Diagnostic {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => Diagnostic::new(Code::FileMissing, format!("there is no file `{path}`"))
            .help("name an existing plan, or let `alo init` write one"),
        ErrorKind::IsADirectory => {
            Diagnostic::new(Code::FileUnreadable, format!("`{path}` is a folder, not a plan"))
                .help(format!("name the plan in it, such as `{}`", path.join("experimental_plan.yaml")))
        }
        ErrorKind::PermissionDenied => {
            Diagnostic::new(Code::FileUnreadable, format!("`{path}` may not be read"))
                .help("check the permissions of the file and of the folders above it")
        }
        _ => Diagnostic::new(Code::FileUnreadable, format!("failed to read `{path}`: {}", error.kind()))
            .help("check that the file can be read"),
    }
}

fn too_large() -> Diagnostic {
    Diagnostic::new(Code::FileTooLarge, format!("the file is larger than {} MiB", LARGEST_TEXT >> 20))
        .help("keep data in files of its own and name their paths in the plan")
}

fn not_utf8(bytes: &[u8], valid: usize) -> Diagnostic {
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let before = std::str::from_utf8(&bytes[..valid]).unwrap_or_default();
    let start = Position::of(before, valid);
    // The text shown with the fault has a replacement character of three bytes here.
    let end = Position { column: start.column + 1, offset: start.offset + 3, ..start };
    Diagnostic::new(Code::NotUtf8, format!("the byte 0x{byte:02X} is not UTF-8"))
        .at(Span { start, end })
        .help("save the file as UTF-8; Korean text saved by old Windows editors is often CP949")
}
