//! Requirement specifiers: what is to be installed, without pip's options. A name with versions (PEP 508), a direct
//! reference (`name @ URL`), an address, or a path of this machine.

use std::str::FromStr;

use camino::Utf8Path;
use pep508_rs::{MarkerTree, VerbatimUrl, VersionOrUrl};

use super::error::RequirementError;
use super::hash::hash_in;
use super::origin::Origin;
use super::package_name::{name_in_file, normalize};
use super::place::{Base, Place, file_url, local_place, named_project, written};
use super::requirement::Requirement;

/// Reads a specifier. What is to be `editable` is a path, unless it is an address.
pub(super) fn parse(
    text: &str,
    editable: bool,
    origin: &Origin,
    base: Base<'_>,
) -> Result<Requirement, RequirementError> {
    if let Some(place) = local_place(text, editable) {
        return local(text, editable, &place, origin, base);
    }
    if let Some((address, fragment)) = url(text) {
        let name = fragment
            .split('&')
            .find_map(|part| part.strip_prefix("egg="))
            .map(|name| normalize(name.split(['[', '=', '<', '>', ' ']).next().unwrap_or_default()))
            .or_else(|| name_in_file(Utf8Path::new(address)));
        let marker = after_address(text, text, origin)?;
        return Ok(Requirement { marker, ..Requirement::new(text.to_owned(), name, origin.clone()) });
    }
    // Names and versions are ASCII (PEP 508); a path after `@` need not be.
    let is_plain_text = |part: &str| {
        let reason = "it has a letter that no package name or version has".to_owned();
        if part.is_ascii() { Ok(()) } else { Err(RequirementError::syntax(text, origin, reason)) }
    };
    is_plain_text(text.split('@').next().unwrap_or(text))?;
    let (name, rest) = check_names(text).map_err(|reason| RequirementError::syntax(text, origin, reason))?;
    if let Some(target) = rest.strip_prefix('@') {
        return direct_reference(text, name, target, origin, base);
    }
    is_plain_text(text)?;
    let parsed = pep508_rs::Requirement::<VerbatimUrl>::from_str(text)
        .map_err(|error| RequirementError::not_pep508(text, origin, &error))?;
    let specifiers = match &parsed.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => Some(specifiers.clone()),
        Some(VersionOrUrl::Url(_)) | None => None,
    };
    let marker = Some(parsed.marker.clone()).filter(|marker| !marker.is_true());
    let found = Requirement::new(parsed.to_string(), Some(normalize(name)), origin.clone());
    Ok(Requirement { specifiers, marker, ..found })
}

/// A name and what follows its `@`: a URL or path.
fn direct_reference(
    text: &str,
    name: &str,
    after_at: &str,
    origin: &Origin,
    base: Base<'_>,
) -> Result<Requirement, RequirementError> {
    let found = |line: String| Requirement::new(line, Some(normalize(name)), origin.clone());
    let target = after_at.trim_start();
    if target.is_empty() || target.starts_with(';') {
        let reason = "a URL or path is missing after `@`".to_owned();
        return Err(RequirementError::syntax(text, origin, reason));
    }
    let place = target.split_whitespace().next().unwrap_or_default();
    // A URL stays as it is written: variables in it are for the installer to fill in.
    if place.contains("://") {
        let marker = after_address(text, target, origin)?;
        return Ok(Requirement { marker, ..found(text.to_owned()) });
    }
    // Installers want a URL here, and take a path for one that starts at wherever they run.
    let path = base.join(place);
    if !path.exists() {
        return Err(RequirementError::Missing { path, origin: origin.clone() });
    }
    let head = text.strip_suffix(after_at).unwrap_or_default();
    let tail = target.strip_prefix(place).unwrap_or_default();
    let marker = after_address(text, target, origin)?;
    let line = format!("{head} {}{tail}", file_url(path.as_str()));
    Ok(Requirement { marker, path: Some(path), ..found(line) })
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
        hashes: hash_in(place.fragment).into_iter().collect(),
        path: Some(path),
        marker,
        ..Requirement::new(line, name, origin.clone())
    })
}

/// The condition behind the address that `part` of a requirement begins with; nothing else may stand there.
fn after_address(text: &str, part: &str, origin: &Origin) -> Result<Option<MarkerTree>, RequirementError> {
    let Some((_, rest)) = part.split_once(char::is_whitespace) else { return Ok(None) };
    let rest = rest.trim();
    match rest.strip_prefix(';') {
        _ if rest.is_empty() => Ok(None),
        Some(marker) => condition(text, marker.trim(), origin).map(Some),
        None => Err(RequirementError::syntax_at(
            text,
            rest,
            origin,
            "after an address only a condition (`; …`) may follow".to_owned(),
        )),
    }
}

fn condition(text: &str, marker: &str, origin: &Origin) -> Result<MarkerTree, RequirementError> {
    MarkerTree::from_str(marker).map_err(|error| {
        RequirementError::syntax_at(text, marker, origin, crate::redact(&error.message.to_string()))
    })
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

#[cfg(test)]
mod tests {
    use alo_plan::StepName;

    use super::*;

    fn read_below(folder: &Utf8Path, text: &str) -> Result<Requirement, RequirementError> {
        let origin = Origin { step: StepName::new("train"), file: None };
        parse(text, false, &origin, Base { folder, home: None })
    }

    fn read(text: &str) -> Result<Requirement, RequirementError> {
        read_below("/nowhere".into(), text)
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
        ] {
            let found = read(text).unwrap();
            assert_eq!(found.name.as_deref(), Some(name), "{text}");
            assert_eq!(found.text, line, "{text}");
        }
    }

    #[test]
    fn paths_have_extras_conditions_and_odd_letters() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(folder.path().join("a #b")).unwrap();
        fs_err::write(folder.path().join("x-1.0-py3-none-any.whl"), "").unwrap();
        for (text, line) in [
            ("x-1.0-py3-none-any.whl[more]", "x[more] @ file://R/x-1.0-py3-none-any.whl"),
            ("./a #b ; python_version > '3'", "file://R/a%20%23b ; python_version > '3'"),
            (".", "R"),
        ] {
            let found = read_below(root, text).unwrap();
            assert_eq!(found.text.replace(root.as_str(), "R").replace("./", ""), line, "{text}");
        }
    }

    #[test]
    fn odd_text_is_a_fault_and_no_panic() {
        for text in ["a-==1", "a[b.,c]==1", "a[b", "[b]", "a @", "a @ ;", "a ;", "a==1 ; ", "(", "한[글] @ x"]
        {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read("a @ file:///한글/a.whl").unwrap().text, "a @ file:///한글/a.whl");
    }
}
