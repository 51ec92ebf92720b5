//! The names of a repository: which one is meant, and which are near one that is not there.

use git2::{Oid, Repository};

use super::error::GitError;
use super::reference::GitRef;
use super::url::GitUrl;

/// At most this many similar names are suggested.
const SUGGESTIONS: usize = 2;
/// Names less similar than this (Jaro-Winkler, 0 to 1) are no suggestion.
const SIMILARITY: f64 = 0.8;
/// At most this many branches are named where there is no default one.
const SHOWN: usize = 8;
const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
/// What servers put behind an annotated tag's name where they list what it points at.
const PEELED: &str = "^{}";

/// A name that the server lists, with what it points at.
pub(super) struct Listed {
    pub(super) name: String,
    /// All digits of the object's name.
    pub(super) id: String,
    pub(super) symbolic: Option<String>,
}

impl Listed {
    /// The object's name for libgit2, which knows those of SHA-1 alone.
    pub(super) fn oid(&self) -> Result<Oid, git2::Error> {
        Oid::from_str(&self.id)
    }
}

/// All names of a repository.
pub(super) struct Listing(pub(super) Vec<Listed>);

impl Listing {
    /// The names of a repository on this machine, as a server would list them.
    pub(super) fn of_repository(source: &Repository) -> Result<Self, git2::Error> {
        let mut listed = Vec::new();
        if let Ok(head) = source.head()
            && let (Ok(name), Some(id)) = (head.name(), head.target())
        {
            let symbolic = Some(name.to_owned());
            listed.push(Listed { name: "HEAD".to_owned(), id: id.to_string(), symbolic });
        }
        for reference in source.references()? {
            let reference = reference?;
            // A name that is not UTF-8 cannot be asked for, and one that points nowhere has nothing to fetch.
            if let (Ok(name), Ok(resolved)) = (reference.name(), reference.resolve())
                && let Some(id) = resolved.target()
            {
                listed.push(Listed { name: name.to_owned(), id: id.to_string(), symbolic: None });
                if let Ok(peeled) = resolved.peel(git2::ObjectType::Commit)
                    && peeled.id() != id
                {
                    let (name, id) = (format!("{name}{PEELED}"), peeled.id().to_string());
                    listed.push(Listed { name, id, symbolic: None });
                }
            }
        }
        Ok(Self(listed))
    }

    /// What is fetched when everything is.
    pub(super) fn branches_and_tags(&self) -> impl Iterator<Item = &Listed> {
        self.0.iter().filter(|head| is_branch_or_tag(&head.name))
    }

    /// The listed name that is meant; `None` if it can only be a commit.
    pub(super) fn choose(
        &self,
        reference: Option<&GitRef>,
        url: &GitUrl,
    ) -> Result<Option<&Listed>, GitError> {
        let named = |name: &str| self.0.iter().find(|head| head.name == name);
        let Some(reference) = reference else {
            let head = named("HEAD").ok_or_else(|| self.no_default(url))?;
            return Ok(head.symbolic.as_deref().and_then(named).or(Some(head)));
        };
        let text = reference.as_str();
        let found = named(&format!("{BRANCHES}{text}"))
            .or_else(|| named(&format!("{TAGS}{text}")))
            .or_else(|| named(text).filter(|head| is_branch_or_tag(&head.name)));
        match found {
            Some(found) => Ok(Some(found)),
            None if reference.may_be_commit() => Ok(None),
            None => Err(self.no_reference(reference, url)),
        }
    }

    /// The error that says that there is no default branch, with the branches that there are.
    fn no_default(&self, url: &GitUrl) -> GitError {
        let names = self.0.iter().filter_map(|head| head.name.strip_prefix(BRANCHES));
        let branches: Vec<_> = names.take(SHOWN).map(str::to_owned).collect();
        let url = url.to_string();
        if branches.is_empty() { GitError::Empty { url } } else { GitError::NoDefault { url, branches } }
    }

    /// Whether what was chosen is a branch, and there is a tag of its name that is another commit.
    pub(super) fn has_tag_of(&self, chosen: Option<&Listed>) -> bool {
        let Some((branch, name)) =
            chosen.and_then(|chosen| Some((chosen, chosen.name.strip_prefix(BRANCHES)?)))
        else {
            return false;
        };
        let tag = format!("{TAGS}{name}");
        let peeled = format!("{tag}{PEELED}");
        let mut tags = self.0.iter().filter(|head| head.name == tag || head.name == peeled).peekable();
        tags.peek().is_some() && tags.all(|head| head.id != branch.id)
    }

    /// The error that says that a name is not there, with those that are near.
    pub(super) fn no_reference(&self, reference: &GitRef, url: &GitUrl) -> GitError {
        let mut near: Vec<_> = self
            .branches_and_tags()
            .filter_map(|head| {
                let name = head.name.strip_prefix(BRANCHES).or(head.name.strip_prefix(TAGS))?;
                let score = strsim::jaro_winkler(name, reference.as_str());
                (score >= SIMILARITY).then(|| (score, name.to_owned()))
            })
            .collect();
        near.sort_by(|(one, a), (other, b)| other.total_cmp(one).then_with(|| a.cmp(b)));
        near.dedup();
        let near = near.into_iter().take(SUGGESTIONS).map(|(_, name)| name).collect();
        GitError::NoReference { url: url.to_string(), reference: reference.clone(), near }
    }
}

fn is_branch_or_tag(name: &str) -> bool {
    (name.starts_with(BRANCHES) || name.starts_with(TAGS)) && !name.ends_with(PEELED)
}
