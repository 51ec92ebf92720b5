//! Whether a step runs, and why.

use std::fmt;

use alo_artifacts::NotKept;
use camino::Utf8PathBuf;
use serde::Serialize;

/// Whether a step runs, and why. As JSON: `decision` is `reused` or `runs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepDecision {
    /// Nothing has changed: what it left before is put back.
    Reused {
        /// The run that it ran in.
        run: String,
    },
    /// It runs.
    Runs {
        /// Why.
        why: Why,
    },
}

/// Why a step runs: the one thing that is not as it was when the step ran last. As JSON: `kind` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// The run does not look for results to put back.
    NotAsked,
    /// Nothing is known of it.
    NeverRan,
    /// An argument of the plan.
    Argument {
        /// Its name.
        name: String,
        /// Its value then, as JSON; none if it was absent.
        before: Option<String>,
        /// Its value now.
        now: Option<String>,
    },
    /// The order of the arguments.
    ArgumentOrder,
    /// The code.
    Code {
        /// A file that differs, relative to the project where it lies in it; none if only a commit is known.
        file: Option<Utf8PathBuf>,
    },
    /// A package of the environment.
    Package {
        /// The package as `name==version` then; none if it was absent.
        before: Option<String>,
        /// And now.
        now: Option<String>,
    },
    /// The version of Python.
    Python {
        /// Then.
        before: String,
        /// Now.
        now: String,
    },
    /// The environment, whose packages have the same names and versions.
    Environment,
    /// An environment variable.
    Variable {
        /// Its name; `*` for one of the session, where the step reads all.
        name: String,
    },
    /// Something else in the plan.
    Plan {
        /// The key.
        key: String,
    },
    /// The input data.
    Data {
        /// A file below `input/<pipeline>`, or a source.
        file: String,
    },
    /// A model of the training.
    Model {
        /// Its file below `models/`.
        file: Utf8PathBuf,
    },
    /// What the steps before have left.
    Earlier {
        /// The step before.
        step: String,
    },
    /// Random numbers or environment variables, as earlier steps have left them.
    Process,
    /// The step has another place in the pipeline.
    Place,
    /// The project lies in another folder, which its steps see.
    Project,
    /// Another version of alo.
    Engine,
    /// A file or folder outside of its own that it has read.
    Read {
        /// Which one.
        path: Utf8PathBuf,
    },
    /// Its result was not kept.
    NotKept {
        /// Why.
        reason: NotKept,
    },
    /// Its result is damaged.
    Damaged {
        /// In words.
        fault: String,
    },
}

impl fmt::Display for StepDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reused { run } => write!(f, "not run: unchanged since {run}"),
            Self::Runs { why } => write!(f, "runs: {why}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("every step does without `--resume`"),
            Self::NeverRan => f.write_str("no earlier run of it is known"),
            Self::Argument { name, before: Some(before), now: Some(now) } => {
                write!(f, "argument `{name}`: {before} → {now}")
            }
            Self::Argument { name, before: None, .. } => write!(f, "argument `{name}` is new"),
            Self::Argument { name, now: None, .. } => write!(f, "argument `{name}` is gone"),
            Self::ArgumentOrder => f.write_str("the order of its arguments has changed"),
            Self::Code { file: Some(file) } => write!(f, "code: `{file}` has changed"),
            Self::Code { file: None } => f.write_str("its code has changed"),
            Self::Package { before: Some(before), now: Some(now) } => {
                write!(f, "package {before} → {now}")
            }
            Self::Package { before: None, now } => {
                write!(f, "package {} is new", now.as_deref().unwrap_or_default())
            }
            Self::Package { before: Some(before), now: None } => write!(f, "package {before} is gone"),
            Self::Python { before, now } => write!(f, "Python {before} → {now}"),
            Self::Environment => f.write_str("its environment was made anew"),
            Self::Variable { name } if name == "*" => {
                f.write_str("it reads all environment variables, and one has changed")
            }
            Self::Variable { name } => write!(f, "the environment variable `{name}` has changed"),
            Self::Plan { key } => write!(f, "`{key}` of the plan has changed"),
            Self::Data { file } => write!(f, "input data: `{file}` has changed"),
            Self::Model { file } => write!(f, "the model `{file}` has changed"),
            Self::Earlier { step } => write!(f, "the step before, `{step}`, has left something else"),
            Self::Process => f.write_str("earlier steps have left random numbers or variables otherwise"),
            Self::Place => f.write_str("its place in the pipeline has changed"),
            Self::Project => f.write_str("the project has moved to another folder"),
            Self::Engine => f.write_str("another version of alo"),
            Self::Read { path } => write!(f, "`{path}`, which it reads, has changed"),
            Self::NotKept { reason } => write!(f, "its last result was not kept: {reason}"),
            Self::Damaged { fault } => write!(f, "its kept result is damaged: {fault}"),
        }
    }
}
