//! The look at all assets of a plan.

use std::io;

use alo_plan::{PipelineKind, Plan, Step};
use camino::{Utf8Path, Utf8PathBuf};

use super::locate::Locator;
use super::pipeline::{fill, missing_results, unread_arguments};
use super::report::{AssetReport, AssetUse};
use super::script::{self, Answer, Question};
use crate::Machine;
use crate::interpreter::{self, InterpreterError};
use crate::lockfile::LockfileError;

/// Why assets cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectionError {
    /// `alo.lock`, which says what was fetched, cannot be read.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
    /// There is no Python to look with.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// The Python does not work.
    #[error("failed to look at the assets with the Python at `{executable}`")]
    Python {
        /// The interpreter.
        executable: Utf8PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
}

impl InspectionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lockfile(error) => error.hint(),
            Self::Interpreter(error) => error.hint(),
            Self::Python { .. } => Some("choose another Python with `--python`".to_owned()),
        }
    }
}

/// Looks at the code of every step, local or fetched before, without running it; nothing is fetched.
///
/// The Python that would run the assets reads them, isolated, with its own parser: at most one process for all of them,
/// none if no code is there. Faults are in the reports, the file of each asset once; a code that was never fetched is a
/// note. `project` is the project's folder, absolute.
///
/// # Errors
/// Only what keeps it from looking at all, see [`InspectionError`].
///
/// ```no_run
/// use alo_assets::{Machine, inspect};
///
/// # fn main() -> Result<(), alo_assets::InspectionError> {
/// let machine = Machine::new("/home/me/.cache/alo", std::env::vars_os());
/// let loaded = alo_plan::load("/home/me/orders/experimental_plan.yaml".into());
/// if let Some(plan) = &loaded.plan {
///     for report in inspect(&machine, "/home/me/orders".into(), plan)? {
///         println!("{:?}: {} faults", report.path, report.diagnostics.len());
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub fn inspect(
    machine: &Machine,
    project: &Utf8Path,
    plan: &Plan,
) -> Result<Vec<AssetReport>, InspectionError> {
    let locator = Locator::new(machine, project, plan)?;
    let mut seen = Seen::default();
    for pipeline in &plan.pipelines {
        for step in &pipeline.steps {
            seen.add(&locator, pipeline.kind, step);
        }
    }
    let questions = seen.questions();
    let answers = if questions.is_empty() { Vec::new() } else { ask(machine, &questions)? };
    seen.conclude(&answers);
    Ok(seen.reports)
}

fn ask(machine: &Machine, questions: &[Question]) -> Result<Vec<Answer>, InspectionError> {
    let executable = interpreter::find(machine, None)?.interpreter.executable;
    script::ask(&executable, questions).map_err(|source| InspectionError::Python { executable, source })
}

/// The steps, and the files that they run.
#[derive(Default)]
struct Seen<'a> {
    reports: Vec<AssetReport>,
    /// Each step with the index of its report.
    steps: Vec<(PipelineKind, &'a Step, usize)>,
}

impl<'a> Seen<'a> {
    fn add(&mut self, locator: &Locator<'_>, kind: PipelineKind, step: &'a Step) {
        let user = AssetUse { pipeline: kind, step: step.name.clone() };
        let located = locator.file(kind, step);
        let same = |report: &AssetReport| match &located {
            Ok(file) => report.path.as_ref() == Some(file),
            Err(fault) => report.diagnostics.first() == Some(&**fault),
        };
        let known = self.reports.iter().position(same);
        let index = known.unwrap_or(self.reports.len());
        if let Some(report) = self.reports.get_mut(index) {
            report.steps.push(user);
        } else {
            let (path, fault) = located.map_or_else(|fault| (None, Some(*fault)), |file| (Some(file), None));
            let mut report = AssetReport::new(path, user);
            report.diagnostics.extend(fault);
            self.reports.push(report);
        }
        self.steps.push((kind, step, index));
    }

    /// One for each report that has a file, in their order.
    fn questions(&self) -> Vec<Question> {
        let arguments = |index: usize| {
            let steps = self.steps.iter().filter(move |(_, _, at)| *at == index);
            steps.flat_map(|(_, step, _)| step.args.iter().map(|(name, _)| name.to_string())).collect()
        };
        let files =
            self.reports.iter().enumerate().filter_map(|(index, report)| Some((index, report.path.clone()?)));
        files.map(|(index, file)| Question { file, arguments: arguments(index) }).collect()
    }

    fn conclude(&mut self, answers: &[Answer]) {
        let mut answers = answers.iter();
        let by_report: Vec<Option<&Answer>> =
            self.reports.iter().map(|report| report.path.as_ref().and_then(|_| answers.next())).collect();
        for (report, answer) in self.reports.iter_mut().zip(&by_report) {
            if let Some(answer) = answer {
                fill(report, answer);
            }
        }
        let answer_of = |index: usize| by_report.get(index).copied().flatten();
        for (_, step, index) in &self.steps {
            if let (Some(answer), Some(report)) = (answer_of(*index), self.reports.get_mut(*index)) {
                report.diagnostics.extend(unread_arguments(step, answer));
            }
        }
        let inference = self.steps.iter().filter(|(kind, ..)| *kind == PipelineKind::Inference);
        let indices: Vec<usize> = inference.map(|(_, _, index)| *index).collect();
        let results: Option<Vec<&Answer>> = indices.iter().map(|index| answer_of(*index)).collect();
        if let (Some(results), Some(last)) =
            (results, indices.last().and_then(|last| self.reports.get_mut(*last)))
        {
            last.diagnostics.extend(missing_results(&results));
        }
        for report in &mut self.reports {
            report.conclude();
        }
    }
}
