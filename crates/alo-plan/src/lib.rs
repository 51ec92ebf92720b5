//! The plan language of alo: the vocabulary, loading with source positions, schema and checks.

mod code;
mod diagnostic;
mod dialect;
mod load;
mod lower;
mod pointer;
mod project;
mod schema;
mod section;
mod span;
mod to_yaml;

pub mod check;
pub mod model;
pub mod render;
pub mod report;
pub mod value;
pub mod yaml;

pub use code::Code;
pub use diagnostic::{Diagnostic, Severity};
pub use dialect::Dialect;
pub use load::{Loaded, load, load_str};
pub use model::{
    ArchiveFormat, ArgDetail, ArgKind, Control, ExternalPaths, Fetch, HandOffMode, Permission, Pipeline,
    PipelineKind, Plan, Source, Step, StepName,
};
pub use project::{default_plan, project_folder, resolve_path};
pub use schema::schema;
pub use span::{Position, Span};
pub use value::{Map, Value};
