//! What an inference must leave: a summary and one or two files that the edge app shows.

use alo_plan::PipelineKind;
use camino::Utf8PathBuf;

use crate::layout::ArtifactLayout;
use crate::storage_error::StorageError;

const IMAGES: [&str; 4] = ["jpg", "jpeg", "png", "svg"];

/// The files an inference has left.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InferenceOutput {
    /// One or two files, sorted by name.
    pub files: Vec<Utf8PathBuf>,
    /// What is allowed but not what the manual says.
    pub warnings: Vec<String>,
}

/// An inference that has not left what it must.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// No summary.
    #[error("the inference has saved no summary")]
    NoSummary {
        /// Where it would lie.
        path: Utf8PathBuf,
    },
    /// No file, too many, or of other kinds.
    #[error("the output must be a `.csv`, an image, or one of each, but {found}")]
    Files {
        /// The folder.
        folder: Utf8PathBuf,
        /// What lies in it, in words.
        found: String,
    },
    /// The folder could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl OutputError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSummary { .. } => Some(
                "call `self.asset.save_summary(result=…, score=…)` in a step of the inference pipeline"
                    .into(),
            ),
            Self::Files { folder, .. } => Some(format!(
                "save `output.csv` or `output.jpg` in `self.asset.get_output_path()`, and further files in \
                 `self.asset.get_extra_output_path()`; looked in `{folder}`"
            )),
            Self::Storage(error) => error.hint(),
        }
    }
}

/// Checks what an inference has left: its summary, and in `output/` a `.csv`, an image (`.jpg .jpeg .png .svg`), or
/// one of each. Folders in `output/` do not count; endings are compared as they are written, as edge apps do.
pub fn check_output(artifacts: &ArtifactLayout) -> Result<InferenceOutput, OutputError> {
    let summary = artifacts.summary(PipelineKind::Inference);
    if !summary.is_file() {
        return Err(OutputError::NoSummary { path: summary });
    }
    let folder = artifacts.output();
    let mut names = Vec::new();
    for entry in fs_err::read_dir(&folder).map_err(StorageError::of("list", &folder))? {
        let entry = entry.map_err(StorageError::of("list", &folder))?;
        // Follows links: a link to a file shows as the file.
        if !fs_err::metadata(entry.path()).is_ok_and(|meta| meta.is_dir()) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    let kinds: Vec<Option<Kind>> = names.iter().map(|name| Kind::of(name)).collect();
    match kinds[..] {
        [Some(_)] | [Some(Kind::Table), Some(Kind::Image)] | [Some(Kind::Image), Some(Kind::Table)] => {}
        _ => return Err(OutputError::Files { folder, found: describe(&names) }),
    }
    let warnings = names
        .iter()
        .filter(|name| !matches!(name.as_str(), "output.csv" | "output.jpg"))
        .map(|name| {
            format!("the output is named `{name}`; the manual's names are `output.csv` and `output.jpg`")
        })
        .collect();
    Ok(InferenceOutput { files: names.into_iter().map(|name| folder.join(name)).collect(), warnings })
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Table,
    Image,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        // Not `Path::extension`: for Python's `splitext` and for edge apps `.csv` alone has the ending too.
        let (_, ending) = name.rsplit_once('.')?;
        if ending == "csv" { Some(Self::Table) } else { IMAGES.contains(&ending).then_some(Self::Image) }
    }
}

fn describe(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len() {
        0 => "there is no file".to_owned(),
        count => {
            let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
            format!("found {}{more}", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    fn check(files: &[&str]) -> Result<InferenceOutput, OutputError> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let artifacts = ArtifactLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").join("a"));
        artifacts.create_all(PipelineKind::Inference).expect("created");
        fs_err::write(artifacts.summary(PipelineKind::Inference), "").expect("written");
        fs_err::create_dir_all(artifacts.output().join("folder.csv")).expect("created");
        for file in files {
            fs_err::write(artifacts.output().join(file), "").expect("written");
        }
        check_output(&artifacts)
    }

    #[test]
    fn a_table_an_image_or_one_of_each_is_right() {
        for files in [&["output.csv"][..], &["output.jpg"], &["output.csv", "output.jpg"]] {
            let output = check(files).expect("right");
            assert_eq!((output.files.len(), output.warnings.len()), (files.len(), 0));
        }
        for files in [&["a.csv"][..], &["a.jpeg"], &["z.csv", "a.png"], &["a.csv", "b.svg"]] {
            assert_eq!(check(files).expect("right").warnings.len(), files.len());
        }
    }

    #[test]
    fn everything_else_is_named() {
        let cases = [
            (&[][..], "there is no file"),
            (&["a.csv", "b.csv"], "found `a.csv`, `b.csv`"),
            (&["a.png", "b.jpg"], "found `a.png`, `b.jpg`"),
            (&["output.CSV"], "found `output.CSV`"),
            (&["output.txt"], "found `output.txt`"),
            (&["output.csv", "x"], "found `output.csv`, `x`"),
            (&["1.csv", "2.csv", "3.csv", "4.csv", "5.csv", "6.csv", "7.csv"], "and 2 more"),
        ];
        for (files, expected) in cases {
            let error = check(files).expect_err("wrong");
            assert!(error.to_string().contains(expected) && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn without_a_summary_it_fails() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let artifacts = ArtifactLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned());
        artifacts.create_all(PipelineKind::Inference).expect("created");
        fs_err::write(artifacts.output().join("output.csv"), "").expect("written");
        assert!(matches!(check_output(&artifacts), Err(OutputError::NoSummary { .. })));
    }
}
