//! What the end-to-end tests share: a project of their own in a clean environment, and the built `alo` to drive.

mod fault_points;
mod fault_proxy;
mod index_server;
mod outcome;
mod plan_text;
mod repository;
mod s3_server;
mod test_env;
mod tracer;
mod wheel;

pub use fault_points::{fault_points, fault_seed};
pub use fault_proxy::{FaultProxy, Faults};
pub use index_server::IndexServer;
pub use outcome::Outcome;
pub use plan_text::{PlanText, asset};
pub use repository::Repository;
pub use s3_server::S3Server;
pub use test_env::{TestEnv, eventually};
pub use tracer::{Beside, Fault, REACHED, Step, Tracer};
pub use wheel::wheel;
