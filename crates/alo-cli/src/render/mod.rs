//! What people and programs see of a run.

pub(crate) mod closing;
pub(crate) mod events;
pub(crate) mod failure;
pub(crate) mod fetched;
pub(crate) mod json;
mod pipeline_table;
pub(crate) mod quantity;
mod setup;
pub(crate) mod sweep;
pub(crate) mod table;
