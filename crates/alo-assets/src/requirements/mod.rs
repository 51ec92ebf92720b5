//! What the steps need to have installed: read and checked before anything is installed.

pub(crate) mod abi;
mod error;
mod excerpt;
mod file;
mod hash;
mod item;
mod markers;
mod options;
mod origin;
mod package_name;
mod place;
mod requirement;
mod set;
mod specifier;

pub use error::RequirementError;
pub(crate) use file::{Places, of_step};
pub(crate) use markers::Markers;
pub(crate) use options::Options;
pub use origin::Origin;
pub(crate) use package_name::normalize;
pub(crate) use place::{percent_decoded, written};
pub use requirement::Requirement;
pub(crate) use set::RequirementSet;
