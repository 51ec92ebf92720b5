//! Code from a real `git daemon`, over `git://`. Skipped, loudly, where there is no git program.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use alo_plan::PipelineKind;
use camino::Utf8Path;

use crate::bench::{Bench, git, train};
use crate::git_machine::git_program;
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;

/// `git daemon --inetd` for every connection: so the port is known before, and nothing is left running.
fn daemon(root: &Utf8Path) -> Option<u16> {
    let git = git_program()?;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let root = root.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut child = serve(&git, &root, stream);
            std::thread::spawn(move || child.wait());
        }
    });
    Some(port)
}

fn serve(git: &Utf8Path, root: &Utf8Path, stream: TcpStream) -> Child {
    let (input, output) =
        (std::os::fd::OwnedFd::from(stream.try_clone().unwrap()), std::os::fd::OwnedFd::from(stream));
    Command::new(git)
        .args(["daemon", "--inetd", "--export-all", "--informative-errors"])
        .arg(format!("--base-path={root}"))
        .arg(root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_daemon_gives_the_one_commit_and_its_submodules() {
    let bench = Bench::new();
    let root = bench.root.join("srv");
    let (repo, lib) = (Repo::new(&root.join("repo.git")), Repo::new(&root.join("lib.git")));
    let pinned = lib.commit("main", &[("lib.py", "lib")]);
    let stated = "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib.git\n";
    repo.commit("main", &[("asset_train.py", "old")]);
    repo.commit_with("main", &[("asset_train.py", "new"), (".gitmodules", stated)], &[("lib", &pinned)]);
    let Some(port) = daemon(&root) else { return };
    let plan = |name: &str| train([git("train", &format!("git://127.0.0.1:{port}/{name}"), None)]);
    let step = bench.set_up(&plan("repo.git"), TRAIN).prepared().steps.remove(0);
    assert_eq!(fs_err::read_to_string(&step.code.file).unwrap(), "new");
    assert_eq!(fs_err::read_to_string(step.code.folder.join("lib/lib.py")).unwrap(), "lib");
    let (message, hint) = bench.set_up(&plan("gone.git"), TRAIN).failure();
    assert!(message.contains("gone.git`: the server knows no such repository"), "{message}");
    assert!(hint.contains("check the path"), "{hint}");
}

#[test]
fn a_daemon_that_says_nothing_is_given_up() {
    let mut bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    bench.machine.variables.insert("ALO_GIT_TIMEOUT".into(), "0.2".into());
    let url = format!("git://{}/a.git", listener.local_addr().unwrap());
    let (message, _) = bench.set_up(&train([git("train", &url, None)]), TRAIN).failure();
    assert!(message.contains("the server was silent for 0.2 s"), "{message}");
}
