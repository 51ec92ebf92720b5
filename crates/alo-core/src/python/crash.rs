//! How a step failed, told from what its worker said or how it ended.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use alo_assets::Environment;
use camino::Utf8Path;

use super::message::{Failed, Stage};
use super::module_names::package_of;
use crate::failure::{FailureKind, StepFailure};

/// A failure that the worker has told.
pub(super) fn told(step: &str, pipeline_key: &str, failed: Failed) -> StepFailure {
    let kind = match failed.stage {
        _ if failed.refused => FailureKind::Refused,
        _ if failed.exit_code.is_some() => FailureKind::Exited,
        Stage::Import | Stage::Class => FailureKind::Import,
        Stage::Init | Stage::Run => FailureKind::Raised,
    };
    let cause = match failed.exit_code {
        Some(code) => format!("the asset called sys.exit({code})"),
        None if failed.message.is_empty() => failed.exception.clone(),
        None => format!("{}: {}", failed.exception, failed.message),
    };
    let mut failure = StepFailure::new(step, kind, cause);
    failure.hint = hint(step, pipeline_key, &failed);
    failure.traceback = Some(failed.traceback).filter(|traceback| !traceback.trim().is_empty());
    failure
}

/// What a step is told that may have failed because files of its environment are gone or were changed, if that is so.
pub(super) fn damage(environment: &Environment, failure: &StepFailure) -> Option<String> {
    let is_of_packages = ["ImportError", "ModuleNotFoundError", "AttributeError"]
        .iter()
        .any(|exception| failure.cause.starts_with(exception))
        || failure.traceback.as_ref().is_some_and(|text| text.contains(environment.folder.as_str()));
    let damage = is_of_packages.then(|| environment.find_damage()).flatten()?;
    Some(format!(
        "{damage} in the environment of the step, `{}`: run again, and it is built anew",
        environment.folder
    ))
}

fn hint(step: &str, pipeline_key: &str, failed: &Failed) -> Option<String> {
    if let Some(module) = &failed.missing_module {
        return Some(format!(
            "add `{}` to the requirements of step `{step}` (asset_source > {pipeline_key} > step: {step} > source > \
             requirements), or put `{module}.py` beside the asset",
            package_of(module)
        ));
    }
    let advice = match failed.exception.as_str() {
        _ if failed.exit_code.is_some() => {
            "an asset ends by returning from run(); raise an exception to report a failure"
        }
        "SyntaxError" | "IndentationError" | "TabError" => {
            "correct the line shown above; assets run on Python 3.10 unless told otherwise"
        }
        "FileNotFoundError" => "look at the path; external data lies below self.asset.get_input_path()",
        "MemoryError" => {
            "the machine has too little memory for this step; use less data, or interface_mode: file"
        }
        "KeyError" if failed.stage == Stage::Init => {
            "look at what the earlier steps hand on with save_data, and at the step's args"
        }
        _ if failed.stage == Stage::Class => {
            "an asset's file has `class UserAsset(Asset)` with `__init__(self, asset_structure)` and `run(self)`"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// A failure that the worker did not live to tell.
pub(super) fn died(
    step: &str,
    status: ExitStatus,
    crash_file: &Utf8Path,
    own_files: &Utf8Path,
) -> StepFailure {
    let (kind, cause, hint) = match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = signal_name(signal);
            let hint = match signal {
                9 => {
                    "the machine may have run out of memory (look at `dmesg`), or somebody killed the process"
                }
                4 | 6 | 7 | 8 | 11 => {
                    "a native library crashed; look at the versions of the packages with compiled code"
                }
                _ => "somebody sent it this signal",
            };
            (FailureKind::Killed, format!("its process was ended by {name}"), hint)
        }
        (None, code) => (
            FailureKind::Exited,
            format!(
                "its process ended with exit code {} in the middle of the step (os._exit?)",
                code.unwrap_or_default()
            ),
            "an asset ends by returning from run(); raise an exception to report a failure",
        ),
    };
    let mut failure = StepFailure::new(step, kind, cause).with_hint(hint);
    failure.traceback = crash_traceback(&fs_err::read(crash_file).unwrap_or_default(), own_files);
    failure
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        4 => "SIGILL (illegal instruction)",
        6 => "SIGABRT (abort)",
        7 => "SIGBUS (bus error)",
        8 => "SIGFPE (arithmetic error)",
        9 => "SIGKILL",
        11 => "SIGSEGV (segmentation fault)",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// The stack that Python's `faulthandler` wrote for the thread that crashed, without frames of our own files.
fn crash_traceback(written: &[u8], own_files: &Utf8Path) -> Option<String> {
    let text = String::from_utf8_lossy(written);
    // `Current thread …` when Python lists all threads, `Stack …` when it lists this one alone.
    let begins = |line: &str| line.starts_with("Current thread") || line.starts_with("Stack (");
    let mut lines = text.lines().skip_while(|line| !begins(line)).skip(1);
    let frames: Vec<&str> = lines
        .by_ref()
        .take_while(|line| line.trim_start().starts_with("File "))
        .filter(|line| !line.contains(own_files.as_str()) && !line.contains("<frozen "))
        .collect();
    if frames.is_empty() {
        return None;
    }
    Some(format!("Stack of the crash (most recent call first):\n{}", frames.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_of_a_crash_shows_the_asset_alone() {
        let written = b"Fatal Python error: Segmentation fault\n\n\
            Thread 0x1 (most recent call first):\n  File \"/x/other.py\", line 1 in wait\n\n\
            Current thread 0x2 (most recent call first):\n  File \"/p/assets/train/asset_train.py\", line 12 in run\n  \
            File \"/cache/embedded/alolib-1/alolib/asset.py\", line 5 in wrapper\n\nExtension modules: numpy\n";
        let shown = crash_traceback(written, Utf8Path::new("/cache/embedded")).unwrap();
        assert_eq!(
            shown,
            "Stack of the crash (most recent call first):\n  File \"/p/assets/train/asset_train.py\", line 12 in run"
        );
        let one_thread = b"Fatal Python error: Segmentation fault\n\nStack (most recent call first):\n  File \"/p/a.py\", line 1 in run\n";
        assert!(crash_traceback(one_thread, Utf8Path::new("/cache")).unwrap().ends_with("line 1 in run"));
        assert_eq!(crash_traceback(b"", Utf8Path::new("/cache")), None);
    }

    #[test]
    fn exit_codes_and_signals_are_told_apart() {
        let none = Utf8Path::new("/nowhere");
        let exited = died("train", ExitStatus::from_raw(3 << 8), none, none);
        assert_eq!(exited.cause, "its process ended with exit code 3 in the middle of the step (os._exit?)");
        let killed = died("train", ExitStatus::from_raw(9), none, none);
        assert_eq!(
            (killed.kind, killed.cause.as_str()),
            (FailureKind::Killed, "its process was ended by SIGKILL")
        );
    }
}
