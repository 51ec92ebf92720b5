//! What version a uv is, kept in the cache so that it is run for it only once.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::interpreter::Look;
use crate::{digest, durable};

/// Version of the record's format.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    path: Utf8PathBuf,
    look: Look,
    version: (u32, u32),
}

/// The version of the uv at `program`, by asking it if the file looks other than the last time. `None` if it is no uv: that is
/// not remembered.
pub(super) fn of<E>(
    program: &Utf8Path,
    cache: &Utf8Path,
    ask: impl FnOnce() -> Result<Option<(u32, u32)>, E>,
) -> Result<Option<(u32, u32)>, E> {
    let Ok(look) = Look::at(program) else { return ask() };
    let file = cache.join("uv").join(format!("{:.32}.json", digest::of_text(program.as_str())));
    if let Some(version) = remembered(&file, program, look) {
        return Ok(Some(version));
    }
    let asked = ask()?;
    if let Some(version) = asked {
        let record = Record { format: FORMAT, path: program.to_owned(), look, version };
        if let Ok(text) = serde_json::to_vec_pretty(&record) {
            // Not remembering costs one start of uv, no more.
            let _ = durable::write(&file, &text);
        }
    }
    Ok(asked)
}

fn remembered(file: &Utf8Path, program: &Utf8Path, look: Look) -> Option<(u32, u32)> {
    let record: Record = serde_json::from_slice(&fs_err::read(file).ok()?).ok()?;
    (record.format == FORMAT && record.path == program && record.look == look).then_some(record.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uv_is_asked_once_and_again_when_it_was_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Utf8Path::from_path(folder.path()).unwrap();
        let program = cache.join("bin-uv");
        fs_err::write(&program, "one").unwrap();
        let asked = |answer| of::<()>(&program, cache, || Ok(answer)).unwrap();
        assert_eq!(asked(None), None);
        assert_eq!(asked(Some((0, 5))), Some((0, 5)));
        assert_eq!(asked(Some((9, 9))), Some((0, 5)));
        fs_err::write(&program, "another").unwrap();
        assert_eq!(asked(Some((0, 6))), Some((0, 6)));
    }
}
