//! One file for each command: its arguments and what it does.

pub(crate) mod asset;
mod checked_plan;
pub(crate) mod completions;
mod dispatch;
pub(crate) mod history;
pub(crate) mod init;
mod place;
mod python_args;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod validate;

pub(crate) use dispatch::run;
