//! A set-up without a network says all that it lacks at once, and lacks nothing after one with it.

use std::error::Error;

use alo_assets::{Missing, SetupError, SetupPolicy};
use alo_plan::PipelineKind;

use crate::bench::{Bench, Told, git, local, train};
use crate::git_server::{Behaviour, Server};
use crate::repository::Repo;
use crate::wheel::wheel;

const TRAIN: PipelineKind = PipelineKind::Train;

fn offline() -> SetupPolicy {
    SetupPolicy { offline: true, ..SetupPolicy::default() }
}

fn missing(told: &Told) -> &[Missing] {
    match &told.outcome {
        Err(error @ SetupError::Offline { missing }) => {
            assert!(error.hint().unwrap().contains("alo fetch") && error.source().is_none());
            missing
        }
        other => panic!("nothing is said to be missing: {other:?}"),
    }
}

#[test]
fn code_and_packages_of_all_steps_are_told_at_once() {
    let bench = Bench::new();
    bench.asset("c", &[("asset_c.py", "")]);
    let repo = Repo::new(&bench.root.join("repo.git"));
    repo.commit("main", &[("asset_a.py", ""), ("asset_b.py", ""), ("requirements.txt", "y==2\n")]);
    let server = Server::http(&repo.path, Behaviour::default(), None);
    let url = format!("http://me:s3cret@127.0.0.1:{}/repo.git", server.port);
    let shown = url.replace("me:s3cret", "***");
    let mut plan = train([git("a", &url, Some("main")), git("b", &url, None), local("c", &["x==1"])]);
    let told = bench.set_up_with(&plan, TRAIN, &offline());
    let words: Vec<_> = missing(&told).iter().map(ToString::to_string).collect();
    assert_eq!(words[0], format!("step `a`: `main` of `{shown}` is not in the cache"));
    assert_eq!(words[1], format!("step `b`: the default branch of `{shown}` is not in the cache"));
    assert!(
        words[2].starts_with("step `c`: of the packages `x==1` not all are on this machine ("),
        "{words:?}"
    );
    assert_eq!(words.len(), 3);
    assert!(server.requests.lock().unwrap().is_empty());
    let (message, _) = told.failure();
    assert!(words.iter().all(|words| message.contains(words)) && !message.contains("s3cret"), "{message}");

    // What a file in missing code requires cannot be known; the rest is told all the same.
    plan.pipelines[0].steps[0].requirements = vec!["requirements.txt".to_owned()];
    assert_eq!(missing(&bench.set_up_with(&plan, TRAIN, &offline())).len(), 3);

    for (name, version) in [("x", "1"), ("y", "2")] {
        wheel(&bench.wheels(), name, version, &[]);
    }
    bench.set_up(&plan, TRAIN).prepared();
    fs_err::remove_dir_all(bench.wheels()).unwrap();
    let ready = bench.set_up_with(&plan, TRAIN, &offline()).prepared();
    assert_eq!(ready.environments[0].packages, ["x==1", "y==2"]);

    // Another machine has the lock, and nothing in its cache.
    for part in ["envs", "git"] {
        fs_err::remove_dir_all(bench.machine.cache.join(part)).unwrap();
    }
    let told = bench.set_up_with(&plan, TRAIN, &offline());
    assert_eq!(missing(&told).len(), 2, "{:?}", missing(&told));
    plan.pipelines[0].steps.truncate(1);
    bench.asset("a", &[("asset_a.py", ""), ("requirements.txt", "y==2\n")]);
    plan.pipelines[0].steps[0] = local("a", &["requirements.txt"]);
    plan.pipelines[0].steps.push(local("c", &["x==1"]));
    let told = bench.set_up_with(&plan, TRAIN, &offline());
    let [Missing::Packages { steps, packages, .. }] = missing(&told) else { panic!("{:?}", missing(&told)) };
    assert_eq!(steps.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(packages, &["x==1", "y==2"]);
}

#[test]
fn each_step_that_lacks_packages_is_named() {
    let bench = Bench::new();
    for step in ["a", "b", "c"] {
        bench.asset(step, &[(&format!("asset_{step}.py"), "")]);
    }
    wheel(&bench.wheels(), "there", "1", &[]);
    let plan = train([local("a", &["x==1"]), local("b", &["there"]), local("c", &["y", "there"])]);
    let told = bench.set_up_with(&plan, TRAIN, &offline());
    let steps: Vec<_> = missing(&told)
        .iter()
        .map(|missing| match missing {
            Missing::Packages { steps, packages, because } => {
                format!(
                    "{} {} {}",
                    steps[0],
                    packages.join(","),
                    because.contains("o matching distribution")
                        || because.contains("ould not find a version")
                )
            }
            other => other.to_string(),
        })
        .collect();
    assert_eq!(steps, ["a x==1 true", "c there,y true"]);
    assert!(!bench.project.join("alo.lock").exists());
}
