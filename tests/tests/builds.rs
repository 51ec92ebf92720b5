//! Environments under stress: built once by many processes, built through kills at any moment, and repaired when damaged.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use alo_tests::{PlanText, TestEnv, asset};
use camino::Utf8Path;

/// A project whose one step needs the wheel of that version.
fn project(env: &TestEnv, folder: &str, version: &str) {
    let name = "wheel_free";
    let code = format!("name = 'version {version}'\n");
    let wheel = alo_tests::wheel(&env.root().join("wheels"), name, version, &code);
    let plan =
        PlanText::new().train(&["train"]).requirements("train", &format!("['{name} @ file://{wheel}']"));
    env.write(&format!("{folder}experimental_plan.yaml"), plan.to_string());
    let code = asset("import wheel_free\nprint('it has', wheel_free.name)");
    env.write(&format!("{folder}assets/train/asset_train.py"), code);
}

/// How many files and folders there are below a folder that other processes write to.
fn entries(folder: &Utf8Path) -> usize {
    let Ok(found) = folder.read_dir_utf8() else { return 0 };
    found.flatten().map(|entry| 1 + if is_folder(&entry) { entries(entry.path()) } else { 0 }).sum()
}

fn is_folder(entry: &camino::Utf8DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

fn environments(env: &TestEnv) -> Vec<camino::Utf8PathBuf> {
    let Ok(found) = env.cache().join("envs").read_dir_utf8() else { return Vec::new() };
    found.map(|entry| entry.unwrap().into_path()).collect()
}

#[test]
fn eight_processes_that_need_one_environment_build_it_once() {
    let env = TestEnv::new();
    let folders: Vec<_> = (0..8).map(|number| format!("p{number}/")).collect();
    let started: Vec<_> = folders
        .iter()
        .map(|folder| {
            project(&env, folder, "1.0");
            let mut command = env.command(["fetch", "--format", "json"]);
            command.current_dir(env.path(folder)).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let mut builds = 0;
    for child in started {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("environment_ready"), "{said}");
        builds += said.matches("building_environment").count();
    }
    assert_eq!(builds, 1);
    assert_eq!(environments(&env).len(), 1);
}

/// A number below `limit`; the same ones in every run of the test.
fn below(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % u64::try_from(limit).unwrap()).unwrap()
}

#[test]
fn a_build_killed_at_any_moment_is_never_taken_for_an_environment() {
    let env = TestEnv::new();
    // The first build shows how much there is to see of one. It also makes the copy of pip, which is not part of the others.
    project(&env, "", "0.0");
    env.alo(["fetch"]).expect(0);
    fs_err::remove_dir_all(env.cache().join("envs")).unwrap();
    fs_err::remove_file(env.path("alo.lock")).unwrap();
    let before = entries(env.cache());
    let lines = env.alo(["fetch", "--format", "json"]).expect(0).stdout.lines().count();
    let files = entries(env.cache()) - before;
    let mut state = 0x5eed_0000_0000_0001;
    let mut unfinished = 0;
    for round in 0..20 {
        // Every fourth kill is followed by a good run, so that what several have left behind meets as well.
        let version = format!("{}.0", round / 4 + 1);
        project(&env, "", &version);
        let before = entries(env.cache());
        let mut command = env.command(["fetch", "--format", "json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        if round % 2 == 0 {
            let moment = below(&mut state, lines);
            let _ = said.by_ref().take(moment).count();
        } else {
            let moment = below(&mut state, files);
            while child.try_wait().unwrap().is_none() && entries(env.cache()) < before + moment {}
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for folder in environments(&env) {
            if folder.join("alo-environment.json").exists() {
                let python = std::process::Command::new(folder.join("bin/python"))
                    .args(["-I", "-c", "import wheel_free"])
                    .status();
                assert!(python.unwrap().success(), "round {round}: `{folder}` passes for whole");
            } else {
                unfinished += 1;
            }
        }
        if round % 4 == 3 {
            env.alo(["run"]).expect(0).says(&format!("it has version {version}")).says_not("damaged");
        }
    }
    assert!(unfinished > 0, "no kill has met a build");
    for folder in environments(&env) {
        assert!(folder.join("alo-environment.json").exists(), "`{folder}` was left behind");
    }
    assert!(!env.cache().join("resolving").read_dir_utf8().unwrap().any(|_| true));
}

#[test]
fn a_damaged_environment_is_noticed_told_and_built_again() {
    let env = TestEnv::new();
    project(&env, "", "1.0");
    env.alo(["fetch"]).expect(0).says_not("damaged");
    let [environment] = &environments(&env)[..] else { panic!("one environment was built") };
    let library = environment.join("lib").read_dir_utf8().unwrap().next().unwrap().unwrap().into_path();
    let package = library.join("site-packages/wheel_free.py");
    let (record, python) = (environment.join("alo-environment.json"), environment.join("bin/python"));
    let delete_package = || fs_err::remove_file(&package).unwrap();
    let cut_record = || {
        let text = fs_err::read(&record).unwrap();
        fs_err::write(&record, &text[..text.len() / 2]).unwrap();
    };
    let break_link = || {
        fs_err::remove_file(&python).unwrap();
        std::os::unix::fs::symlink("/no/such/python", &python).unwrap();
    };
    let damages: [(&dyn Fn(), &str); 3] = [
        (&delete_package, "`wheel_free.py` is gone"),
        (&cut_record, "its record makes no sense"),
        (&break_link, "its interpreter is gone"),
    ];
    for (damage, words) in damages {
        damage();
        env.alo(["run"]).expect(0).says("is damaged").says(words).says("it has version 1.0");
        env.alo(["run"]).expect(0).says_not("damaged").says("it has version 1.0");
    }
}

#[test]
fn a_step_that_fails_because_a_package_was_edited_is_told_so_and_the_next_run_repairs_it() {
    let env = TestEnv::new();
    project(&env, "", "1.0");
    env.alo(["run"]).expect(0).says("it has version 1.0");
    let [environment] = &environments(&env)[..] else { panic!("one environment") };
    let module = file(environment, "wheel_free.py").unwrap();
    fs_err::write(&module, "").unwrap();
    env.alo(["run"])
        .expect(1)
        .says("hint: `wheel_free.py` has changed in the environment of the step")
        .says("run again");
    env.alo(["run"]).expect(0).says("is damaged (`wheel_free.py` has changed)").says("it has version 1.0");
    // Nothing of the environment is looked at for what the step itself does wrong.
    env.write("assets/train/asset_train.py", asset("raise ValueError('mine')"));
    env.alo(["run"]).expect(1).says("mine").says_not("has changed");
}

/// The file of that name below a folder.
fn file(folder: &Utf8Path, name: &str) -> Option<camino::Utf8PathBuf> {
    folder.read_dir_utf8().ok()?.flatten().find_map(|entry| match is_folder(&entry) {
        true => file(entry.path(), name),
        false => (entry.file_name() == name).then(|| entry.into_path()),
    })
}
