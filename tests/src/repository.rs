//! Git repositories made by a test.

use camino::{Utf8Path, Utf8PathBuf};
use git2::{IndexAddOption, Oid, Repository as Git, Signature};

/// A git repository with a work tree.
pub struct Repository {
    folder: Utf8PathBuf,
    git: Git,
}

impl Repository {
    /// Makes an empty repository whose first branch has that name.
    pub fn new(folder: &Utf8Path, branch: &str) -> Self {
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head(branch);
        let git = Git::init_opts(folder, &options).expect("a repository");
        Self { folder: folder.to_owned(), git }
    }

    /// Commits files, with what is there already, on the current branch.
    pub fn commit(&self, files: &[(&str, &str)]) -> Oid {
        for (path, content) in files {
            let path = self.folder.join(path);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs_err::write(path, content).expect("a file");
        }
        let mut index = self.git.index().expect("the index");
        index.add_all(["*"], IndexAddOption::DEFAULT, None).expect("files added");
        index.write().expect("the index written");
        let tree = self.git.find_tree(index.write_tree().expect("a tree")).expect("the tree");
        let author = Signature::now("alo", "alo@example.com").expect("a signature");
        let parent = self.git.head().ok().map(|head| head.peel_to_commit().expect("a commit"));
        let parents: Vec<_> = parent.iter().collect();
        self.git.commit(Some("HEAD"), &author, &author, "change", &tree, &parents).expect("a commit")
    }

    /// The URL of the repository.
    pub fn url(&self) -> String {
        format!("file://{}", self.folder)
    }
}
