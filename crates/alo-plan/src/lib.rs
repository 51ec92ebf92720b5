//! The plan language of alo: the vocabulary, loading with source positions, schema and checks.

pub mod model;
pub mod value;

pub use model::{
    ArchiveFormat, Control, ExternalPaths, Fetch, HandOffMode, Permission, Pipeline, PipelineKind, Plan,
    Source, Step, StepName,
};
pub use value::{Map, Value};
