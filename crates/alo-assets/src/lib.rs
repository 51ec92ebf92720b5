//! Step code and Python environments for alo: git and local sources, interpreters, installers.
//!
//! [`set_up`] turns the steps of a pipeline into folders of code and a Python environment. Everything it makes lies in the
//! cache of the [`Machine`]; a second call with the same plan starts no process and no connection.

mod asset;
mod cache;
mod code;
mod digest;
mod durable;
mod eject;
mod environment;
mod event;
mod finishing;
mod folder_copies;
mod git;
mod grouping;
pub mod guard;
mod http_agent;
mod inspection;
mod installer;
mod interpreter;
mod key_lock;
mod lockfile;
mod machine;
mod missing;
mod policy;
mod redaction;
mod requirements;
mod resolution;
mod setup;
mod source;
pub mod unpack;
mod unresolvable;
mod upkeep;

pub use asset::{AssetCode, CodeError, CodeIdentity, code_digest};
pub use cache::CacheUse;
pub use eject::{EjectError, EjectRequest, Ejected, PlanChange, eject};
pub use environment::{Environment, EnvironmentError};
pub use event::SetupEvent;
pub use finishing::{Finishing, ImportOutcome, ImportState, Verdict};
pub use git::{
    CommitId, CommitIdError, GitError, GitRef, GitUrl, GitUrlError, SubmoduleError, TransportError, TreeId,
    TreeIdError, Unsupported,
};
pub use grouping::{Claim, Clash, Split};
pub use inspection::{AssetReport, AssetUse, Generation, InspectionError, inspect};
pub use installer::{FailureReason, InstallError, InstallerChoice, InstallerChoiceError};
pub use interpreter::{
    Interpreter, InterpreterError, PythonRequest, PythonVersion, PythonVersionError, Refusal,
};
pub use key_lock::LockError;
pub use lockfile::{LockedEnvironment, LockedSteps, Lockfile, LockfileError, Pin};
pub use machine::Machine;
pub use missing::Missing;
pub use policy::{SetupPolicy, Update};
pub use redaction::redact;
pub use requirements::{Origin, Requirement, RequirementError};
pub use resolution::{PackageSource, Resolution, ResolvedPackage};
pub use setup::{PreparedPipeline, PreparedStep, SetupError, SetupRequest, set_up};
pub use upkeep::{CacheContent, CacheEntry, CacheInfo, Leftovers, PruneError, PruneLimits, Pruned, prune};
