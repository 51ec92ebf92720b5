//! `read_custom_config`: a configuration file that came with the data.

use alo_plan::{Diagnostic, Value};
use camino::{Utf8Path, Utf8PathBuf};

use super::refusal::Refusal;
use super::step_context::StepContext;

/// A configuration file below the input folder.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CustomConfig {
    /// An `.ini` file, for Python's `ConfigParser` or any other reader.
    Ini(Utf8PathBuf),
    /// The content of a `.yaml` or `.yml` file.
    Yaml(Value),
}

impl StepContext<'_> {
    /// Reads an `.ini` or `.yaml` file below the input folder (`read_custom_config`).
    ///
    /// `path` is relative to the input folder, or an absolute path in it.
    pub fn read_custom_config(&self, path: &str) -> Result<CustomConfig, Refusal> {
        let input = self.input_path()?;
        let file = input.join(path);
        if !file.is_file() {
            return Err(Refusal::value(format!("there is no file `{path}` in the input folder `{input}`")));
        }
        let inside = |path: &Utf8Path| path.canonicalize_utf8();
        match (inside(&input), inside(&file)) {
            (Ok(input), Ok(file)) if file.starts_with(&input) => {}
            _ => return Err(Refusal::value(format!("`{path}` is outside the input folder `{input}`"))),
        }
        match file.extension() {
            Some("ini") => Ok(CustomConfig::Ini(file)),
            Some("yaml" | "yml") => {
                let text =
                    fs_err::read_to_string(&file).map_err(|error| Refusal::value(error.to_string()))?;
                alo_plan::yaml::parse_value(&text).map(CustomConfig::Yaml).map_err(|faults| {
                    let faults: Vec<_> = faults.iter().map(located).collect();
                    Refusal::value(format!("`{path}` is not valid YAML: {}", faults.join("; ")))
                })
            }
            _ => Err(Refusal::value(format!(
                "read_custom_config reads `.ini` and `.yaml` files, not `{path}`"
            ))),
        }
    }
}

fn located(fault: &Diagnostic) -> String {
    match fault.span {
        Some(span) => format!("line {}: {}", span.start.line, fault.message),
        None => fault.message.clone(),
    }
}
