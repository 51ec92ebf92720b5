//! The code of a step: its folder, its file, and what identifies it.

use std::io;

use alo_plan::{PipelineKind, StepName};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::digest::{self, FolderState};
use crate::durable;
use crate::git::{CommitId, GitError, GitRef, GitUrlError};

/// Names less similar than this (Jaro-Winkler, 0 to 1) are no suggestion.
const SIMILARITY: f64 = 0.85;
/// At most this many files are listed in an error.
const LISTED: usize = 8;

/// The code of a step, ready to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AssetCode {
    /// The folder that goes on `sys.path`, absolute.
    pub folder: Utf8PathBuf,
    /// The file that holds `UserAsset`, absolute.
    pub file: Utf8PathBuf,
    /// The name to import it by, such as `asset_train`.
    pub module: String,
    /// What tells this code from any other.
    pub identity: CodeIdentity,
}

/// What tells code from other code, for records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum CodeIdentity {
    /// Code of a git repository.
    Git {
        /// The URL without credentials.
        url: String,
        /// Branch, tag or commit of the plan; `None` is the default branch.
        reference: Option<String>,
        /// The commit.
        commit: CommitId,
        /// Whether somebody has edited the fetched files.
        modified: bool,
        /// Digest of the files as they are.
        digest: String,
    },
    /// Code of a folder on this machine.
    Local {
        /// The folder.
        folder: Utf8PathBuf,
        /// Digest of the files as they are.
        digest: String,
    },
}

impl CodeIdentity {
    /// SHA-256 over the sorted relative paths and the contents of the folder, without `__pycache__` and `.git`.
    pub fn digest(&self) -> &str {
        match self {
            Self::Git { digest, .. } | Self::Local { digest, .. } => digest,
        }
    }
}

/// Why there is no code for a step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// `code:` is no address.
    #[error(transparent)]
    Url(#[from] GitUrlError),
    /// The repository could not be fetched or read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// `alo.lock` may not change and has no commit of what the plan asks for.
    #[error("`alo.lock` has no commit for `{url}` at {}", shown(.reference.as_ref()))]
    NotPinned {
        /// The URL without credentials.
        url: String,
        /// Branch, tag or commit of the plan; `None` is the default branch.
        reference: Option<GitRef>,
    },
    /// `alo.lock` may not change, and the branch has another commit now.
    #[error("`alo.lock` has the commit `{pinned}`, but {} is at `{now}` now", shown(.reference.as_ref()))]
    PinMoved {
        /// Branch, tag or commit of the plan; `None` is the default branch.
        reference: Option<GitRef>,
        /// The commit in `alo.lock`.
        pinned: CommitId,
        /// What it was looked up to be.
        now: CommitId,
    },
    /// No folder is there.
    #[error("there is no folder {}", list(.looked_for))]
    NoFolder {
        /// The folders that were looked for.
        looked_for: Vec<Utf8PathBuf>,
        /// For `code: local`: the pipeline whose step of the same name could have lent its code.
        other: Option<PipelineKind>,
    },
    /// A path leads to a repository without files.
    #[error("`{folder}` is a bare git repository, not a folder of code")]
    BareRepository {
        /// The path.
        folder: Utf8PathBuf,
    },
    /// The plan names a kind of source that this version does not know.
    #[error("the source `{0}` is not known")]
    UnknownKind(String),
    /// The folder does not hold the step's file.
    #[error("there is no {} in `{folder}`", list(.wanted))]
    NoFile {
        /// The folder of the code.
        folder: Utf8PathBuf,
        /// The file names that would do.
        wanted: Vec<String>,
        /// The Python files that are there.
        found: Vec<String>,
    },
    /// The folder cannot be read.
    #[error("failed to read the code in `{folder}`")]
    Read {
        /// The folder.
        folder: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl CodeError {
    /// What to check or to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Url(error) => error.hint(),
            Self::Git(error) => error.hint(),
            Self::NoFolder { other: Some(other), .. } => Some(format!(
                "put the code there, or give `code` a git URL, or let the step of the same name in `{}` have one",
                other.key()
            )),
            Self::NoFolder { other: None, .. } => {
                Some("check the path in `code`; it starts at the project".to_owned())
            }
            Self::BareRepository { folder } => {
                Some(format!("write `code: file://{folder}` to fetch from it"))
            }
            Self::NoFile { wanted, found, .. } => Some(match (near(wanted, found), wanted.first()) {
                (Some(near), Some(wanted)) => format!("rename `{near}` to `{wanted}`"),
                _ if found.is_empty() => {
                    "there is no Python file at all: check `code` and `branch`".to_owned()
                }
                _ => format!("the Python files there are {}", list(found)),
            }),
            Self::NotPinned { .. } | Self::PinMoved { .. } => {
                Some("run without `--locked` once, and keep the `alo.lock` that results".to_owned())
            }
            Self::UnknownKind(_) | Self::Read { .. } => None,
        }
    }

    /// Whether the code is only missing because no network may be used.
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Git(error) if error.is_offline())
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self, Self::Git(error) if error.is_cancelled())
    }
}

fn shown(reference: Option<&GitRef>) -> String {
    reference.map_or_else(|| "its default branch".to_owned(), |reference| format!("`{reference}`"))
}

fn list<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().take(LISTED).map(|name| format!("`{}`", name.as_ref())).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn near<'a>(wanted: &[String], found: &'a [String]) -> Option<&'a String> {
    let score = |name: &str| {
        let scores =
            wanted.iter().map(|wanted| strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()));
        scores.fold(0.0, f64::max)
    };
    let scored = found.iter().map(|name| (score(name), name)).filter(|(score, _)| *score >= SIMILARITY);
    scored.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// The file of a step and the name of its module.
///
/// It is `asset_<base>.py`; for a base name that ends in `_` (step `inference_1`) the name without it does too.
pub(crate) fn file_of(step: &StepName, folder: &Utf8Path) -> Result<(Utf8PathBuf, String), CodeError> {
    let base = step.base();
    let mut modules = vec![format!("asset_{base}")];
    let trimmed = base.trim_end_matches('_');
    if !trimmed.is_empty() && trimmed != base {
        modules.push(format!("asset_{trimmed}"));
    }
    for module in &modules {
        let file = folder.join(format!("{module}.py"));
        if file.is_file() {
            return Ok((file, module.clone()));
        }
    }
    let read = |source| CodeError::Read { folder: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(read)? {
        if let Ok(name) = entry.map_err(read)?.file_name().into_string()
            && Utf8Path::new(&name).extension() == Some("py")
        {
            found.push(name);
        }
    }
    found.sort();
    let wanted = modules.into_iter().map(|module| format!("{module}.py")).collect();
    Err(CodeError::NoFile { folder: folder.to_owned(), wanted, found })
}

/// The digest of a folder of code as it is now; every file is read.
pub fn code_digest(folder: &Utf8Path) -> std::io::Result<String> {
    Ok(FolderState::read(folder)?.digest)
}

/// The digest of a folder used in place. Files are only read again when their sizes or times have changed.
pub(crate) fn digest_of(folder: &Utf8Path, cache: &Utf8Path) -> Result<String, CodeError> {
    let record = cache.join("digests").join(format!("{}.json", &digest::of_text(folder.as_str())[..32]));
    let known: Option<FolderState> =
        fs_err::read(&record).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let state = FolderState::refresh(folder, known.as_ref())
        .map_err(|source| CodeError::Read { folder: folder.to_owned(), source })?;
    if state.is_settled()
        && known.as_ref() != Some(&state)
        && let Ok(text) = serde_json::to_vec(&state)
    {
        // Not remembering costs reading the files at the next run, no more.
        let _ = durable::write(&record, &text);
    }
    Ok(state.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(step: &str, files: &[&str]) -> Result<String, (String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        for file in files {
            fs_err::write(folder.join(file), "").unwrap();
        }
        match file_of(&StepName::new(step), folder) {
            Ok((file, module)) => {
                assert_eq!(file, folder.join(format!("{module}.py")));
                Ok(module)
            }
            Err(error) => Err((error.to_string().replace(folder.as_str(), "FOLDER"), error.hint().unwrap())),
        }
    }

    #[test]
    fn the_file_is_named_by_the_step_s_base_name() {
        assert_eq!(find("train2", &["asset_train.py"]).unwrap(), "asset_train");
        assert_eq!(find("inference_1", &["asset_inference.py"]).unwrap(), "asset_inference");
        assert_eq!(
            find("inference_1", &["asset_inference.py", "asset_inference_.py"]).unwrap(),
            "asset_inference_"
        );
        assert_eq!(find("입력1", &["asset_입력.py"]).unwrap(), "asset_입력");
    }

    #[test]
    fn a_missing_file_says_what_was_looked_for_and_what_is_there() {
        let (message, hint) = find("inference_1", &["main.py", "Asset_inference.py", "x.txt"]).unwrap_err();
        assert_eq!(message, "there is no `asset_inference_.py` or `asset_inference.py` in `FOLDER`");
        assert_eq!(hint, "rename `Asset_inference.py` to `asset_inference_.py`");
        assert_eq!(
            find("train", &["b.py", "a.py"]).unwrap_err().1,
            "the Python files there are `a.py` or `b.py`"
        );
        assert!(find("train", &[]).unwrap_err().1.contains("no Python file"));
    }
}
