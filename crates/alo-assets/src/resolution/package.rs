//! The exact packages of an environment: what is decided once and installed as often as needed.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::digest::{self, PackageFiles};
use crate::requirements::{RequirementSet, written};

/// One package, decided.
///
/// ```
/// use alo_assets::{PackageSource, ResolvedPackage};
///
/// let package: ResolvedPackage = serde_json::from_str(r#"{"name": "numpy", "version": "1.26.4"}"#)?;
/// assert_eq!(package.source, PackageSource::Index);
/// assert_eq!(package.to_string(), "numpy==1.26.4");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
#[non_exhaustive]
pub struct ResolvedPackage {
    /// Its name, normalised by PEP 503.
    pub name: String,
    /// Its version; `None` where only building it tells.
    pub version: Option<String>,
    /// Where it comes from.
    pub source: PackageSource,
    /// What its files may have as digests: `sha256:…`, sorted. Empty if nobody knows.
    pub hashes: Vec<String>,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackageSource {
    /// An index, or a folder of wheels.
    Index,
    /// A URL of its own, without credentials; of a git repository with the commit.
    Url(String),
    /// A file or folder of this machine.
    Path {
        /// The file or folder, absolute.
        path: Utf8PathBuf,
        /// SHA-256 of its content, in hexadecimal.
        digest: String,
        /// Whether it is used in place (`-e`).
        editable: bool,
    },
}

/// How a package stands in a lock: one flat block.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Utf8PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    editable: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<String>,
}

impl From<Written> for ResolvedPackage {
    fn from(written: Written) -> Self {
        let Written { name, version, url, path, digest, editable, hashes } = written;
        let source = match (url, path) {
            (Some(url), _) => PackageSource::Url(url),
            (None, Some(path)) => PackageSource::Path { path, digest: digest.unwrap_or_default(), editable },
            (None, None) => PackageSource::Index,
        };
        Self { name, version, source, hashes }
    }
}

impl From<ResolvedPackage> for Written {
    fn from(package: ResolvedPackage) -> Self {
        let ResolvedPackage { name, version, source, hashes } = package;
        let plain = Self { name, version, url: None, path: None, digest: None, editable: false, hashes };
        match source {
            PackageSource::Index => plain,
            PackageSource::Url(url) => Self { url: Some(url), ..plain },
            PackageSource::Path { path, digest, editable } => {
                Self { path: Some(path), digest: Some(digest), editable, ..plain }
            }
        }
    }
}

/// As a requirements file writes it, without hashes.
impl std::fmt::Display for ResolvedPackage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.source, &self.version) {
            (PackageSource::Index, Some(version)) => write!(f, "{}=={version}", self.name),
            (PackageSource::Index, None) => f.write_str(&self.name),
            (PackageSource::Url(url), _) => write!(f, "{} @ {url}", self.name),
            (PackageSource::Path { path, editable: true, .. }, _) => write!(f, "-e {path}"),
            (PackageSource::Path { path, .. }, _) => f.write_str(path.as_str()),
        }
    }
}

impl ResolvedPackage {
    /// Whether hashes say which file is meant. A folder has none.
    fn is_hashed(&self) -> bool {
        let is_folder = matches!(&self.source, PackageSource::Path { path, .. } if path.is_dir());
        !self.hashes.is_empty() && !is_folder
    }

    /// The line that installs it, credentials of its URL taken from the requirements, which have them.
    fn line(&self, requirements: &RequirementSet) -> String {
        let url = match &self.source {
            PackageSource::Url(url) => url,
            PackageSource::Path { path, editable: true, .. } => {
                return format!("-e {}", written(path.as_str()));
            }
            PackageSource::Path { path, .. } => {
                let written = written(path.as_str());
                // uv reads such a URL twice if no name stands before it.
                let is_url = written.starts_with("file://");
                return if is_url { format!("{} @ {written}", self.name) } else { written };
            }
            PackageSource::Index => return self.to_string(),
        };
        // pip before 24 takes no name before a URL without a host.
        if url.contains("+file:///") {
            let mark = if url.contains('#') { '&' } else { '#' };
            return format!("{url}{mark}egg={}", self.name);
        }
        // uv shows that there were credentials; pip leaves them away.
        let (is_hidden, parts) = match url.split_once("***@") {
            Some(parts) => (true, Some(parts)),
            None => (false, url.find("://").and_then(|at| url.split_at_checked(at + 3))),
        };
        let Some((scheme, tail)) = parts else { return self.to_string() };
        let host = tail.split('/').next().unwrap_or(tail);
        let is_meant = |name: Option<&str>| is_hidden || name == Some(&self.name);
        let user = requirements.iter().filter(|item| is_meant(item.name.as_deref())).find_map(|item| {
            let (before, _) = item.text.split_once(&format!("@{host}"))?;
            let (_, user) = before.rsplit_once("://")?;
            (!user.contains('/')).then_some(user)
        });
        match user {
            Some(user) => format!("{} @ {scheme}{user}@{tail}", self.name),
            None => format!("{} @ {scheme}{tail}", self.name),
        }
    }
}

/// The exact packages that requirements come to, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resolution {
    packages: Vec<ResolvedPackage>,
}

/// The lines that install a resolution.
#[derive(Debug, Default)]
pub(crate) struct InstallLines {
    /// Packages whose files are checked.
    pub(crate) hashed: Vec<String>,
    /// Packages that nobody knows a hash of, such as folders.
    pub(crate) unhashed: Vec<String>,
}

impl Resolution {
    /// Sorts the packages. What the plan itself says of a package's hashes counts more than what an index says.
    pub(crate) fn new(mut packages: Vec<ResolvedPackage>, requirements: &RequirementSet) -> Self {
        for package in &mut packages {
            let said: Vec<_> = requirements
                .iter()
                .filter(|item| item.name.as_deref() == Some(&package.name))
                .flat_map(|item| item.hashes.iter().cloned())
                .collect();
            if !said.is_empty() {
                package.hashes = said;
            }
            package.hashes.sort_unstable();
            package.hashes.dedup();
        }
        packages.sort_by(|one, other| {
            let key = |package: &ResolvedPackage| (package.name.clone(), package.version.clone());
            key(one).cmp(&key(other))
        });
        packages.dedup();
        Self { packages }
    }

    /// The packages, sorted by name.
    pub fn packages(&self) -> &[ResolvedPackage] {
        &self.packages
    }

    /// Whether there is nothing to install.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// The folders that are to be built, but not used in place, and what they are to hold.
    pub(crate) fn folders(&self) -> impl Iterator<Item = (&Utf8Path, &str)> {
        self.packages.iter().filter_map(|package| match &package.source {
            PackageSource::Path { path, digest, editable: false } if path.is_dir() => {
                Some((&**path, &**digest))
            }
            _ => None,
        })
    }

    pub(crate) fn packages_mut(&mut self) -> &mut [ResolvedPackage] {
        &mut self.packages
    }

    /// What tells this set of packages from any other, as text.
    pub(crate) fn identity(&self) -> String {
        let mut text = String::new();
        for package in &self.packages {
            text.push_str(&package.to_string());
            if let PackageSource::Path { digest, .. } = &package.source {
                text.push(' ');
                text.push_str(digest);
            }
            for hash in &package.hashes {
                text.push(' ');
                text.push_str(hash);
            }
            text.push('\n');
        }
        text
    }

    /// Whether hashes say of all packages which files are meant.
    pub(crate) fn is_hashed(&self) -> bool {
        self.packages.iter().all(ResolvedPackage::is_hashed)
    }

    /// The lines that install exactly these packages.
    pub(crate) fn install_lines(&self, requirements: &RequirementSet) -> InstallLines {
        let mut lines = InstallLines::default();
        for package in &self.packages {
            let mut line = package.line(requirements);
            if !package.is_hashed() {
                lines.unhashed.push(line);
                continue;
            }
            for hash in &package.hashes {
                line.push_str(" --hash=");
                line.push_str(hash);
            }
            lines.hashed.push(line);
        }
        lines
    }
}

/// The package that a file or folder of this machine is.
pub(super) fn of_path(
    path: &Utf8Path,
    name: Option<&str>,
    editable: bool,
) -> std::io::Result<ResolvedPackage> {
    let digest = if path.is_dir() { PackageFiles::list(path)?.digest()? } else { digest::of_file(path)? };
    let file = path.file_name().unwrap_or_default();
    let (in_name, version) = wheel_name(file).unzip();
    Ok(ResolvedPackage {
        name: crate::requirements::normalize(name.or(in_name).unwrap_or(file)),
        version: version.map(str::to_owned),
        hashes: if path.is_dir() { Vec::new() } else { vec![format!("sha256:{digest}")] },
        // Without `.`: the same text as when the lock is read.
        source: PackageSource::Path { path: path.components().collect(), digest, editable },
    })
}

/// Name and version that stand in the file name of a wheel; `None` for another file.
pub(crate) fn wheel_name(file: &str) -> Option<(&str, &str)> {
    let (name, rest) = file.strip_suffix(".whl")?.split_once('-')?;
    Some((name, rest.split('-').next().unwrap_or(rest)))
}
