//! Addresses of git repositories: read once, shown without credentials.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::digest;

/// The address of a git repository. Its [`Display`](fmt::Display) hides credentials.
///
/// ```
/// use alo_assets::GitUrl;
///
/// let url = GitUrl::parse("https://me:token@example.com/assets/train.git", "/project".into())?;
/// assert_eq!(url.to_string(), "https://***@example.com/assets/train.git");
/// assert_eq!(url.identity(), "https://example.com/assets/train.git");
/// # Ok::<(), alo_assets::GitUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct GitUrl {
    kind: Kind,
    identity: String,
    has_credentials: bool,
    /// Whether the plan, or the user's configuration, names the host: only then may it get a token that is bound to none.
    is_named_by_plan: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `http` or `https`, without user information.
    Http {
        url: String,
        credentials: Option<Credentials>,
    },
    Ssh(SshAddress),
    Daemon(DaemonAddress),
    Folder(Utf8PathBuf),
    Helper(HelperAddress),
}

/// What one of git's remote helpers is told.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct HelperAddress {
    name: String,
    /// The whole address, as git takes it.
    pub(super) text: String,
}

impl HelperAddress {
    /// Programs that would run any command, or talk to any descriptor, that a plan names.
    const REFUSED: [&str; 3] = ["ext", "fd", "testgit"];
    /// Helpers that are commonly asked for by `<helper>://`; others have to be written as `<helper>::<address>`.
    const SCHEMES: [&str; 3] = ["codecommit", "persistent-http", "persistent-https"];

    /// What follows `git-remote-` in the name of its program.
    pub(super) fn program_part(&self) -> &str {
        &self.name
    }
}

/// What a git daemon is told.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct DaemonAddress {
    pub(super) host: String,
    pub(super) port: u16,
    /// Absolute.
    pub(super) path: String,
}

impl DaemonAddress {
    /// The port of a git daemon where none is written.
    const PORT: u16 = 9418;

    /// The host as in a URL, with the port where it is not the usual one.
    pub(super) fn shown_host(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == Self::PORT { host } else { format!("{host}:{}", self.port) }
    }
}

/// A user name and a password or token, decoded.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// What `ssh` is told.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SshAddress {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// As the server gets it: absolute from a URL, relative to the home folder from `host:path`.
    pub(super) path: String,
}

/// Why a text is no address of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitUrlError {
    /// Nothing is written.
    #[error("the git URL is empty")]
    Empty,
    /// The part before `://` is none that is understood.
    #[error("`{url}` starts with `{scheme}://`, which is no kind of git URL")]
    Scheme {
        /// The URL without credentials.
        url: String,
        /// The unknown part.
        scheme: String,
    },
    /// It asks for a program of git's that would run anything, as in `ext::…`.
    #[error("`{url}` asks for git's remote helper `{helper}`, which is never used")]
    Helper {
        /// The URL without credentials.
        url: String,
        /// The helper.
        helper: String,
    },
    /// Other users of the machine would see a password that a remote helper gets.
    #[error("`{url}` holds a password, which would stand on the command line of git's remote helper")]
    HelperPassword {
        /// The URL without credentials.
        url: String,
    },
    /// There is no host, or no path, or the port is no number.
    #[error("`{url}` has no valid {part}")]
    Part {
        /// The URL without credentials.
        url: String,
        /// What is wrong: `host`, `port` or `path`.
        part: &'static str,
    },
    /// A repository may not give this address to a submodule.
    #[error("`{url}` {reason}")]
    Submodule {
        /// The URL without credentials.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl GitUrlError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Submodule { .. } => Some(
                "write a URL or `../path.git` in `.gitmodules` of the step's repository, and commit it".to_owned(),
            ),
            _ => Some(
                "write `https://host/path.git`, `ssh://host/path.git`, `git@host:path.git`, `file:///path` or a path"
                    .to_owned(),
            ),
        }
    }
}

impl GitUrl {
    /// Reads an address as written in a plan; a plain path starts at `base`.
    pub fn parse(text: &str, base: &Utf8Path) -> Result<Self, GitUrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(GitUrlError::Empty);
        }
        if let Some((helper, _)) = text.split_once("::")
            && !helper.is_empty()
            && helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return helper_address(helper, text);
        }
        let (kind, identity) = match text.split_once("://") {
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                scheme @ ("http" | "https") => http(text, scheme, rest)?,
                "ssh" | "git+ssh" | "ssh+git" => ssh(text, rest)?,
                "git" => daemon(text, rest)?,
                "file" => {
                    let path = percent_decode(rest.strip_prefix("localhost").unwrap_or(rest));
                    if !path.starts_with('/') {
                        return Err(GitUrlError::Part { url: text.to_owned(), part: "path" });
                    }
                    (Kind::Folder(path.clone().into()), format!("file://{path}"))
                }
                scheme if HelperAddress::SCHEMES.contains(&scheme) => return helper_address(scheme, text),
                scheme => {
                    let url = crate::redact(text);
                    return Err(GitUrlError::Scheme { url, scheme: scheme.to_owned() });
                }
            },
            None => {
                if let Some(address) = scp_like(text) {
                    (Kind::Ssh(address), text.to_owned())
                } else {
                    let path = base.join(text);
                    let identity = format!("file://{path}");
                    (Kind::Folder(path), identity)
                }
            }
        };
        let has_credentials = matches!(kind, Kind::Http { credentials: Some(_), .. });
        let identity = identity.trim_end_matches('/').to_owned();
        Ok(Self { kind, identity, has_credentials, is_named_by_plan: true })
    }

    /// The address without any credential: what tells two repositories apart, and what is recorded.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// A short name for folders of the cache: the repository's own name and a digest of the address.
    pub(super) fn folder_name(&self) -> String {
        let name = self.identity.rsplit(['/', ':']).next().unwrap_or_default();
        let name: String = name
            .trim_end_matches(".git")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(40)
            .collect();
        format!("{name}-{:.16}", digest::of_text(&self.identity))
    }

    /// Whether a user name or password is written in it.
    pub(super) fn has_credentials(&self) -> bool {
        self.has_credentials
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn is_named_by_plan(&self) -> bool {
        self.is_named_by_plan
    }

    pub(super) fn set_named_by_plan(&mut self, is_named_by_plan: bool) {
        self.is_named_by_plan = is_named_by_plan;
    }

    /// The scheme, host and port: what a password is for. Empty for a folder.
    pub(super) fn host(&self) -> &str {
        match &self.kind {
            Kind::Http { url, .. } => {
                let start = url.find("://").map_or(0, |at| at + 3);
                let end = url.get(start..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| start + at);
                url.get(..end).unwrap_or(url)
            }
            Kind::Ssh(address) => &address.host,
            Kind::Daemon(address) => &address.host,
            Kind::Folder(_) | Kind::Helper(_) => "",
        }
    }

    /// This address with `./` and `../` of a relative one applied, as git does for submodules; `None` above its root.
    pub(super) fn joined(&self, relative: &str) -> Option<Self> {
        let (root, path) = match &self.kind {
            Kind::Http { url, .. } => url.split_at_checked(self.host().len() + 1)?,
            Kind::Ssh(_) | Kind::Daemon(_) => {
                let start = self.identity.find("://").map_or(0, |at| at + 3);
                let end = self.identity.get(start..)?.find(if start == 0 { ':' } else { '/' })?;
                self.identity.split_at_checked(start + end + 1)?
            }
            Kind::Folder(path) => ("", path.as_str()),
            // What a path is, only the helper knows.
            Kind::Helper(_) => return None,
        };
        // `host:/path` starts at the root of the server, `host:path` at the user's home.
        let lead = if path.starts_with('/') { "/" } else { "" };
        let mut parts = Vec::new();
        for part in path.split('/').chain(relative.split('/')) {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return None;
        }
        let mut joined = Self::parse(&format!("{root}{lead}{}", parts.join("/")), Utf8Path::new("/")).ok()?;
        if let (Kind::Http { credentials, .. }, Kind::Http { credentials: ours, .. }) =
            (&mut joined.kind, &self.kind)
        {
            credentials.clone_from(ours);
        }
        joined.has_credentials = self.has_credentials;
        joined.is_named_by_plan = self.is_named_by_plan;
        Some(joined)
    }

    /// What libgit2 is told. Network addresses get schemes of our own, so that our transports never get in the way of
    /// those of a program that embeds this library. Credentials are not part of it.
    pub(super) fn remote(&self) -> String {
        match &self.kind {
            Kind::Http { url, .. } => format!("alo+{url}"),
            Kind::Ssh(address) => format!("alo+ssh://{}/", address.host),
            Kind::Daemon(address) => format!("alo+git://{}/", address.shown_host()),
            Kind::Folder(path) => path.to_string(),
            Kind::Helper(address) => address.text.clone(),
        }
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.identity.split_once("://") {
            Some((scheme, rest)) if self.has_credentials => write!(f, "{scheme}://***@{rest}"),
            _ => f.write_str(&self.identity),
        }
    }
}

impl fmt::Debug for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitUrl({self})")
    }
}

fn http(text: &str, scheme: &str, rest: &str) -> Result<(Kind, String), GitUrlError> {
    let fault = |part| GitUrlError::Part { url: crate::redact(text), part };
    let (authority, path) = rest.split_once('/').ok_or_else(|| fault("path"))?;
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    split_port(host).filter(|(host, _)| is_host(host)).ok_or_else(|| fault("host"))?;
    if path.is_empty() {
        return Err(fault("path"));
    }
    let credentials = user.filter(|user| !user.is_empty()).map(|user| {
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        Credentials { user: percent_decode(user), password: percent_decode(password) }
    });
    let url = format!("{scheme}://{}/{}", host.to_ascii_lowercase(), path.trim_end_matches('/'));
    Ok((Kind::Http { url: url.clone(), credentials }, url))
}

fn ssh(text: &str, rest: &str) -> Result<(Kind, String), GitUrlError> {
    let fault = |part| GitUrlError::Part { url: crate::redact(text), part };
    let (authority, path) = rest.split_once('/').ok_or_else(|| fault("path"))?;
    let (user, host) = match authority.rsplit_once('@') {
        // A password would have to be typed into ssh; it is dropped, ssh has better ways.
        Some((user, host)) => (Some(percent_decode(user.split(':').next().unwrap_or_default())), host),
        None => (None, authority),
    };
    let (host, port) = split_port(host).filter(|(host, _)| is_host(host)).ok_or_else(|| fault("host"))?;
    if path.is_empty() {
        return Err(fault("path"));
    }
    let user = user.filter(|user| is_argument(user));
    let shown = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let shown_port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let identity = format!("ssh://{shown}{host}{shown_port}/{path}");
    let path = percent_decode(path);
    let path = if path.starts_with('~') { path } else { format!("/{path}") };
    Ok((Kind::Ssh(SshAddress { user, host: host.to_owned(), port, path }), identity))
}

fn daemon(text: &str, rest: &str) -> Result<(Kind, String), GitUrlError> {
    let fault = |part| GitUrlError::Part { url: crate::redact(text), part };
    let (authority, path) = rest.split_once('/').ok_or_else(|| fault("path"))?;
    let (host, port) =
        split_port(authority).filter(|(host, _)| is_host(host)).ok_or_else(|| fault("host"))?;
    let path = format!("/{}", percent_decode(path.trim_end_matches('/')));
    if path == "/" || path.contains(char::is_control) {
        return Err(fault("path"));
    }
    let (host, port) = (host.to_ascii_lowercase(), port.unwrap_or(DaemonAddress::PORT));
    let address = DaemonAddress { host, port, path };
    let identity = format!("git://{}{}", address.shown_host(), address.path);
    Ok((Kind::Daemon(address), identity))
}

fn helper_address(name: &str, text: &str) -> Result<GitUrl, GitUrlError> {
    if HelperAddress::REFUSED.contains(&name) || text.starts_with('-') || text.contains(char::is_control) {
        return Err(GitUrlError::Helper { url: crate::redact(text), helper: name.to_owned() });
    }
    let authority = text.rsplit("://").next().and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        return Err(GitUrlError::HelperPassword { url: crate::redact(text) });
    }
    let address = HelperAddress { name: name.to_owned(), text: text.to_owned() };
    Ok(GitUrl {
        kind: Kind::Helper(address),
        identity: crate::redact(text).trim_end_matches('/').to_owned(),
        has_credentials: false,
        is_named_by_plan: true,
    })
}

/// `git@host:path`, `host:path`: a colon before any slash, and no folder of this machine.
fn scp_like(text: &str) -> Option<SshAddress> {
    let (authority, path) = text.split_once(':')?;
    if path.is_empty() || authority.contains('/') {
        return None;
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, authority),
    };
    let plain = is_host(host) && user.as_ref().is_none_or(|user| is_argument(user));
    plain.then(|| SshAddress { user, host: host.to_owned(), port: None, path: path.to_owned() })
}

fn split_port(host: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = host.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        return match port.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None if port.is_empty() => Some((address, None)),
            None => None,
        };
    }
    match host.split_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((host, None)),
    }
}

fn is_host(host: &str) -> bool {
    is_argument(host) && !host.contains(['@', '/', '\\'])
}

/// Whether `ssh` takes it for an operand: nothing empty, no option, nothing that ends a word.
fn is_argument(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(code) if byte == b'%' => {
                decoded.push(code);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Scheme, host and port of an HTTP address: what credentials are for.
pub(super) fn origin(url: &str) -> &str {
    let end = url.find("://").map_or(0, |at| at + 3);
    url.get(end..).and_then(|rest| rest.find('/')).and_then(|at| url.get(..end + at)).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<GitUrl, GitUrlError> {
        GitUrl::parse(text, "/project".into())
    }

    #[test]
    fn understands_every_kind_of_address() {
        for (text, identity, remote) in [
            ("https://Host/a/b.git/", "https://host/a/b.git", "alo+https://host/a/b.git"),
            ("http://host:8080/a", "http://host:8080/a", "alo+http://host:8080/a"),
            ("ssh://git@host:22/a/b", "ssh://git@host:22/a/b", "alo+ssh://host/"),
            ("git@host:a/b.git", "git@host:a/b.git", "alo+ssh://host/"),
            ("git://Host:9418/a/", "git://host/a", "alo+git://host/"),
            ("file:///srv/a%20b.git", "file:///srv/a b.git", "/srv/a b.git"),
            ("/srv/a.git", "file:///srv/a.git", "/srv/a.git"),
            ("../a.git", "file:///project/../a.git", "/project/../a.git"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.identity(), url.remote().as_str()), (identity, remote), "{text}");
        }
    }

    #[test]
    fn an_ssh_path_is_absolute_in_a_url_and_relative_after_a_colon() {
        for (text, path) in [("ssh://h/a", "/a"), ("ssh://h/~u/a", "~u/a"), ("h:a/b", "a/b"), ("h:/a", "/a")]
        {
            let url = parse(text).unwrap();
            assert!(matches!(url.kind(), Kind::Ssh(address) if address.path == path), "{text}");
        }
    }

    #[test]
    fn credentials_are_used_but_never_shown() {
        let url = parse("https://me:p%40ss@host/a.git").unwrap();
        assert!(matches!(url.kind(), Kind::Http { credentials: Some(c), .. } if c.password == "p@ss"));
        for shown in
            [url.to_string(), format!("{url:?}"), url.remote(), url.identity().into(), url.folder_name()]
        {
            assert!(!shown.contains("ss@") && !shown.contains("p%40"), "{shown}");
        }
        assert_eq!(url.folder_name(), parse("https://host/a.git").unwrap().folder_name());
    }

    #[test]
    fn refuses_what_it_does_not_know_and_what_ssh_would_take_for_an_option() {
        for text in [
            "",
            " ",
            "hhttps://host/a",
            "git://me@host/a",
            "git://host/a%00b",
            "git://host/",
            "https://host",
            "https:///a",
            "ssh://host:x/a",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("ssh://-oProxyCommand=x/a").is_err());
        assert!(matches!(parse("-oProxyCommand=x:a").unwrap().kind(), Kind::Folder(_)));
        let error = parse("hhttps://u:p@host/a").unwrap_err();
        assert!(!error.to_string().contains("u:p") && error.hint().is_some());
    }

    #[test]
    fn an_origin_ends_before_the_path() {
        assert_eq!(origin("https://host:1/a/b"), "https://host:1");
        assert_ne!(origin("https://host/a"), origin("http://host/a"));
    }
}
