//! What finished steps have left, kept so that an unchanged step need not run again.
//!
//! `.alo/steps/<pipeline>/<step>/<key>/` holds what one step left: `entry`, the list `files` of what
//! it left in the artifacts, and these files. The key is a digest of all that
//! the step was made from ([`StepDescription`]). A folder appears under its name when it is whole; it is a cache, so it is
//! not flushed: every use compares every file with its digest, and what does not match is as good as absent.

mod changes;
mod content;
mod dependency;
mod description;
mod entry;
mod held;
mod kept_files;
mod left_behind;
mod look;
mod place;
mod put_back;
mod recording;
mod recording_error;
mod refusal;
mod store;
mod trim;

pub use changes::Snapshot;
pub use content::{digest_folder, file_of_run_alone, stamp_folder};
pub use dependency::{Dependency, Read, Then};
pub use description::{StepDescription, StepKey};
pub use entry::{KeptStep, MadeFrom, StepEntry};
pub use held::{HeldStep, Recorded, Sharing};
pub use left_behind::LeftBehind;
pub use look::{Look, LookedAt, Sight};
pub use put_back::PutBackError;
pub use recording::StepRecording;
pub use recording_error::RecordingError;
pub use refusal::NotKept;
pub use store::{Found, StepCache};
