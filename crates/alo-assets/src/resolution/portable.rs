//! Paths of this machine in a form that means the same on another: relative to the project or to the cache.

use camino::{Utf8Path, Utf8PathBuf};

use super::package::{PackageSource, Resolution};

/// Stands for the folder of the cache.
const CACHE: &str = "${ALO_CACHE}";

/// The two folders that differ from machine to machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable<'a> {
    pub(crate) project: &'a Utf8Path,
    pub(crate) cache: &'a Utf8Path,
}

impl Portable<'_> {
    /// A text with the paths of these folders made portable.
    pub(crate) fn text(self, text: &str) -> String {
        // The cache may lie in the project, not the other way round.
        let text = text.replace(&format!("{}/", self.cache), &format!("{CACHE}/"));
        text.replace(&format!("{}/", self.project), "./")
    }

    /// A resolution as a lock keeps it.
    pub(crate) fn out(self, mut resolution: Resolution) -> Resolution {
        map_paths(&mut resolution, |path| {
            match (path.strip_prefix(self.cache), path.strip_prefix(self.project)) {
                (Ok(below), _) => Utf8Path::new(CACHE).join(below),
                (Err(_), Ok(below)) => Utf8Path::new(".").join(below),
                (Err(_), Err(_)) => path.to_owned(),
            }
        });
        resolution
    }

    /// A resolution of a lock, as this machine needs it.
    pub(crate) fn back(self, mut resolution: Resolution) -> Resolution {
        map_paths(&mut resolution, |path| match (path.strip_prefix(CACHE), path.strip_prefix(".")) {
            (Ok(below), _) => self.cache.join(below),
            (Err(_), Ok(below)) => self.project.join(below),
            (Err(_), Err(_)) => path.to_owned(),
        });
        resolution
    }
}

fn map_paths(resolution: &mut Resolution, change: impl Fn(&Utf8Path) -> Utf8PathBuf) {
    for package in resolution.packages_mut() {
        if let PackageSource::Path { path, .. } = &mut package.source {
            *path = change(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_project_and_cache_travel_and_others_stay() {
        let here = Portable { project: Utf8Path::new("/p"), cache: Utf8Path::new("/c") };
        let there = Portable { project: Utf8Path::new("/q"), cache: Utf8Path::new("/q/.cache") };
        let text = r#"[{"name":"a","path":"/p/dist/a.whl"},{"name":"b","path":"/c/git/b"},{"name":"c","path":"/x/c"}]"#;
        let written = here.out(serde_json::from_str(text).unwrap());
        let read = there.back(written);
        let paths: Vec<_> = read.packages().iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["/q/dist/a.whl", "/q/.cache/git/b", "/x/c"]);
        assert_eq!(here.text("file /p/a x\n/c/b"), "file ./a x\n${ALO_CACHE}/b");
        assert_eq!(there.text("/q/.cache/b /q/a"), "${ALO_CACHE}/b ./a");
    }
}
