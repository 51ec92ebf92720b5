//! Sources of code: branches, tags and commits, pins, local folders, and their faults.

use alo_assets::{CodeIdentity, PreparedStep};
use alo_plan::{Fetch, PipelineKind, Source, Step};

use crate::bench::{Bench, both, commit_of, git, local, train, write_files};
use crate::repository::Repo;

const TRAIN: PipelineKind = PipelineKind::Train;
const INFERENCE: PipelineKind = PipelineKind::Inference;

fn file(step: &PreparedStep) -> String {
    fs_err::read_to_string(&step.code.file).unwrap()
}

fn is_modified(step: &PreparedStep) -> bool {
    matches!(step.code.identity, CodeIdentity::Git { modified: true, .. })
}

#[test]
fn every_kind_of_reference_is_checked_out() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_train.py", "first"), ("deep/more.py", "")]);
    repo.tag("v1", &first);
    let second = repo.commit("main", &[("asset_train.py", "second")]);
    let side = repo.commit("topic/one", &[("asset_train.py", "side")]);
    for (reference, commit, text) in [
        (None, &second, "second"),
        (Some("main"), &second, "second"),
        (Some("v1"), &first, "first"),
        (Some("topic/one"), &side, "side"),
        (Some("refs/heads/topic/one"), &side, "side"),
        (Some(first.as_str()), &first, "first"),
        (Some(&first[..10]), &first, "first"),
    ] {
        let bench_plan = train([git("train", &repo.url(), reference)]);
        let step = bench.set_up(&bench_plan, TRAIN).prepared().steps.remove(0);
        assert_eq!((commit_of(&step), file(&step).as_str()), (commit.as_str(), text), "{reference:?}");
        assert_eq!((step.code.module.as_str(), is_modified(&step)), ("asset_train", false));
        assert!(step.code.file.is_absolute() && step.code.file.starts_with(&step.code.folder));
    }
}

#[test]
fn a_branch_goes_before_a_tag_of_its_name_and_may_become_a_folder_of_branches() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let old = repo.commit("main", &[("asset_train.py", "tagged")]);
    repo.tag("same", &old);
    let branch = repo.commit("same", &[("asset_train.py", "branch")]);
    let step =
        bench.set_up(&train([git("train", &repo.url(), Some("same"))]), TRAIN).prepared().steps.remove(0);
    assert_eq!(commit_of(&step), branch);
    repo.delete_branch("same");
    let below = repo.commit("same/deeper", &[("asset_train.py", "below")]);
    let plan = train([git("train", &repo.url(), Some("same/deeper"))]);
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), below);
}

#[test]
fn once_keeps_the_pinned_commit_and_every_follows_the_branch() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_train.py", "1")]);
    let mut plan = train([git("train", &repo.url(), Some("main"))]);
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), first);
    let second = repo.commit("main", &[("asset_train.py", "2")]);
    let again = bench.set_up(&plan, TRAIN);
    assert_eq!(again.fetches(), 0);
    assert_eq!(commit_of(&again.prepared().steps[0]), first);
    plan.control.get_asset_source = Fetch::Every;
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), second);
    plan.control.get_asset_source = Fetch::Once;
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), second);
}

#[test]
fn a_changed_branch_or_url_takes_effect_at_once() {
    let bench = Bench::new();
    let (one, other) = (Repo::new(&bench.root.join("one.git")), Repo::new(&bench.root.join("other.git")));
    one.commit("main", &[("asset_train.py", "main")]);
    one.commit("next", &[("asset_train.py", "next")]);
    other.commit("next", &[("asset_train.py", "other")]);
    for (repo, branch, text) in [(&one, "main", "main"), (&one, "next", "next"), (&other, "next", "other")] {
        let told = bench.set_up(&train([git("train", &repo.url(), Some(branch))]), TRAIN);
        assert_eq!(file(&told.prepared().steps[0]), text);
    }
    let lock = fs_err::read_to_string(bench.project.join("alo.lock")).unwrap();
    assert!(lock.contains("other.git") && !lock.contains("one.git"), "{lock}");
}

#[test]
fn pinned_code_that_is_present_needs_no_server_and_absent_code_says_what_is_missing() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "")]);
    let plan = train([git("train", &repo.url(), None)]);
    bench.set_up(&plan, TRAIN).prepared();
    fs_err::remove_dir_all(&repo.path).unwrap();
    assert_eq!(bench.set_up(&plan, TRAIN).fetches(), 0);
    let (message, hint) = bench.set_up(&train([git("gone", &repo.url(), None)]), TRAIN).failure();
    assert!(message.starts_with("failed to get the code of step `gone`: "), "{message}");
    assert!(message.ends_with("repo.git` is no git repository") && hint.contains("path"), "{message}");
}

#[test]
fn a_bad_reference_names_those_that_are_near() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("tcr_dev_solution", &[("asset_train.py", "")]);
    repo.commit("main", &[("asset_train.py", "")]);
    let (message, hint) =
        bench.set_up(&train([git("train", &repo.url(), Some("tcr_dev_soluti"))]), TRAIN).failure();
    assert!(message.contains("has no branch, tag or commit `tcr_dev_soluti`"), "{message}");
    assert_eq!(hint, "did you mean `tcr_dev_solution`?");
    let (message, _) = bench.set_up(&train([git("train", &repo.url(), Some("deadbeef00"))]), TRAIN).failure();
    assert!(message.contains("`deadbeef00`"), "{message}");
    let empty = Repo::new(&bench.root.join("empty.git"));
    let (message, _) = bench.set_up(&train([git("train", &empty.url(), None)]), TRAIN).failure();
    assert!(message.contains("is empty"), "{message}");
}

#[test]
fn a_repository_whose_head_leads_nowhere_names_its_branches() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    for branch in ["develop", "release"] {
        repo.commit(branch, &[("asset_train.py", "")]);
    }
    let (message, hint) = bench.set_up(&train([git("train", &repo.url(), None)]), TRAIN).failure();
    assert!(message.ends_with("has no default branch: its `HEAD` names one that is not there"), "{message}");
    assert_eq!(hint, "write one of its branches as the step's `branch`: `develop`, `release`");
    bench.set_up(&train([git("train", &repo.url(), Some("develop"))]), TRAIN).prepared();
}

#[test]
fn a_checkout_whose_files_were_removed_is_made_again() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "")]);
    let plan = train([git("train", &repo.url(), None)]);
    let code = bench.set_up(&plan, TRAIN).prepared().steps.remove(0).code;
    fs_err::remove_dir_all(&code.folder).unwrap();
    let again = bench.set_up(&plan, TRAIN);
    assert_eq!((again.warnings(), again.fetches()), (Vec::new(), 1));
    assert_eq!(again.prepared().steps[0].code, code);
}

#[test]
fn a_pin_survives_its_branch_but_not_the_loss_of_its_commit() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "")]);
    let commit = repo.commit("topic", &[("asset_train.py", "t")]);
    let plan = train([git("train", &repo.url(), Some("topic"))]);
    bench.set_up(&plan, TRAIN).prepared();
    repo.delete_branch("topic");
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), commit);
    fs_err::remove_dir_all(bench.machine.cache.join("git")).unwrap();
    // A repository on this machine still has the commit, though no name leads to it.
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), commit);
    fs_err::remove_dir_all(bench.machine.cache.join("git")).unwrap();
    fs_err::remove_dir_all(&repo.path).unwrap();
    Repo::new(&repo.path).commit("main", &[("asset_train.py", "")]);
    let (message, hint) = bench.set_up(&plan, TRAIN).failure();
    assert!(message.contains(&format!("no longer has the commit `{commit}`")), "{message}");
    assert!(hint.contains("alo.lock"));
}

#[test]
fn steps_of_one_name_have_the_code_of_their_own_pipeline() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("for_train", &[("asset_input.py", "train")]);
    repo.commit("for_inference", &[("asset_input.py", "inference")]);
    let plan = both(
        [git("input", &repo.url(), Some("for_train"))],
        [git("input", &repo.url(), Some("for_inference"))],
    );
    assert_eq!(file(&bench.set_up(&plan, TRAIN).prepared().steps[0]), "train");
    assert_eq!(file(&bench.set_up(&plan, INFERENCE).prepared().steps[0]), "inference");
    assert_eq!(file(&bench.set_up(&plan, TRAIN).prepared().steps[0]), "train");
}

#[test]
fn local_code_in_inference_is_the_very_commit_that_train_ran() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let first = repo.commit("main", &[("asset_input.py", "1")]);
    let mut plan = both([git("input", &repo.url(), Some("main"))], [local("input", &[])]);
    plan.control.get_asset_source = Fetch::Every;
    assert_eq!(commit_of(&bench.set_up(&plan, TRAIN).prepared().steps[0]), first);
    repo.commit("main", &[("asset_input.py", "2")]);
    assert_eq!(commit_of(&bench.set_up(&plan, INFERENCE).prepared().steps[0]), first);
    bench.asset("input", &[("asset_input.py", "mine")]);
    assert_eq!(file(&bench.set_up(&plan, INFERENCE).prepared().steps[0]), "mine");
}

#[test]
fn local_code_is_used_in_place_and_its_digest_follows_its_content() {
    let bench = Bench::new();
    bench.asset("train", &[("asset_train.py", "1")]);
    let plan = train([local("train", &[])]);
    let digest = |bench: &Bench| {
        let step = bench.set_up(&plan, TRAIN).prepared().steps.remove(0);
        assert_eq!(step.code.folder, bench.project.join("assets/train"));
        assert!(matches!(step.code.identity, CodeIdentity::Local { .. }));
        step.code.identity.digest().to_owned()
    };
    let before = digest(&bench);
    assert_eq!(before, digest(&bench));
    bench.asset("train", &[("__pycache__/asset_train.pyc", "x"), (".git/HEAD", "y")]);
    assert_eq!(before, digest(&bench));
    bench.asset("train", &[("asset_train.py", "2")]);
    assert_ne!(before, digest(&bench));
}

#[test]
fn a_folder_elsewhere_and_a_missing_one() {
    let bench = Bench::new();
    write_files(&bench.project, &[("lg/assets/train/asset_train.py", "")]);
    let mut step = Step::new("train");
    step.source = Source::Local { path: Some("./lg/assets/train/".to_owned()) };
    bench.set_up(&train([step]), TRAIN).prepared();
    let (message, hint) = bench.set_up(&train([local("input", &[])]), TRAIN).failure();
    assert!(message.contains("there is no folder `") && message.contains("assets/input`"), "{message}");
    assert!(hint.contains("`inference_pipeline`"), "{hint}");
}

#[test]
fn code_that_was_edited_in_the_cache_runs_and_is_recorded_as_modified() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "original")]);
    let plan = train([git("train", &repo.url(), None)]);
    let step = bench.set_up(&plan, TRAIN).prepared().steps.remove(0);
    fs_err::write(&step.code.file, "edited").unwrap();
    let told = bench.set_up(&plan, TRAIN);
    assert!(told.warnings()[0].contains("has been edited"), "{:?}", told.warnings());
    let edited = told.prepared().steps.remove(0);
    assert!(is_modified(&edited) && file(&edited) == "edited");
    assert_ne!(edited.code.identity.digest(), step.code.identity.digest());
    fs_err::write(&step.code.file, "original").unwrap();
    assert!(!is_modified(&bench.set_up(&plan, TRAIN).prepared().steps[0]));
}

#[test]
fn files_that_were_added_to_or_removed_from_the_cache_are_noticed() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", ""), ("lib/part.py", "part")]);
    let plan = train([git("train", &repo.url(), None)]);
    let folder = bench.set_up(&plan, TRAIN).prepared().steps.remove(0).code.folder;
    let modified = || is_modified(&bench.set_up(&plan, TRAIN).prepared().steps[0]);
    assert!(!modified());
    fs_err::write(folder.join("lib/more.py"), "").unwrap();
    assert!(modified());
    fs_err::remove_file(folder.join("lib/more.py")).unwrap();
    assert!(!modified());
    fs_err::remove_file(folder.join("lib/part.py")).unwrap();
    assert!(modified());
    assert!(!folder.join("lib/part.py").exists(), "nothing is put back silently");
    fs_err::write(folder.join("lib/part.py"), "part").unwrap();
    assert!(!modified());
}

#[test]
fn what_a_killed_checkout_left_behind_is_neither_used_nor_kept() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "whole")]);
    let plan = train([git("train", &repo.url(), None)]);
    let step = bench.set_up(&plan, TRAIN).prepared().steps.remove(0);
    let place = step.code.folder.parent().unwrap();
    fs_err::remove_file(place.join("checkout.json")).unwrap();
    fs_err::write(&step.code.file, "half").unwrap();
    let aside = place.with_file_name(".building-x");
    fs_err::create_dir(&aside).unwrap();
    assert_eq!(file(&bench.set_up(&plan, TRAIN).prepared().steps[0]), "whole");
    assert!(!aside.exists());
}

#[test]
fn a_damaged_mirror_is_made_anew() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_train.py", "1")]);
    bench.set_up(&train([git("train", &repo.url(), None)]), TRAIN).prepared();
    let mirrors = bench.machine.cache.join("git/mirrors");
    let mirror = mirrors.read_dir_utf8().unwrap().next().unwrap().unwrap().into_path();
    fs_err::remove_dir_all(mirror.join("objects")).unwrap();
    fs_err::remove_dir_all(bench.machine.cache.join("git/checkouts")).unwrap();
    assert_eq!(
        file(&bench.set_up(&train([git("train", &repo.url(), None)]), TRAIN).prepared().steps[0]),
        "1"
    );
}

#[test]
fn a_missing_asset_file_is_told() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_trian.py", "")]);
    let (message, hint) = bench.set_up(&train([git("train", &repo.url(), None)]), TRAIN).failure();
    assert!(message.contains("there is no `asset_train.py` in `"), "{message}");
    assert_eq!(hint, "rename `asset_trian.py` to `asset_train.py`");
}

#[test]
fn the_lock_file_forgets_steps_that_the_plan_no_longer_has() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_a.py", ""), ("asset_b.py", "")]);
    bench.set_up(&train([git("a", &repo.url(), None), git("b", &repo.url(), None)]), TRAIN).prepared();
    let lock = || fs_err::read_to_string(bench.project.join("alo.lock")).unwrap();
    assert!(lock().contains("  a:") && lock().contains("  b:"));
    bench.set_up(&train([git("b", &repo.url(), None)]), TRAIN).prepared();
    assert!(!lock().contains("  a:") && lock().contains("  b:"));
}
