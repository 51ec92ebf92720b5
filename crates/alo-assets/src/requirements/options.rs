//! pip's options that stand among requirements.

use std::borrow::Cow;

use camino::Utf8PathBuf;

use super::place::{Base, written};

/// What holds for a whole installation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The index instead of the user's own.
    pub(crate) index: Option<String>,
    /// More indexes to look at.
    pub(crate) extra_indexes: Vec<String>,
    /// Requirements that brought an index of their own along, and that index.
    pub(crate) of_items: Vec<(String, String)>,
    /// Folders or pages of files to look at.
    pub(crate) find_links: Vec<String>,
    /// Whether no index is asked.
    pub(crate) no_index: bool,
    /// Whether pre-releases are accepted.
    pub(crate) pre: bool,
    /// Whether an older version with a wheel goes before a newer one without; uv does so by itself where it must.
    pub(crate) prefer_binary: bool,
    /// Hosts whose certificates are not checked.
    pub(crate) trusted_hosts: Vec<String>,
    /// Packages that are built from source, as pip writes them.
    pub(crate) no_binary: Vec<String>,
    /// Packages that are never built, as pip writes them.
    pub(crate) only_binary: Vec<String>,
    /// Files of constraints.
    pub(crate) constraints: Vec<Utf8PathBuf>,
}

/// Why an option cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OptionFault {
    /// It is not known.
    Unknown,
    /// Its value is missing.
    NoValue,
    /// What it names is not there.
    Missing(Utf8PathBuf),
}

impl Options {
    /// Takes an option in.
    pub(super) fn read(
        &mut self,
        name: &str,
        value: Option<&str>,
        base: Base<'_>,
    ) -> Result<(), OptionFault> {
        let needed = || value.map(str::to_owned).ok_or(OptionFault::NoValue);
        match name {
            "--extra-index-url" => self.add_extra_index(needed()?),
            "-f" | "--find-links" => {
                let place = needed()?;
                // What a variable stands for is known to the installer alone: it may be a URL or any path.
                let place = if place.contains("://") || place.starts_with("${") {
                    place
                } else {
                    let path = base.join(&place);
                    if !path.exists() {
                        return Err(OptionFault::Missing(path));
                    }
                    path.into_string()
                };
                add(&mut self.find_links, place);
            }
            "--trusted-host" => add(&mut self.trusted_hosts, needed()?),
            "--no-binary" => add(&mut self.no_binary, needed()?),
            "--only-binary" => add(&mut self.only_binary, needed()?),
            "--no-index" => self.no_index = true,
            "--pre" => self.pre = true,
            "--prefer-binary" => self.prefer_binary = true,
            // They ask for what is done here anyway, or for what makes no difference in a fresh environment.
            "-U" | "--upgrade" | "--no-cache-dir" | "-q" | "--quiet" | "-v" | "--verbose"
            | "--require-hashes" | "--user" | "--ignore-installed" | "-I" => {}
            _ => return Err(OptionFault::Unknown),
        }
        Ok(())
    }

    pub(super) fn set_index(&mut self, index: String) {
        match &self.index {
            None => self.index = Some(index),
            Some(known) if *known == index => {}
            Some(_) => self.add_extra_index(index),
        }
    }

    pub(super) fn add_extra_index(&mut self, index: String) {
        add(&mut self.extra_indexes, index);
    }

    /// Adds what another set of requirements says.
    pub(super) fn merge(&mut self, other: Self) {
        if let Some(index) = other.index {
            self.set_index(index);
        }
        self.no_index |= other.no_index;
        self.pre |= other.pre;
        self.prefer_binary |= other.prefer_binary;
        for (ours, theirs) in [
            (&mut self.extra_indexes, other.extra_indexes),
            (&mut self.find_links, other.find_links),
            (&mut self.trusted_hosts, other.trusted_hosts),
            (&mut self.no_binary, other.no_binary),
            (&mut self.only_binary, other.only_binary),
        ] {
            for item in theirs {
                add(ours, item);
            }
        }
        for item in other.of_items {
            if !self.of_items.contains(&item) {
                self.of_items.push(item);
            }
        }
        for file in other.constraints {
            if !self.constraints.contains(&file) {
                self.constraints.push(file);
            }
        }
    }

    /// The options as lines of a requirements file; those of them that both installers read there.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.place_lines();
        lines.extend(self.constraints.iter().map(|file| format!("-c {}", written(file.as_str()))));
        lines
    }

    /// Those of the lines that tell where packages come from: all that counts once they are decided.
    pub(crate) fn place_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.index.iter().map(|index| format!("--index-url {index}")));
        lines.extend(self.extra_indexes.iter().map(|index| format!("--extra-index-url {index}")));
        lines.extend(self.find_links.iter().map(|place| format!("--find-links {}", written(place))));
        lines.extend(self.no_index.then(|| "--no-index".to_owned()));
        lines.extend(self.no_binary.iter().map(|packages| format!("--no-binary {packages}")));
        lines.extend(self.only_binary.iter().map(|packages| format!("--only-binary {packages}")));
        lines
    }
}

fn add(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// A word of a requirement line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    Plain(&'a str),
    Option { name: &'a str, value: Option<Cow<'a, str>> },
}

/// Splits a line at blanks that stand in no quotes, and puts options and their values together, without the quotes.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    const WITHOUT_VALUE: [&str; 17] = [
        "--force-reinstall",
        "--no-index",
        "--pre",
        "-U",
        "--upgrade",
        "--no-cache-dir",
        "-q",
        "--quiet",
        "-v",
        "--verbose",
        "--prefer-binary",
        "--require-hashes",
        "--user",
        "--ignore-installed",
        "-I",
        "--no-deps",
        "--no-build-isolation",
    ];
    const SHORT: [&str; 5] = ["-r", "-c", "-f", "-i", "-e"];
    let mut words = Vec::new();
    let mut rest = split(text).into_iter().peekable();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            words.push(Word::Plain(word));
        } else if let Some((name, value)) = word.split_once('=') {
            words.push(Word::Option { name, value: Some(unquoted(value)) });
        } else if WITHOUT_VALUE.contains(&word) {
            words.push(Word::Option { name: word, value: None });
        } else if let Some((name, value)) =
            word.split_at_checked(2).filter(|(name, value)| SHORT.contains(name) && !value.is_empty())
        {
            words.push(Word::Option { name, value: Some(unquoted(value)) });
        } else {
            let value = rest.next_if(|next| !next.starts_with('-'));
            words.push(Word::Option { name: word, value: value.map(unquoted) });
        }
    }
    words
}

/// The words of a line. A quote that is never closed is a letter like any other.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c.is_whitespace() => {
                words.extend(start.take().and_then(|start| text.get(start..at)));
                continue;
            }
            None if matches!(c, '"' | '\'') => {
                quote = text.get(at + 1..).filter(|rest| rest.contains(c)).map(|_| c);
            }
            Some(_) | None => {}
        }
        start.get_or_insert(at);
    }
    words.extend(start.and_then(|start| text.get(start..)));
    words
}

/// A value without the quotes around it or a part of it.
fn unquoted(value: &str) -> Cow<'_, str> {
    for quote in ['"', '\''] {
        if value.matches(quote).count() >= 2 {
            return value.replace(quote, "").into();
        }
    }
    value.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_takes_its_value_from_either_side_of_a_blank() {
        assert_eq!(
            words("a --index-url u --hash=x --pre b"),
            [
                Word::Plain("a"),
                Word::Option { name: "--index-url", value: Some("u".into()) },
                Word::Option { name: "--hash", value: Some("x".into()) },
                Word::Option { name: "--pre", value: None },
                Word::Plain("b"),
            ]
        );
    }

    #[test]
    fn quotes_hold_a_value_together_and_a_short_option_needs_no_blank() {
        assert_eq!(
            words("-f \"my wh\" -rmore.txt --find-links='a b'/c"),
            [
                Word::Option { name: "-f", value: Some("my wh".into()) },
                Word::Option { name: "-r", value: Some("more.txt".into()) },
                Word::Option { name: "--find-links", value: Some("a b/c".into()) },
            ]
        );
        assert_eq!(words("a ; x < \"3\""), ["a", ";", "x", "<", "\"3\""].map(Word::Plain));
        assert_eq!(words("./it's here"), ["./it's", "here"].map(Word::Plain));
    }

    #[test]
    fn a_second_index_is_one_more_place_to_look_at() {
        let mut options = Options { index: Some("one".to_owned()), ..Options::default() };
        options.merge(Options { index: Some("two".to_owned()), pre: true, ..Options::default() });
        assert_eq!(options.lines(), ["--index-url one", "--extra-index-url two"]);
        assert!(options.pre);
    }
}
