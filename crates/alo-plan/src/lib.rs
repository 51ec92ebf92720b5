//! The plan language of alo: the vocabulary, loading with source positions, schema and checks.

mod code;
mod diagnostic;
mod pointer;
mod span;

pub mod model;
pub mod value;
pub mod yaml;

pub use code::Code;
pub use diagnostic::{Diagnostic, Severity};
pub use span::{Position, Span};
pub use model::{
    ArchiveFormat, Control, ExternalPaths, Fetch, HandOffMode, Permission, Pipeline, PipelineKind, Plan,
    Source, Step, StepName,
};
pub use value::{Map, Value};
