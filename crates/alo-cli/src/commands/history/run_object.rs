//! A run as a JSON object: its record, and what the history says of it.

use alo_core::artifacts::HistoryEntry;
use serde_json::Value;

/// The record of a run, with the folder it lies in.
pub(super) fn object(entry: &HistoryEntry) -> Value {
    let mut object = serde_json::to_value(&entry.record).unwrap_or_default();
    object["folder"] = entry.folder.as_str().into();
    object["pinned"] = entry.pinned.into();
    if let Some(damaged) = &entry.damaged {
        object["damaged"] = damaged.as_str().into();
    }
    object
}
