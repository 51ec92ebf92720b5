//! The Python package that assets import, carried in this binary.

use alo_assets::unpack::{UnpackError, unpack};
use camino::{Utf8Path, Utf8PathBuf};

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../python/", $path)))),*]
    };
}

/// Every file, by its path below `python/`.
const FILES: &[(&str, &str)] = embedded![
    "worker.py",
    "alolib/__init__.py",
    "alolib/_arrays.py",
    "alolib/_audit.py",
    "alolib/_background.py",
    "alolib/_channel.py",
    "alolib/_children.py",
    "alolib/_compiled.py",
    "alolib/_early_imports.py",
    "alolib/_ending.py",
    "alolib/_environment.py",
    "alolib/_folders.py",
    "alolib/_forks.py",
    "alolib/_handoff.py",
    "alolib/_harmless.py",
    "alolib/_import_scan.py",
    "alolib/_kept_out.py",
    "alolib/_looks.py",
    "alolib/_made_files.py",
    "alolib/_mapped.py",
    "alolib/_modules.py",
    "alolib/_process_state.py",
    "alolib/_recycled.py",
    "alolib/_renamed.py",
    "alolib/_seen.py",
    "alolib/_session.py",
    "alolib/_snapshot.py",
    "alolib/_steps.py",
    "alolib/_surroundings.py",
    "alolib/_traceback.py",
    "alolib/_traces.py",
    "alolib/_unfinished.py",
    "alolib/_values.py",
    "alolib/_watch.py",
    "alolib/asset.py",
    "alolib/common.py",
    "alolib/exception.py",
    "alolib/logger.py",
];

/// The unpacked worker program; `alolib` lies beside it.
pub(super) fn worker_script(cache: &Utf8Path) -> Result<Utf8PathBuf, UnpackError> {
    Ok(unpack(cache, "alolib", FILES)?.join("worker.py"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_package_is_carried() {
        let python = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut there: Vec<String> = vec!["worker.py".into()];
        for entry in python.join("alolib").read_dir_utf8().unwrap() {
            let name = entry.unwrap().file_name().to_owned();
            if Utf8Path::new(&name).extension() == Some("py") {
                there.push(format!("alolib/{name}"));
            }
        }
        let mut carried: Vec<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        there.sort();
        carried.sort();
        assert_eq!(carried, there);
    }
}
