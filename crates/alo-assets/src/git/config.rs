//! The user's git configuration: what it says about addresses, proxies, certificates and credentials.
//!
//! Read from the files and variables that git itself reads, of the machine that the caller describes.

use camino::Utf8PathBuf;

use super::error::GitError;
use super::url::GitUrl;
use crate::Machine;

/// All settings of the user, in the order of their files: the last one of a name counts.
#[derive(Debug, Clone, Default)]
pub(super) struct UserConfig(Vec<(String, String)>);

impl UserConfig {
    /// Reads the system's file, the user's files and `GIT_CONFIG_COUNT`.
    pub(super) fn read(machine: &Machine) -> Result<Self, GitError> {
        let mut settings = Vec::new();
        for file in files(machine).into_iter().filter(|file| file.is_file()) {
            let failed = |source| GitError::Configuration { path: file.clone(), source };
            let config = git2::Config::open(file.as_std_path()).map_err(failed)?;
            let entries = config.entries(None).map_err(failed)?;
            let read = entries.for_each(|entry| {
                // A setting without `=` is a switch that is on.
                let value = if entry.has_value() { entry.value().unwrap_or_default() } else { "true" };
                if let Ok(name) = entry.name() {
                    settings.push((name.to_owned(), value.to_owned()));
                }
            });
            read.map_err(failed)?;
        }
        let count = machine.variable("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0);
        for number in 0..count {
            let Some(name) = machine.variable(&format!("GIT_CONFIG_KEY_{number}")) else { break };
            let value = machine.variable(&format!("GIT_CONFIG_VALUE_{number}")).unwrap_or_default();
            settings.push((normal(name), value.to_owned()));
        }
        Ok(Self(settings))
    }

    /// The last value of a setting, its name in small letters.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let last = self.0.iter().rev().find(|(known, _)| known == name);
        last.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// `http.<name>`, or `http.<start of the URL>.<name>` where there is one: the longest start counts.
    pub(super) fn http(&self, name: &str, url: &str) -> Option<&str> {
        let suffix = format!(".{name}");
        let mut best: Option<(usize, &str)> = None;
        for (known, value) in &self.0 {
            let Some(rest) = known.strip_prefix("http").and_then(|rest| rest.strip_suffix(&suffix)) else {
                continue;
            };
            let start = rest.strip_prefix('.').unwrap_or(rest);
            if url.starts_with(start) && best.is_none_or(|(length, _)| start.len() >= length) {
                best = Some((start.len(), value));
            }
        }
        best.map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// The address that is really asked: `url.<base>.insteadOf` with the longest match, else the address itself.
    pub(super) fn rewritten(&self, url: &GitUrl) -> Result<GitUrl, GitError> {
        let text = url.identity();
        let matches = self.0.iter().filter_map(|(name, start)| {
            let base = name.strip_prefix("url.")?.strip_suffix(".insteadof")?;
            Some((start.len(), base, text.strip_prefix(start.as_str())?))
        });
        match matches.filter(|(length, ..)| *length > 0).max_by_key(|(length, ..)| *length) {
            Some((_, base, rest)) if !url.has_credentials() => {
                Ok(GitUrl::parse(&format!("{base}{rest}"), "/".into())?)
            }
            _ => Ok(url.clone()),
        }
    }
}

/// The files that git reads, later ones go before earlier ones.
fn files(machine: &Machine) -> Vec<Utf8PathBuf> {
    let mut files = Vec::new();
    if machine.variable("GIT_CONFIG_NOSYSTEM").is_none_or(|value| matches!(value, "0" | "false" | "no")) {
        files.push(machine.variable("GIT_CONFIG_SYSTEM").unwrap_or("/etc/gitconfig").into());
    }
    if let Some(global) = machine.variable("GIT_CONFIG_GLOBAL") {
        files.push(global.into());
        return files;
    }
    let home = machine.home.as_ref();
    let config = machine.variable("XDG_CONFIG_HOME").map(Utf8PathBuf::from);
    files.extend(config.or_else(|| Some(home?.join(".config"))).map(|folder| folder.join("git/config")));
    files.extend(home.map(|home| home.join(".gitconfig")));
    files
}

/// A name as libgit2 gives it: the section and the key in small letters, what is between them as it is.
fn normal(name: &str) -> String {
    let (Some(first), Some(last)) = (name.find('.'), name.rfind('.')) else { return name.to_lowercase() };
    let (section, middle, key) = (&name[..first], &name[first..last], &name[last..]);
    format!("{}{middle}{}", section.to_lowercase(), key.to_lowercase())
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    fn config(text: &str, variables: &[(&str, &str)]) -> UserConfig {
        let home = tempfile::tempdir().unwrap();
        fs_err::write(home.path().join(".gitconfig"), text).unwrap();
        let mut all = vec![("HOME".into(), home.path().into()), ("GIT_CONFIG_NOSYSTEM".into(), "1".into())];
        all.extend(variables.iter().map(|(name, value)| (name.into(), value.into())));
        UserConfig::read(&Machine::new("/cache", all)).unwrap()
    }

    #[test]
    fn the_longest_start_is_replaced() {
        let config = config(
            "[url \"https://mirror/\"]\n insteadOf = https://h/\n[url \"ssh://git@inner/\"]\n insteadOf = https://h/team/\n",
            &[
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "URL./srv/Git/.insteadOf"),
                ("GIT_CONFIG_VALUE_0", "git@old:"),
            ],
        );
        let ask = |text: &str| {
            let url = GitUrl::parse(text, Utf8Path::new("/")).unwrap();
            config.rewritten(&url).unwrap().identity().to_owned()
        };
        assert_eq!(ask("https://h/a.git"), "https://mirror/a.git");
        assert_eq!(ask("https://h/team/a.git"), "ssh://git@inner/a.git");
        assert_eq!(ask("git@old:x.git"), "file:///srv/Git/x.git");
        assert_eq!(ask("https://other/a.git"), "https://other/a.git");
    }

    #[test]
    fn settings_of_an_address_go_before_those_of_all() {
        let config = config(
            "[http \"https://h/\"]\n proxy = http://near:1\n[http]\n proxy = http://far:1\n sslVerify\n",
            &[],
        );
        assert_eq!(config.http("proxy", "https://h/a"), Some("http://near:1"));
        assert_eq!(config.http("proxy", "https://x/a"), Some("http://far:1"));
        assert_eq!(config.get("http.sslverify"), Some("true"));
    }
}
