//! One requirement, as a plan or a requirements file writes it.

use std::fmt;
use std::io;
use std::ops::Range;
use std::str::FromStr;

use alo_plan::StepName;
use camino::{Utf8Path, Utf8PathBuf};
use pep440_rs::VersionSpecifiers;
use pep508_rs::{MarkerTree, VerbatimUrl, VersionOrUrl};

use super::options::{OptionFault, Options, Word, words};
use super::place::{Base, Place, file_url, hash_in, local_place, named_project, percent_decoded, written};
use crate::digest;

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
    /// Whether the folder is used in place (`-e`).
    pub(crate) fn is_editable(&self) -> bool {
        self.text.starts_with("-e ")
    }

    /// Whether it takes the place of all that is asked of its package: without a version, file or address it changes nothing.
    pub(crate) fn overrides(&self) -> bool {
        self.forced && (self.specifiers.is_some() || self.path.is_some() || self.text.contains("://"))
    }
}

/// Where a requirement is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The step it belongs to.
    pub step: StepName,
    /// File and line (from 1); `None` is the plan itself.
    pub file: Option<(Utf8PathBuf, usize)>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some((file, line)) => write!(f, "{file}:{line}"),
            None => write!(f, "the requirements of step `{}` in the plan", self.step),
        }
    }
}

/// Why the requirements of a step make no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequirementError {
    /// It is not written as PEP 508 or pip wants it.
    #[error("`{text}` in {origin} is no valid requirement: {reason}")]
    Syntax {
        /// The requirement without credentials.
        text: String,
        /// Where it is written.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
        /// The bytes of the text that are at fault.
        at: Range<usize>,
    },
    /// pip's option is not one that can be used here.
    #[error("`{option}` in {origin} is no option that a requirement can have")]
    Option {
        /// The option.
        option: String,
        /// Where it is written.
        origin: Origin,
    },
    /// A file that is named is not there.
    #[error("`{path}`, named in {origin}, does not exist")]
    Missing {
        /// The file or folder that was looked for.
        path: Utf8PathBuf,
        /// Where it is named.
        origin: Origin,
    },
    /// A file of this machine is not the one whose digest is asked for.
    #[error("`{path}`, named in {origin}, has another digest than the one beside it: sha256:{found}")]
    Digest {
        /// The file.
        path: Utf8PathBuf,
        /// Its SHA-256.
        found: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A file cannot be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Requirements files name each other in a circle.
    #[error("`{path}`, named in {origin}, names itself in the end")]
    Circle {
        /// The file that is met again.
        path: Utf8PathBuf,
        /// Where it is named.
        origin: Origin,
    },
}

impl RequirementError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            // What is wrong with an option or an address says what to write.
            Self::Syntax { text, .. } if text.contains(" -") || text.starts_with('-') || text.contains("://") => None,
            Self::Syntax { text, .. } => match text.split_once('=') {
                Some((name, version)) if !version.starts_with('=') && !name.ends_with(['<', '>', '!', '~', '=']) => {
                    Some(format!("did you mean `{name}=={version}`?"))
                }
                _ => Some("write it as for `pip install`, for example `pandas==1.5.3` or `scikit-learn>=1.3,<2`".to_owned()),
            },
            Self::Missing { path, .. } if path.file_name() == Some("requirements.txt") => Some(
                "the item `requirements.txt` means the file of that name beside the asset's code: add it, or remove the item"
                    .to_owned(),
            ),
            Self::Missing { .. } => Some("check the path".to_owned()),
            Self::Digest { .. } => {
                Some("if the file is the one that is meant, correct the digest".to_owned())
            }
            Self::Option { option, .. } if option == "--no-deps" => {
                Some("packages always come with what they need: leave it away".to_owned())
            }
            Self::Option { .. } | Self::Read { .. } | Self::Circle { .. } => None,
        }
    }
}

/// What a line turns out to be.
pub(super) enum Item {
    Requirement(Box<Requirement>),
    /// `-r FILE`
    File(Utf8PathBuf),
    /// Options that hold for the whole installation.
    Options,
}

/// Reads one item: no comment, no line break. Options for the whole installation go to `options`.
///
/// Relative paths start at `base`.
pub(super) fn parse(
    text: &str,
    origin: Origin,
    base: Base<'_>,
    options: &mut Options,
) -> Result<Item, RequirementError> {
    let mut requirement = String::new();
    let (mut tail, mut forced, mut editable) = (String::new(), false, false);
    let mut hashes = Vec::new();
    let mut index = None;
    for word in words(text) {
        match word {
            Word::Plain(word) => {
                if !requirement.is_empty() {
                    requirement.push(' ');
                }
                requirement.push_str(word);
            }
            Word::Option { name, value } => {
                let value_or_fault = || {
                    let reason = format!("`{name}` needs a value");
                    value.as_deref().ok_or_else(|| syntax(text, &origin, reason))
                };
                let file = || {
                    let file = value_or_fault()?;
                    match file.strip_prefix("file://") {
                        Some(path) => Ok(base.join(&percent_decoded(path))),
                        None if file.contains("://") => Err(at(
                            text,
                            file,
                            &origin,
                            format!(
                                "`{name}` names a file of this machine, and this is an address: download it, and name that file"
                            ),
                        )),
                        None => Ok(base.join(file)),
                    }
                };
                match name {
                    "--force-reinstall" => forced = true,
                    "-r" | "--requirement" => return Ok(Item::File(file()?)),
                    "-e" | "--editable" => {
                        editable = true;
                        value_or_fault()?.clone_into(&mut requirement);
                    }
                    "-c" | "--constraint" => {
                        let path = file()?;
                        if !path.exists() {
                            return Err(RequirementError::Missing { path, origin });
                        }
                        options.constraints.push(path);
                    }
                    "-i" | "--index-url" | "--pypi-url" => index = Some(value_or_fault()?.to_owned()),
                    "--hash" => {
                        let written = value_or_fault()?;
                        let hash = written.replacen('=', ":", 1);
                        if !is_hash(&hash) {
                            let reason =
                                "a hash is `sha256:` and 64 digits from 0 to f (or `sha384:`, `sha512:`)";
                            return Err(at(text, written, &origin, reason.to_owned()));
                        }
                        hashes.push(hash);
                    }
                    "--config-settings" | "--global-option" => {
                        let setting = value_or_fault()?;
                        let quote = if setting.contains(' ') { "\"" } else { "" };
                        tail.extend([" ", name, "=", quote, setting, quote]);
                    }
                    _ => options.read(name, value.as_deref(), base).map_err(|fault| match fault {
                        OptionFault::NoValue => syntax(text, &origin, format!("`{name}` needs a value")),
                        OptionFault::Unknown => {
                            RequirementError::Option { option: name.to_owned(), origin: origin.clone() }
                        }
                        OptionFault::Missing(path) => {
                            RequirementError::Missing { path, origin: origin.clone() }
                        }
                    })?,
                }
            }
        }
    }
    if let Some(index) = index {
        // Alone on its line it is the index; with a requirement it is one more place to look at for this environment.
        if requirement.is_empty() {
            options.set_index(index);
        } else {
            options.of_items.push((requirement.clone(), index.clone()));
            options.add_extra_index(index);
        }
    }
    if requirement.is_empty() {
        return Ok(Item::Options);
    }
    let mut found = one(&requirement, editable, &origin, base)?;
    found.forced = forced;
    found.hashes.extend(hashes);
    found.text.push_str(&tail);
    check_digest(&found, &requirement)?;
    // Only folders can be used in place; the commit of a repository, as `pip freeze` writes it, is installed as ever.
    if editable && found.path.is_some() {
        found.text.insert_str(0, "-e ");
    }
    Ok(Item::Requirement(Box::new(found)))
}

fn one(text: &str, editable: bool, origin: &Origin, base: Base<'_>) -> Result<Requirement, RequirementError> {
    let plain = |text: String, name: Option<String>, path| Requirement {
        text,
        name,
        specifiers: None,
        hashes: Vec::new(),
        forced: false,
        path,
        marker: None,
        origin: origin.clone(),
    };
    if let Some(place) = local_place(text, editable) {
        return local(text, editable, &place, origin, base);
    }
    if let Some((address, fragment)) = url(text) {
        let name = fragment
            .split('&')
            .find_map(|part| part.strip_prefix("egg="))
            .map(|name| normalize(name.split(['[', '=', '<', '>', ' ']).next().unwrap_or_default()))
            .or_else(|| name_in_file(Utf8Path::new(address)));
        return Ok(Requirement {
            marker: after_address(text, text, origin)?,
            ..plain(text.to_owned(), name, None)
        });
    }
    // Names and versions are ASCII (PEP 508); a path after `@` need not be.
    let is_plain_text = |part: &str| {
        let reason = "it has a letter that no package name or version has".to_owned();
        if part.is_ascii() { Ok(()) } else { Err(syntax(text, origin, reason)) }
    };
    is_plain_text(text.split('@').next().unwrap_or(text))?;
    let (name, rest) = check_names(text).map_err(|reason| syntax(text, origin, reason))?;
    if let Some(url) = rest.strip_prefix('@') {
        // A URL stays as it is written: variables in it are for the installer to fill in.
        if url.trim_start().is_empty() || url.trim_start().starts_with(';') {
            return Err(syntax(text, origin, "a URL or path is missing after `@`".to_owned()));
        }
        let place = url.split_whitespace().next().unwrap_or_default();
        if place.contains("://") {
            let marker = after_address(text, url.trim_start(), origin)?;
            return Ok(Requirement { marker, ..plain(text.to_owned(), Some(normalize(name)), None) });
        }
        // Installers want a URL here, and take a path for one that starts at wherever they run.
        let path = base.join(place);
        if !path.exists() {
            return Err(RequirementError::Missing { path, origin: origin.clone() });
        }
        let head = text.strip_suffix(url).unwrap_or_default();
        let tail = url.trim_start().strip_prefix(place).unwrap_or_default();
        let marker = after_address(text, url.trim_start(), origin)?;
        let line = format!("{head} {}{tail}", file_url(path.as_str()));
        return Ok(Requirement { marker, ..plain(line, Some(normalize(name)), Some(path)) });
    }
    is_plain_text(text)?;
    let parsed = pep508_rs::Requirement::<VerbatimUrl>::from_str(text)
        .map_err(|error| not_pep508(text, origin, &error))?;
    let specifiers = match &parsed.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => Some(specifiers.clone()),
        Some(VersionOrUrl::Url(_)) | None => None,
    };
    let marker = Some(parsed.marker.clone()).filter(|marker| !marker.is_true());
    Ok(Requirement { specifiers, marker, ..plain(parsed.to_string(), Some(normalize(name)), None) })
}

/// A file or folder of this machine.
fn local(
    text: &str,
    editable: bool,
    place: &Place<'_>,
    origin: &Origin,
    base: Base<'_>,
) -> Result<Requirement, RequirementError> {
    let path = base.join(&place.path);
    if !path.exists() {
        return Err(RequirementError::Missing { path, origin: origin.clone() });
    }
    let marker = place.marker.map(|marker| condition(text, marker, origin)).transpose()?;
    let extras = place.extras;
    let is_odd = written(path.as_str()) != path;
    let name = name_in_file(&path).or_else(|| named_project(&path).filter(|_| is_odd && !editable));
    // A name goes before extras and before a URL, which uv reads twice without one; most folders tell theirs to their builder alone.
    let mut line = match &name {
        Some(name) if (is_odd || !extras.is_empty()) && !editable => {
            format!("{name}{extras} @ {}", file_url(path.as_str()))
        }
        _ => format!("{}{extras}", written(path.as_str())),
    };
    if let Some(marker) = place.marker {
        line.push_str(" ; ");
        line.push_str(marker);
    }
    Ok(Requirement {
        text: line,
        name,
        specifiers: None,
        hashes: hash_in(place.fragment).into_iter().collect(),
        forced: false,
        path: Some(path),
        marker,
        origin: origin.clone(),
    })
}

/// The condition behind the address that `part` of a requirement begins with; nothing else may stand there.
fn after_address(text: &str, part: &str, origin: &Origin) -> Result<Option<MarkerTree>, RequirementError> {
    let Some((_, rest)) = part.split_once(char::is_whitespace) else { return Ok(None) };
    let rest = rest.trim();
    match rest.strip_prefix(';') {
        _ if rest.is_empty() => Ok(None),
        Some(marker) => condition(text, marker.trim(), origin).map(Some),
        None => {
            Err(at(text, rest, origin, "after an address only a condition (`; …`) may follow".to_owned()))
        }
    }
}

fn condition(text: &str, marker: &str, origin: &Origin) -> Result<MarkerTree, RequirementError> {
    MarkerTree::from_str(marker)
        .map_err(|error| at(text, marker, origin, crate::redact(&error.message.to_string())))
}

/// Looks whether a file of this machine is the one whose digest is asked for: not every installer does.
fn check_digest(found: &Requirement, requirement: &str) -> Result<(), RequirementError> {
    let (path, in_url) = match (&found.path, requirement.split_once("file://")) {
        (Some(path), _) => (path.clone(), None),
        (None, Some((_, url))) => {
            let url = url.split_whitespace().next().unwrap_or_default();
            let (path, fragment) = url.split_once('#').unwrap_or((url, ""));
            (Utf8PathBuf::from(percent_decoded(path)), hash_in(fragment))
        }
        (None, None) => return Ok(()),
    };
    let asked: Vec<_> = found.hashes.iter().chain(&in_url).collect();
    if asked.is_empty() || !asked.iter().all(|hash| hash.starts_with("sha256:")) || !path.is_file() {
        return Ok(());
    }
    let read = digest::of_file(&path);
    let digest = read.map_err(|source| RequirementError::Read { path: path.clone(), source })?;
    // A file that is named with digests of both kinds is to have each.
    let is_one = |hashes: &[String]| {
        hashes.is_empty()
            || hashes.iter().any(|hash| {
                hash.strip_prefix("sha256:").is_some_and(|hash| hash.eq_ignore_ascii_case(&digest))
            })
    };
    if is_one(&found.hashes) && is_one(in_url.as_slice()) {
        Ok(())
    } else {
        Err(RequirementError::Digest { path, found: digest, origin: found.origin.clone() })
    }
}

/// Whether it is a hash that both installers know.
fn is_hash(text: &str) -> bool {
    let Some((kind, digits)) = text.split_once(':') else { return false };
    let length = match kind {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    digits.len() == length && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Checks the names of the package and its extras, at whose ends the parser panics. Gives the name and what follows both.
fn check_names(text: &str) -> Result<(&str, &str), String> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let check = |name: &str| {
        let is_good = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if is_good(name.chars().next()) && is_good(name.chars().last()) && name.chars().all(is_inner) {
            Ok(())
        } else {
            Err(format!("`{name}` is no name: names start and end with a letter or digit"))
        }
    };
    let (name, rest) = text.split_at(text.find(|c| !is_inner(c)).unwrap_or(text.len()));
    check(name)?;
    let Some(extras) = rest.trim_start().strip_prefix('[') else { return Ok((name, rest.trim_start())) };
    let (extras, rest) = extras.split_once(']').ok_or("the `[` before the extras is never closed")?;
    // An empty extra is left to the parser to judge.
    extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()).try_for_each(check)?;
    Ok((name, rest.trim_start()))
}

fn syntax(text: &str, origin: &Origin, reason: String) -> RequirementError {
    let text = crate::redact(text);
    RequirementError::Syntax { at: 0..text.len(), text, origin: origin.clone(), reason }
}

/// A fault of that part of the text.
fn at(text: &str, part: &str, origin: &Origin, reason: String) -> RequirementError {
    match syntax(text, origin, reason) {
        // What is hidden in the text would make the place another.
        RequirementError::Syntax { text: shown, origin, reason, at } if shown == text => {
            let found = text.find(part).map_or(at, |start| start..start + part.len());
            RequirementError::Syntax { text: shown, origin, reason, at: found }
        }
        whole => whole,
    }
}

fn not_pep508(text: &str, origin: &Origin, error: &pep508_rs::Pep508Error<VerbatimUrl>) -> RequirementError {
    let whole = syntax(text, origin, crate::redact(&error.message.to_string()));
    match whole {
        // What is hidden in the text would make the place another.
        RequirementError::Syntax { text: shown, origin, reason, .. } if shown == text => {
            let start = error.start.min(text.len());
            let at = start..(start + error.len.max(1)).min(text.len()).max(start);
            RequirementError::Syntax { text: shown, origin, reason, at }
        }
        whole => whole,
    }
}

/// A URL without a name before it, split at `#`.
fn url(text: &str) -> Option<(&str, &str)> {
    let scheme = text.split_once("://")?.0;
    let is_scheme =
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then(|| {
        let place = text.split_whitespace().next().unwrap_or(text);
        place.split_once('#').unwrap_or((place, ""))
    })
}

/// The package that a wheel's or archive's file name tells.
fn name_in_file(path: &Utf8Path) -> Option<String> {
    let name = path.file_name()?;
    if path.extension() == Some("whl") {
        return name.split('-').next().map(normalize);
    }
    let stem = name.strip_suffix(".tar.gz").or(name.strip_suffix(".zip"))?;
    stem.rsplit_once('-').map(|(name, _)| normalize(name))
}

/// A package's name as PEP 503 compares it.
pub(crate) fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Result<Item, RequirementError>, Options) {
        let mut options = Options::default();
        let origin = Origin { step: StepName::new("train"), file: None };
        (parse(text, origin, Base { folder: "/nowhere".into(), home: None }, &mut options), options)
    }

    fn requirement(text: &str) -> Requirement {
        match read(text).0 {
            Ok(Item::Requirement(found)) => *found,
            _ => panic!("`{text}` is no requirement"),
        }
    }

    #[test]
    fn forms_that_real_plans_use_are_understood() {
        let zeros = "0".repeat(64);
        for (text, name, line) in [
            ("pandas==1.5.3", "pandas", "pandas==1.5.3"),
            ("Scikit_Learn >= 1.3, <2", "scikit-learn", "scikit-learn>=1.3,<2"),
            ("uvicorn[standard]", "uvicorn", "uvicorn[standard]"),
            ("a==1 ; python_version < '3.9'", "a", "a==1 ; python_full_version < '3.9'"),
            ("a @ git+https://h/r.git@v1", "a", "a @ git+https://h/r.git@v1"),
            ("git+https://h/r.git#egg=My_Pkg", "my-pkg", "git+https://h/r.git#egg=My_Pkg"),
            ("https://h/My_Pkg-1.0-py3-none-any.whl", "my-pkg", "https://h/My_Pkg-1.0-py3-none-any.whl"),
            (&*format!("a==1 --hash=sha256:{zeros}"), "a", "a==1"),
            ("-e git+https://h/r.git@abc#egg=x", "x", "git+https://h/r.git@abc#egg=x"),
        ] {
            let found = requirement(text);
            assert_eq!(found.name.as_deref(), Some(name), "{text}");
            assert_eq!(found.text, line, "{text}");
        }
    }

    #[test]
    fn options_of_an_item_are_taken_off_it() {
        let found = requirement("numpy==1.25.2 --force-reinstall");
        assert!(found.forced && found.text == "numpy==1.25.2");
        let (zeros, ones) = ("0".repeat(64), "1".repeat(64));
        let two = requirement(&format!("a==1 --hash=sha256:{zeros} --hash sha256:{ones}"));
        assert_eq!(two.hashes, [format!("sha256:{zeros}"), format!("sha256:{ones}")]);
        let (_, options) = read("torch==2.0.0 --index-url https://h/cpu");
        assert_eq!(options.extra_indexes, ["https://h/cpu"]);
        assert_eq!(options.of_items, [("torch==2.0.0".to_owned(), "https://h/cpu".to_owned())]);
        let (_, options) = read("--index-url=https://h/simple");
        assert_eq!(options.index.as_deref(), Some("https://h/simple"));
    }

    #[test]
    fn faults_say_what_is_wrong_without_credentials() {
        let fault = |text: &str| {
            read(text).0.err().map(|error| (error.to_string(), error.hint().unwrap_or_default()))
        };
        let (message, hint) = fault("pandas=1.5.3").unwrap();
        assert!(
            message.contains("`pandas=1.5.3` in the requirements of step `train` in the plan"),
            "{message}"
        );
        assert_eq!(hint, "did you mean `pandas==1.5.3`?");
        assert!(fault("판다스==1").unwrap().0.contains("letter"));
        assert!(fault("./gone.whl").unwrap().0.contains("/nowhere/./gone.whl"));
        assert!(fault("a --install-option=x").unwrap().0.contains("`--install-option`"));
        assert!(!fault("a @ https://u:secret@h/ b c").unwrap_or_default().0.contains("secret"));
    }

    #[test]
    fn every_option_that_plans_may_have_is_known_here() {
        for option in alo_plan::check::LINE_OPTIONS.iter().chain(&alo_plan::check::ITEM_OPTIONS) {
            let fault = read(&format!("a {option} x")).0.err();
            assert!(!matches!(fault, Some(RequirementError::Option { .. })), "{option}");
        }
        let fault = read("a --no-deps").0.err().unwrap();
        assert!(fault.hint().unwrap().contains("leave it away"));
    }

    #[test]
    fn what_no_installer_takes_is_underlined_before_one_is_asked() {
        for (text, at_fault) in [
            ("a @ http://h/x y z", "y z"),
            ("https://h/a-1.whl y", "y"),
            ("a==1 --hash=sha256:zz", "sha256:zz"),
            ("a==1 --hash=foo", "foo"),
            ("-r https://h/r.txt", "https://h/r.txt"),
            ("-c https://h/c.txt", "https://h/c.txt"),
            ("a @ https://h/a.whl ; python_versio > '3'", "python_versio > '3'"),
        ] {
            match read(text).0.err() {
                Some(RequirementError::Syntax { text: shown, at, .. }) => {
                    assert_eq!(&shown[at], at_fault, "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        let missing = read("--find-links wh").0.err().unwrap().to_string();
        assert_eq!(
            missing,
            "`/nowhere/wh`, named in the requirements of step `train` in the plan, does not exist"
        );
    }

    #[test]
    fn a_file_of_this_machine_has_the_digest_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("a-1.0-py3-none-any.whl");
        fs_err::write(&wheel, "").unwrap();
        let (wheel, wrong) = (wheel.to_str().unwrap(), "0".repeat(64));
        let right = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for form in [
            "W --hash=sha256:D",
            "a @ file://W#sha256=D",
            "file://W#sha256=D",
            "a @ file://W --hash=sha256:D",
        ] {
            let form = form.replace('W', wheel);
            assert!(read(&form.replace('D', right)).0.is_ok(), "{form}");
            let fault = read(&form.replace('D', &wrong)).0.err().expect("another digest").to_string();
            assert!(fault.contains("has another digest") && fault.contains(right), "{fault}");
        }
    }

    #[test]
    fn paths_have_extras_conditions_and_odd_letters() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        fs_err::create_dir(folder.path().join("a #b")).unwrap();
        fs_err::write(folder.path().join("x-1.0-py3-none-any.whl"), "").unwrap();
        for (text, line) in [
            ("x-1.0-py3-none-any.whl[more]", "x[more] @ file://R/x-1.0-py3-none-any.whl"),
            ("./a #b ; python_version > '3'", "file://R/a%20%23b ; python_version > '3'"),
            ("-e .", "-e R"),
            (".", "R"),
        ] {
            let origin = Origin { step: StepName::new("train"), file: None };
            let base = Base { folder: root.into(), home: None };
            let Ok(Item::Requirement(found)) = parse(text, origin, base, &mut Options::default()) else {
                panic!("{text}")
            };
            assert_eq!(found.text.replace(root, "R").replace("./", ""), line, "{text}");
        }
    }

    /// `pep508_rs` panics on the first two.
    #[test]
    fn odd_text_is_a_fault_and_no_panic() {
        for text in ["a-==1", "a[b.,c]==1", "a[b", "[b]", "a @", "a @ ;", "a ;", "a==1 ; ", "(", "한[글] @ x"]
        {
            assert!(read(text).0.is_err(), "{text}");
        }
        assert_eq!(requirement("a @ file:///한글/a.whl").text, "a @ file:///한글/a.whl");
    }

    #[test]
    fn no_text_makes_it_panic() {
        let alphabet: Vec<char> = "abz09.-_=<>!~;@[](),'\" #$%&{}/:\\+*|^\t한".chars().collect();
        let seeds = [
            "pandas==1.5.3",
            "a[b,c]>=1,<2 ; python_version < '3.9' and extra == 'x'",
            "a @ https://u:p@h/x.whl#sha256=1 ; os_name == 'y'",
            "a (>=1.0)",
            "a ~= 1.4.post2.dev3 --hash=sha256:0",
        ];
        let mut state = 0x1234_5678_9abc_def0_u64;
        let mut below = |limit: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % limit as u64).unwrap()
        };
        for round in 0..10_000 {
            let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
            for _ in 0..=below(6) {
                let at = below(text.len());
                if below(2) == 0 {
                    text.insert(at, alphabet[below(alphabet.len())]);
                } else {
                    text[at] = alphabet[below(alphabet.len())];
                }
            }
            let text: String = text.into_iter().collect();
            if let Err(error) = read(&text).0 {
                assert!(!error.to_string().is_empty() && error.hint() != Some(String::new()));
            }
        }
    }
}
