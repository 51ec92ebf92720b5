//! The differential test: what PyYAML makes of hundreds of scalars and documents, recorded, against what we make of them.

#[path = "pyyaml/tagged.rs"]
#[expect(unreachable_pub, reason = "the file is shared with an example")]
mod tagged;

use std::process::Command;

use alo_plan::yaml::parse_value;
use serde_json::Value as Json;

use tagged::tagged;

const TABLE: &str = include_str!("pyyaml/table.json");

#[test]
fn every_text_means_what_pyyaml_says() {
    let table: Json = serde_json::from_str(TABLE).unwrap();
    assert!(table["scalars"].as_u64().unwrap() >= 300);
    assert!(table["documents"].as_u64().unwrap() >= 60);
    let mut wrong = Vec::new();
    for entry in table["entries"].as_array().unwrap() {
        let text = entry["text"].as_str().unwrap();
        match (parse_value(text), entry.get("value")) {
            (Ok(value), Some(expected)) if tagged(&value) == *expected => {}
            (Err(faults), None) if faults.iter().all(|fault| fault.span.is_some()) => {}
            (found, expected) => wrong.push(format!("{text:?}: PyYAML {expected:?}, alo {found:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Needs a `python3` with PyYAML; without one there is nothing to compare.
#[test]
fn the_recorded_table_is_what_pyyaml_says_today() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pyyaml/record.py");
    let can = Command::new("python3").args(["-c", "import yaml; yaml.FullLoader"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return;
    }
    let output = Command::new("python3").args([script, "--print"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let now: Json = serde_json::from_slice(&output.stdout).unwrap();
    let recorded: Json = serde_json::from_str(TABLE).unwrap();
    let (now, recorded) = (now["entries"].as_array().unwrap(), recorded["entries"].as_array().unwrap());
    assert_eq!(now.len(), recorded.len(), "run {script}");
    for (now, recorded) in now.iter().zip(recorded) {
        assert_eq!(now, recorded, "run {script}");
    }
}
