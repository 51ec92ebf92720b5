//! Requirements that name a file or folder of this machine, and how installers are told of it.

use camino::{Utf8Path, Utf8PathBuf};

use super::package_name::normalize;

/// Where relative paths start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) folder: &'a Utf8Path,
    /// What `~` stands for.
    pub(super) home: Option<&'a Utf8Path>,
}

impl Base<'_> {
    /// The path that `text` means.
    pub(super) fn join(&self, text: &str) -> Utf8PathBuf {
        match (text.strip_prefix("~/").or((text == "~").then_some("")), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ if text == "." => self.folder.to_owned(),
            _ => {
                let path = self.folder.join(text);
                match path.as_str().strip_suffix('/') {
                    Some(shorter) if !shorter.is_empty() => shorter.into(),
                    _ => path,
                }
            }
        }
    }
}

/// A requirement that is a path, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// As it is written, or as its `file://` URL means it.
    pub(super) path: String,
    /// `[one,two]`, if there are any.
    pub(super) extras: &'a str,
    /// What follows `;`.
    pub(super) marker: Option<&'a str>,
    /// What follows `#` in a URL.
    pub(super) fragment: &'a str,
}

/// Takes a requirement apart if it is a path; what is to be `editable` is one unless it is an address.
pub(super) fn local_place(text: &str, editable: bool) -> Option<Place<'_>> {
    let is_url = text.starts_with("file:///");
    let end = if is_url { text.find(" ;").or(text.find("; ")) } else { text.find(';') };
    let (head, marker) = match end.and_then(|end| text.split_at_checked(end)) {
        Some((head, marker)) => (head.trim_end(), Some(marker.trim_start_matches([' ', ';']).trim_end())),
        None => (text, None),
    };
    let (place, fragment) = match head.split_once('#') {
        Some((place, fragment)) if is_url => (place, fragment),
        _ => (head, ""),
    };
    let (bare, extras) = match place.strip_suffix(']').and_then(|_| place.rfind('[')) {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    let is_bare = || !bare.contains(['@', '<', '>', '=', '~', '!', ' ', '(']) && !bare.contains("://");
    let looks_like = is_url
        || matches!(bare, "." | "..")
        || ["./", "../", "/", "~/"].iter().any(|start| bare.starts_with(start))
        || (is_bare() && (bare.contains('/') || is_archive(bare)))
        || (editable && !bare.contains("://"));
    looks_like.then(|| {
        let path = bare.strip_prefix("file://").map_or_else(|| bare.to_owned(), percent_decoded);
        Place { path, extras, marker, fragment }
    })
}

/// The name that a folder's `pyproject.toml` tells in a line of its own.
pub(super) fn named_project(folder: &Utf8Path) -> Option<String> {
    let text = fs_err::read_to_string(folder.join("pyproject.toml")).ok()?;
    let project = text.lines().map(str::trim).skip_while(|line| *line != "[project]").skip(1);
    let mut lines = project.take_while(|line| !line.starts_with('['));
    let value = lines.find_map(|line| line.strip_prefix("name")?.trim_start().strip_prefix('='))?.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let name = value.strip_prefix(quote)?.split(quote).next()?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    is_name.then(|| normalize(name))
}

fn is_archive(text: &str) -> bool {
    [".whl", ".tar.gz", ".zip"].iter().any(|end| text.ends_with(end))
}

/// How a path stands in a requirements file: as it is, or as a URL if installers would read it otherwise.
pub(crate) fn written(path: &str) -> String {
    if path.starts_with('/') && path.chars().any(is_special) { file_url(path) } else { path.to_owned() }
}

/// The URL of a path.
pub(crate) fn file_url(path: &str) -> String {
    let mut url = "file://".to_owned();
    if !path.chars().any(is_special) {
        url.push_str(path);
        return url;
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~+,".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.extend([byte >> 4, byte & 15].map(hexadecimal_digit));
        }
    }
    url
}

fn hexadecimal_digit(number: u8) -> char {
    char::from_digit(number.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

/// What has a meaning of its own in a requirements file or a URL.
fn is_special(c: char) -> bool {
    c.is_whitespace() || "#%?;[]\"'`\\${}<>|^&*".contains(c)
}

/// The path of a URL, where `%20` stands for a blank.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| first == b'%');
        rest = if byte.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
        bytes.push(byte.unwrap_or(first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_a_name() {
        for text in [".", "..", "./pk", "../pk", "pk/", "sub/pk", "~/a.whl", "a.whl", "a.whl[x]", ".[x]"] {
            assert!(local_place(text, false).is_some(), "{text}");
        }
        for text in ["pk", "a[x]", "a==1 ; sys_platform == 'a/b'", "a @ ./pk", "https://h/a.whl", "a>=1/2"] {
            assert!(local_place(text, false).is_none(), "{text}");
        }
        assert!(local_place("pk", true).is_some() && local_place("git+https://h/r", true).is_none());
    }

    #[test]
    fn extras_markers_and_fragments_are_no_part_of_it() {
        let place = local_place("./pk[x,y] ; python_version > '3'", false).unwrap();
        assert_eq!((&*place.path, place.extras), ("./pk", "[x,y]"));
        assert_eq!(place.marker, Some("python_version > '3'"));
        let place = local_place("file:///a%20b/x.whl#sha256=00&egg=x", false).unwrap();
        assert_eq!((&*place.path, place.fragment), ("/a b/x.whl", "sha256=00&egg=x"));
    }

    #[test]
    fn a_path_with_odd_letters_is_written_as_a_url_and_read_again() {
        assert_eq!(written("/home/me/a-1.0+cpu.whl"), "/home/me/a-1.0+cpu.whl");
        assert_eq!(file_url("/한글/a.whl"), "file:///한글/a.whl");
        let odd = "/내 project #1/50%20/x";
        assert_eq!(written(odd), "file:///%EB%82%B4%20project%20%231/50%2520/x");
        assert_eq!(percent_decoded(written(odd).strip_prefix("file://").unwrap()), odd);
    }

    #[test]
    fn a_relative_path_starts_at_its_base_and_a_tilde_is_the_home() {
        let base = Base { folder: "/base".into(), home: Some("/me".into()) };
        let joined = [".", "pk/", "~/x", "/abs", "~"].map(|text| base.join(text).into_string());
        assert_eq!(joined, ["/base", "/base/pk", "/me/x", "/abs", "/me/"]);
    }
}
