//! The commands that need no Python: help, completions, schema, `init` and `asset new`.

use std::process::{Command, Output};

use camino::{Utf8Path, Utf8PathBuf};

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("a UTF-8 path");
    (folder, path)
}

fn alo(folder: &Utf8Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alo"));
    command.args(arguments).current_dir(folder).env_clear().output().expect("alo starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let (_keep, here) = folder();
    let help = stdout(&alo(&here, &["--help"]));
    for word in
        ["run", "validate", "init", "asset", "schema", "history", "completions", "Exit codes: 0 success"]
    {
        assert!(help.contains(word), "`{word}` is not in {help}");
    }
    for command in ["run", "validate", "init", "asset", "schema", "history", "completions"] {
        let output = alo(&here, &[command, "--help"]);
        assert!(output.status.success(), "{command}");
        assert!(stdout(&output).contains("Usage: alo "), "{command}");
    }
    let validate = stdout(&alo(&here, &["validate", "--help"]));
    for word in ["--assets", "--strict", "github", "\"plans\"", "\"assets\"", "Exit codes"] {
        assert!(validate.contains(word), "`{word}` is not in {validate}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let (_keep, here) = folder();
    for wrong in [&["vaildate"][..], &["validate", "--format", "xml"], &["run", "--mode", "both"], &[]] {
        let output = alo(&here, wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let (_keep, here) = folder();
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef alo"), ("fish", "complete -c alo")] {
        let output = alo(&here, &["completions", shell]);
        let script = stdout(&output);
        assert!(output.status.success() && script.contains(word) && script.contains("validate"), "{shell}");
    }
}

#[test]
fn the_schema_is_the_one_of_the_documentation() {
    let (_keep, here) = folder();
    let page = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plan.schema.json");
    let output = alo(&here, &["schema"]);
    assert!(output.status.success() && output.stderr.is_empty());
    assert_eq!(stdout(&output), fs_err::read_to_string(page).expect("the schema"));
}

#[test]
fn init_makes_a_valid_project_whose_plan_names_its_schema() {
    let (_keep, here) = folder();
    let output = alo(&here, &["init", "orders"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", stderr(&output));
    let project = here.join("orders");
    let plan = fs_err::read_to_string(project.join("experimental_plan.yaml")).expect("the plan");
    let modeline = "# yaml-language-server: $schema=./experimental_plan.schema.json\n";
    assert!(plan.starts_with(modeline) && plan.contains("name: \"orders\""), "{plan}");
    let schema = fs_err::read_to_string(project.join("experimental_plan.schema.json")).expect("the schema");
    assert_eq!(schema, stdout(&alo(&here, &["schema"])));
    assert!(project.join("assets/inference/asset_inference.py").is_file());
    let output = alo(&project, &["validate", "--strict"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn init_overwrites_nothing() {
    let (_keep, here) = folder();
    fs_err::write(here.join("experimental_plan.yaml"), "mine").expect("a file");
    let output = alo(&here, &["init"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is there already"), "{}", stderr(&output));
    assert_eq!(fs_err::read_to_string(here.join("experimental_plan.yaml")).expect("the file"), "mine");
    assert!(!here.join("assets").exists() && !here.join("experimental_plan.schema.json").exists());
}

#[test]
fn asset_new_makes_a_skeleton_once() {
    let (_keep, here) = folder();
    assert!(alo(&here, &["asset", "new", "train2"]).status.success());
    let file = here.join("assets/train2/asset_train.py");
    let code = fs_err::read_to_string(&file).expect("the skeleton");
    assert!(code.contains("class UserAsset(Asset):"), "{code}");
    fs_err::write(&file, "mine").expect("a file");
    assert_eq!(alo(&here, &["asset", "new", "train2"]).status.code(), Some(2));
    assert_eq!(fs_err::read_to_string(&file).expect("the file"), "mine");
    for wrong in ["", "..", "a/b", "12"] {
        assert_eq!(alo(&here, &["asset", "new", wrong]).status.code(), Some(2), "`{wrong}`");
    }
}
