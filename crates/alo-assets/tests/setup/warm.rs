//! A second set-up: no process, no connection, no time.

use std::time::{Duration, Instant};

use alo_plan::PipelineKind;

use crate::bench::{Bench, both, git, local, real_python, real_version};
use crate::repository::Repo;
use crate::wheel::wheel;

#[test]
fn a_warm_set_up_starts_nothing_and_is_quick() {
    let bench = Bench::new();
    let repo = Repo::new(&bench.root.join("repo.git"));
    let names = ["a", "b", "c"];
    let files: Vec<_> =
        names.iter().map(|name| (format!("asset_{name}.py"), "x = 1\n".repeat(500))).collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    repo.commit("main", &files);
    bench.asset("d", &[("asset_d.py", ""), ("requirements.txt", "one\n")]);
    bench.asset("e", &[("asset_e.py", "")]);
    wheel(&bench.wheels(), "one", "1.0", &[]);
    let steps = || {
        let fetched = names.map(|name| git(name, &repo.url(), Some("main")));
        fetched.into_iter().chain([local("d", &["requirements.txt"]), local("e", &[])])
    };
    let plan = both(steps(), steps());
    // Every program on the path notes that it was started.
    let log = bench.root.join("started.log");
    let name = format!("python{}", real_version());
    fs_err::remove_file(bench.root.join("bin").join(&name)).unwrap();
    bench.program(&name, &format!("echo python >> '{log}'; exec {} \"$@\"", real_python()));
    for program in ["git", "uv", "pip", "ssh"] {
        bench.program(program, &format!("echo {program} >> '{log}'; exit 1"));
    }
    for kind in PipelineKind::ALL {
        bench.set_up(&plan, kind).prepared();
    }
    fs_err::remove_dir_all(&repo.path).unwrap();
    fs_err::remove_file(&log).unwrap();
    let quickest = (0..20)
        .map(|_| {
            let started = Instant::now();
            let told = bench.set_up(&plan, PipelineKind::Inference);
            let took = started.elapsed();
            assert_eq!((told.builds(), told.fetches()), (0, 0));
            assert_eq!(told.prepared().steps.len(), 5);
            took
        })
        .min()
        .unwrap();
    assert!(!log.exists(), "{}", fs_err::read_to_string(&log).unwrap());
    // Unoptimised, on whatever runs beside it.
    assert!(quickest < Duration::from_millis(10), "{quickest:?}");
}
