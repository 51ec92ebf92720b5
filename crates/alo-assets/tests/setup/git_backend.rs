//! Code from real git servers: `git http-backend` over loopback. Skipped, loudly, where there is no git program.

use alo_assets::{CodeIdentity, SetupEvent};
use alo_plan::{Fetch, PipelineKind};
use camino::Utf8Path;

use crate::bench::{Bench, git, train, tree_contains};
use crate::http_backend::{HttpBackend, Manners};
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;

fn fetched(bench: &Bench, url: &str, reference: Option<&str>) -> (String, String) {
    let step = bench.set_up(&train([git("train", url, reference)]), TRAIN).prepared().steps.remove(0);
    let CodeIdentity::Git { commit, .. } = &step.code.identity else { panic!("no commit") };
    (commit.to_string(), fs_err::read_to_string(&step.code.file).unwrap())
}

/// The objects of all mirrors.
fn objects(bench: &Bench) -> usize {
    let mirrors = bench.machine.cache.join("git/mirrors");
    let count = |mirror: &Utf8Path| {
        let mut count = 0;
        let repository = git2::Repository::open_bare(mirror).unwrap();
        repository
            .odb()
            .unwrap()
            .foreach(|_| {
                count += 1;
                true
            })
            .unwrap();
        count
    };
    mirrors.read_dir_utf8().unwrap().map(|entry| count(entry.unwrap().path())).sum()
}

/// A repository with a long history of files that differ.
fn long_history(bench: &Bench) -> (Repo, Vec<String>) {
    let repo = Repo::new(&bench.root.join("srv/repo.git"));
    let commit = |number: usize| {
        let text = number.to_string();
        repo.commit("main", &[("asset_train.py", &text), ("data/other.txt", &text.repeat(50))])
    };
    let commits = (0..40).map(commit).collect();
    (repo, commits)
}

#[test]
fn only_the_files_of_the_one_commit_are_fetched() {
    let bench = Bench::new();
    let (repo, commits) = long_history(&bench);
    repo.tag("v9", &commits[9]);
    let Some(server) = HttpBackend::start(&bench.root.join("srv"), Manners::default()) else { return };
    let url = server.url("repo.git");
    assert_eq!(fetched(&bench, &url, Some("main")), (commits[39].clone(), "39".to_owned()));
    // A commit, two trees, two files.
    assert_eq!(objects(&bench), 5);
    // The tag is an object more; the file and its folder are others.
    assert_eq!(fetched(&bench, &url, Some("v9")).1, "9");
    assert_eq!(objects(&bench), 11);
    // The branch moves on: what is new is fetched, not what lies before.
    repo.commit("main", &[("asset_train.py", "40"), ("data/other.txt", "x40")]);
    let mut plan = train([git("train", &url, Some("main"))]);
    plan.control.get_asset_source = Fetch::Every;
    bench.set_up(&plan, TRAIN).prepared();
    assert_eq!(objects(&bench), 16);
    // A commit that is not the tip of anything, by an abbreviated name: now the history is needed.
    assert_eq!(fetched(&bench, &url, Some(&commits[3][..12])), (commits[3].clone(), "3".to_owned()));
    assert_eq!(fetched(&bench, &url, Some(&commits[20])).1, "20");
}

#[test]
fn a_full_hash_is_asked_for_alone_where_the_server_allows_it() {
    let bench = Bench::new();
    let (repo, commits) = long_history(&bench);
    let config = repo.path.join("config");
    let text = fs_err::read_to_string(&config).unwrap();
    fs_err::write(&config, text + "[uploadpack]\n\tallowReachableSHA1InWant = true\n").unwrap();
    let Some(server) = HttpBackend::start(&bench.root.join("srv"), Manners::default()) else { return };
    assert_eq!(fetched(&bench, &server.url("repo.git"), Some(&commits[12])).1, "12");
    assert_eq!(objects(&bench), 5);
}

#[test]
fn a_folder_gives_the_one_commit_without_its_history() {
    let bench = Bench::new();
    let (repo, commits) = long_history(&bench);
    assert_eq!(fetched(&bench, &repo.url(), None), (commits[39].clone(), "39".to_owned()));
    assert_eq!(objects(&bench), 5);
    assert_eq!(fetched(&bench, &repo.url(), Some(&commits[3][..10])).1, "3");
    assert_eq!(objects(&bench), 10);
}

#[test]
fn a_busy_server_and_a_cut_answer_are_asked_again() {
    for (busy, cut) in [(2, 0), (0, 1)] {
        let bench = Bench::new();
        let (_repo, _) = long_history(&bench);
        let manners = Manners { busy: busy.into(), cut: cut.into(), ..Manners::default() };
        let Some(server) = HttpBackend::start(&bench.root.join("srv"), manners) else { return };
        let told = bench.set_up(&train([git("train", &server.url("repo.git"), Some("main"))]), TRAIN);
        let retries = told.events.iter().filter(|event| matches!(event, SetupEvent::Retrying { of: 3, .. }));
        assert_eq!(retries.count(), busy + cut, "{:?}", told.events);
        told.prepared();
    }
}

#[test]
fn what_will_not_pass_is_asked_once_and_every_status_has_its_sentence() {
    for (status, part, advice) in [
        ("401 Unauthorized", "refused access", "ALO_GIT_TOKEN"),
        ("403 Forbidden", "forbids access", "rights"),
        ("404 Not Found", "knows no such repository", "check the path"),
    ] {
        let bench = Bench::new();
        let manners = Manners { status: Some(status), ..Manners::default() };
        let Some(server) = HttpBackend::start(&bench.root, manners) else { return };
        let (message, hint) =
            bench.set_up(&train([git("train", &server.url("repo.git"), None)]), TRAIN).failure();
        assert!(message.contains(part) && hint.contains(advice), "{message} {hint}");
        assert_eq!(server.requests.lock().unwrap().len(), 1);
    }
    let bench = Bench::new();
    let manners = Manners { busy: 9.into(), ..Manners::default() };
    let Some(server) = HttpBackend::start(&bench.root, manners) else { return };
    let (message, _) = bench.set_up(&train([git("train", &server.url("repo.git"), None)]), TRAIN).failure();
    assert!(message.contains("not able to answer now: HTTP status 503"), "{message}");
    assert_eq!(server.requests.lock().unwrap().len(), 3);
}

#[test]
fn a_deleted_branch_is_named_by_every_and_no_matter_to_once() {
    let bench = Bench::new();
    let (repo, _) = long_history(&bench);
    let topic = repo.commit("topic", &[("asset_train.py", "t")]);
    repo.commit("topics", &[("asset_train.py", "other")]);
    let Some(server) = HttpBackend::start(&bench.root.join("srv"), Manners::default()) else { return };
    let url = server.url("repo.git");
    assert_eq!(fetched(&bench, &url, Some("topic")).0, topic);
    repo.delete_branch("topic");
    assert_eq!(fetched(&bench, &url, Some("topic")).0, topic);
    let mut plan = train([git("train", &url, Some("topic"))]);
    plan.control.get_asset_source = Fetch::Every;
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains("has no branch, tag or commit `topic`"), "{message}");
    assert_eq!(hint, "did you mean `topics`?");
}

#[test]
fn a_branch_and_a_tag_of_one_name_are_told_if_they_differ() {
    let bench = Bench::new();
    let (repo, commits) = long_history(&bench);
    repo.tag("main", &commits[0]);
    repo.tag("same", &repo.commit("same", &[("asset_train.py", "s")]));
    let server = HttpBackend::start(&bench.root.join("srv"), Manners::default());
    for url in [Some(repo.url()), server.map(|server| server.url("repo.git"))].into_iter().flatten() {
        let told = bench.set_up(&train([git("train", &url, Some("main"))]), TRAIN);
        assert!(told.warnings()[0].contains("a branch and a tag `main`"), "{:?}", told.warnings());
        told.prepared();
        assert_eq!(fetched(&bench, &url, Some("refs/tags/main")).1, "0");
        let told = bench.set_up(&train([git("train", &url, Some("same"))]), TRAIN);
        assert!(told.warnings().is_empty(), "{:?}", told.warnings());
    }
}

#[test]
fn the_limit_of_silence_is_the_user_s() {
    let mut bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let plan = train([git("train", &format!("http://{}/a.git", listener.local_addr().unwrap()), None)]);
    bench.machine.variables.insert("ALO_GIT_TIMEOUT".into(), "0.2".into());
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains("the server was silent for 0.2 s"), "{message}");
    assert!(hint.contains("ALO_GIT_TIMEOUT"), "{hint}");
    bench.machine.variables.insert("ALO_GIT_TIMEOUT".into(), "soon".into());
    let (message, _) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains("`ALO_GIT_TIMEOUT` is `soon`"), "{message}");
}

/// `me:s3cret`, as a client sends it.
const ME: &str = "Basic bWU6czNjcmV0";

fn private(bench: &Bench) -> Option<HttpBackend> {
    let repo = Repo::new(&bench.root.join("srv/repo.git"));
    repo.commit("main", &[("asset_train.py", "private")]);
    let manners = Manners { authorization: Some(ME.to_owned()), ..Manners::default() };
    HttpBackend::start(&bench.root.join("srv"), manners)
}

/// The private repository opens, and the secret is nowhere but in the request.
fn opens(bench: &Bench, url: &str) {
    let told = bench.set_up(&train([git("train", url, None)]), TRAIN);
    let shown = format!("{:?}{:?}", told.events, told.outcome);
    assert!(!shown.contains("s3cret"), "{shown}");
    let step = told.prepared().steps.remove(0);
    assert_eq!(fs_err::read_to_string(&step.code.file).unwrap(), "private");
    for folder in [&bench.project, &bench.machine.cache] {
        assert!(!tree_contains(folder, b"s3cret"), "{folder}");
    }
}

#[test]
fn a_password_comes_from_the_user_s_own_places() {
    let answer = "case \"$1\" in Username*) echo me;; *) echo s3cret;; esac";
    let helper = "[credential]\n\thelper = \"!f() { echo username=me; echo password=s3cret; }; f\"\n";
    for place in ["netrc", "store", "askpass", "askpass with git", "helper", "token"] {
        let mut bench = Bench::new();
        let Some(server) = private(&bench) else { return };
        let (home, mut url) = (bench.root.join("home"), server.url("repo.git"));
        bench.machine.variables.insert("GIT_CONFIG_NOSYSTEM".into(), "1".into());
        let mut askpass = || {
            let program = bench.program("askpass", answer);
            bench.machine.variables.insert("GIT_ASKPASS".into(), program.into_string().into());
        };
        match place {
            "netrc" => {
                fs_err::write(home.join(".netrc"), "machine 127.0.0.1 login me password s3cret").unwrap();
            }
            "store" => {
                let line = format!("http://me:s3cret@127.0.0.1:{}\n", server.port);
                fs_err::write(home.join(".git-credentials"), line).unwrap();
            }
            "askpass" => askpass(),
            "askpass with git" => {
                askpass();
                bench.with_git();
            }
            "helper" => {
                fs_err::write(home.join(".gitconfig"), helper).unwrap();
                bench.with_git();
            }
            _ => {
                url = url.replace("://", "://me@");
                bench.machine.variables.insert("ALO_GIT_TOKEN".into(), "s3cret".into());
            }
        }
        opens(&bench, &url);
        let first = server.requests.lock().unwrap()[0].1.clone();
        assert_ne!(first.as_deref(), Some(ME), "{place}: no password before it is asked for");
    }
}

#[test]
fn tokens_of_a_forge_and_passwords_of_a_redirect_go_to_no_other_host() {
    let mut bench = Bench::new();
    let Some(server) = private(&bench) else { return };
    for variable in ["GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"] {
        bench.machine.variables.insert(variable.into(), "s3cret".into());
    }
    bench.machine.variables.insert("CI_SERVER_HOST".into(), "gitlab.example".into());
    bench.set_up(&train([git("train", &server.url("repo.git"), None)]), TRAIN).failure();
    let manners =
        Manners { moved_to: Some(server.url("").trim_end_matches('/').into()), ..Manners::default() };
    let Some(front) = HttpBackend::start(&bench.root, manners) else { return };
    let url = front.url("moved/repo.git").replace("://", "://me:s3cret@");
    let (message, hint) = bench.set_up(&train([git("train", &url, None)]), TRAIN).failure();
    assert!(message.contains(&format!("redirects to `http://127.0.0.1:{}`", server.port)), "{message}");
    assert!(hint.contains("new address") && !message.contains("s3cret"), "{hint}");
    let seen = server.requests.lock().unwrap().clone();
    assert!(seen.len() >= 2 && seen.iter().all(|(_, secret)| secret.is_none()), "{seen:?}");
}

#[test]
fn a_redirect_within_the_server_keeps_the_password() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("srv/repo.git"));
    repo.commit("main", &[("asset_train.py", "private")]);
    let manners =
        Manners { authorization: Some(ME.to_owned()), moved_to: Some(String::new()), ..Manners::default() };
    let Some(server) = HttpBackend::start(&bench.root.join("srv"), manners) else { return };
    opens(&bench, &server.url("moved/repo.git").replace("://", "://me:s3cret@"));
}

#[test]
fn the_user_s_configuration_puts_another_address_in_place_of_the_plan_s() {
    let mut bench = Bench::new();
    let repo = Repo::new(&bench.root.join("srv/repo.git"));
    repo.commit("main", &[("asset_train.py", "private")]);
    bench.machine.variables.insert("GIT_CONFIG_NOSYSTEM".into(), "1".into());
    let text = format!(
        "[include]\n\tpath = more.inc\n[url \"file://{}/\"]\n\tinsteadOf = https://host.invalid/team/\n",
        bench.root.join("srv")
    );
    fs_err::write(bench.root.join("home/.gitconfig"), text).unwrap();
    fs_err::write(
        bench.root.join("home/more.inc"),
        "[url \"http://nowhere.invalid/\"]\n\tinsteadOf = https://host.invalid/\n",
    )
    .unwrap();
    let url = "https://host.invalid/team/repo.git";
    opens(&bench, url);
    let lock = fs_err::read_to_string(bench.project.join("alo.lock")).unwrap();
    assert!(lock.contains(url) && !lock.contains("srv"), "{lock}");
    let (message, _) =
        bench.set_up(&train([git("train", "https://host.invalid/other.git", None)]), TRAIN).failure();
    assert!(message.contains("failed to talk to the server"), "{message}");
}
