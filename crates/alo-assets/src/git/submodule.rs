//! The submodules of a commit: what its tree and its `.gitmodules` say, and where that may lead.
//!
//! A repository is other people's text. What it names is checked before anything is asked of a server or written.

use std::collections::HashSet;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use git2::{ObjectType, Repository, Tree, TreeWalkMode, TreeWalkResult};

use super::object_id::CommitId;
use super::url::{GitUrl, GitUrlError, Kind};

/// How deep submodules may lie in each other.
pub(super) const DEPTH_LIMIT: usize = 10;
/// How many submodules a commit may have, those of submodules included.
pub(super) const COUNT_LIMIT: usize = 500;
pub(super) const FILE: &str = ".gitmodules";

/// A folder of a commit that holds a commit of another repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submodule {
    /// The folder, relative to that of the commit.
    pub(super) path: Utf8PathBuf,
    /// The commit that the tree names.
    pub(super) commit: CommitId,
    /// Where `.gitmodules` says that it comes from; `None` if it says nothing.
    pub(super) url: Option<GitUrl>,
}

/// Why the submodules of a commit are not fetched.
#[derive(Debug, thiserror::Error)]
pub enum SubmoduleError {
    /// A folder has a name that would lead elsewhere, or is there twice.
    #[error("the folder `{path}` is not safe")]
    UnsafePath {
        /// The folder as the repository names it.
        path: String,
    },
    /// The tree or its `.gitmodules` makes no sense.
    #[error("failed to read the tree or its `.gitmodules`")]
    Unreadable(#[source] git2::Error),
    /// `.gitmodules` could not be put aside to be read.
    #[error("failed to read `.gitmodules`")]
    Aside(#[source] std::io::Error),
    /// `.gitmodules` includes other files.
    #[error("`.gitmodules` includes another file")]
    Include,
    /// An address makes no sense.
    #[error("the address of the submodule `{path}` is wrong")]
    Address {
        /// The folder of the submodule.
        path: Utf8PathBuf,
        /// What is wrong.
        #[source]
        source: GitUrlError,
    },
    /// There are too many, or they lie too deep in each other.
    #[error(
        "there are more than {COUNT_LIMIT} submodules, or they lie more than {DEPTH_LIMIT} deep in each other"
    )]
    TooMany,
}

impl SubmoduleError {
    /// What to change.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Address { source, .. } => source.hint(),
            Self::UnsafePath { .. } | Self::Unreadable(_) | Self::Include | Self::TooMany => {
                Some("correct the submodules in the repository of the step: `git fsck` finds more".to_owned())
            }
            Self::Aside(_) => None,
        }
    }
}

/// The submodules of a tree of a repository whose address is `parent`, sorted by path.
pub(super) fn of_tree(
    repository: &Repository,
    tree: &Tree<'_>,
    parent: &GitUrl,
) -> Result<Vec<Submodule>, SubmoduleError> {
    let links = links(tree)?;
    match tree.get_name(FILE) {
        Some(entry)
            if !links.is_empty() && entry.kind() == Some(ObjectType::Blob) && !is_link(entry.filemode()) =>
        {
            let blob = repository.find_blob(entry.id()).map_err(SubmoduleError::Unreadable)?;
            stated_by(links, blob.content(), parent)
        }
        _ => stated_by(links, b"", parent),
    }
}

/// The submodules that lie at `links` and that a `.gitmodules` of this text describes.
pub(super) fn stated_by(
    links: Vec<(Utf8PathBuf, CommitId)>,
    text: &[u8],
    parent: &GitUrl,
) -> Result<Vec<Submodule>, SubmoduleError> {
    let stated = if text.is_empty() { Vec::new() } else { stated(text)? };
    let mut found = Vec::new();
    for (path, commit) in links {
        let stated = stated.iter().rev().find(|stated| stated.path == path);
        if stated.is_some_and(|stated| stated.is_left_out) {
            continue;
        }
        let url = stated.and_then(|stated| stated.url.as_deref()).map(|text| parent.of_submodule(text));
        let url = url.transpose().map_err(|source| SubmoduleError::Address { path: path.clone(), source })?;
        found.push(Submodule { path, commit, url });
    }
    Ok(found)
}

/// The tree without its submodules: libgit2 writes no tree that has some without a configuration of its own for them.
pub(super) fn without_links<'a>(
    repository: &'a Repository,
    tree: Tree<'a>,
) -> Result<Tree<'a>, SubmoduleError> {
    let links = links(&tree)?;
    if links.is_empty() {
        return Ok(tree);
    }
    let mut update = git2::build::TreeUpdateBuilder::new();
    for (path, _) in &links {
        update.remove(path.as_str());
    }
    let updated = update.create_updated(repository, &tree).and_then(|id| repository.find_tree(id));
    updated.map_err(SubmoduleError::Unreadable)
}

/// The entries of a tree, at any depth, that are commits of other repositories.
fn links(tree: &Tree<'_>) -> Result<Vec<(Utf8PathBuf, CommitId)>, SubmoduleError> {
    let (mut links, mut fault, mut seen) = (Vec::new(), None, HashSet::new());
    let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        // A link and a folder of one name would lead what is written to the folder elsewhere.
        if !seen.insert([folder.as_bytes(), entry.name_bytes()].concat()) {
            fault = Some(format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes())));
            return TreeWalkResult::Abort;
        }
        if entry.kind() != Some(ObjectType::Commit) {
            return TreeWalkResult::Ok;
        }
        let shown = || format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes()));
        match entry.name() {
            Ok(name) if is_safe(name) && folder.split_terminator('/').all(is_safe) => {
                links.push((Utf8PathBuf::from(shown()), entry.id().into()));
                TreeWalkResult::Ok
            }
            _ => {
                fault = Some(shown());
                TreeWalkResult::Abort
            }
        }
    });
    match fault {
        Some(path) => Err(SubmoduleError::UnsafePath { path }),
        None => walked.map(|()| links).map_err(SubmoduleError::Unreadable),
    }
}

/// Whether a name stays where it is put, also on file systems that do not tell `.GIT` from `.git`.
pub(super) fn is_safe(name: &str) -> bool {
    let is_special = matches!(name, "" | "." | ".." | "git~1") || name.eq_ignore_ascii_case(".git");
    !is_special && !name.contains(['/', '\\', '\0'])
}

fn is_link(mode: i32) -> bool {
    mode == 0o120_000
}

/// What `.gitmodules` says of one submodule.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stated {
    name: String,
    path: Utf8PathBuf,
    url: Option<String>,
    is_left_out: bool,
}

fn stated(text: &[u8]) -> Result<Vec<Stated>, SubmoduleError> {
    // libgit2 would read the files that it includes, as for a configuration of the user.
    if String::from_utf8_lossy(text).to_ascii_lowercase().contains("[include") {
        return Err(SubmoduleError::Include);
    }
    let mut aside = tempfile::NamedTempFile::with_prefix("alo-gitmodules-").map_err(SubmoduleError::Aside)?;
    aside.write_all(text).map_err(SubmoduleError::Aside)?;
    let mut all: Vec<Stated> = Vec::new();
    let config = git2::Config::open(aside.path()).map_err(SubmoduleError::Unreadable)?;
    let entries = config.entries(Some("^submodule\\..*")).map_err(SubmoduleError::Unreadable)?;
    let read = entries.for_each(|entry| {
        let (Ok(name), Ok(value)) = (entry.name(), if entry.has_value() { entry.value() } else { Ok("") })
        else {
            return;
        };
        let Some((name, key)) = name.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.')) else {
            return;
        };
        let at = all.iter().position(|stated| stated.name == name).unwrap_or(all.len());
        if at == all.len() {
            all.push(Stated { name: name.to_owned(), ..Stated::default() });
        }
        let Some(stated) = all.get_mut(at) else { return };
        match key {
            "path" => stated.path = value.trim_end_matches('/').into(),
            "url" => stated.url = Some(value.to_owned()),
            "update" => stated.is_left_out = value == "none",
            _ => {}
        }
    });
    read.map_err(SubmoduleError::Unreadable)?;
    Ok(all)
}

/// The empty folder of a submodule inside of a checkout. It must be reached through folders, not through links.
pub(super) fn prepare_folder(root: &Utf8Path, path: &Utf8Path) -> Result<Utf8PathBuf, std::io::Error> {
    let mut folder = root.to_owned();
    for component in path.components() {
        folder.push(component);
        match fs_err::symlink_metadata(&folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => {
                return Err(std::io::Error::other(format!("`{path}` is reached through a link or file")));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => fs_err::create_dir(&folder)?,
            Err(error) => return Err(error),
        }
    }
    if fs_err::read_dir(&folder)?.next().is_some() {
        return Err(std::io::Error::other(format!("the submodule folder `{path}` also holds files")));
    }
    Ok(folder)
}

impl GitUrl {
    /// The address that a repository at this address gives to a submodule.
    ///
    /// `./` and `../` start at this address. What is fetched over a network names no folder of this machine, and gets no
    /// token that is bound to no host unless the plan names the host.
    pub(super) fn of_submodule(&self, text: &str) -> Result<Self, GitUrlError> {
        let text = text.trim();
        let refused = |reason| GitUrlError::Submodule { url: crate::redact(text), reason };
        if text.starts_with('-') || text.contains(char::is_control) {
            return Err(refused("is not safe"));
        }
        if text.starts_with("./") || text.starts_with("../") {
            return self.joined(text).ok_or_else(|| refused("leads out of the server"));
        }
        let mut url = Self::parse(text, Utf8Path::new("/"))?;
        if matches!(url.kind(), Kind::Helper(_)) {
            return Err(refused("asks for a remote helper, which no repository may name"));
        }
        let is_path = !text.contains("://") && !text.starts_with('/');
        match (url.kind(), self.kind()) {
            (Kind::Folder(_), _) if is_path => {
                return Err(refused("is neither a URL nor starts with `./` or `../`"));
            }
            (Kind::Folder(_), Kind::Folder(_)) => {}
            (Kind::Folder(_), _) => {
                return Err(refused("is a folder of this machine, which no server may name"));
            }
            _ => {}
        }
        url.set_named_by_plan(self.is_named_by_plan() && url.host() == self.host());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> GitUrl {
        GitUrl::parse(text, "/project".into()).unwrap()
    }

    #[test]
    fn a_relative_address_starts_at_the_parent_s() {
        for (parent, text, found) in [
            ("https://h/a/b.git", "../c.git", "https://h/a/c.git"),
            ("https://h/a/b.git", "./c", "https://h/a/b.git/c"),
            ("https://h/a/b.git", "../../x/c.git/", "https://h/x/c.git"),
            ("ssh://git@h:22/a/b", "../c", "ssh://git@h:22/a/c"),
            ("git@h:a/b.git", "../c.git", "git@h:a/c.git"),
            ("git@h:b.git", "../c.git", "git@h:c.git"),
            ("git@h:/srv/b.git", "../c.git", "git@h:/srv/c.git"),
            ("file:///srv/a.git", "../c.git", "file:///srv/c.git"),
            ("../a.git", "../srv/c.git", "file:///srv/c.git"),
        ] {
            let found_url = url(parent).of_submodule(text);
            assert_eq!(
                found_url.map(|url| url.identity().to_owned()).as_deref(),
                Ok(found),
                "{parent} {text}"
            );
        }
        for parent in ["https://h/b.git", "ssh://h/b", "git@h:b"] {
            assert!(url(parent).of_submodule("../../c").is_err(), "{parent}");
        }
    }

    #[test]
    fn a_relative_address_has_the_parent_s_password_and_another_host_does_not() {
        let parent = url("https://me:s3cret@h/a.git");
        let near = parent.of_submodule("../b.git").unwrap();
        assert!(
            matches!(near.kind(), Kind::Http { credentials: Some(found), .. } if found.password == "s3cret")
        );
        assert!(near.is_named_by_plan());
        let far = parent.of_submodule("https://other/b.git").unwrap();
        assert!(matches!(far.kind(), Kind::Http { credentials: None, .. }));
        assert!(!far.is_named_by_plan() && !far.of_submodule("../c.git").unwrap().is_named_by_plan());
        assert!(parent.of_submodule("https://h/c.git").unwrap().is_named_by_plan());
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let (server, folder) = (url("https://h/a.git"), url("/srv/a.git"));
        for text in ["", "-u./x", "ext::sh -c x", "javascript://h/x", "x/y", "https://h/a\nhost=evil"] {
            assert!(server.of_submodule(text).is_err(), "{text}");
            assert!(folder.of_submodule(text).is_err(), "{text}");
        }
        for text in ["/etc", "file:///etc"] {
            let error = server.of_submodule(text).unwrap_err();
            assert!(error.to_string().contains("folder of this machine"), "{error}");
            assert!(folder.of_submodule(text).is_ok());
        }
        for name in ["..", ".", "", ".git", ".GIT", "git~1", "a/b", "a\\b"] {
            assert!(!is_safe(name), "{name}");
        }
        assert!(is_safe(".github") && is_safe("lib"));
    }

    #[test]
    fn gitmodules_is_read_as_git_reads_it() {
        let text = b"# more\n[submodule \"a.b\"]\n\tpath = lib/x/\n\turl = \"../x.git\" ; c\n[Submodule \"n\"]\n\tPATH = n\n\tupdate = none\n";
        let all = stated(text).unwrap();
        assert_eq!((all[0].path.as_str(), all[0].url.as_deref()), ("lib/x", Some("../x.git")));
        assert!(all[1].is_left_out && all[1].path == "n");
        assert!(matches!(stated(b"[include]\n path = /etc/passwd"), Err(SubmoduleError::Include)));
        assert!(matches!(stated(b"[submodule"), Err(SubmoduleError::Unreadable(_))));
    }
}
