//! What lies at a place in a bucket, and which keys can be files.

use camino::{Utf8Path, Utf8PathBuf};
use object_store::ObjectMeta;
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};

use super::error::S3Error;
use super::objects::Objects;
use super::remote::Remote;
use super::remote_object::RemoteObject;

/// No file system takes longer names.
const MAX_NAME: usize = 255;
/// Nor, on Linux, longer paths; some room is left for the project's own.
const MAX_PATH: usize = 3072;
/// A page whose answer breaks off is asked for so often. (The library itself repeats what fails before an answer.)
const TRIES: u32 = 4;

/// What lies at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A prefix with objects below it.
    Folder,
    /// A single object.
    Object,
}

/// Looks whether there is anything, with one or two requests. A key is a prefix only as far as a `/`.
pub(crate) fn look(remote: &Remote, cancelled: &dyn Fn() -> bool) -> Result<Found, S3Error> {
    remote.bucket.drive(cancelled, &mut || {}, async {
        let prefix = prefix_of(remote);
        let mut token = None;
        loop {
            let page = page(remote, prefix.as_deref(), None, token).await?;
            if page.result.objects.iter().any(|meta| !is_marker_of(meta, prefix.as_deref())) {
                return Ok(Found::Folder);
            }
            token = page.page_token;
            if token.is_none() {
                break;
            }
        }
        single(remote).await?.map(|_| Found::Object).ok_or_else(|| missing(remote))
    })
}

/// Lists all objects of a place that [`look`] has found. A long list is kept in `folder`.
///
/// Keys that end in `/` are marks of folders and are left out. A key that cannot be a file is an error, for leaving it
/// out would be data that is silently not there.
pub(crate) fn list(
    remote: &Remote,
    found: Found,
    folder: &Utf8Path,
    cancelled: &dyn Fn() -> bool,
) -> Result<Objects, S3Error> {
    remote.bucket.drive(cancelled, &mut || {}, async {
        let mut objects = Objects::new(folder);
        if found == Found::Object {
            let object = single(remote).await?.ok_or_else(|| missing(remote))?;
            objects.add(object_of(object, Utf8PathBuf::new()))?;
            return Ok(objects);
        }
        let prefix = prefix_of(remote);
        let mut token = None;
        loop {
            let page = page(remote, prefix.as_deref(), None, token).await?;
            for meta in page.result.objects {
                if is_marker_of(&meta, prefix.as_deref()) {
                    continue;
                }
                let key = meta.location.as_ref();
                let relative = Utf8PathBuf::from(
                    prefix.as_deref().map_or(key, |prefix| key.strip_prefix(prefix).unwrap_or(key)),
                );
                check_name(key, &relative)?;
                objects.add(object_of(meta, relative))?;
            }
            token = page.page_token;
            if token.is_none() {
                break;
            }
        }
        if objects.is_empty() { Err(missing(remote)) } else { objects.complete() }
    })
}

/// The object of exactly this key.
async fn single(remote: &Remote) -> Result<Option<ObjectMeta>, S3Error> {
    if remote.key.is_empty() || remote.key.ends_with('/') {
        return Ok(None);
    }
    // Keys are listed in order, so the one that equals the prefix comes first.
    let page = page(remote, Some(&remote.key), Some(1), None).await?;
    Ok(page.result.objects.into_iter().find(|meta| meta.location.as_ref() == remote.key))
}

async fn page(
    remote: &Remote,
    prefix: Option<&str>,
    max_keys: Option<usize>,
    page_token: Option<String>,
) -> Result<PaginatedListResult, S3Error> {
    let mut tries = 1;
    loop {
        let options = PaginatedListOptions {
            max_keys,
            page_token: page_token.clone(),
            ..PaginatedListOptions::default()
        };
        let answer = remote.bucket.store.list_paginated(prefix, options).await;
        match answer.map_err(|error| remote.bucket.error(&remote.key, &error)) {
            Err(error) if error.is_transient() && tries < TRIES => tries += 1,
            answer => return answer,
        }
    }
}

/// The prefix of what lies below a place; none is the whole bucket.
fn prefix_of(remote: &Remote) -> Option<String> {
    let folder = remote.key.trim_end_matches('/');
    (!folder.is_empty()).then(|| format!("{folder}/"))
}

/// Whether an object is the mark of the prefix itself: the library gives keys without the `/` at their end.
fn is_marker_of(meta: &ObjectMeta, prefix: Option<&str>) -> bool {
    let key = meta.location.as_ref();
    key.is_empty() || prefix.is_some_and(|prefix| !key.starts_with(prefix))
}

fn object_of(meta: ObjectMeta, relative: Utf8PathBuf) -> RemoteObject {
    let changed = meta.last_modified.timestamp_millis();
    RemoteObject { key: meta.location.to_string(), relative, size: meta.size, etag: meta.e_tag, changed }
}

fn check_name(key: &str, relative: &Utf8Path) -> Result<(), S3Error> {
    let refuse = |why| Err(S3Error::Key { key: key.escape_debug().to_string(), why });
    if relative.as_str().len() > MAX_PATH {
        return refuse("it is too long");
    }
    for part in relative.as_str().split('/') {
        if part.len() > MAX_NAME {
            return refuse("a part of it is longer than 255 bytes");
        }
        // The library refuses these before; what writes files does not rely on it.
        if matches!(part, "" | "." | "..") || part.contains('\0') {
            return refuse("a part of it is empty, `.` or `..`");
        }
    }
    Ok(())
}

fn missing(remote: &Remote) -> S3Error {
    S3Error::Missing { url: remote.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_file_can_have_are_refused() {
        for bad in ["a//b", "../a", "a/..", "./a", "/a", "a\0b"] {
            assert!(check_name(bad, bad.into()).is_err(), "{bad}");
        }
        assert!(check_name("long", format!("a/{}", "x".repeat(256)).as_str().into()).is_err());
        assert!(check_name("long", "x/".repeat(2000).trim_end_matches('/').into()).is_err());
        for good in ["a/b c/나.csv", "..a", "a..b/...", "#?%41\\"] {
            assert!(check_name(good, good.into()).is_ok(), "{good}");
        }
    }
}
