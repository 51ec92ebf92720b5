//! The plan language of alo: the vocabulary, loading with source positions, schema and checks.
//!
//! A plan (`experimental_plan.yaml`) says which steps make and use a model, on which data and with which code.
//! [`load`] reads one, written for any ALO from 1.0 to 2.6, into a [`Plan`] and a list of [`Diagnostic`]s: all faults, each
//! with its place and what to write instead. Reading never runs code and prints nothing.
//!
//! ```
//! let text = "\
//! user_parameters:
//!   - train_pipeline:
//!       - step: train
//!         args:
//!           - depth: 010
//! asset_source:
//!   - train_pipeline:
//!       - step: train
//!         source: {code: https://host/hub/train.git, branch: main}
//! ";
//! let loaded = alo_plan::load_str(text, "experimental_plan.yaml".into());
//! assert!(loaded.is_valid(), "{}", alo_plan::render::render(&loaded, false));
//!
//! let plan = loaded.plan.unwrap();
//! let train = &plan.pipelines[0].steps[0];
//! assert_eq!(train.args.get("depth"), Some(&alo_plan::Value::Int(8))); // as PyYAML reads `010`
//! ```
//!
//! | to | use |
//! | --- | --- |
//! | load a plan | [`load`], [`load_str`] |
//! | find the plan of a folder, the project of a plan, the file a path means | [`default_plan`], [`project_folder`], [`resolve_path`] |
//! | look whether its paths are there | [`check::paths`] |
//! | find where it names the code of a step | [`code_place`] |
//! | show faults to people or programs | [`render`], [`report`] |
//! | write a plan, or any YAML as PyYAML reads it | [`Plan::to_yaml`], [`yaml::parse_value`] |
//! | help editors | [`schema`] |
//!
//! Two layers share no type: `section` is what may be written, [`model`] is what it means.

mod code;
mod code_place;
mod diagnostic;
mod dialect;
mod load;
mod lower;
mod pointer;
mod project;
mod schema;
mod section;
mod severity;
mod similar;
mod span;
mod to_yaml;

pub mod check;
pub mod model;
pub mod render;
pub mod report;
pub mod value;
pub mod yaml;

pub use code::Code;
pub use code_place::code_place;
pub use diagnostic::Diagnostic;
pub use dialect::Dialect;
pub use load::{Loaded, load, load_str};
pub use model::{
    ArchiveFormat, ArgDetail, ArgKind, Control, ExternalPaths, Fetch, HandOffMode, Permission, Pipeline,
    PipelineKind, Plan, Source, Step, StepName,
};
pub use project::{default_plan, project_folder, resolve_path};
pub use schema::schema;
pub use severity::Severity;
pub use similar::similar;
pub use span::{Position, Span};
pub use value::{Map, Value};
