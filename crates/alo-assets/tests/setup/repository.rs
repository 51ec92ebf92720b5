//! Real git repositories, made from folders by libgit2.

use camino::{Utf8Path, Utf8PathBuf};
use git2::{Oid, Repository, Signature, Time};

/// A bare repository that a test commits to.
pub(crate) struct Repo {
    pub(crate) path: Utf8PathBuf,
    repository: Repository,
}

impl Repo {
    pub(crate) fn new(path: &Utf8Path) -> Self {
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).initial_head("main").mkpath(true).external_template(false);
        Self { path: path.to_owned(), repository: Repository::init_opts(path, &options).unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path)
    }

    /// Commits these files, and no others, to a branch. Answers the full hash.
    pub(crate) fn commit(&self, branch: &str, files: &[(&str, &str)]) -> String {
        self.commit_with(branch, files, &[])
    }

    /// Commits these files, and these commits of other repositories as submodules.
    pub(crate) fn commit_with(&self, branch: &str, files: &[(&str, &str)], links: &[(&str, &str)]) -> String {
        let tree = self.tree(files, links);
        self.commit_tree(branch, tree)
    }

    /// Commits a tree that consists of these entries, as they are: mode, name, object.
    pub(crate) fn commit_entries(&self, branch: &str, entries: &[(&str, &str, Oid)]) -> String {
        let mut content = Vec::new();
        for (mode, name, id) in entries {
            content.extend(format!("{mode} {name}\0").into_bytes());
            content.extend(id.as_bytes());
        }
        let tree = self.repository.odb().unwrap().write(git2::ObjectType::Tree, &content).unwrap();
        self.commit_tree(branch, tree)
    }

    pub(crate) fn blob(&self, text: &str) -> Oid {
        self.repository.blob(text.as_bytes()).unwrap()
    }

    fn commit_tree(&self, branch: &str, tree: Oid) -> String {
        let reference = format!("refs/heads/{branch}");
        let parent = self.repository.refname_to_id(&reference).ok();
        let parent = parent.map(|id| self.repository.find_commit(id).unwrap());
        let tree = self.repository.find_tree(tree).unwrap();
        let who = Signature::new("test", "test@example.com", &Time::new(1_700_000_000, 0)).unwrap();
        let parents: Vec<_> = parent.iter().collect();
        let id = self.repository.commit(Some(&reference), &who, &who, "change", &tree, &parents).unwrap();
        id.to_string()
    }

    /// Writes a tree.
    pub(crate) fn tree(&self, files: &[(&str, &str)], links: &[(&str, &str)]) -> Oid {
        let mut index = git2::Index::new().unwrap();
        let files = files.iter().map(|(path, text)| (path, 0o100_644, self.blob(text)));
        let links = links.iter().map(|(path, commit)| (path, 0o160_000, Oid::from_str(commit).unwrap()));
        for (path, mode, id) in files.chain(links) {
            let entry = git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode,
                uid: 0,
                gid: 0,
                file_size: 0,
                id,
                flags: 0,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            };
            index.add(&entry).unwrap();
        }
        index.write_tree_to(&self.repository).unwrap()
    }

    /// Makes an annotated tag.
    pub(crate) fn tag(&self, name: &str, commit: &str) {
        let object = self.repository.find_object(Oid::from_str(commit).unwrap(), None).unwrap();
        let who = Signature::new("test", "test@example.com", &Time::new(1_700_000_000, 0)).unwrap();
        self.repository.tag(name, &object, &who, "release", false).unwrap();
    }

    pub(crate) fn delete_branch(&self, name: &str) {
        self.repository.find_reference(&format!("refs/heads/{name}")).unwrap().delete().unwrap();
    }
}
