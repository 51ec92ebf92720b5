//! The program says which it is. That this test is here also makes `cargo test` build the program for the tests in `tests/`.

use std::process::Command;

#[test]
fn version_names_the_program_and_its_version() {
    let output = Command::new(env!("CARGO_BIN_EXE_alo")).arg("--version").output().expect("alo starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("alo {}\n", env!("CARGO_PKG_VERSION")));
    assert!(output.status.success() && output.stderr.is_empty());
}
