//! Prints what the YAML texts of a JSON list on stdin mean, for `fuzz/against-pyyaml`.

#[path = "../tests/pyyaml/tagged.rs"]
#[expect(unreachable_pub, reason = "the file is shared with a test")]
mod tagged;

use std::process::ExitCode;

use serde_json::json;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]
fn main() -> ExitCode {
    let texts: Vec<String> = match serde_json::from_reader(std::io::stdin()) {
        Ok(texts) => texts,
        Err(error) => {
            eprintln!("error: a JSON list of texts is expected on stdin: {error}");
            return ExitCode::from(2);
        }
    };
    for text in texts {
        let answer = match alo_plan::yaml::parse_value(&text) {
            Ok(value) => json!({ "value": tagged::tagged(&value) }),
            Err(faults) => json!({ "refused": faults.first().map(|fault| fault.message.as_str()) }),
        };
        println!("{answer}");
    }
    ExitCode::SUCCESS
}
