//! What the steps need to have installed: read and checked before anything is installed.

pub(crate) mod abi;
mod excerpt;
mod file;
mod item;
mod markers;
mod options;
mod place;
mod set;

pub(crate) use file::{Places, of_step};
pub(crate) use item::normalize;
pub use item::{Origin, Requirement, RequirementError};
pub(crate) use markers::Markers;
pub(crate) use options::Options;
pub(crate) use place::{percent_decoded, written};
pub(crate) use set::RequirementSet;
