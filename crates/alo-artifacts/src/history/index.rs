//! `.alo/history-index`: what was read of the runs, so that a list of thousands reads no record twice.
//!
//! A cache of a cache's virtues: it may be deleted, damaged or old at any time. A row counts only while the folder and
//! the record in it have the inode and the times they had when it was made, and is not made at all while they are so
//! young that a later change might not show in their times. Runs in progress have no row. Readers write it; whoever
//! writes last wins, and nothing is lost but time.

use std::collections::HashMap;
use std::fs::File;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alo_plan::PipelineKind;
use camino::Utf8Path;
use jiff::Timestamp;
use rustix::fs::{AtFlags, Stat, statat};
use serde::{Deserialize, Serialize};

use super::entry;
use super::listed::ListedRun;
use super::record::{FILE, RunState};
use super::run_folder::run_names;
use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// The version that is written; another one is not used.
const FORMAT: u32 = 3;
/// A folder this young gets no row: the clock of a file system may be as coarse as a second or two.
const AT_REST: Duration = Duration::from_secs(2);
/// The index is written when so many rows are missing or left over: for fewer it costs more than it saves.
const WORTH_WRITING: usize = 16;
/// From so many runs on they are looked at by several threads.
const MANY: usize = 64;

/// A run of the history, and whether what is known of it was read from the disk and is its last word.
pub(super) struct Scanned {
    pub(super) run: ListedRun,
    /// Whether it was read just now. What comes from the index has been settled for a while.
    pub(super) fresh: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Index {
    format: u32,
    rows: Vec<Row>,
}

/// Without names: there may be tens of thousands.
#[derive(Serialize, Deserialize)]
struct Row(
    PipelineKind,
    String,
    Stamps,
    RunState,
    Timestamp,
    Option<Timestamp>,
    Option<f64>,
    Option<String>,
    Option<String>,
    bool,
    u64,
    bool,
    bool,
);

/// Inode and time of change of the folder, and of the record in it. Times are nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamps(u64, i128, u64, i128);

/// Looks at all runs of a project, in no order. Foreign folders are passed over.
pub(super) fn scan(layout: &ProjectLayout) -> Result<Vec<Scanned>, StorageError> {
    let (known, runs) = thread::scope(|scope| {
        let known = scope.spawn(|| read(layout));
        let runs = stamped(layout);
        (known.join().unwrap_or_default(), runs)
    });
    // Rows are large: they stay where they are, and are found by their number.
    let places: HashMap<_, _> =
        known.iter().enumerate().map(|(at, row)| ((row.0, row.1.as_str()), at)).collect();
    let histories = PipelineKind::ALL.map(|kind| (kind, layout.history(kind)));
    let runs = runs?;
    let (mut scanned, mut to_read) = (Vec::with_capacity(runs.len()), Vec::new());
    let mut kept = vec![false; known.len()];
    for (key, stamps) in runs {
        let place = places.get(&(key.0, key.1.as_str())).copied();
        let row = place.and_then(|at| Some((at, known.get(at).filter(|row| Some(row.2) == stamps)?)));
        let Some((at, row)) = row else {
            to_read.push((key, stamps));
            continue;
        };
        let history = histories.iter().find(|(kind, _)| *kind == row.0);
        let run = history.and_then(|(_, history)| row.listed(history));
        scanned.extend(run.map(|run| Scanned { run, fresh: false }));
        kept[at] = true;
    }
    let mut new = Vec::new();
    for (run, row) in in_threads(&to_read, |(key, stamps)| read_one(layout, key, *stamps)) {
        scanned.push(Scanned { run, fresh: true });
        new.extend(row);
    }
    let left_over = kept.iter().filter(|kept| !**kept).count();
    if new.len() >= WORTH_WRITING || left_over >= WORTH_WRITING {
        let kept = known.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(row, _)| row);
        new.splice(..0, kept);
        // A history that cannot be written to is listed all the same.
        write(layout, new);
    }
    Ok(scanned)
}

type Key = (PipelineKind, String);
type Fresh = (ListedRun, Option<Row>);

/// The folders that could be runs, with their stamps.
fn stamped(layout: &ProjectLayout) -> Result<Vec<(Key, Option<Stamps>)>, StorageError> {
    let mut runs = Vec::new();
    for kind in PipelineKind::ALL {
        let history = layout.history(kind);
        let names = run_names(&history)?;
        if names.is_empty() {
            continue;
        }
        // Relative to the open folder: the system need not look up the path to it for each of them.
        let folder = fs_err::File::open(&history).map_err(StorageError::of("list", &history))?;
        let stamps = in_threads(&names, |name| Some(Stamps::of(folder.file(), name)));
        runs.extend(names.into_iter().map(|name| (kind, name)).zip(stamps));
    }
    Ok(runs)
}

/// Does that with each, in order; in several threads where there are many.
fn in_threads<T: Sync, U: Send>(all: &[T], each: impl Fn(&T) -> Option<U> + Sync) -> Vec<U> {
    if all.len() < MANY {
        return all.iter().filter_map(each).collect();
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let each = &each;
    thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(threads).max(1));
        let readers: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().filter_map(each).collect::<Vec<_>>())).collect();
        let done = readers.into_iter().map(thread::ScopedJoinHandle::join);
        done.flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

fn read_one(layout: &ProjectLayout, (kind, name): &Key, stamps: Option<Stamps>) -> Option<Fresh> {
    let read = entry::read(&layout.history(*kind), *kind, name)?;
    let run = ListedRun::from(&read.entry);
    let is_at_rest = stamps.is_some_and(|stamps| stamps.are_old());
    let row = stamps.filter(|_| read.settled && is_at_rest).map(|stamps| Row::new(&run, name, stamps));
    Some((run, row))
}

impl Row {
    fn new(run: &ListedRun, name: &str, stamps: Stamps) -> Self {
        let ListedRun { kind, state, good, started, ended, score, pinned, bytes, newer, .. } = *run;
        Self(
            kind,
            name.to_owned(),
            stamps,
            state,
            started,
            ended,
            score,
            run.result.clone(),
            run.error.clone(),
            pinned,
            bytes,
            newer,
            good,
        )
    }

    fn listed(&self, history: &Utf8Path) -> Option<ListedRun> {
        let Self(kind, name, _, state, started, ended, score, result, error, pinned, bytes, newer, good) =
            self;
        let (id, _) = RunId::of_folder(name)?;
        Some(ListedRun {
            id,
            kind: *kind,
            folder: history.join(name),
            state: *state,
            good: *good,
            started: *started,
            ended: *ended,
            score: *score,
            result: result.clone(),
            error: error.clone(),
            pinned: *pinned,
            bytes: *bytes,
            damaged: false,
            newer: *newer,
        })
    }
}

impl Stamps {
    /// Of the folder of that name in the open folder of the history.
    fn of(history: &File, name: &str) -> Option<Self> {
        let stat = |path: &str| statat(history, path, AtFlags::SYMLINK_NOFOLLOW).ok();
        let (at, record) = (stat(name)?, stat(&format!("{name}/{FILE}"))?);
        let changed =
            |stat: &Stat| i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec);
        Some(Self(at.st_ino, changed(&at), record.st_ino, changed(&record)))
    }

    fn are_old(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let limit = now.saturating_sub(AT_REST).as_nanos();
        i128::try_from(limit).is_ok_and(|limit| self.1.max(self.3) < limit)
    }
}

/// Reads the index; a missing, damaged or other one is as good as an empty one.
fn read(layout: &ProjectLayout) -> Vec<Row> {
    let bytes = durable::read_if_present(&layout.history_index()).ok().flatten().unwrap_or_default();
    let index: Index = serde_json::from_slice(&bytes).unwrap_or_default();
    if index.format == FORMAT { index.rows } else { Vec::new() }
}

fn write(layout: &ProjectLayout, rows: Vec<Row>) {
    if let Ok(bytes) = serde_json::to_vec(&Index { format: FORMAT, rows }) {
        durable::write(&layout.history_index(), &bytes, Lasting::Kill).ok();
    }
}
