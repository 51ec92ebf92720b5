//! The machine as the environment describes it: resolved here once, passed down as plain values.

use alo_core::artifacts::MemberTime;
use alo_core::assets::Machine;
use camino::Utf8PathBuf;
use jiff::Timestamp;

/// Describes this machine. The cache is `ALO_CACHE_DIR`, else `alo` in the user's cache folder.
pub(crate) fn machine() -> Result<Machine, String> {
    Ok(Machine::new(cache()?, std::env::vars_os()))
}

/// The times in archives: with `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>) all are that,
/// else those of the files.
pub(crate) fn archive_time() -> Result<MemberTime, String> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else {
        return Ok(MemberTime::Kept);
    };
    let text = text.to_string_lossy();
    let time = text.parse().ok().filter(|_| text.bytes().all(|c| c.is_ascii_digit()));
    let time = time.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(MemberTime::Fixed)
        .ok_or_else(|| format!("SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds since 1970"))
}

fn cache() -> Result<Utf8PathBuf, String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let folder = set("ALO_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|base| format!("{base}/alo")))
        .or_else(|| {
            let below_home = if cfg!(target_os = "macos") { "Library/Caches/alo" } else { ".cache/alo" };
            set("HOME").map(|home| format!("{home}/{below_home}"))
        });
    let folder = folder.ok_or("there is no place for the cache: set ALO_CACHE_DIR or HOME")?;
    camino::absolute_utf8(&folder)
        .map_err(|error| format!("the cache folder `{folder}` cannot be used: {error}"))
}
