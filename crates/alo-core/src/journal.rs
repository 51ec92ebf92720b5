//! What the engine and the assets say: to the log files of a pipeline and to the observer.

use std::io::{self, BufWriter, Write};
use std::panic::Location;

use alo_artifacts::ArtifactLayout;
use fs_err::File;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Event, Level, Observer, Stream};

/// So many messages are repeated at the end.
const MOST_MESSAGES: usize = 1000;

/// The log files of a pipeline, and what its closing summary repeats.
#[derive(Debug, Default)]
pub(crate) struct PipelineLog {
    process: Option<BufWriter<File>>,
    pipeline: Option<BufWriter<File>>,
    /// Messages that assets asked to be shown at the end.
    pub(crate) shown: Vec<String>,
    /// Warnings of the engine, for the closing summary.
    pub(crate) warnings: Vec<String>,
}

impl PipelineLog {
    /// Starts the log files of a pipeline.
    pub(crate) fn open(artifacts: &ArtifactLayout) -> io::Result<Self> {
        // Behind what the first steps have said, where they were run before.
        let open = |path| {
            File::options().append(true).create(true).open(path).map(|file| Some(BufWriter::new(file)))
        };
        Ok(Self {
            process: open(artifacts.process_log())?,
            pipeline: open(artifacts.pipeline_log())?,
            ..Self::default()
        })
    }

    /// Hands what is buffered to the operating system, so that it survives a kill of this process.
    fn flush(&mut self) {
        for file in [&mut self.process, &mut self.pipeline].into_iter().flatten() {
            // A full disk must not stop the run that is being logged; the save phase will find it full, too.
            let _ = file.flush();
        }
    }

    /// Writes `[time|service|level|file(line)|function()] message`, a line for each line of the message.
    fn write(&mut self, service: Service, level: Level, at: &str, message: &str) {
        let head = format!("[{}|{}|{}|{at}] ", time(Timestamp::now()), service.as_str(), level.as_str());
        let process = self.process.as_mut().filter(|_| service == Service::Alo);
        for file in [process, self.pipeline.as_mut()].into_iter().flatten() {
            for line in message.split('\n') {
                // As in `flush`.
                let _ = writeln!(file, "{head}{line}");
            }
        }
    }
}

/// Who speaks in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Alo,
    User,
}

impl Service {
    fn as_str(self) -> &'static str {
        match self {
            Self::Alo => "ALO",
            Self::User => "USER",
        }
    }
}

/// A line of an asset that calls the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct CallSite {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) function: String,
}

/// The one gate through which everything in a run is told: to the logs and to the observer.
pub struct Journal<'a> {
    log: &'a mut PipelineLog,
    observer: &'a mut (dyn Observer + 'a),
}

impl<'a> Journal<'a> {
    pub(crate) fn new(log: &'a mut PipelineLog, observer: &'a mut (dyn Observer + 'a)) -> Self {
        Self { log, observer }
    }

    /// The same journal for a shorter while.
    pub(crate) fn reborrow(&mut self) -> Journal<'_> {
        Journal { log: self.log, observer: self.observer }
    }

    /// A journal with other log files and the same observer.
    pub(crate) fn with_log<'b>(&'b mut self, log: &'b mut PipelineLog) -> Journal<'b> {
        Journal { log, observer: self.observer }
    }

    /// Tells the observer.
    pub fn emit(&mut self, event: &Event) {
        self.observer.event(event);
    }

    /// Logs what the engine does; the observer has events of its own for it.
    #[track_caller]
    pub fn note(&mut self, message: &str) {
        self.log.write(Service::Alo, Level::Info, &here(), message);
        self.log.flush();
    }

    /// Says something in the engine's name.
    #[track_caller]
    pub fn say(&mut self, level: Level, message: &str) {
        self.log.write(Service::Alo, level, &here(), message);
        self.log.flush();
        if level == Level::Warning {
            remember(&mut self.log.warnings, message);
        }
        self.emit(&Event::Message { level, step: None, message: message.to_owned(), show: false });
    }

    /// Says something in a step's name.
    pub(crate) fn asset_says(&mut self, step: &str, at: &CallSite, level: Level, message: &str, show: bool) {
        let at = format!("{}({})|{}()", at.file, at.line, at.function);
        self.log.write(Service::User, level, &at, message);
        self.log.flush();
        if show {
            remember(&mut self.log.shown, message);
        }
        self.emit(&Event::Message { level, step: Some(step.to_owned()), message: message.to_owned(), show });
    }

    /// Takes a line that a step printed. Buffered until [`Self::flush`].
    pub(crate) fn printed(&mut self, step: &str, file: &str, stream: Stream, line: String) {
        self.log.write(Service::User, Level::Info, &format!("{file}(0)|{}()", stream.as_str()), &line);
        self.emit(&Event::StepOutput { step: step.to_owned(), stream, line });
    }

    /// Hands buffered lines to the operating system.
    pub(crate) fn flush(&mut self) {
        self.log.flush();
    }
}

/// Keeps a message for the end, where nobody reads thousands: all of them are in the log.
fn remember(messages: &mut Vec<String>, message: &str) {
    match messages.len() {
        MOST_MESSAGES => messages.push("more such messages are in the log".to_owned()),
        fewer if fewer < MOST_MESSAGES => messages.push(message.to_owned()),
        _ => {}
    }
}

#[track_caller]
fn here() -> String {
    let place = Location::caller();
    let file = place.file().rsplit('/').next().unwrap_or_default();
    format!("{file}({})|{}()", place.line(), file.trim_end_matches(".rs"))
}

/// The time of a log line: UTC with milliseconds, `2026-01-31 12:00:00,123`.
fn time(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d %H:%M:%S,%3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_milliseconds_after_a_comma() {
        let moment = "2026-01-31T12:00:00.0456Z".parse().unwrap();
        assert_eq!(time(moment), "2026-01-31 12:00:00,045");
    }
}
