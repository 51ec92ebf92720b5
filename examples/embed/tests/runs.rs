//! The program runs. Installs pandas and scikit-learn from PyPI, into the cache that the end-to-end tests share.

use std::process::Command;

use camino::Utf8Path;

#[test]
fn both_parts_end_with_a_score() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let work = Utf8Path::from_path(folder.path()).expect("a UTF-8 path");
    let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let titanic = work.join("titanic");
    copy(&here.join("../titanic"), &titanic);
    let output = Command::new(env!("CARGO_BIN_EXE_embed"))
        .args([work.as_str(), titanic.join("experimental_plan.yaml").as_str()])
        .env("ALO_CACHE_DIR", here.join("../../target/alo-test-cache"))
        .output()
        .expect("the program starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("thermometer: score 0.9\n"), "{out}");
    assert!(out.contains("train/train: "), "{out}");
    assert!(out.contains("titanic: score 0."), "{out}");
    assert!(work.join("thermometer/train_artifacts/models/train/mean.txt").is_file());
    assert!(titanic.join("inference_artifacts/output/output.csv").is_file());
}

/// Copies what belongs to the example, not what runs of it have left.
fn copy(from: &Utf8Path, to: &Utf8Path) {
    fs_err::create_dir_all(to).expect("a folder");
    for name in ["experimental_plan.yaml", "assets", "sample_data"] {
        copy_any(&from.join(name), &to.join(name));
    }
}

fn copy_any(from: &Utf8Path, to: &Utf8Path) {
    if from.is_dir() {
        fs_err::create_dir_all(to).expect("a folder");
        for entry in from.read_dir_utf8().expect("a folder") {
            let name = entry.expect("an entry").file_name().to_owned();
            copy_any(&from.join(&name), &to.join(&name));
        }
    } else {
        fs_err::copy(from, to).expect("a copy");
    }
}
