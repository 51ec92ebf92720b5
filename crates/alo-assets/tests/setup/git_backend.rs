//! Code from real git servers: `git http-backend` over loopback. Silent where there is no git program.

use alo_assets::{CodeIdentity, SetupEvent};
use alo_plan::{Fetch, PipelineKind};
use camino::Utf8Path;

use crate::bench::{Bench, git, train};
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
