//! Links that lead out of the project, left where `alo` removes: what they lead to is never touched.

use std::os::unix::fs::MetadataExt;

use alo_tests::{PlanText, TestEnv, asset};
use camino::Utf8PathBuf;
use fs_err::os::unix::fs::symlink;

#[test]
fn a_place_that_artifacts_cannot_take_is_refused_before_any_step() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["train"]).inference(&["inference"]);
    env.plan(&plan);
    env.write("assets/train/asset_train.py", asset("print('it runs')"));
    env.write("assets/inference/asset_inference.py", asset(""));
    let big = env.root().join("big");
    fs_err::create_dir(&big).unwrap();
    for name in ["train_artifacts", "inference_artifacts"] {
        symlink(&big, env.path(name)).unwrap();
        env.alo(["run"]).expect(1).says("is a link").says(name).says_not("it runs");
        assert!(env.path(name).is_symlink());
        fs_err::remove_file(env.path(name)).unwrap();
    }

    let device = |path: &str| fs_err::metadata(path).map(|meta| meta.dev()).ok();
    let memory = tempfile::tempdir_in("/dev/shm").ok();
    let Some(memory) = memory.filter(|_| device("/dev/shm") != device(env.root().as_str())) else {
        eprintln!("skipped: this machine has no second file system to write to");
        return;
    };
    fs_err::remove_dir_all(env.path(".alo")).unwrap();
    symlink(memory.path(), env.path(".alo")).unwrap();
    env.alo(["run"]).expect(1).says("different file systems").says_not("it runs");
}

#[test]
fn nothing_is_removed_through_a_link() {
    let env = TestEnv::new();
    let plan = PlanText::new()
        .external("load_train_data_path", "./data")
        .external("save_train_artifacts_path", "./save")
        .control("backup_size", "0")
        .train(&["train"]);
    env.plan(&plan);
    env.write("data/a.csv", "a");
    // Links to a folder and to a file of somebody else in all that a run leaves.
    let run = "import os\n\
        far = os.path.join(self.asset.load_envs()['project_home'], '../far')\n\
        for path in (self.asset.get_model_path(), self.asset.get_report_path(), self.asset.get_output_path(),\n\
        \x20            self.asset.get_extra_output_path()):\n\
        \x20   os.symlink(far, path + 'folder')\n\
        \x20   os.symlink(far + '/file', path + 'file')\n\
        \x20   open(path + 'own', 'w').write('x')";
    env.write("assets/train/asset_train.py", asset(run));
    let far = env.root().join("far");
    fs_err::create_dir_all(far.join("deep")).unwrap();
    fs_err::write(far.join("file"), "far").unwrap();
    fs_err::write(far.join("deep/file"), "far").unwrap();
    let plant = || {
        for folder in
            ["input/train/data", "input/train", ".alo/staging", ".alo/staging/left", "history/train", "save"]
        {
            let folder = env.path(folder);
            fs_err::create_dir_all(&folder).unwrap();
            for (name, to) in [
                ("link", far.clone()),
                (".alo-tmp-0123456789abcdef-x", far.clone()),
                ("odd", far.join("file")),
            ] {
                let _ = symlink(to, folder.join(name));
            }
        }
    };
    for _ in 0..3 {
        plant();
        env.alo(["run"]).expect(0);
    }
    plant();
    env.alo(["history", "prune", "--max-size", "0"]).expect(0);
    env.alo(["history", "rm", "latest", "--force"]).expect(0);

    // A whole folder of the project that is a link is replaced or refused, but never emptied.
    for folder in ["train_artifacts", "history/train", ".alo/staging"] {
        let folder = env.path(folder);
        fs_err::remove_dir_all(&folder).unwrap();
        symlink(&far, &folder).unwrap();
        let _ = env.alo(["run"]);
        let _ = env.alo(["history", "prune", "--max-size", "0"]);
        if folder.is_symlink() {
            fs_err::remove_file(&folder).unwrap();
        }
        fs_err::create_dir_all(&folder).unwrap();
    }
    let files: Vec<Utf8PathBuf> = ["file", "deep/file"].map(|file| far.join(file)).into();
    for file in files {
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "far", "{file}");
    }
}
