//! Runs the Python package's own tests, with the Python of this machine.

use std::process::Command;

#[test]
fn the_packages_own_tests_pass() {
    let output = Command::new("python3")
        .args(["-m", "unittest", "discover", "-t", ".", "-s", "tests"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Ran "), "{said}");
}
