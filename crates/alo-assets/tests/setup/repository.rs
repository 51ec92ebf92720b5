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
        let reference = format!("refs/heads/{branch}");
        let parent = self.repository.refname_to_id(&reference).ok();
        let parent = parent.map(|id| self.repository.find_commit(id).unwrap());
        let tree = self.repository.find_tree(self.tree(files)).unwrap();
        let who = Signature::new("test", "test@example.com", &Time::new(1_700_000_000, 0)).unwrap();
        let parents: Vec<_> = parent.iter().collect();
        let id = self.repository.commit(Some(&reference), &who, &who, "change", &tree, &parents).unwrap();
        id.to_string()
    }

    fn tree(&self, files: &[(&str, &str)]) -> Oid {
        let mut index = git2::Index::new().unwrap();
        for (path, text) in files {
            let entry = git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id: self.repository.blob(text.as_bytes()).unwrap(),
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
