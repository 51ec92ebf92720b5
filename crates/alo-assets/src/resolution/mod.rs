//! Resolutions: the exact packages that requirements come to, and how installers tell them.

mod package;
mod pinned_lines;
mod pip_report;
mod portable;
mod resolver;

pub(crate) use package::wheel_name;
pub use package::{PackageSource, Resolution, ResolvedPackage};
pub(crate) use pinned_lines::read_pinned;
pub(crate) use pip_report::read_report;
pub(crate) use resolver::{NoSolution, Resolved, Resolver};
