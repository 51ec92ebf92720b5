//! Who holds something, on file systems where the kernel has no locks to say so (some network disks).
//!
//! A claim names a process so exactly that it cannot be taken for another one: machine, boot, process namespace, number
//! and time of start. It lies in a file that appears whole and never replaces another. It is believed until the machine
//! it was made on proves its process dead: claims of other machines are never broken.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::manifest::boot_id;
use crate::storage_error::StorageError;

/// The process that holds something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    host: String,
    boot: String,
    /// The namespace in which the number counts: containers on one machine have their own.
    namespace: String,
    pid: u32,
    /// When it was started, in ticks since the boot: numbers of processes are used again.
    started: u64,
}

impl Claim {
    /// Describes this process.
    pub(crate) fn current() -> Self {
        let pid = std::process::id();
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            boot: boot_id(),
            namespace: namespace(),
            pid,
            started: started(pid).unwrap_or_default(),
        }
    }

    /// Reads a claim; none where there is no file or nothing in it.
    pub(crate) fn read(path: &Utf8Path) -> Option<Self> {
        serde_json::from_slice(&durable::read_if_present(path).ok()??).ok()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether its process cannot be alive any more.
    pub(crate) fn is_dead(&self) -> bool {
        if self.host != rustix::system::uname().nodename().to_string_lossy() {
            return false;
        }
        self.boot != boot_id() || (self.namespace == namespace() && started(self.pid) != Some(self.started))
    }
}

/// A claim that lies in its file; removed when dropped.
#[derive(Debug)]
pub(crate) struct Claimed {
    path: Utf8PathBuf,
}

impl Claimed {
    /// Makes the claim, unless somebody has made one who may be alive.
    pub(crate) fn take(path: &Utf8Path) -> Result<Option<Self>, StorageError> {
        break_dead(path)?;
        let mut temp = durable::temp_beside(path)?;
        temp.write_all(&Claim::current().to_bytes()).map_err(StorageError::of("write", path))?;
        temp.as_file().sync_all().map_err(StorageError::of("flush", path))?;
        match temp.persist_noclobber(path) {
            Ok(_) => Ok(Some(Self { path: path.to_owned() })),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(StorageError::new("lock", path, error.error)),
        }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        // If it stays, it names a process that is dead.
        durable::remove(&self.path).ok();
    }
}

/// Removes the claim of a dead process; whether nothing is in the way any more.
pub(crate) fn break_dead(path: &Utf8Path) -> Result<bool, StorageError> {
    if path.symlink_metadata().is_err() {
        return Ok(true);
    }
    // One at a time, and only on this machine, where alone a claim can be broken: who comes second finds the claim
    // of the first, and must not take it for the dead one it saw before. A socket's name dies with its process.
    let folder = durable::parent(path);
    let meta = fs_err::metadata(folder).map_err(StorageError::of("read", folder))?;
    let Some(_alone) = alone(&format!("alo-claim-{}-{}", meta.dev(), meta.ino())) else { return Ok(false) };
    if !Claim::read(path).is_some_and(|claim| claim.is_dead()) {
        return Ok(path.symlink_metadata().is_err());
    }
    durable::remove(path)?;
    Ok(true)
}

/// Holds a name of which there is one on the machine; none while another process has it.
#[cfg(target_os = "linux")]
fn alone(name: &str) -> Option<UnixListener> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
    UnixListener::bind_addr(&address).ok()
}

/// Elsewhere nothing proves that a process is dead: claims are never broken.
#[cfg(not(target_os = "linux"))]
fn alone(_name: &str) -> Option<UnixListener> {
    None
}

/// When a process was started; none when there is no such process, or only what is left of a dead one.
fn started(pid: u32) -> Option<u64> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

fn namespace() -> String {
    let link = fs_err::read_link("/proc/self/ns/pid");
    link.map(|link| link.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether an attempt to lock failed because the file system has no locks.
pub(crate) fn has_no_locks(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let without = [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS];
    error.raw_os_error().is_some_and(|code| without.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = Utf8Path::from_path(dir.path()).expect("UTF-8").join("held");
        (dir, path)
    }

    #[test]
    fn a_claim_keeps_others_out_until_it_is_dropped() {
        let (_dir, path) = folder();
        let claimed = Claimed::take(&path).expect("no error").expect("free");
        assert!(Claimed::take(&path).expect("no error").is_none());
        drop(claimed);
        assert!(Claimed::take(&path).expect("no error").is_some());
    }

    #[test]
    fn only_claims_that_are_proven_dead_are_broken() {
        let me = Claim::current();
        assert!(!me.is_dead());
        let other = |change: fn(&mut Claim)| {
            let mut claim = me.clone();
            change(&mut claim);
            claim
        };
        for (claim, dead) in [
            (other(|claim| claim.started += 1), true),
            (other(|claim| claim.boot = "another".into()), true),
            (other(|claim| claim.pid = u32::MAX), true),
            (other(|claim| claim.host = "elsewhere".into()), false),
            (
                other(|claim| {
                    claim.namespace = "a container".into();
                    claim.pid = u32::MAX;
                }),
                false,
            ),
        ] {
            let (_dir, path) = folder();
            fs_err::write(&path, claim.to_bytes()).expect("written");
            assert_eq!(Claimed::take(&path).expect("no error").is_some(), dead, "{claim:?}");
        }
        // What cannot be read is nobody's to break.
        let (_dir, path) = folder();
        fs_err::write(&path, "{").expect("written");
        assert!(Claimed::take(&path).expect("no error").is_none());
    }

    #[test]
    fn of_many_who_break_a_dead_claim_one_gets_it() {
        for _ in 0..20 {
            let (_dir, path) = folder();
            let mut dead = Claim::current();
            dead.started += 1;
            fs_err::write(&path, dead.to_bytes()).expect("written");
            let barrier = std::sync::Barrier::new(8);
            let taken = std::thread::scope(|scope| {
                let take = || {
                    barrier.wait();
                    Claimed::take(&path).expect("no error")
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
                threads.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
            });
            assert!(taken.len() <= 1, "{taken:?}");
        }
    }
}
