//! Submodules: of local repositories and of a real git server, nested, missing, hostile.

use alo_assets::{CodeIdentity, PreparedStep, SetupEvent};
use alo_plan::PipelineKind;
use camino::Utf8Path;
use git2::Oid;

use crate::bench::{Bench, git, train};
use crate::http_backend::{HttpBackend, Manners};
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;

fn modules(all: &[(&str, &str)]) -> String {
    let one =
        |(path, url): &(&str, &str)| format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
    all.iter().map(one).collect()
}

fn read(step: &PreparedStep, path: &str) -> String {
    fs_err::read_to_string(step.code.folder.join(path)).unwrap()
}

fn is_modified(step: &PreparedStep) -> bool {
    matches!(step.code.identity, CodeIdentity::Git { modified: true, .. })
}

/// `step` holds `lib`, which holds `deep/core`. Both commits are no longer the tips of their branches.
fn nested(root: &Utf8Path) -> Repo {
    let [step, lib, core] = ["step.git", "lib.git", "core.git"].map(|name| Repo::new(&root.join(name)));
    let core_commit = core.commit("main", &[("core.py", "core 1")]);
    core.commit("main", &[("core.py", "core 2")]);
    let stated = modules(&[("deep/core", "../core.git")]);
    let files = [("lib.py", "lib 1"), (".gitmodules", stated.as_str())];
    let lib_commit = lib.commit_with("main", &files, &[("deep/core", &core_commit)]);
    lib.commit("main", &[("lib.py", "lib 2")]);
    let stated = modules(&[("lib", "../lib.git")]);
    step.commit_with("main", &[("asset_train.py", ""), (".gitmodules", &stated)], &[("lib", &lib_commit)]);
    step
}

#[test]
fn submodules_and_theirs_are_at_the_commits_that_the_trees_name() {
    let bench = Bench::new();
    let repo = nested(&bench.root);
    let plan = train([git("train", &repo.url(), None)]);
    let told = bench.set_up(&plan, TRAIN);
    let fetched = told.events.iter().filter_map(|event| match event {
        SetupEvent::FetchingSubmodule { path, .. } => Some(path.as_str()),
        _ => None,
    });
    assert_eq!(fetched.collect::<Vec<_>>(), ["lib", "lib/deep/core"]);
    assert!(told.warnings().is_empty(), "{:?}", told.warnings());
    let step = told.prepared().steps.remove(0);
    assert_eq!(
        (read(&step, "lib/lib.py"), read(&step, "lib/deep/core/core.py")),
        ("lib 1".into(), "core 1".into())
    );
    // They are part of what is pinned, of the digest and of the look for edits.
    for name in ["step.git", "lib.git", "core.git"] {
        fs_err::remove_dir_all(bench.root.join(name)).unwrap();
    }
    let again = bench.set_up(&plan, TRAIN);
    assert_eq!(again.fetches(), 0);
    let again = again.prepared().steps.remove(0);
    assert!(!is_modified(&again) && again.code.identity.digest() == step.code.identity.digest());
    let deep = step.code.folder.join("lib/deep/core");
    fs_err::write(deep.join("added.py"), "").unwrap();
    assert!(is_modified(&bench.set_up(&plan, TRAIN).prepared().steps[0]));
    fs_err::remove_file(deep.join("added.py")).unwrap();
    assert!(!is_modified(&bench.set_up(&plan, TRAIN).prepared().steps[0]));
    fs_err::remove_file(deep.join("core.py")).unwrap();
    assert!(is_modified(&bench.set_up(&plan, TRAIN).prepared().steps[0]));
}

#[test]
fn a_server_gives_submodules_by_their_commits_to_who_may_have_the_step() {
    let bench = Bench::new();
    nested(&bench.root.join("srv"));
    // `me:s3cret`, as a client sends it.
    let manners = Manners { authorization: Some("Basic bWU6czNjcmV0".to_owned()), ..Manners::default() };
    let Some(server) = HttpBackend::start(&bench.root.join("srv"), manners) else { return };
    let url = server.url("step.git").replace("://", "://me:s3cret@");
    let told = bench.set_up(&train([git("train", &url, None)]), TRAIN);
    assert!(!format!("{:?}{:?}", told.events, told.outcome).contains("s3cret"));
    let step = told.prepared().steps.remove(0);
    assert_eq!(read(&step, "lib/deep/core/core.py"), "core 1");
}

#[test]
fn two_steps_share_a_submodule_and_offline_says_which_one_is_missing() {
    let mut bench = Bench::new();
    let repo = nested(&bench.root.join("srv"));
    let stated = modules(&[("x", "../core.git")]);
    let core = Repo::new(&bench.root.join("srv/core.git"));
    let tip = core.commit("main", &[("core.py", "core 3")]);
    repo.commit_with("other", &[("asset_train.py", ""), (".gitmodules", &stated)], &[("x", &tip)]);
    let Some(server) = HttpBackend::start(&bench.root.join("srv"), Manners::default()) else { return };
    let plan = |branch| train([git("train", &server.url("step.git"), Some(branch))]);
    bench.set_up(&plan("main"), TRAIN).prepared();
    let mirrors = bench.machine.cache.join("git/mirrors");
    assert_eq!(mirrors.read_dir_utf8().unwrap().count(), 3);
    bench.set_up(&plan("other"), TRAIN).prepared();
    assert_eq!(mirrors.read_dir_utf8().unwrap().count(), 3);
    bench.set_up(&plan("main"), TRAIN).prepared();
    fs_err::remove_dir_all(bench.machine.cache.join("git/checkouts")).unwrap();
    for mirror in mirrors.read_dir_utf8().unwrap() {
        let mirror = mirror.unwrap().into_path();
        if mirror.file_name().unwrap().starts_with("lib-") {
            fs_err::remove_dir_all(mirror).unwrap();
        }
    }
    bench.policy.offline = true;
    let (message, hint) = bench.set_up(&plan("main"), TRAIN).failure();
    assert!(message.contains("step `train`") && message.contains("submodule `lib`"), "{message}");
    assert!(message.contains("lib.git` is not in the cache") && hint.contains("alo fetch"), "{message}");
}

#[test]
fn a_submodule_that_cannot_be_had_names_step_folder_and_address() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("step.git"));
    let lib = Repo::new(&bench.root.join("lib.git"));
    lib.commit("main", &[("a", "")]);
    let lost = "0123456789012345678901234567890123456789";
    for (url, part, advice) in [
        ("../gone.git", "gone.git` is no git repository", ".gitmodules"),
        ("../lib.git", "no longer has the commit `0123456789", "push it"),
        ("hhttps://h/x", "`hhttps://h/x` starts with `hhttps://`", "https://host"),
        ("ext::sh -c touch% /tmp/x", "asks for git's remote helper `ext`", "https://host"),
        ("-u./payload", "is not safe", ".gitmodules"),
    ] {
        let stated = modules(&[("lib", url)]);
        repo.commit_with("main", &[("asset_train.py", ""), (".gitmodules", &stated)], &[("lib", lost)]);
        let mut plan = train([git("train", &repo.url(), None)]);
        plan.control.get_asset_source = alo_plan::Fetch::Every;
        let (message, hint) = bench.set_up(&plan, TRAIN).failure();
        assert!(message.starts_with("failed to get the code of step `train`: "), "{message}");
        assert!(message.contains("`lib`") && message.contains(part), "{message}");
        assert!(hint.contains(advice), "{hint}");
    }
}

#[test]
fn a_submodule_without_an_address_stays_empty_and_one_that_git_leaves_out_too() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("step.git"));
    let stated = "[submodule \"off\"]\n\tpath = off\n\turl = ../off.git\n\tupdate = none\n";
    let lost = "0123456789012345678901234567890123456789";
    let files = [("asset_train.py", ""), (".gitmodules", stated)];
    repo.commit_with("main", &files, &[("stray", lost), ("off", lost)]);
    let plan = train([git("train", &repo.url(), None)]);
    for _ in 0..2 {
        let told = bench.set_up(&plan, TRAIN);
        let warnings = told.warnings().join("\n");
        assert!(warnings.contains("`stray`") && warnings.contains("stays empty"), "{warnings}");
        assert!(!warnings.contains("`off`"), "{warnings}");
        let step = told.prepared().steps.remove(0);
        assert_eq!(fs_err::read_dir(step.code.folder.join("stray")).unwrap().count(), 0);
    }
}

#[test]
fn names_and_links_that_lead_out_of_the_checkout_are_refused() {
    let outside = |bench: &Bench| bench.root.join("outside");
    for case in ["..", ".git", "link", "include"] {
        let bench = Bench::new();
        fs_err::create_dir(outside(&bench)).unwrap();
        let repo = Repo::new(&bench.root.join("step.git"));
        let lib = Repo::new(&bench.root.join("lib.git"));
        let commit = Oid::from_str(&lib.commit("main", &[("payload", "x")])).unwrap();
        let asset = ("100644", "asset_train.py", repo.blob(""));
        match case {
            "link" => {
                let stated = repo.blob(&modules(&[("lib/sub", "../lib.git")]));
                let below = repo.tree(&[], &[("sub", &commit.to_string())]);
                let link = repo.blob(outside(&bench).as_str());
                let entries = [
                    ("100644", ".gitmodules", stated),
                    asset,
                    ("120000", "lib", link),
                    ("40000", "lib", below),
                ];
                repo.commit_entries("main", &entries);
            }
            "include" => {
                let stated = repo.blob("[include]\n\tpath = /dev/zero\n");
                repo.commit_entries(
                    "main",
                    &[("100644", ".gitmodules", stated), asset, ("160000", "lib", commit)],
                );
            }
            name => {
                let stated = repo.blob(&modules(&[(name, "../lib.git")]));
                repo.commit_entries(
                    "main",
                    &[("160000", name, commit), ("100644", ".gitmodules", stated), asset],
                );
            }
        }
        let (message, _) = bench.set_up(&train([git("train", &repo.url(), None)]), TRAIN).failure();
        assert_eq!(fs_err::read_dir(outside(&bench)).unwrap().count(), 0, "{case}: {message}");
        assert!(message.contains("step `train`"), "{case}: {message}");
        match case {
            "link" => assert!(message.contains("`lib` is not safe"), "{message}"),
            "include" => assert!(message.contains("includes another file"), "{message}"),
            name => assert!(message.contains(&format!("`{name}` is not safe")), "{message}"),
        }
    }
}

#[test]
fn two_repositories_that_have_each_other_for_submodules_are_no_circle() {
    let bench = Bench::new();
    let [one, other] = ["one.git", "other.git"].map(|name| Repo::new(&bench.root.join(name)));
    let first = one.commit("main", &[("one.py", "")]);
    let stated = modules(&[("one", "../one.git")]);
    let second = other.commit_with("main", &[(".gitmodules", &stated)], &[("one", &first)]);
    let stated = modules(&[("other", "../other.git")]);
    one.commit_with("main", &[("asset_train.py", ""), (".gitmodules", &stated)], &[("other", &second)]);
    let step = bench.set_up(&train([git("train", &one.url(), None)]), TRAIN).prepared().steps.remove(0);
    assert!(step.code.folder.join("other/one/one.py").is_file());
}

#[test]
fn a_chain_of_submodules_that_is_too_deep_is_refused() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let mut below = repo.commit("main", &[("end", "")]);
    let stated = modules(&[("s", "../repo.git")]);
    for _ in 0..12 {
        below =
            repo.commit_with("main", &[("asset_train.py", ""), (".gitmodules", &stated)], &[("s", &below)]);
    }
    let (message, hint) = bench.set_up(&train([git("train", &repo.url(), None)]), TRAIN).failure();
    assert!(message.contains("more than 10 deep"), "{message}");
    assert!(hint.contains("repository of the step"), "{hint}");
}
