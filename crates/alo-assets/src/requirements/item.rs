//! One requirement, as a plan or a requirements file writes it.

use std::fmt;
use std::io;
use std::ops::Range;
use std::str::FromStr;

use alo_plan::StepName;
use camino::{Utf8Path, Utf8PathBuf};
use pep440_rs::VersionSpecifiers;
use pep508_rs::{VerbatimUrl, VersionOrUrl};

use super::options::{Options, Word, words};

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
    /// Where it is written.
    pub origin: Origin,
}

impl Requirement {
    /// Whether the folder is used in place (`-e`).
    pub(crate) fn is_editable(&self) -> bool {
        self.text.starts_with("-e ")
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
    base: &Utf8Path,
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
                    value.ok_or_else(|| syntax(text, &origin, reason))
                };
                match name {
                    "--force-reinstall" => forced = true,
                    "-r" | "--requirement" => return Ok(Item::File(base.join(value_or_fault()?))),
                    "-e" | "--editable" => {
                        editable = true;
                        value_or_fault()?.clone_into(&mut requirement);
                    }
                    "-c" | "--constraint" => {
                        let path = base.join(value_or_fault()?);
                        if !path.exists() {
                            return Err(RequirementError::Missing { path, origin });
                        }
                        options.constraints.push(path);
                    }
                    "-i" | "--index-url" | "--pypi-url" => index = Some(value_or_fault()?.to_owned()),
                    "--hash" => hashes.push(value_or_fault()?.replacen('=', ":", 1)),
                    "--config-settings" | "--global-option" => {
                        tail.extend([" ", name, "=", value_or_fault()?]);
                    }
                    _ => options.read(name, value, base).map_err(|option| match option {
                        None => syntax(text, &origin, format!("`{name}` needs a value")),
                        Some(option) => RequirementError::Option { option, origin: origin.clone() },
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
            options.add_extra_index(index);
        }
    }
    if requirement.is_empty() {
        return Ok(Item::Options);
    }
    let mut found = one(&requirement, &origin, base)?;
    found.forced = forced;
    found.hashes = hashes;
    found.text.push_str(&tail);
    if editable {
        found.text.insert_str(0, "-e ");
    }
    Ok(Item::Requirement(Box::new(found)))
}

fn one(text: &str, origin: &Origin, base: &Utf8Path) -> Result<Requirement, RequirementError> {
    let plain = |text: String, name: Option<String>, path| Requirement {
        text,
        name,
        specifiers: None,
        hashes: Vec::new(),
        forced: false,
        path,
        origin: origin.clone(),
    };
    if let Some(path) = local_path(text) {
        let path = base.join(path);
        if !path.exists() {
            return Err(RequirementError::Missing { path, origin: origin.clone() });
        }
        return Ok(plain(path.to_string(), name_in_file(&path), Some(path)));
    }
    if let Some((address, fragment)) = url(text) {
        let name = fragment
            .split('&')
            .find_map(|part| part.strip_prefix("egg="))
            .map(|name| normalize(name.split(['[', '=', '<', '>']).next().unwrap_or_default()))
            .or_else(|| name_in_file(Utf8Path::new(address)));
        return Ok(plain(text.to_owned(), name, None));
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
            return Ok(plain(text.to_owned(), Some(normalize(name)), None));
        }
        // Installers want a URL here, and take a path for one that starts at wherever they run.
        let path = base.join(place);
        if !path.exists() {
            return Err(RequirementError::Missing { path, origin: origin.clone() });
        }
        let head = text.strip_suffix(url).unwrap_or_default();
        let tail = url.trim_start().strip_prefix(place).unwrap_or_default();
        return Ok(plain(format!("{head} file://{path}{tail}"), Some(normalize(name)), Some(path)));
    }
    is_plain_text(text)?;
    let parsed = pep508_rs::Requirement::<VerbatimUrl>::from_str(text)
        .map_err(|error| not_pep508(text, origin, &error))?;
    let specifiers = match &parsed.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => Some(specifiers.clone()),
        Some(VersionOrUrl::Url(_)) | None => None,
    };
    Ok(Requirement { specifiers, ..plain(parsed.to_string(), Some(normalize(name)), None) })
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

fn local_path(text: &str) -> Option<&str> {
    let path = text.strip_prefix("file://").unwrap_or(text);
    let looks_like = text.starts_with("file:///")
        || ["./", "../", "/", "~/"].iter().any(|start| text.starts_with(start))
        || (!text.contains(['@', '<', '=', ';', ' ']) && !text.contains("://") && is_archive(text));
    looks_like.then_some(path)
}

fn is_archive(text: &str) -> bool {
    [".whl", ".tar.gz", ".zip"].iter().any(|end| text.ends_with(end))
}

/// A URL without a name before it, split at `#`.
fn url(text: &str) -> Option<(&str, &str)> {
    let scheme = text.split_once("://")?.0;
    let is_scheme =
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then(|| text.split_once('#').unwrap_or((text, "")))
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
        (parse(text, origin, Utf8Path::new("/nowhere"), &mut options), options)
    }

    fn requirement(text: &str) -> Requirement {
        match read(text).0 {
            Ok(Item::Requirement(found)) => *found,
            _ => panic!("`{text}` is no requirement"),
        }
    }

    #[test]
    fn forms_that_real_plans_use_are_understood() {
        for (text, name, line) in [
            ("pandas==1.5.3", "pandas", "pandas==1.5.3"),
            ("Scikit_Learn >= 1.3, <2", "scikit-learn", "scikit-learn>=1.3,<2"),
            ("uvicorn[standard]", "uvicorn", "uvicorn[standard]"),
            ("a==1 ; python_version < '3.9'", "a", "a==1 ; python_full_version < '3.9'"),
            ("a @ git+https://h/r.git@v1", "a", "a @ git+https://h/r.git@v1"),
            ("git+https://h/r.git#egg=My_Pkg", "my-pkg", "git+https://h/r.git#egg=My_Pkg"),
            ("https://h/My_Pkg-1.0-py3-none-any.whl", "my-pkg", "https://h/My_Pkg-1.0-py3-none-any.whl"),
            ("a==1 --hash=sha256:00", "a", "a==1"),
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
        assert_eq!(requirement("a==1 --hash=sha256:00 --hash sha256:11").hashes, ["sha256:00", "sha256:11"]);
        let (_, options) = read("torch==2.0.0 --index-url https://h/cpu");
        assert_eq!(options.extra_indexes, ["https://h/cpu"]);
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
