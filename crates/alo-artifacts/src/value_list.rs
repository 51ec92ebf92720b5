//! Values for later, in their order, however many.

use std::io;
use std::marker::PhantomData;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record_list::RecordList;
use crate::storage_error::StorageError;

/// Values in the order in which they were added.
#[derive(Debug)]
pub(crate) struct ValueList<T> {
    folder: Utf8PathBuf,
    records: RecordList,
    kind: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> ValueList<T> {
    /// A list that is kept in `folder` when it is long.
    pub(crate) fn new(folder: &Utf8Path) -> Self {
        Self { folder: folder.to_owned(), records: RecordList::new(folder), kind: PhantomData }
    }

    /// A list that stays in memory, for when there are so many lists that each cannot have an open file.
    pub(crate) fn in_memory(folder: &Utf8Path) -> Self {
        Self { folder: folder.to_owned(), records: RecordList::in_memory(folder), kind: PhantomData }
    }

    /// Leaves an empty list in its place.
    pub(crate) fn take(&mut self) -> Self {
        Self { folder: self.folder.clone(), records: self.records.take(), kind: PhantomData }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) fn push(&mut self, value: &T) -> Result<(), StorageError> {
        let record = serde_json::to_vec(value);
        let record =
            record.map_err(|error| StorageError::new("write in", &self.folder, io::Error::from(error)));
        self.records.push(&record?)
    }

    /// All values, the first one first; they stay.
    pub(crate) fn values(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<T, StorageError>> + use<'_, T>, StorageError> {
        let folder = &self.folder;
        let mut records = self.records.records()?;
        Ok(std::iter::from_fn(move || {
            let record = records.next().transpose()?;
            let read = |record: &[u8]| {
                let value = serde_json::from_slice(record);
                value.map_err(|error| StorageError::new("read in", folder, io::Error::from(error)))
            };
            Some(record.and_then(read))
        }))
    }
}
