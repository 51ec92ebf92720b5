//! One file for each command: its arguments and what it does.

pub(crate) mod asset;
pub(crate) mod cache;
mod checked_plan;
pub(crate) mod completions;
mod eject;
pub(crate) mod fetch;
pub(crate) mod history;
pub(crate) mod init;
mod open_project;
mod place;
mod python_args;
pub(crate) mod run;
pub(crate) mod schema;
mod set_up;
mod setup_args;
mod signals;
pub(crate) mod sweep;
pub(crate) mod update;
pub(crate) mod validate;
mod work_args;
