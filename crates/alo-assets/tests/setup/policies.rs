//! What a set-up may refresh, and what `--locked` and `--offline` forbid, for code.

use alo_assets::Update;
use alo_plan::{Fetch, PipelineKind, StepName};

use crate::bench::{Bench, both, commit_of, git, local, train};
use crate::git_server::{Behaviour, Server};
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;
const INFERENCE: PipelineKind = PipelineKind::Inference;

fn lock(bench: &Bench) -> String {
    fs_err::read_to_string(bench.project.join("alo.lock")).unwrap()
}

#[test]
fn an_update_looks_the_named_steps_up_again_and_no_others() {
    let mut bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_a.py", "1"), ("asset_b.py", "1")]);
    let plan = train([git("a", &repo.url(), Some("main")), git("b", &repo.url(), Some("main"))]);
    bench.set_up(&plan, TRAIN).prepared();
    let second = repo.commit("main", &[("asset_a.py", "2"), ("asset_b.py", "2")]);
    bench.policy.update = Update::Steps(vec![StepName::new("b")]);
    let steps = bench.set_up(&plan, TRAIN).prepared().steps;
    assert_eq!((commit_of(&steps[0]), commit_of(&steps[1])), (first.as_str(), second.as_str()));
    bench.policy.update = Update::All;
    let steps = bench.set_up(&plan, TRAIN).prepared().steps;
    assert_eq!((commit_of(&steps[0]), commit_of(&steps[1])), (second.as_str(), second.as_str()));
}

#[test]
fn borrowed_code_follows_an_update_of_its_owner() {
    let mut bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_input.py", "1")]);
    let plan = both([git("input", &repo.url(), Some("main"))], [local("input", &[])]);
    bench.set_up(&plan, TRAIN).prepared();
    bench.set_up(&plan, INFERENCE).prepared();
    let second = repo.commit("main", &[("asset_input.py", "2")]);
    bench.policy.update = Update::All;
    bench.set_up(&plan, TRAIN).prepared();
    bench.policy.update = Update::Nothing;
    assert_eq!(commit_of(&bench.set_up(&plan, INFERENCE).prepared().steps[0]), second);
}

#[test]
fn a_locked_set_up_names_the_commits_and_leaves_the_lock_as_it_is() {
    let mut bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_a.py", "1"), ("asset_b.py", "1")]);
    let mut plan = train([git("a", &repo.url(), Some("main"))]);
    bench.policy.locked = true;
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains("step `a`: `alo.lock` has no commit for `") && message.contains("at `main`"));
    assert!(hint.contains("--locked"), "{hint}");
    bench.policy.locked = false;
    bench.set_up(&plan, TRAIN).prepared();
    let before = lock(&bench);
    bench.policy.locked = true;
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), first);
    let second = repo.commit("main", &[("asset_a.py", "2"), ("asset_b.py", "2")]);
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), first);
    plan.control.get_asset_source = Fetch::Every;
    let (message, _) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains(&first) && message.contains(&second), "{message}");
    let other = train([git("b", &repo.url(), Some("main"))]);
    bench.set_up(&other, TRAIN).failure();
    let none = train([]);
    let (message, _) = bench.set_up(&none, TRAIN).failure();
    assert!(message.ends_with("steps that the plan no longer has: `a`"), "{message}");
    assert_eq!(lock(&bench), before);
}

#[test]
fn the_lock_holds_the_tree_and_a_lock_without_it_is_completed() {
    let mut bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_a.py", "1")]);
    let plan = train([git("a", &repo.url(), Some("main"))]);
    bench.set_up(&plan, TRAIN).prepared();
    let whole = lock(&bench);
    let tree = whole.lines().find(|line| line.trim().starts_with("tree: ")).unwrap();
    fs_err::write(bench.project.join("alo.lock"), whole.replace(&format!("{tree}\n"), "")).unwrap();
    bench.policy.locked = true;
    bench.set_up(&plan, TRAIN).prepared();
    assert!(!lock(&bench).contains("tree: "));
    bench.policy.locked = false;
    bench.set_up(&plan, TRAIN).prepared();
    assert_eq!(lock(&bench), whole);
}

#[test]
fn offline_asks_no_server_and_does_with_what_is_there() {
    let mut bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_a.py", "1"), ("asset_b.py", "1")]);
    let server = Server::http(&repo.path, Behaviour::default(), None);
    let url = format!("http://127.0.0.1:{}/repo.git", server.port);
    let mut plan = train([git("a", &url, Some("main"))]);
    bench.policy.offline = true;
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains(&format!("step `a`: `main` of `{url}` is not in the cache")), "{message}");
    assert!(hint.contains("alo fetch"), "{hint}");
    assert!(server.requests.lock().unwrap().is_empty());
    bench.policy.offline = false;
    bench.set_up(&plan, TRAIN).prepared();
    let asked = server.requests.lock().unwrap().len();
    bench.policy.offline = true;
    plan.control.get_asset_source = Fetch::Every;
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), first);
    // The mirror has the commit, so a lost checkout is no reason to ask anybody.
    fs_err::remove_dir_all(bench.machine.cache.join("git/checkouts")).unwrap();
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), first);
    assert_eq!(server.requests.lock().unwrap().len(), asked);
}
