//! Steps that are Python assets: a worker process for each environment, and the protocol it speaks.

mod calls;
mod checks;
mod crash;
mod embedded;
mod executor;
mod hand_off;
mod message;
mod missing;
mod module_names;
mod output;
mod private_folder;
mod process;
mod setup;
mod shared_input;
mod usage;
mod value;
mod variables;
mod warm;
mod worker;
mod workers;

pub use executor::PythonExecutor;
pub(crate) use missing::all_is_there;
pub(crate) use setup::{complete, prepare_pipeline};
pub(crate) use warm::WarmPython;

pub(crate) use value::{from_json, to_json};
