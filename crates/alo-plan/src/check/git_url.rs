//! Where code comes from: git URLs, `local` and folders.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::model::Source;
use crate::section::{Reader, Spanned};
use crate::similar;

const SCHEMES: [&str; 5] = ["http", "https", "ssh", "git", "file"];
/// Schemes that git leaves to a program of their name (`git-remote-codecommit`); others are written `name::address`.
const HELPER_SCHEMES: [&str; 3] = ["codecommit", "persistent-http", "persistent-https"];
/// Helpers that would run any program, or read any descriptor, that a plan names.
const REFUSED_HELPERS: [&str; 3] = ["ext", "fd", "testgit"];

/// What a `code` and its `branch` mean; `None` when the fault is reported.
pub(crate) fn source(
    code: &Spanned<String>,
    branch: Option<&Spanned<String>>,
    reader: &mut Reader<'_>,
) -> Option<Source> {
    let text = code.value.trim();
    if text == "local" {
        return Some(Source::Local { path: None });
    }
    if matches!(text, "." | "..")
        || text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with('/')
    {
        return Some(Source::Local { path: Some(text.to_owned()) });
    }
    match check(text) {
        Ok(()) => {
            secret(code, text, reader);
            let reference =
                branch.map(|branch| branch.value.trim().to_owned()).filter(|name| !name.is_empty());
            Some(Source::Git { url: text.to_owned(), reference })
        }
        Err((why, help)) => {
            let shown = redacted(text);
            reader.push(
                Diagnostic::new(Code::BadGitUrl, format!("`{shown}` {why}"))
                    .at(code.span)
                    .pointing(code.pointer.clone())
                    .help(help),
            );
            None
        }
    }
}

fn check(text: &str) -> Result<(), (String, String)> {
    let example = "write a URL such as `https://host/group/repository.git`, `git@host:group/repository.git`, \
                   `local`, or a folder: `./path`";
    if text.is_empty() {
        return Err(("is no place of code".to_owned(), example.to_owned()));
    }
    if text.eq_ignore_ascii_case("local") {
        return Err((
            "is neither `local` nor a git URL".to_owned(),
            "write `local` in lower case".to_owned(),
        ));
    }
    if text.contains(char::is_whitespace) {
        return Err((
            "holds a space, as no git URL does".to_owned(),
            "remove the space, or write it as `%20`".to_owned(),
        ));
    }
    if let Some((helper, address)) = helper(text) {
        if REFUSED_HELPERS.contains(&helper) {
            let why =
                format!("asks for git's remote helper `{helper}`, which would run whatever the plan says");
            return Err((why, example.to_owned()));
        }
        if address.is_empty() {
            return Err(("names no repository".to_owned(), format!("write its address after `{helper}::`")));
        }
        return Ok(());
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        if HELPER_SCHEMES.contains(&scheme) && !rest.is_empty() {
            return Ok(());
        }
        if !SCHEMES.contains(&scheme) {
            let close = similar(scheme, SCHEMES);
            let help = close.first().map_or_else(
                || format!("use one of {}", SCHEMES.map(|scheme| format!("`{scheme}://`")).join(", ")),
                |close| format!("did you mean `{close}://`?"),
            );
            return Err((format!("starts with `{scheme}://`, which git does not know"), help));
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if scheme != "file" && host.rsplit('@').next().unwrap_or_default().is_empty() {
            return Err(("names no host".to_owned(), example.to_owned()));
        }
        if path.trim_matches('/').is_empty() {
            return Err((
                "names no repository on its host".to_owned(),
                "add the path of the repository".to_owned(),
            ));
        }
        return Ok(());
    }
    // `git@host:group/repository.git`
    if let Some((host, path)) = text.split_once(':')
        && !host.is_empty()
        && !host.contains('/')
        && host.contains('@')
        && !path.is_empty()
    {
        return Ok(());
    }
    let help = match text.split_once('/') {
        Some((host, _)) if host.contains('.') && !host.ends_with("..") => format!("write `https://{text}`"),
        Some(_) => format!("a folder starts with `./`: write `./{text}`"),
        None if text.contains(':') => example.to_owned(),
        None => format!("did you mean `local`, or the folder `./{text}`?"),
    };
    Err(("is neither `local` nor a git URL".to_owned(), help))
}

/// The name of a remote helper and the address that it gets, from `name::address`.
fn helper(text: &str) -> Option<(&str, &str)> {
    let (name, address) = text.split_once("::")?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then_some((name, address))
}

fn secret(code: &Spanned<String>, text: &str, reader: &mut Reader<'_>) {
    let Some(secret) = userinfo(text).filter(|user| user.contains(':') || text.starts_with("http")) else {
        return;
    };
    if secret.is_empty() {
        return;
    }
    reader.push(
        Diagnostic::new(
            Code::SecretInUrl,
            "the URL holds a password or token, which everyone who reads the plan sees",
        )
        .at(code.span)
        .pointing(code.pointer.clone())
        .help("remove it and let git find it: a credential helper, an ssh key, or `GIT_ASKPASS`"),
    );
}

/// What stands before the `@` of a URL with a scheme.
fn userinfo(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@').map(|(user, _)| user)
}

/// The text with the passwords and tokens of its URLs replaced, byte for byte, by `*`.
///
/// Places in the text stay what they were.
pub(crate) fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let host = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
            .map_or(after, |end| &after[..end]);
        match host.rfind('@') {
            Some(end) => {
                // The user of an ssh URL is no secret, a password behind it is.
                let is_ssh = before.ends_with("ssh://");
                let shown = if is_ssh { host[..end].find(':').map_or(end, |at| at + 1) } else { 0 };
                out.push_str(&host[..shown]);
                out.push_str(&"*".repeat(end - shown));
                rest = &after[end..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_git_url_is_taken() {
        for url in [
            "http://mod.example.com/hub/input.git",
            "https://host/a",
            "https://user@host:8080/a/b.git",
            "ssh://git@host:22/a.git",
            "git@host:group/a.git",
            "file:///srv/git/a.git",
            "git://host/a.git",
            "codecommit::us-east-1://profile@repository",
            "codecommit://repository",
            "persistent-https://host/a.git",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_the_right_proposed() {
        let help = |text| check(text).unwrap_err().1;
        assert_eq!(help("hhttps://host/a"), "did you mean `https://`?");
        assert_eq!(help("Local"), "write `local` in lower case");
        assert_eq!(help("github.com/a/b"), "write `https://github.com/a/b`");
        assert_eq!(help("assets/train"), "a folder starts with `./`: write `./assets/train`");
        assert!(check("ext::sh -c x").is_err() && check("ext::x").unwrap_err().0.contains("would run"));
        assert!(check("codecommit::").is_err());
        assert!(check("https://").is_err());
        assert!(check("https://host").is_err());
        assert!(check("https://host/a b").is_err());
    }

    #[test]
    fn secrets_are_starred_without_moving_anything() {
        let text = "code: https://me:t0k3n@host/a  # see http://x/y";
        let starred = redacted(text);
        assert_eq!(starred, "code: https://********@host/a  # see http://x/y");
        assert_eq!(starred.len(), text.len());
    }

    #[test]
    fn the_user_of_an_ssh_url_is_no_secret() {
        assert_eq!(redacted("ssh://git@host/r.git"), "ssh://git@host/r.git");
        assert_eq!(redacted("git+ssh://git:pass@host/r.git"), "git+ssh://git:****@host/r.git");
    }
}
