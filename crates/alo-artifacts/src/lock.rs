//! One writer per project: a kernel lock, and the name of who holds it.
//!
//! The lock belongs to the open file, so the kernel lets go of it when its holder dies, however it dies: nothing is
//! ever left locked, and no command is needed to unlock. The holder's name lies beside it and is only shown, never
//! believed. Where the file system has no locks a claim takes their place (see `claim.rs`).

use std::fs::TryLockError;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::claim::{Claimed, break_dead, has_no_locks};
use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;
use crate::storage_error::StorageError;

/// How often a waiter looks whether the project is free.
const POLL: Duration = Duration::from_millis(50);

/// Who holds a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// What it does, as a command line for people.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
}

impl Holder {
    /// Describes this process.
    pub fn current(command: impl Into<String>, since: Timestamp) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { pid: std::process::id(), host, command: command.into(), since }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pid, host, command, since } = self;
        write!(f, "`{command}` (process {pid} on {host}, since {since:.0})")
    }
}

/// A project that could not be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another run holds it, and waiting was not wanted.
    #[error("the project `{project}` is in use{}", by(.holder.as_ref()))]
    Busy {
        /// The project's folder.
        project: Utf8PathBuf,
        /// Who holds it, if it said so.
        holder: Option<Holder>,
        /// The file that claims it, where the file system has no locks.
        claim: Option<Utf8PathBuf>,
    },
    /// The user asked to stop while waiting.
    #[error("stopped on request while waiting for the project")]
    Cancelled,
    /// The lock file could not be made or locked.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

fn by(holder: Option<&Holder>) -> String {
    holder.map(|holder| format!(" by {holder}")).unwrap_or_default()
}

impl LockError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Busy { claim: Some(claim), .. } => Some(format!(
                "the file system has no locks: if that machine is gone for good, delete `{claim}`; else start again \
                 without `--no-wait` to wait until it is free"
            )),
            Self::Busy { .. } => Some("start again without `--no-wait` to wait until it is free".into()),
            Self::Cancelled => None,
            Self::Storage(error) => error.hint(),
        }
    }
}

/// The right to write in a project; given back when dropped.
#[derive(Debug)]
pub struct ProjectLock {
    holder_file: Utf8PathBuf,
    _held: Held,
}

/// What keeps others out.
#[derive(Debug)]
enum Held {
    /// Holds the kernel lock until it is closed.
    File { _file: fs_err::File },
    /// A claim, where the file system has no locks.
    Claim { _claim: Claimed },
}

impl ProjectLock {
    /// Takes the project, waiting for another holder if wanted.
    ///
    /// `on_wait` is called once for each holder that is waited for, as soon as its name can be read.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let root = camino::Utf8PathBuf::try_from(dir.path().to_owned())?;
    /// use alo_artifacts::{Holder, ProjectLayout, ProjectLock};
    ///
    /// let project = ProjectLayout::new(root);
    /// let me = Holder::current("alo run", jiff::Timestamp::now());
    /// let lock = ProjectLock::acquire(&project, &me, true, &mut |other| eprintln!("waiting for {other}"), &|| false)?;
    /// assert!(ProjectLock::acquire(&project, &me, false, &mut |_| {}, &|| false).is_err());
    /// drop(lock);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire(
        layout: &ProjectLayout,
        me: &Holder,
        wait: bool,
        on_wait: &mut dyn FnMut(&Holder),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, LockError> {
        let mut told: Option<Holder> = None;
        let mut first = true;
        loop {
            if let Some(held) = try_hold(layout)? {
                let lock = Self { holder_file: layout.holder(), _held: held };
                lock.sign(me)?;
                return Ok(lock);
            }
            // A holder signs just after it has locked: one pause keeps us from naming the one before it.
            if !first || !wait {
                let holder = read_holder(&layout.holder());
                if !wait {
                    let claim = Some(layout.claim()).filter(|claim| claim.exists());
                    return Err(LockError::Busy { project: layout.root().to_owned(), holder, claim });
                }
                if let Some(holder) = holder.filter(|holder| told.as_ref() != Some(holder)) {
                    on_wait(&holder);
                    told = Some(holder);
                }
            }
            first = false;
            if cancelled() {
                return Err(LockError::Cancelled);
            }
            thread::sleep(POLL);
        }
    }

    fn sign(&self, me: &Holder) -> Result<(), StorageError> {
        let path = &self.holder_file;
        let bytes = serde_json::to_vec(me).map_err(|error| StorageError::new("write", path, error.into()))?;
        durable::write(path, &bytes, Lasting::Kill)
    }
}

impl Drop for ProjectLock {
    fn drop(&mut self) {
        // Before the kernel's lock goes with the file; a name left behind would only be shown, never believed.
        durable::remove(&self.holder_file).ok();
    }
}

/// Takes the project, unless someone else has it.
fn try_hold(layout: &ProjectLayout) -> Result<Option<Held>, StorageError> {
    match try_lock(&layout.lock()) {
        // Somebody may hold it from a machine that has no locks on this disk.
        Ok(Some(file)) => Ok(break_dead(&layout.claim())?.then_some(Held::File { _file: file })),
        Ok(None) => Ok(None),
        Err(error) if error.says(has_no_locks) => {
            Ok(Claimed::take(&layout.claim())?.map(|claim| Held::Claim { _claim: claim }))
        }
        Err(error) => Err(error),
    }
}

/// Locks the file, unless someone else has.
fn try_lock(path: &Utf8Path) -> Result<Option<fs_err::File>, StorageError> {
    loop {
        durable::create_dir_all(durable::parent(path))?;
        let mut options = fs_err::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = match options.open(path) {
            Ok(file) => file,
            // `.alo` was deleted under us.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(StorageError::new("lock", path, error)),
        };
        match file.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(StorageError::new("lock", path, error)),
        }
        // Whoever deletes `.alo` while we wait leaves us with the lock of a file that nobody else can see.
        let mine = file.metadata().map_err(StorageError::of("lock", path))?;
        match fs_err::metadata(path) {
            Ok(there) if (there.dev(), there.ino()) == (mine.dev(), mine.ino()) => return Ok(Some(file)),
            _ => {}
        }
    }
}

fn read_holder(path: &Utf8Path) -> Option<Holder> {
    serde_json::from_slice(&durable::read_if_present(path).ok()??).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    fn project() -> (tempfile::TempDir, ProjectLayout) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        (dir, ProjectLayout::new(root))
    }

    fn me(command: &str) -> Holder {
        Holder::current(command, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_second_writer_is_told_who_holds_the_project() {
        let (_dir, layout) = project();
        let lock =
            ProjectLock::acquire(&layout, &me("alo run"), false, &mut |_| {}, &|| false).expect("free");
        let error =
            ProjectLock::acquire(&layout, &me("other"), false, &mut |_| {}, &|| false).expect_err("in use");
        let LockError::Busy { holder, .. } = &error else { panic!("{error}") };
        assert_eq!(holder.as_ref(), Some(&me("alo run")));
        assert!(error.to_string().contains("`alo run`") && error.hint().is_some());
        drop(lock);
        ProjectLock::acquire(&layout, &me("other"), false, &mut |_| {}, &|| false).expect("free again");
    }

    #[test]
    fn a_waiter_names_the_holder_and_gets_the_project_after_it() {
        let (_dir, layout) = project();
        let lock = Mutex::new(Some(
            ProjectLock::acquire(&layout, &me("first"), false, &mut |_| {}, &|| false).expect("free"),
        ));
        let mut named = Vec::new();
        let mut on_wait = |holder: &Holder| {
            named.push(holder.command.clone());
            lock.lock().expect("not poisoned").take();
        };
        ProjectLock::acquire(&layout, &me("second"), true, &mut on_wait, &|| false).expect("free in the end");
        assert_eq!(named, ["first"]);
    }

    #[test]
    fn a_waiter_can_be_stopped_and_a_stale_name_holds_nothing() {
        let (_dir, layout) = project();
        let lock = ProjectLock::acquire(&layout, &me("first"), false, &mut |_| {}, &|| false).expect("free");
        let stopped = ProjectLock::acquire(&layout, &me("second"), true, &mut |_| {}, &|| true);
        assert!(matches!(stopped, Err(LockError::Cancelled)));
        drop(lock);
        durable::write(&layout.holder(), &serde_json::to_vec(&me("killed")).expect("JSON"), Lasting::Kill)
            .expect("written");
        ProjectLock::acquire(&layout, &me("second"), false, &mut |_| {}, &|| false).expect("free");
    }

    #[test]
    fn many_writers_never_overlap() {
        let (_dir, layout) = project();
        let (inside, entered, overlapped) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let lock = ProjectLock::acquire(&layout, &me("loop"), true, &mut |_| {}, &|| false);
                    let lock = lock.expect("free in the end");
                    overlapped.fetch_or(inside.fetch_add(1, Ordering::SeqCst) != 0, Ordering::SeqCst);
                    entered.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(lock);
                });
            }
        });
        assert_eq!(entered.load(Ordering::SeqCst), 8);
        assert!(!overlapped.load(Ordering::SeqCst));
    }
}
