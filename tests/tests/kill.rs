//! Real signals to a real `alo`: nothing is left running, the next run works, and history tells the truth.

use std::io::Read;
use std::process::Child;
use std::time::Instant;

use alo_tests::{PlanText, TestEnv, asset, eventually};
use rustix::process::{Pid, Signal, kill_process};

/// A run that is in the middle of its step, with a detached grandchild that ignores signals.
fn in_the_middle_of_a_step() -> (TestEnv, Child, Vec<String>) {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import os, signal, subprocess, time\n\
             if os.path.exists('quick'):\n\
             \x20   self.asset.save_data({})\n\
             \x20   self.asset.save_config({})\n\
             \x20   return\n\
             signal.signal(signal.SIGINT, signal.SIG_IGN)\n\
             child = subprocess.Popen(['sh', '-c', 'trap \"\" INT TERM HUP; sleep 86397'], start_new_session=True)\n\
             open('pids', 'w').write('%d %d' % (os.getpid(), child.pid))\n\
             os.rename('pids', 'ready')\n\
             while True: time.sleep(1)",
        ),
    );
    let child = env.start(["run"]);
    eventually("the step is running", || env.path("ready").exists());
    let pids = env.read("ready").split(' ').map(str::to_owned).collect();
    (env, child, pids)
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn is_alive(pid: &str) -> bool {
    fs_err::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

#[track_caller]
fn states(env: &TestEnv) -> Vec<String> {
    let history = env.alo(["history", "--format", "json"]).expect(0);
    history.events().iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn sigkill_leaves_nothing_running_and_the_next_run_works() {
    let (env, mut child, pids) = in_the_middle_of_a_step();
    assert_eq!(states(&env), ["running"]);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    eventually("worker and child are gone", || pids.iter().all(|pid| !is_alive(pid)));

    // Before anything has tidied up, the killed run is not shown as running.
    assert_eq!(states(&env), ["interrupted"]);
    assert!(!env.path("train_artifacts").exists());

    env.write("quick", "");
    env.alo(["run"]).expect(0).says("killed before it ended");
    assert_eq!(states(&env), ["succeeded", "interrupted"]);
    assert!(env.path("train_artifacts/models").exists());
}

#[test]
fn ctrl_c_ends_the_run_and_is_recorded() {
    for (number, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let (env, mut child, pids) = in_the_middle_of_a_step();
        signal(&child, number);
        let status = child.wait().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(status.code(), Some(130), "{name}: {stderr}");
        assert!(stderr.contains("interrupted"), "{name}: {stderr}");
        assert!(pids.iter().all(|pid| !is_alive(pid)), "{name}");
        assert_eq!(states(&env), ["interrupted"], "{name}");

        env.write("quick", "");
        env.alo(["run"]).expect(0);
        assert_eq!(states(&env), ["succeeded", "interrupted"], "{name}");
    }
}

#[test]
fn a_second_run_waits_or_fails_at_once() {
    let (env, mut child, _pids) = in_the_middle_of_a_step();
    let pid = child.id().to_string();
    env.alo(["run", "--no-wait"]).expect(1).says("in use").says(&pid);
    env.write("quick", "");
    let second = env.start(["run"]);
    signal(&child, Signal::INT);
    child.wait().unwrap();
    let second = second.wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(states(&env), ["succeeded", "interrupted"]);
}

#[test]
fn kills_at_any_moment_leave_whole_artifacts() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    // The same new text in three folders: artifacts of two runs cannot be mixed unseen.
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import uuid\n\
             text = str(uuid.uuid4())\n\
             for path in (self.asset.get_model_path(), self.asset.get_report_path(), self.asset.get_output_path()):\n\
             \x20   open(path + 'text', 'w').write(text)",
        ),
    );
    env.alo(["run"]).expect(0);
    let begun = Instant::now();
    env.alo(["run"]).expect(0);
    let whole_run = begun.elapsed();
    let moments = 24;
    for moment in 0..moments {
        let mut child = env.start(["run"]);
        // Not to wait for something: the moments are spread over the length of a run.
        std::thread::sleep(whole_run * moment / moments);
        signal(&child, Signal::KILL);
        child.wait().unwrap();
        let texts = ["models/train", "report", "output"]
            .map(|folder| env.read(&format!("train_artifacts/{folder}/text")));
        assert!(texts.iter().all(|text| text.len() == 36 && *text == texts[0]), "moment {moment}: {texts:?}");
        assert!(!states(&env).contains(&"running".to_owned()), "moment {moment}");
    }
    env.alo(["run"]).expect(0);
    assert!(fs_err::read_dir(env.path(".alo/staging")).unwrap().next().is_none(), "something was left");
}
