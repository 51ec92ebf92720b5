//! A request to stop a run, from another thread or a signal handler.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use alo_assets::guard::Stopper;

/// Asks a run to stop. Clones share the request.
///
/// A cancelled run ends its processes, records itself as interrupted and leaves the previous artifacts as they were.
///
/// ```
/// let cancel = alo_core::CancelToken::new();
/// let from_elsewhere = cancel.clone();
/// from_elsewhere.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Shared>);

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    processes: Mutex<Processes>,
}

/// The processes to end, each under a number of its own.
#[derive(Default)]
struct Processes {
    next: u64,
    running: BTreeMap<u64, Stopper>,
}

/// Lets a process be ended when a run is cancelled, for as long as it is kept.
pub(crate) struct Stopping {
    token: CancelToken,
    number: u64,
}

impl Drop for Stopping {
    fn drop(&mut self) {
        self.token.processes().running.remove(&self.number);
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stopping").field(&self.number).finish()
    }
}

impl CancelToken {
    /// Makes a token nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop. Returns at once.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        for process in self.processes().running.values() {
            process.stop();
        }
    }

    /// Whether the run was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Ends a process, too, when the run is cancelled, until what is returned is dropped.
    pub(crate) fn stops(&self, process: Stopper) -> Stopping {
        let mut processes = self.processes();
        // Looked at under the lock, so that a cancellation between the two is not missed.
        if self.is_cancelled() {
            process.stop();
        }
        let number = processes.next;
        processes.next += 1;
        processes.running.insert(number, process);
        Stopping { token: self.clone(), number }
    }

    fn processes(&self) -> std::sync::MutexGuard<'_, Processes> {
        self.0.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_cancelled()).finish()
    }
}
