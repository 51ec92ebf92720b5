//! What only the git program can fetch: plain files on a web server, SHA-256, bundles, remote helpers, shell commands.

use std::process::Command;

use alo_assets::{CodeIdentity, PreparedStep};
use alo_plan::{Fetch, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};

use crate::bench::{Bench, git, train};
use crate::git_machine::git_program;
use crate::http_backend::{HttpBackend, Manners};
use crate::plain_server::PlainServer;
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;

/// Runs git in a folder, away from the configuration of whoever runs the tests. Answers what it says.
fn run_git(folder: &Utf8Path, arguments: &[&str]) -> String {
    let who =
        ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always"];
    let output = Command::new(git_program().unwrap())
        .args(who)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn step(bench: &Bench, url: &str, reference: Option<&str>) -> PreparedStep {
    bench.set_up(&train([git("train", url, reference)]), TRAIN).prepared().steps.remove(0)
}

fn failure(bench: &Bench, url: &str, reference: Option<&str>) -> (String, String) {
    bench.set_up(&train([git("train", url, reference)]), TRAIN).failure()
}

fn read(step: &PreparedStep, path: &str) -> String {
    fs_err::read_to_string(step.code.folder.join(path)).unwrap()
}

fn commit_of(step: &PreparedStep) -> String {
    let CodeIdentity::Git { commit, .. } = &step.code.identity else { panic!("no commit") };
    commit.to_string()
}

/// A bench with the git program on its path; `None` where there is none.
fn bench() -> Option<Bench> {
    git_program()?;
    let bench = Bench::new();
    bench.with_git();
    Some(bench)
}

/// What lies in the folder of mirrors that no fetch should leave there.
fn leftovers(bench: &Bench) -> Vec<String> {
    let names = bench.machine.cache.join("git/mirrors").read_dir_utf8().unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_owned());
    names.filter(|name| name.starts_with('.') || name.ends_with(".making")).collect()
}

/// `repo.git` with the submodule `lib.git`, as files for a web server. Answers the commits of `repo.git`.
fn plain(root: &Utf8Path) -> Vec<String> {
    let (repo, lib) = (Repo::new(&root.join("repo.git")), Repo::new(&root.join("lib.git")));
    let pinned = lib.commit("main", &[("lib.py", "pinned")]);
    lib.commit("main", &[("lib.py", "later")]);
    let stated = "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib.git\n";
    let commits = ["first", "second", "third"].map(|text| {
        repo.commit_with("main", &[("asset_train.py", text), (".gitmodules", stated)], &[("lib", &pinned)])
    });
    repo.tag("v1", &commits[0]);
    for repo in [&repo, &lib] {
        run_git(&repo.path, &["update-server-info"]);
    }
    commits.to_vec()
}

#[test]
fn plain_files_on_a_web_server_are_a_repository() {
    let Some(bench) = bench() else { return };
    let root = bench.root.join("srv");
    let commits = plain(&root);
    let server = PlainServer::start(&root);
    let url = server.url("repo.git");
    let found = step(&bench, &url, None);
    assert_eq!((commit_of(&found), read(&found, "asset_train.py")), (commits[2].clone(), "third".to_owned()));
    assert_eq!(read(&found, "lib/lib.py"), "pinned");
    assert_eq!(read(&step(&bench, &url, Some("v1")), "asset_train.py"), "first");
    // A commit that no name points at, abbreviated and whole.
    assert_eq!(commit_of(&step(&bench, &url, Some(&commits[1][..9]))), commits[1]);
    assert_eq!(commit_of(&step(&bench, &url, Some(&commits[1]))), commits[1]);
    // The mirror is libgit2's: the same tree of the same commit comes from the folder itself.
    let folder = step(&bench, &format!("file://{root}/repo.git"), None);
    assert_eq!(folder.code.identity.digest(), found.code.identity.digest());
    let (message, hint) = failure(&bench, &url, Some("man"));
    assert!(message.contains("has no branch, tag or commit `man`"), "{message}");
    assert_eq!(hint, "did you mean `main`?");
    assert_eq!(leftovers(&bench), Vec::<String>::new());
}

#[test]
fn a_branch_on_a_web_server_is_followed() {
    let Some(bench) = bench() else { return };
    let root = bench.root.join("srv");
    let repo = Repo::new(&root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "old")]);
    run_git(&repo.path, &["update-server-info"]);
    let server = PlainServer::start(&root);
    let mut plan = train([git("train", &server.url("repo.git"), Some("main"))]);
    plan.control.get_asset_source = Fetch::Every;
    bench.set_up(&plan, TRAIN).prepared();
    repo.commit("main", &[("asset_train.py", "new")]);
    run_git(&repo.path, &["gc", "--quiet"]);
    run_git(&repo.path, &["update-server-info"]);
    let moved = bench.set_up(&plan, TRAIN).prepared().steps.remove(0);
    assert_eq!(read(&moved, "asset_train.py"), "new");
}

#[test]
fn without_a_git_program_the_error_says_what_it_was_needed_for() {
    if git_program().is_none() {
        return;
    }
    let bench = Bench::new();
    let root = bench.root.join("srv");
    plain(&root);
    let server = PlainServer::start(&root);
    let (message, hint) = failure(&bench, &server.url("repo.git"), None);
    assert!(message.contains("the git program is needed for `http://"), "{message}");
    assert!(message.contains("plain files") && hint.contains("install git"), "{message} {hint}");
    let wide = wide_repository(&bench.root, "asset_train.py", &[]);
    let (message, _) = failure(&bench, &wide.url, None);
    assert!(message.contains("is not on the search path"), "{message}");
}

#[test]
fn other_ways_to_say_who_asks_are_left_to_git() {
    let mut bench = Bench::new();
    let status = Some("401 Unauthorized\r\nwww-authenticate: Negotiate");
    let Some(server) = HttpBackend::start(&bench.root, Manners { status, ..Manners::default() }) else {
        return;
    };
    let (message, _) = failure(&bench, &server.url("a.git"), None);
    assert!(message.contains("of another kind than by name and password: `Negotiate`"), "{message}");
    bench.machine.variables.insert("GIT_SSL_CERT".into(), "/key".into());
    let (message, _) = failure(&bench, &server.url("a.git"), None);
    assert!(message.contains("`http.sslcert` of git is set"), "{message}");
}

#[test]
fn the_git_program_never_takes_the_place_of_an_honest_failure() {
    let bench = Bench::new();
    let mark = bench.root.join("git-was-started");
    bench.program("git", &format!(": > '{mark}'; exit 1"));
    fs_err::create_dir(bench.root.join("srv")).unwrap();
    fs_err::write(bench.root.join("srv/page"), "<html>").unwrap();
    let server = PlainServer::start(&bench.root.join("srv"));
    let gone = format!("file://{}/gone.git", bench.root);
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "")]);
    for (url, reference, part) in [
        (server.url("gone.git"), None, "knows no such repository"),
        ("http://host.invalid/a.git".to_owned(), None, "failed to talk to the server"),
        ("git://127.0.0.1:1/a.git".to_owned(), None, "failed to talk to the server"),
        (gone, None, "is no git repository"),
        (repo.url(), Some("gone"), "has no branch, tag or commit"),
    ] {
        let (message, _) = failure(&bench, &url, reference);
        assert!(message.contains(part), "{message}");
        assert!(!mark.exists(), "{url}");
    }
}

/// A repository whose objects are named by SHA-256.
struct Wide {
    url: String,
    commits: Vec<String>,
}

/// Three commits of that file, and whatever `more` writes beside it in the working folder.
fn wide_repository(root: &Utf8Path, file: &str, more: &[(&str, &str)]) -> Wide {
    let (work, bare) = (root.join("work"), root.join("srv/wide.git"));
    run_git(root, &["init", "--quiet", "--object-format=sha256", "--initial-branch=main", work.as_str()]);
    for (path, text) in more {
        let path = work.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    let commits = ["first", "second", "third"].map(|text| {
        fs_err::write(work.join(file), text).unwrap();
        run_git(&work, &["add", "--all"]);
        run_git(&work, &["commit", "--quiet", "-m", text]);
        run_git(&work, &["rev-parse", "HEAD"])
    });
    run_git(&work, &["tag", "-m", "release", "v1", &commits[0]]);
    run_git(root, &["clone", "--quiet", "--bare", work.as_str(), bare.as_str()]);
    Wide { url: format!("file://{bare}"), commits: commits.to_vec() }
}

#[test]
fn objects_may_be_named_by_sha_256() {
    let Some(mut bench) = bench() else { return };
    let wide = wide_repository(&bench.root, "asset_train.py", &[]);
    let server = HttpBackend::start(&bench.root.join("srv"), Manners::default()).unwrap();
    for url in [wide.url.clone(), server.url("wide.git")] {
        let found = step(&bench, &url, None);
        assert_eq!(commit_of(&found), wide.commits[2]);
        assert_eq!(read(&found, "asset_train.py"), "third");
        assert_eq!(read(&step(&bench, &url, Some("v1")), "asset_train.py"), "first");
        assert_eq!(commit_of(&step(&bench, &url, Some(&wide.commits[1][..12]))), wide.commits[1]);
        assert_eq!(commit_of(&step(&bench, &url, Some(&wide.commits[1]))), wide.commits[1]);
        let (message, _) = failure(&bench, &url, Some("gone"));
        assert!(message.contains("has no branch, tag or commit `gone`"), "{message}");
    }
    let lock = fs_err::read_to_string(bench.project.join("alo.lock")).unwrap();
    assert!(lock.contains(&wide.commits[1]), "{lock}");
    assert_eq!(leftovers(&bench), Vec::<String>::new());
    // What is there needs no git program, no server and no network; what was edited is seen.
    fs_err::remove_file(bench.root.join("bin/git")).unwrap();
    bench.policy.offline = true;
    let found = step(&bench, &server.url("wide.git"), Some(&wide.commits[1]));
    assert_eq!(read(&found, "asset_train.py"), "second");
    fs_err::write(&found.code.file, "edited").unwrap();
    let told = bench.set_up(&train([git("train", &wide.url, None)]), TRAIN);
    assert!(told.warnings().is_empty(), "{:?}", told.warnings());
    let again = step(&bench, &server.url("wide.git"), Some(&wide.commits[1]));
    assert!(matches!(again.code.identity, CodeIdentity::Git { modified: true, .. }));
}

#[test]
fn files_of_a_sha_256_repository_are_those_of_the_commit() {
    let Some(bench) = bench() else { return };
    // Attributes that would change what is written, if they were heeded.
    let files = [
        (".gitattributes", "*.txt text eol=crlf\n*.id ident\n*.up filter=up export-ignore\n"),
        ("lines.txt", "one\ntwo\n"),
        ("name.id", "$Id$\n"),
        ("deep/er/text.up", "small\n"),
    ];
    fs_err::write(bench.root.join("home/.gitconfig"), "[filter \"up\"]\n\tsmudge = tr a-z A-Z\n").unwrap();
    let wide = wide_repository(&bench.root, "asset_train.py", &files);
    let narrow = Repo::new(&bench.root.join("narrow.git"));
    let all: Vec<_> = files.into_iter().chain([("asset_train.py", "third")]).collect();
    narrow.commit("main", &all);
    let (wide, narrow) = (step(&bench, &wide.url, None), step(&bench, &narrow.url(), None));
    for (path, text) in all {
        assert_eq!((read(&wide, path), read(&narrow, path)), (text.to_owned(), text.to_owned()));
    }
    assert_eq!(wide.code.identity.digest(), narrow.code.identity.digest());
}

#[test]
fn submodules_of_a_sha_256_repository_come_with_it() {
    let Some(bench) = bench() else { return };
    let lib = bench.root.join("lib");
    fs_err::create_dir(&lib).unwrap();
    let lib = wide_repository(&lib, "lib.py", &[]);
    let wide = wide_repository(&bench.root, "asset_train.py", &[]);
    let work = bench.root.join("work");
    run_git(&work, &["submodule", "--quiet", "add", &lib.url, "below/lib"]);
    run_git(&work.join("below/lib"), &["checkout", "--quiet", &lib.commits[1]]);
    run_git(&work, &["commit", "--quiet", "--all", "-m", "with a submodule"]);
    run_git(&work, &["push", "--quiet", &wide.url, "main"]);
    let found = step(&bench, &wide.url, None);
    assert_eq!(
        (read(&found, "asset_train.py"), read(&found, "below/lib/lib.py")),
        ("third".into(), "second".into())
    );
}

#[test]
fn a_private_sha_256_repository_opens_and_its_password_is_nowhere() {
    let Some(mut bench) = bench() else { return };
    wide_repository(&bench.root, "asset_train.py", &[]);
    // `me:s3cret`, as a client sends it.
    let manners = Manners { authorization: Some("Basic bWU6czNjcmV0".to_owned()), ..Manners::default() };
    let server = HttpBackend::start(&bench.root.join("srv"), manners).unwrap();
    let url = server.url("wide.git");
    let (message, _) = failure(&bench, &url, None);
    assert!(message.contains("refused access"), "{message}");
    bench.machine.variables.insert("GIT_TRACE_CURL".into(), "1".into());
    let told = bench.set_up(&train([git("train", &url.replace("://", "://me:s3cret@"), None)]), TRAIN);
    let shown = format!("{:?}{:?}", told.events, told.outcome);
    assert!(!shown.contains("s3cret") && !shown.contains("bWU6czNjcmV0"), "{shown}");
    let found = told.prepared().steps.remove(0);
    assert_eq!(read(&found, "asset_train.py"), "third");
    for folder in [&bench.project, &bench.machine.cache] {
        for word in ["s3cret", "bWU6czNjcmV0"] {
            assert!(!run_grep(folder, word), "{folder} {word}");
        }
    }
}

/// Whether a file below the folder holds the word.
fn run_grep(folder: &Utf8Path, word: &str) -> bool {
    folder.read_dir_utf8().unwrap().any(|entry| {
        let path = entry.unwrap().into_path();
        if path.is_dir() {
            run_grep(&path, word)
        } else {
            fs_err::read(&path).is_ok_and(|text| text.windows(word.len()).any(|part| part == word.as_bytes()))
        }
    })
}

#[test]
fn a_bundle_is_a_repository() {
    let Some(bench) = bench() else { return };
    let repo = Repo::new(&bench.root.join("repo.git"));
    let commit = repo.commit("main", &[("asset_train.py", "bundled")]);
    run_git(&repo.path, &["bundle", "create", "--quiet", "../code.bundle", "HEAD", "main"]);
    let found = step(&bench, &format!("file://{}/code.bundle", bench.root), Some("main"));
    assert_eq!((commit_of(&found), read(&found, "asset_train.py")), (commit, "bundled".to_owned()));
}

#[test]
fn a_remote_helper_is_asked_where_the_plan_names_one() {
    let Some(bench) = bench() else { return };
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "helped")]);
    let url = format!("tested::{}", repo.path);
    let (message, hint) = failure(&bench, &url, None);
    assert!(message.contains("needs the program `git-remote-tested`"), "{message}");
    assert!(hint.contains("install the package"), "{hint}");
    // A helper that leads to git's own conversation, as most do.
    bench.program(
        "git-remote-tested",
        "while read -r line; do case \"$line\" in\n\
         capabilities) echo connect; echo;;\n\
         connect*) echo; exec git upload-pack \"$2\";;\n\
         *) exit 1;;\nesac; done",
    );
    assert_eq!(read(&step(&bench, &url, None), "asset_train.py"), "helped");
    for text in ["ext::sh -c x", "fd::17"] {
        let (message, _) = failure(&bench, text, None);
        assert!(message.contains("which is never used"), "{message}");
    }
    // A repository may not name one.
    let stated = "[submodule \"x\"]\n\tpath = x\n\turl = tested::/x\n";
    let lib = repo.commit("lib", &[("a", "")]);
    repo.commit_with("main", &[("asset_train.py", ""), (".gitmodules", stated)], &[("x", &lib)]);
    let (message, _) = failure(&bench, &repo.url(), None);
    assert!(message.contains("remote helper, which no repository may name"), "{message}");
}

#[test]
fn a_helper_that_says_nothing_is_given_up_with_all_its_processes() {
    let Some(mut bench) = bench() else { return };
    let (pid, sleep) = (bench.root.join("pid"), program_of_this_machine("sleep"));
    bench.program("git-remote-silent", &format!("echo $$ > '{pid}'\n{sleep} 1000"));
    bench.machine.variables.insert("ALO_GIT_TIMEOUT".into(), "1".into());
    let (message, hint) = failure(&bench, "silent::x", None);
    assert!(message.contains("the server was silent for 1 s"), "{message}");
    assert!(hint.contains("ALO_GIT_TIMEOUT"), "{hint}");
    let pid = fs_err::read_to_string(pid).unwrap();
    assert!(!Utf8Path::new("/proc").join(pid.trim()).exists());
}

fn program_of_this_machine(name: &str) -> Utf8PathBuf {
    let folders = ["/bin", "/usr/bin"].map(|folder| Utf8Path::new(folder).join(name));
    folders.into_iter().find(|file| file.exists()).unwrap()
}

#[test]
fn an_ssh_command_for_a_shell_is_left_to_git() {
    let Some(mut bench) = bench() else { return };
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "by ssh")]);
    // `ssh`, of which only the last argument matters: the command that the server runs.
    bench.program("my-ssh", "for last; do :; done\nexec sh -c \"$last\"");
    std::os::unix::fs::symlink(git_upload_pack(), bench.root.join("bin/git-upload-pack")).unwrap();
    let folder = bench.root.join("bin").into_string();
    bench.machine.variables.insert("FOLDER".into(), folder.into());
    bench.machine.variables.insert("GIT_SSH_COMMAND".into(), "$FOLDER/my-ssh".into());
    bench.machine.variables.insert("GIT_SSH_VARIANT".into(), "simple".into());
    let found = step(&bench, &format!("ssh://git@host{}", repo.path), None);
    assert_eq!(read(&found, "asset_train.py"), "by ssh");
}

fn git_upload_pack() -> Utf8PathBuf {
    Utf8PathBuf::from(run_git("/".into(), &["--exec-path"])).join("git-upload-pack")
}
