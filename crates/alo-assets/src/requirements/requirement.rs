//! One requirement: a package that a step needs.

use camino::Utf8PathBuf;
use pep440_rs::VersionSpecifiers;
use pep508_rs::MarkerTree;

use super::origin::Origin;

/// A package that a step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// What the installer is given: one line of a requirements file, paths made absolute.
    pub text: String,
    /// The package's name, normalised by PEP 503; `None` for a folder or URL that does not tell it.
    pub name: Option<String>,
    /// The versions that are accepted, if they are restricted.
    pub specifiers: Option<VersionSpecifiers>,
    /// Digests its files may have (`--hash`): `sha256:…`.
    pub hashes: Vec<String>,
    /// `--force-reinstall`: whatever else is asked of this package does not count.
    pub forced: bool,
    /// A file or folder of this machine that is to be installed.
    pub path: Option<Utf8PathBuf>,
    /// The condition under which it counts, if it has one that is known.
    pub(crate) marker: Option<MarkerTree>,
    /// Where it is written.
    pub origin: Origin,
}

impl Requirement {
    /// One that asks for nothing but what `text` says.
    pub(super) fn new(text: String, name: Option<String>, origin: Origin) -> Self {
        Self {
            text,
            name,
            specifiers: None,
            hashes: Vec::new(),
            forced: false,
            path: None,
            marker: None,
            origin,
        }
    }

    /// Whether the folder is used in place (`-e`).
    pub(crate) fn is_editable(&self) -> bool {
        self.text.starts_with("-e ")
    }

    /// Whether it takes the place of all that is asked of its package: without a version, file or address it changes nothing.
    pub(crate) fn overrides(&self) -> bool {
        self.forced && (self.specifiers.is_some() || self.path.is_some() || self.text.contains("://"))
    }
}
