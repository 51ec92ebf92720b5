//! The machine as the environment describes it: resolved here once, passed down as plain values.

use alo_core::assets::Machine;
use camino::Utf8PathBuf;

/// Describes this machine. The cache is `ALO_CACHE_DIR`, else `alo` in the user's cache folder.
pub(crate) fn machine() -> Result<Machine, String> {
    Ok(Machine::new(cache()?, std::env::vars_os()))
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
