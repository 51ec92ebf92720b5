//! Where user names and passwords come from when a server asks for them: variables, `.netrc`, and git's own helpers.
//!
//! They are asked for one after the other, only when a server has refused, and only for the host of the plan's address (or
//! the one that the user's own configuration puts in its place). Nothing is ever stored.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::context::Context;
use super::url::{Credentials, GitUrl, Kind, origin};

/// How often a waiting thread looks whether a helper has answered or the run has been cancelled.
const POLL: Duration = Duration::from_millis(20);
/// The user names that go with tokens where the URL names none. Servers look at the token alone.
const TOKEN_USER: &str = "oauth2";

/// The places to look at, in order.
#[derive(Debug, Clone, Copy)]
enum Place {
    Variables,
    Netrc,
    Helpers,
    Store,
    Askpass,
}

/// The credentials for one address, looked for as they are needed.
pub(super) struct Search<'a> {
    context: &'a Context,
    url: &'a str,
    user: Option<String>,
    places: std::slice::Iter<'static, Place>,
    found: Vec<Credentials>,
}

impl<'a> Search<'a> {
    /// A search for that address, perhaps for that user.
    pub(super) fn new(context: &'a Context, url: &'a str, user: Option<String>) -> Self {
        // The git program knows its helpers, the store and the user's own dialogue itself.
        let places: &'static [Place] = match &context.git {
            Some(_) => &[Place::Variables, Place::Netrc, Place::Helpers],
            None => &[Place::Variables, Place::Netrc, Place::Store, Place::Askpass],
        };
        Self { context, url, user, places: places.iter(), found: Vec::new() }
    }

    fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url, |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    fn look(&self, place: Place) -> Vec<Credentials> {
        match place {
            Place::Variables => self.tokens(),
            Place::Netrc => self.read(".netrc", |text| netrc(text, name_of(self.host()))),
            Place::Store => self.read(".git-credentials", |text| stored(text, self.url)),
            Place::Helpers => self.helpers().into_iter().collect(),
            Place::Askpass => self.askpass().into_iter().collect(),
        }
    }

    fn tokens(&self) -> Vec<Credentials> {
        let name = name_of(self.host());
        // A token in the clear is everybody's; the own machine is no network.
        if !self.url.starts_with("https:") && !matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
            return Vec::new();
        }
        let own = |host: &str, variable| if name == host { self.context.variable(variable) } else { None };
        let job = self.context.variable("CI_SERVER_HOST").and_then(|host| own(host, "CI_JOB_TOKEN"));
        // A repository may name any host for a submodule.
        let unbound = self.context.variable("ALO_GIT_TOKEN").filter(|_| self.context.url.is_named_by_plan());
        let known = [
            (TOKEN_USER, unbound),
            ("x-access-token", own("github.com", "GITHUB_TOKEN")),
            (TOKEN_USER, own("gitlab.com", "GITLAB_TOKEN")),
            ("gitlab-ci-token", job),
        ];
        let tokens = known.into_iter().filter_map(|(user, token)| Some((user, token?)));
        tokens
            .map(|(user, token)| Credentials {
                user: self.user.clone().unwrap_or_else(|| user.to_owned()),
                password: token.to_owned(),
            })
            .collect()
    }

    fn read(&self, file: &str, parse: impl Fn(&str) -> Option<Credentials>) -> Vec<Credentials> {
        let text = self.context.home.as_ref().and_then(|home| fs_err::read_to_string(home.join(file)).ok());
        let found = text.and_then(|text| parse(&text));
        found.filter(|found| self.user.as_ref().is_none_or(|user| *user == found.user)).into_iter().collect()
    }

    /// Asks `git credential fill`, which asks the user's helpers and `GIT_ASKPASS`, but never a terminal.
    fn helpers(&self) -> Option<Credentials> {
        let (scheme, rest) = self.url.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let mut request = format!("protocol={scheme}\nhost={host}\npath={path}\n");
        if let Some(user) = &self.user {
            request = format!("{request}username={user}\n");
        }
        let mut command = Command::new(self.context.git.as_ref()?);
        command.args(["credential", "fill"]);
        let answer = self.ask(command, &format!("{request}\n"))?;
        let field = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some(Credentials { user: field("username=")?, password: field("password=")? })
    }

    fn askpass(&self) -> Option<Credentials> {
        let variables = ["GIT_ASKPASS", "SSH_ASKPASS"];
        let program = self
            .context
            .variable(variables[0])
            .or_else(|| self.context.config.get("core.askpass"))
            .or_else(|| self.context.variable(variables[1]))?;
        let (scheme, host) = (self.url.split("://").next()?, self.host());
        let ask = |prompt: String| {
            let mut command = Command::new(program);
            command.arg(prompt);
            Some(self.ask(command, "")?.lines().next()?.to_owned())
        };
        let user = match &self.user {
            Some(user) => user.clone(),
            None => ask(format!("Username for '{scheme}://{host}': "))?,
        };
        let password = ask(format!("Password for '{scheme}://{user}@{host}': "))?;
        Some(Credentials { user, password })
    }

    /// Runs a program of the user with that input; its output if it succeeds in time.
    fn ask(&self, mut command: Command, input: &str) -> Option<String> {
        let folder = self.context.home.as_deref().filter(|home| home.is_dir()).unwrap_or(Utf8Path::new("/"));
        let child = command
            .current_dir(folder)
            .env_clear()
            .envs(&self.context.variables)
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut child = child.ok()?;
        // A helper that does not read has nothing to be told.
        let _ = child.stdin.take()?.write_all(input.as_bytes());
        let mut output = child.stdout.take()?;
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).map(|_| text)
        });
        let started = Instant::now();
        let status = loop {
            match child.try_wait().ok()? {
                Some(status) => break status,
                None if self.context.is_cancelled() || started.elapsed() >= self.context.stall => {
                    // It has ended by itself if these fail.
                    let _ = child.kill();
                    let _ = child.wait();
                    return None;
                }
                None => std::thread::sleep(POLL),
            }
        };
        let text = reader.join().ok()?.ok()?;
        status.success().then_some(text)
    }
}

impl Iterator for Search<'_> {
    type Item = Credentials;

    fn next(&mut self) -> Option<Credentials> {
        while self.found.is_empty() {
            let place = *self.places.next()?;
            self.found = self.look(place);
        }
        Some(self.found.remove(0))
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The entry of a host in the words of a `.netrc` file, else its default.
fn netrc(text: &str, host: &str) -> Option<Credentials> {
    let mut words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let (mut user, mut password, mut is_meant) = (None, None, false);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if is_meant && password.is_some() {
                    break;
                }
                is_meant = word == "default" || words.next() == Some(host);
                (user, password) = (None, None);
            }
            "login" => user = words.next(),
            "password" => password = words.next(),
            _ => {}
        }
    }
    let (true, Some(password)) = (is_meant, password) else { return None };
    Some(Credentials { user: user.unwrap_or_default().to_owned(), password: password.to_owned() })
}

/// The line of a host in the file of git's own store.
fn stored(text: &str, url: &str) -> Option<Credentials> {
    let asked = origin(url);
    text.lines().find_map(|line| {
        let known = GitUrl::parse(&format!("{}/x", line.trim().trim_end_matches('/')), "/".into()).ok()?;
        match known.kind() {
            Kind::Http { url, credentials } if origin(url) == asked => credentials.clone(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netrc_gives_its_host_alone_or_its_default() {
        let text = "machine a.example login me password one\n# machine b login x password no\nmachine b\n login you\n password two\n";
        let find = |text: &str, host| netrc(text, host).map(|found| (found.user, found.password));
        assert_eq!(find(text, "a.example"), Some(("me".to_owned(), "one".to_owned())));
        assert_eq!(find(text, "b"), Some(("you".to_owned(), "two".to_owned())));
        assert_eq!(find(text, "c"), None);
        assert_eq!(
            find(&format!("{text}default password z"), "c").map(|found| found.1),
            Some("z".to_owned())
        );
    }

    #[test]
    fn the_store_gives_its_host_alone() {
        let text = "https://me:p%40ss@h\nhttp://you:other@h:8080\n";
        let find = |url| stored(text, url).map(|found| found.password);
        assert_eq!(find("https://h/a.git"), Some("p@ss".to_owned()));
        assert_eq!(find("http://h:8080/a.git"), Some("other".to_owned()));
        assert_eq!(find("http://h/a.git"), None);
    }
}
