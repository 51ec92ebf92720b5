//! Code over HTTP, HTTPS and ssh, from servers in this process.

use std::cell::Cell;
use std::sync::Arc;

use alo_assets::SetupError;
use alo_plan::{Fetch, PipelineKind};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::bench::{Bench, git, real_python, train, tree_contains};
use crate::git_server::{Behaviour, Server};
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;

fn repo(bench: &Bench) -> Repo {
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_train.py", "one"), ("deep/b.txt", "b")]);
    repo.tag("v1", &first);
    repo.commit("main", &[("asset_train.py", "two")]);
    repo
}

/// The text of the step's file.
fn fetched(bench: &Bench, url: &str, reference: Option<&str>) -> String {
    let step = bench.set_up(&train([git("train", url, reference)]), TRAIN).prepared().steps.remove(0);
    fs_err::read_to_string(step.code.file).unwrap()
}

fn tls(bench: &mut Bench) -> Arc<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = bench.root.join("ca.pem");
    fs_err::write(&file, made.cert.pem()).unwrap();
    bench.machine.variables.insert("SSL_CERT_FILE".into(), file.into_string().into());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

#[test]
fn http_fetches_references_and_follows_a_branch() {
    let bench = Bench::new();
    let repo = repo(&bench);
    let server = Server::http(&repo.path, Behaviour::default(), None);
    let url = format!("http://127.0.0.1:{}/repo.git", server.port);
    assert_eq!(fetched(&bench, &url, Some("v1")), "one");
    assert_eq!(fetched(&bench, &url, None), "two");
    repo.commit("main", &[("asset_train.py", "three")]);
    let mut plan = train([git("train", &url, Some("main"))]);
    plan.control.get_asset_source = Fetch::Every;
    bench.set_up(&plan, TRAIN).prepared();
    assert_eq!(fetched(&bench, &url, Some("main")), "three");
    let before = server.requests.lock().unwrap().len();
    assert_eq!(fetched(&bench, &url, Some("main")), "three");
    assert_eq!(server.requests.lock().unwrap().len(), before, "a pinned commit asks no server");
}

#[test]
fn https_trusts_the_certificates_of_the_machine_and_no_others() {
    let mut bench = Bench::new();
    let repo = repo(&bench);
    let server = Server::http(&repo.path, Behaviour::default(), Some(tls(&mut bench)));
    let url = format!("https://localhost:{}/repo.git", server.port);
    assert_eq!(fetched(&bench, &url, Some("main")), "two");
    let mut stranger = Bench::new();
    tls(&mut stranger);
    let (message, hint) = stranger.set_up(&train([git("train", &url, None)]), TRAIN).failure();
    assert!(message.to_lowercase().contains("certificate"), "{message}");
    assert!(!hint.is_empty());
}

#[test]
fn credentials_of_the_url_open_the_door_and_are_never_shown() {
    let bench = Bench::new();
    let repo = repo(&bench);
    let wanted = Behaviour { authorization: Some("Basic bWU6czNjcmV0".to_owned()), ..Behaviour::default() };
    let server = Server::http(&repo.path, wanted, None);
    let place = format!("127.0.0.1:{}/repo.git", server.port);
    let told = bench.set_up(&train([git("train", &format!("http://me:wr0ng@{place}"), None)]), TRAIN);
    assert!(!format!("{:?}", told.events).contains("wr0ng"));
    let (message, hint) = told.failure();
    assert!(message.contains("refused access: HTTP status 401"), "{message}");
    assert!(message.contains("http://***@127.0.0.1") && !message.contains("wr0ng"), "{message}");
    assert!(hint.contains("token"), "{hint}");
    let told = bench.set_up(&train([git("train", &format!("http://me:s3cret@{place}"), None)]), TRAIN);
    assert!(!format!("{:?}{:?}", told.events, told.outcome).contains("s3cret"));
    told.prepared();
    assert!(!tree_contains(&bench.project, b"s3cret"));
    assert!(!tree_contains(&bench.machine.cache, b"s3cret"));
}

#[test]
fn a_redirect_is_followed_for_both_requests() {
    let bench = Bench::new();
    let repo = repo(&bench);
    let target = Server::http(&repo.path, Behaviour::default(), None);
    let redirects_to = Some(format!("http://127.0.0.1:{}", target.port));
    let server = Server::http(&repo.path, Behaviour { redirects_to, ..Behaviour::default() }, None);
    assert_eq!(fetched(&bench, &format!("http://127.0.0.1:{}/old/repo.git", server.port), None), "two");
    assert!(target.requests.lock().unwrap().iter().any(|request| request.starts_with("POST /repo.git/")));
}

#[test]
fn a_proxy_is_used_but_for_the_hosts_that_are_excluded() {
    let mut bench = Bench::new();
    let repo = repo(&bench);
    let server = Server::http(&repo.path, Behaviour::default(), Some(tls(&mut bench)));
    let proxy = Server::proxy();
    let address = format!("http://127.0.0.1:{}", proxy.port);
    bench.machine.variables.insert("HTTPS_PROXY".into(), address.into());
    let url = format!("https://localhost:{}/repo.git", server.port);
    assert_eq!(fetched(&bench, &url, Some("v1")), "one");
    let tunnels = proxy.requests.lock().unwrap().clone();
    assert!(tunnels[0].starts_with(&format!("CONNECT localhost:{} ", server.port)), "{tunnels:?}");
    bench.machine.variables.insert("NO_PROXY".into(), "other.example, localhost".into());
    assert_eq!(fetched(&bench, &url, Some("main")), "two");
    assert_eq!(proxy.requests.lock().unwrap().len(), tunnels.len());
}

#[test]
fn servers_that_are_wrong_say_so() {
    let bench = Bench::new();
    let repo = repo(&bench);
    let server = Server::http(&repo.path, Behaviour::default(), None);
    for (path, part) in [("gone.git", "knows no such repository"), ("page", "no git repository")] {
        let url = format!("http://127.0.0.1:{}/{path}", server.port);
        let (message, hint) = bench.set_up(&train([git("train", &url, None)]), TRAIN).failure();
        assert!(message.contains(part) && message.contains(&url), "{message}");
        assert!(!hint.is_empty());
    }
    // Nobody listens on a port that has just been given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/repo.git");
    let (message, hint) = bench.set_up(&train([git("train", &url, None)]), TRAIN).failure();
    assert!(message.contains("failed to talk to the server"), "{message}");
    assert!(hint.contains("proxy"), "{hint}");
}

#[test]
fn a_silent_server_does_not_hold_a_cancelled_run() {
    let bench = Bench::new();
    let server = Server::silent();
    let plan = train([git("train", &format!("http://127.0.0.1:{}/repo.git", server.port), None)]);
    let asked = Cell::new(0);
    let cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let told = bench.set_up_until(&plan, TRAIN, &cancelled);
    assert!(matches!(told.outcome, Err(SetupError::Cancelled)), "{:?}", told.outcome);
}

/// A program that takes the place of `ssh`: it notes its arguments and passes the conversation on to a port.
fn fake_ssh(bench: &mut Bench, port: u16) {
    let relay = "import socket, sys, threading, os\n\
        s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n\
        def up():\n    while True:\n        b = os.read(0, 65536)\n        if not b: break\n        s.sendall(b)\n    s.shutdown(1)\n\
        threading.Thread(target=up, daemon=True).start()\n\
        while True:\n    b = s.recv(65536)\n    if not b: break\n    sys.stdout.buffer.write(b); sys.stdout.buffer.flush()\n";
    let script = bench.root.join("relay.py");
    fs_err::write(&script, relay).unwrap();
    let log = bench.root.join("ssh.log");
    let program = bench
        .program("my-ssh", &format!("echo \"$@\" > '{log}'\nexec {} -S '{script}' {port}", real_python()));
    bench.machine.variables.insert("GIT_SSH".into(), program.into_string().into());
}

#[test]
fn ssh_is_the_user_s_own_program() {
    let mut bench = Bench::new();
    let repo = repo(&bench);
    let server = Server::bare(&repo.path);
    fake_ssh(&mut bench, server.port);
    assert_eq!(fetched(&bench, "ssh://git@host:2222/group/repo.git", Some("v1")), "one");
    let log = || fs_err::read_to_string(bench.root.join("ssh.log")).unwrap();
    assert_eq!(log(), "-p 2222 git@host git-upload-pack '/group/repo.git'\n");
    assert_eq!(fetched(&bench, "git@host:group/repo.git", None), "two");
    assert_eq!(log(), "git@host git-upload-pack 'group/repo.git'\n");
}

#[test]
fn an_ssh_command_of_several_words_is_run_without_a_shell() {
    let mut bench = Bench::new();
    let repo = repo(&bench);
    let server = Server::bare(&repo.path);
    fake_ssh(&mut bench, server.port);
    let program = bench.machine.variables.remove(std::ffi::OsStr::new("GIT_SSH")).unwrap();
    let program = program.into_string().unwrap();
    let command = format!("'{program}' -i 'my key'");
    bench.machine.variables.insert("GIT_SSH_COMMAND".into(), command.into());
    assert_eq!(fetched(&bench, "git@host:group/repo.git", None), "two");
    let log = fs_err::read_to_string(bench.root.join("ssh.log")).unwrap();
    assert_eq!(log, "-i my key git@host git-upload-pack 'group/repo.git'\n");
    let command = format!("{program} -i $(cat key)");
    bench.machine.variables.insert("GIT_SSH_COMMAND".into(), command.into());
    let (message, _) = bench.set_up(&train([git("train", "git@host:a.git", None)]), TRAIN).failure();
    assert!(message.contains("the git program is needed"), "{message}");
    assert!(message.ends_with("`GIT_SSH_COMMAND` needs a shell"), "{message}");
}

#[test]
fn what_ssh_complains_of_is_told() {
    let mut bench = Bench::new();
    let program = bench.program("my-ssh", "echo 'git@host: Permission denied (publickey).' >&2; exit 255");
    bench.machine.variables.insert("GIT_SSH".into(), program.into_string().into());
    let (message, hint) = bench.set_up(&train([git("train", "git@host:a.git", None)]), TRAIN).failure();
    assert!(message.contains("refused access: git@host: Permission denied (publickey)."), "{message}");
    assert!(hint.contains("ssh agent"), "{hint}");
    bench.machine.variables.insert("GIT_SSH".into(), "/no/such/ssh".into());
    let (message, _) = bench.set_up(&train([git("train", "git@host:a.git", None)]), TRAIN).failure();
    assert!(message.contains("`/no/such/ssh` cannot be started"), "{message}");
}
