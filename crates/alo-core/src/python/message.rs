//! The messages between engine and worker, one JSON object a line.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::journal::CallSite;
use crate::resume::{Seen, WatchOrder};

/// The version of the protocol that this engine speaks.
pub(super) const PROTOCOL: u32 = 1;

/// What a worker says: exactly one of the parts is there.
#[derive(Debug, Deserialize)]
pub(super) struct FromWorker {
    hello: Option<Hello>,
    settled: Option<Settled>,
    forking: Option<Forking>,
    forked: Option<Forked>,
    imported: Option<Imported>,
    done: Option<Outcome>,
    call: Option<String>,
    #[serde(default)]
    arguments: Json,
    #[serde(default)]
    at: At,
}

/// A message of a worker.
#[derive(Debug)]
pub(super) enum Message {
    Hello(Hello),
    Settled(Settled),
    Forking,
    Forked(Forked),
    Imported,
    Call(Call),
    Done(Outcome),
}

impl FromWorker {
    /// Tells which message it is.
    pub(super) fn message(self) -> Option<Message> {
        if let Some(settled) = self.settled {
            return Some(Message::Settled(settled));
        }
        if let Some(Forking {}) = self.forking {
            return Some(Message::Forking);
        }
        if let Some(forked) = self.forked {
            return Some(Message::Forked(forked));
        }
        if let Some(Imported {}) = self.imported {
            return Some(Message::Imported);
        }
        match (self.hello, self.done, self.call) {
            (Some(hello), None, None) => Some(Message::Hello(hello)),
            (None, Some(outcome), None) => Some(Message::Done(outcome)),
            (None, None, Some(name)) => {
                let At { file, line, function } = self.at;
                let at = CallSite { file, line, function };
                Some(Message::Call(Call { name, arguments: self.arguments, at }))
            }
            _ => None,
        }
    }
}

/// The first message of a worker.
#[derive(Debug, Deserialize)]
pub(super) struct Hello {
    pub(super) protocol: u32,
    pub(super) python: String,
    pub(super) pid: u32,
}

/// Whether a worker has been copied.
#[derive(Debug, Deserialize)]
pub(super) struct Forked {
    /// Why not.
    pub(super) refused: Option<String>,
}

/// Whether a worker can be copied now.
#[derive(Debug, Deserialize)]
pub(super) struct Settled {
    /// Why not.
    pub(super) refused: Option<String>,
}

/// The worker waits for the streams of its copy.
#[derive(Debug, Deserialize)]
pub(super) struct Forking {}

/// What a worker says when it has imported what steps to come need, or as much as there was time for.
#[derive(Debug, Deserialize)]
pub(super) struct Imported {}

/// A call of the asset API.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Json,
    pub(super) at: CallSite,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct At {
    file: String,
    line: u32,
    function: String,
}

/// How a step ended.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Finished {
        /// What the step touched, if it was watched.
        #[serde(default)]
        seen: Option<Seen>,
    },
    Failed(Failed),
}

/// How a step failed.
#[derive(Debug, Deserialize)]
pub(super) struct Failed {
    pub(super) stage: Stage,
    pub(super) exception: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) traceback: String,
    #[serde(default)]
    pub(super) missing_module: Option<String>,
    #[serde(default)]
    pub(super) exit_code: Option<i64>,
    #[serde(default)]
    pub(super) refused: bool,
}

/// How far a step had come when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    Import,
    Class,
    Init,
    Run,
}

/// What the engine says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToWorker<'a> {
    Import(Import<'a>),
    RunStep(Box<RunStep<'a>>),
    /// Gets ready to be copied.
    Settle {
        guard: &'a Utf8Path,
        /// The run whose steps it has run: what they have handed on must not name it.
        traces: Option<&'a str>,
    },
    /// Copies itself.
    Fork {},
    Shutdown {},
    Result(Json),
    Refused {
        message: &'a str,
        exception: &'a str,
    },
}

/// The steps whose packages a worker imports before it is told to run them.
#[derive(Debug, Serialize)]
pub(super) struct Import<'a> {
    pub(super) steps: Vec<ImportStep<'a>>,
    /// Whether to import for all of them, or only until something else is asked for.
    pub(super) all: bool,
}

/// A step whose packages are imported.
#[derive(Debug, Serialize)]
pub(super) struct ImportStep<'a> {
    /// Whether no step of its pipeline runs before it.
    pub(super) is_first: bool,
    pub(super) file: &'a Utf8Path,
    pub(super) folder: &'a Utf8Path,
}

/// All that a worker needs to run a step.
#[derive(Debug, Serialize)]
pub(super) struct RunStep<'a> {
    pub(super) new_pipeline: bool,
    pub(super) step: &'a str,
    pub(super) module: &'a str,
    pub(super) file: &'a Utf8Path,
    pub(super) folder: &'a Utf8Path,
    /// The folder without links; none if the worker is to find out itself, which takes Python longer.
    pub(super) real_folder: Option<Utf8PathBuf>,
    pub(super) args: Json,
    pub(super) envs: Json,
    pub(super) meta: Json,
    pub(super) cwd: &'a Utf8Path,
    pub(super) hand_off: HandOffFiles,
    /// What is to be noted while it runs, if its result is to be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) watch: Option<&'a WatchOrder>,
    pub(super) crash_file: &'a Utf8Path,
    /// Whether it is a step of a sweep: the worker, as the step leaves it, may be copied.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) swept: bool,
    /// What it must not change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keep_out: Option<KeepOut<'a>>,
}

/// A folder that other runs read at the same time.
#[derive(Debug, Serialize)]
pub(super) struct KeepOut<'a> {
    pub(super) folder: &'a Utf8Path,
    /// Where the worker notes that the step was about to change it.
    pub(super) note: &'a Utf8Path,
}

/// The files by which `data` and `config` pass; none in memory mode within one environment.
#[derive(Debug, Default, Serialize)]
pub(super) struct HandOffFiles {
    pub(super) load_data: Option<Utf8PathBuf>,
    pub(super) load_config: Option<Utf8PathBuf>,
    pub(super) save_data: Option<Utf8PathBuf>,
    pub(super) save_config: Option<Utf8PathBuf>,
    /// A folder for files that find no space at their place.
    pub(super) spare: Option<Utf8PathBuf>,
    /// Where they differ: the environment of the step before and that of this step, in words.
    pub(super) environments: Option<[String; 2]>,
    /// Whether the next step, which reads what is saved, runs in the same worker.
    pub(super) next_here: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Message> {
        serde_json::from_str::<FromWorker>(line).ok().and_then(FromWorker::message)
    }

    #[test]
    fn the_messages_of_the_protocol_page_are_read() {
        assert!(matches!(
            read(r#"{"hello":{"protocol":1,"python":"3.10.13","pid":4711}}"#),
            Some(Message::Hello(_))
        ));
        assert!(matches!(read(r#"{"imported":{}}"#), Some(Message::Imported)));
        assert!(matches!(
            read(r#"{"done":{"finished":{}}}"#),
            Some(Message::Done(Outcome::Finished { seen: None }))
        ));
        let call =
            r#"{"call":"load_args","arguments":{},"at":{"file":"asset_a.py","line":3,"function":"run"}}"#;
        assert!(matches!(read(call), Some(Message::Call(Call { at: CallSite { line: 3, .. }, .. }))));
        assert!(read("{}").is_none());
    }

    #[test]
    fn answers_are_as_the_protocol_page_says() {
        let line =
            serde_json::to_string(&ToWorker::Refused { message: "no", exception: "ValueError" }).unwrap();
        assert_eq!(line, r#"{"refused":{"message":"no","exception":"ValueError"}}"#);
        assert_eq!(serde_json::to_string(&ToWorker::Result(Json::Null)).unwrap(), r#"{"result":null}"#);
        assert_eq!(serde_json::to_string(&ToWorker::Shutdown {}).unwrap(), r#"{"shutdown":{}}"#);
    }
}
