//! The disk as the user has it: a small one that gets full, and the permissions that a umask gives.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use alo_tests::{PlanText, TestEnv, asset};
use camino::{Utf8Path, Utf8PathBuf};

/// Runs a training on a disk of 6 MB once for each of some numbers. Number 1 leaves a model of 900 kB, 2 one that does not
/// fit, 3 a tiny one, 4 one of 2.9 MB, for which there is no room twice. Gives what each of them left; none, and a line
/// that says so, where no disk can be mounted.
fn on_a_small_disk(numbers: &str) -> Option<(TestEnv, Utf8PathBuf)> {
    let env = TestEnv::new();
    if !Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine does not let the test mount a small disk");
        return None;
    }
    env.plan(PlanText::new().train(&["train"]));
    env.write(
        "assets/train/asset_train.py",
        asset(
            "home = self.asset.load_envs()['project_home']\n\
             number = open(home + '/number').read()\n\
             size = {'1': 900_000, '2': 20_000_000, '3': 10, '4': 2_900_000}[number]\n\
             open(self.asset.get_report_path() + 'number', 'w').write(number)\n\
             open(self.asset.get_model_path() + 'model', 'wb').write(number.encode() * size)",
        ),
    );
    // The disk is seen by this script alone, and goes with it.
    let script = "set -e; out=$1; numbers=$2; shift 2; mkdir $out/disk; mount -t tmpfs -o size=6m none $out/disk\n\
        cp -r . $out/disk; cd $out/disk\n\
        for number in $numbers; do\n\
        printf $number > number; code=0; \"$@\" run 2> $out/stderr$number || code=$?; echo $code >> $out/codes\n\
        cp -r train_artifacts $out/artifacts$number; done\n\
        \"$@\" history --format json > $out/history; find .alo/staging -mindepth 1 > $out/left\n";
    let alo = env.command([""; 0]);
    let mut command = Command::new("unshare");
    env.set_variables(&mut command);
    let out = env.root().join("out");
    fs_err::create_dir(&out).unwrap();
    command.args(["-m", "sh", "-c", script, "sh", out.as_str(), numbers]).arg(alo.get_program());
    let ended = command.current_dir(env.project()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Some((env, out))
}

fn read(path: &Utf8Path) -> String {
    fs_err::read_to_string(path).unwrap()
}

/// The states of the runs, newest first.
fn states(out: &Utf8Path) -> Vec<String> {
    let state = |run: &str| serde_json::from_str::<serde_json::Value>(run).unwrap()["state"].to_string();
    read(&out.join("history")).lines().map(state).collect()
}

#[test]
fn on_a_small_disk_that_gets_full_the_last_good_model_stays() {
    let Some((_env, out)) = on_a_small_disk("1 2 3") else { return };
    let told = read(&out.join("stderr2"));
    assert_eq!(read(&out.join("codes")), "0\n1\n0\n", "{told}");
    let number = |run: &str| read(&out.join(format!("artifacts{run}/report/number")));
    assert_eq!(["1", "2", "3"].map(number), ["1", "1", "3"]);
    assert_eq!(read(&out.join("artifacts2/models/train/model")).len(), 900_000);
    assert_eq!(states(&out), ["\"succeeded\"", "\"failed\"", "\"succeeded\""], "{told}");
    assert_eq!(read(&out.join("left")), "");
    assert!(told.contains("No space left"), "{told}");
}

#[test]
fn a_model_for_whose_record_the_disk_is_too_small_is_current_all_the_same() {
    let Some((_env, out)) = on_a_small_disk("1 4 3") else { return };
    let told = read(&out.join("stderr4"));
    assert_eq!(read(&out.join("codes")), "0\n0\n0\n", "{told}");
    assert!(told.contains("No space left"), "{told}");
    assert_eq!(read(&out.join("artifacts4/report/number")), "4");
    assert_eq!(read(&out.join("artifacts4/models/train/model")).len(), 2_900_000);
    assert_eq!(states(&out), ["\"succeeded\"", "\"succeeded\"", "\"succeeded\""], "{told}");
    assert_eq!(read(&out.join("left")), "");
}

#[test]
fn files_get_the_permissions_of_the_users_umask() {
    for (umask, file, folder) in [("027", 0o640, 0o750), ("002", 0o664, 0o775)] {
        let env = TestEnv::new();
        let plan = PlanText::new()
            .external("load_train_data_path", "./data")
            .external("save_train_artifacts_path", "./save")
            .train(&["train"]);
        env.plan(&plan);
        env.write("data/deep/a.csv", "a");
        let run = "open(self.asset.get_model_path() + 'model', 'w').write('x')";
        env.write("assets/train/asset_train.py", asset(run));
        let alo = env.command(["run"]);
        let mut command = Command::new("sh");
        env.set_variables(&mut command);
        command.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(alo.get_program());
        let ended = command.args(alo.get_args()).current_dir(env.project()).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));

        let history = fs_err::read_dir(env.path("history/train")).unwrap();
        let runs: Vec<_> = history.map(|entry| entry.unwrap()).filter(|run| run.path().is_dir()).collect();
        let run = runs.iter().find(|run| run.path().join("run.yaml").exists()).unwrap().path();
        let run = camino::Utf8PathBuf::try_from(run).unwrap();
        for (path, wanted) in [
            (env.path("input/train/data/deep/a.csv"), file),
            (env.path("input/train/data/deep"), folder),
            (env.path("train_artifacts/models/train"), folder),
            (env.path("train_artifacts/models/train/model"), file),
            (env.path("train_artifacts/log/experimental_history.json"), file),
            (env.path("save/train_artifacts.tar.gz"), file),
            (env.path("save/model.tar.gz"), file),
            (env.path("save"), folder),
            (run.join("run.yaml"), file),
            (run, folder),
        ] {
            let mode = fs_err::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, wanted, "umask {umask}: {path} has {mode:o}");
        }
    }
}
