//! `Sweep::run`: from settings to a table of runs.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use alo_artifacts::{History, RunId, RunState, SweepInput, SweepRecord, SweepRecordError, SweptRun};
use alo_assets::Machine;
use alo_plan::Plan;
use jiff::Timestamp;

use super::error::SweepError;
use super::event::SweepEvent;
use super::finish;
use super::grid::SweepGrid;
use super::input::SharedInput;
use super::jobs::{Apart, Jobs, for_sweeps};
use super::options::SweepOptions;
use super::report::{SweepReport, SweepRun, ranked};
use super::start::Start;
use crate::engine::{RunError, RunOptions, take_lock, tidy_up};
use crate::event::{Event, Level};
use crate::project::Project;

/// Runs every combination of some settings of a plan with Python assets.
///
/// Every combination is a run of its own: recorded in the history, in its own workspace, with its own processes. The project's
/// current artifacts stay as they are unless the best run is promoted; nothing is exported.
///
/// ```no_run
/// use alo_core::assets::Machine;
/// use alo_core::{Project, Sweep, SweepEvent, SweepOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (project, _warnings) = Project::open("experimental_plan.yaml".into(), None)?;
/// let options = SweepOptions {
///     axes: vec!["train.n_estimators=50,100,200".into(), "train.max_depth=3:9:2".into()],
///     ..SweepOptions::default()
/// };
/// let machine = Machine::new("/var/cache/alo", std::env::vars_os());
/// let report = Sweep::new(machine).run(&project, &options, &mut |event: &SweepEvent| {
///     if let SweepEvent::SweepRunFinished { run, done, combinations, .. } = event {
///         eprintln!("{done} of {combinations}: {:?} {:?}", run.values, run.score);
///     }
/// })?;
/// println!("the best: {:?}", report.runs[0].values);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sweep {
    machine: Machine,
}

impl Sweep {
    /// Uses that machine: its cache, its interpreters, its installers.
    pub fn new(machine: Machine) -> Self {
        Self { machine }
    }

    /// Runs all combinations, or those that an interrupted sweep has left. Returns when all have ended, or when
    /// [`RunOptions::cancel`] asked to stop and those that ran were interrupted; what has ended is in the report either way.
    ///
    /// Events go to `observer` on this thread, the last one is [`SweepEvent::SweepFinished`].
    ///
    /// # Errors
    /// When what the runs share could not be done, or the best run not be promoted. A run that fails is no error of the sweep.
    pub fn run(
        &self,
        project: &Project,
        options: &SweepOptions,
        observer: &mut dyn FnMut(&SweepEvent),
    ) -> Result<SweepReport, SweepError> {
        let started = Instant::now();
        if options.promote_best && !project.plan().control.backup_artifacts {
            return Err(SweepError::NothingKept);
        }
        let project = for_sweeps(project);
        let mut shared = |event: &Event| observer(&SweepEvent::Shared { detail: event.clone() });
        let _lock = take_lock(&project, &options.run, &mut shared)?;
        tidy_up(&project, &mut shared);
        let (mut record, run, grid) = begin(&project, options)?;
        let warnings = grid.warnings(project.plan());
        for message in &warnings {
            observer(&SweepEvent::Warning { message: message.clone() });
        }
        let mut tell = |detail| observer(&SweepEvent::Shared { detail });
        let input = SharedInput::prepare(&self.machine, &project, &run, &record.id, &mut tell)
            .map_err(|error| if run.cancel.is_cancelled() { RunError::Interrupted } else { error })?;
        if record.runs.is_empty() {
            record.input = input.identity.clone();
        } else {
            same_input(&record, &input)?;
        }
        record.write(project.layout())?;
        let left = Left { project: &project, run: &run, options, grid: &grid, input: &input };
        left.run(&mut record, observer)?;
        let mut report = report(&project, options, &grid, &record, warnings, started);
        let best = report.runs.first().filter(|run| run.rank == Some(1)).map(|run| run.run.clone());
        if options.promote_best && report.state != RunState::Interrupted {
            let Some(best) = &best else { return Err(SweepError::NoBest { report: Box::new(report) }) };
            finish::promote(&project, &run, best)?;
            report.promoted = Some(best.clone());
        }
        let best = best.and_then(|best| best.parse::<RunId>().ok());
        if let Some(message) = finish::trim(&project, best.as_ref()) {
            observer(&SweepEvent::Warning { message: message.clone() });
            report.warnings.push(message);
        }
        report.seconds = started.elapsed().as_secs_f64();
        observer(&SweepEvent::SweepFinished { report: report.clone() });
        Ok(report)
    }
}

/// What is to be run yet.
struct Left<'a> {
    project: &'a Project,
    run: &'a RunOptions,
    options: &'a SweepOptions,
    grid: &'a SweepGrid,
    input: &'a SharedInput,
}

impl Left<'_> {
    /// Runs what has not run, and writes down each run that has ended.
    fn run(&self, record: &mut SweepRecord, observer: &mut dyn FnMut(&SweepEvent)) -> Result<(), SweepError> {
        let Self { project, run, options, grid, input } = *self;
        let done: BTreeSet<usize> = record.runs.iter().map(|run| run.combination).collect();
        let left: Vec<usize> = (0..grid.len()).filter(|combination| !done.contains(combination)).collect();
        let jobs = options.jobs.map_or_else(cores, NonZeroUsize::get).min(left.len().max(1));
        let sweep = record.id.to_string();
        // For one run alone nothing is to be shared.
        let steps = if left.len() > 1 { grid.common_steps(project.plan(), run.mode) } else { 0 };
        let mut tell = |event: &Event| observer(&SweepEvent::Shared { detail: event.clone() });
        let start = Start::behind(steps, (project, run, &sweep), input, &mut tell).map_err(|failure| {
            if run.cancel.is_cancelled() {
                SweepError::Shared(RunError::Interrupted)
            } else {
                SweepError::SharedSteps(failure)
            }
        })?;
        observer(&SweepEvent::SweepStarted {
            sweep: sweep.clone(),
            combinations: grid.len(),
            done: done.len(),
            jobs,
            shared_steps: start.shared_steps(),
        });
        let runs =
            Jobs { project, options: run, sweep: &sweep, grid, input, start: &start, score: options.score };
        let mut ended = Ended { project, grid, record, observer, failure: None };
        let apart = runs.run(left, jobs, |swept| ended.add(swept));
        ended.tell_why_alone(&apart);
        for Apart { combination, .. } in apart {
            if run.cancel.is_cancelled() {
                break;
            }
            match runs.run_alone(combination) {
                Ok(swept) => ended.add(swept),
                Err(_) if run.cancel.is_cancelled() => break,
                Err(error) => return Err(error.into()),
            }
        }
        ended.failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Takes runs that have ended into the sweep's record.
struct Ended<'a> {
    project: &'a Project,
    grid: &'a SweepGrid,
    record: &'a mut SweepRecord,
    observer: &'a mut dyn FnMut(&SweepEvent),
    failure: Option<SweepRecordError>,
}

impl Ended<'_> {
    fn add(&mut self, swept: SweptRun) {
        // An interrupted run is in the history; the sweep is to run that combination again.
        if swept.state == RunState::Interrupted {
            return;
        }
        let short = SweepRun::new(&swept, self.grid);
        self.record.runs.push(swept);
        if self.record.runs.len() == self.grid.len() {
            self.record.finished = Some(Timestamp::now());
        }
        if let Err(error) = self.record.write(self.project.layout()) {
            self.failure.get_or_insert(error);
        }
        (self.observer)(&SweepEvent::SweepRunFinished {
            run: short,
            done: self.record.runs.len(),
            combinations: self.grid.len(),
        });
    }

    /// Takes the runs that were ended, to be repeated alone, out of the history, and tells why.
    fn tell_why_alone(&mut self, apart: &[Apart]) {
        let begun: Vec<_> = apart.iter().filter_map(|apart| apart.begun.as_ref()).collect();
        let Some((_, cause)) = begun.first() else { return };
        let message = format!(
            "runs go one after the other, from their first step, with the input loaded anew: {cause}"
        );
        let detail = Event::Message { level: Level::Info, step: None, message, show: false };
        (self.observer)(&SweepEvent::Shared { detail });
        let history = History::new(self.project.layout());
        for (run, _) in begun {
            for entry in history.find_all(run, None).unwrap_or_default() {
                // What stays is a failed run that says what it is.
                let _ = history.remove(&entry, true);
            }
        }
    }
}

/// A new sweep, or the one to go on with.
fn begin(
    project: &Project,
    options: &SweepOptions,
) -> Result<(SweepRecord, RunOptions, SweepGrid), SweepError> {
    let mut run = options.run.clone();
    if !options.resume {
        let grid = SweepGrid::parse(&options.axes, project.plan(), run.mode)?;
        let now = Timestamp::now();
        let id = RunId::generate(now, project.name());
        let axes = grid.axes().iter().map(|axis| axis.text().to_owned()).collect();
        let record = SweepRecord::new(id, now, axes, run.mode.to_string(), SweepInput::default());
        return Ok((record, run, grid));
    }
    let record = SweepRecord::unfinished(project.layout())?.ok_or(SweepError::NothingToResume)?;
    let changed = |differences: &[&str]| SweepError::Changed {
        sweep: record.id.to_string(),
        differences: differences.iter().map(|text| (*text).to_owned()).collect(),
    };
    if !options.axes.is_empty() && options.axes != record.axes {
        return Err(changed(&["the settings"]));
    }
    if !record.runs.is_empty() && record.input.plan != plan_digest(project.plan()) {
        return Err(changed(&["the plan"]));
    }
    run.mode = record.mode.parse().unwrap_or(run.mode);
    let grid = SweepGrid::parse(&record.axes, project.plan(), run.mode)?;
    Ok((record, run, grid))
}

fn plan_digest(plan: &Plan) -> String {
    SweepInput::of_plan(&plan.to_yaml()).plan
}

/// Refuses to go on with other input than that of the runs there are.
fn same_input(record: &SweepRecord, input: &SharedInput) -> Result<(), SweepError> {
    let differences = record.input.differences(&input.identity);
    if differences.is_empty() {
        return Ok(());
    }
    let differences = differences.into_iter().map(str::to_owned).collect();
    Err(SweepError::Changed { sweep: record.id.to_string(), differences })
}

fn report(
    project: &Project,
    options: &SweepOptions,
    grid: &SweepGrid,
    record: &SweepRecord,
    warnings: Vec<String>,
    started: Instant,
) -> SweepReport {
    let runs = record.runs.iter().map(|run| SweepRun::new(run, grid)).collect();
    let runs = ranked(runs, options.goal);
    let left = grid.len() - runs.len().min(grid.len());
    let state = match () {
        () if left > 0 => RunState::Interrupted,
        () if runs.iter().any(|run| run.state == RunState::Succeeded) => RunState::Succeeded,
        () => RunState::Failed,
    };
    SweepReport {
        sweep: record.id.to_string(),
        name: project.name().to_owned(),
        project: project.root().to_owned(),
        state,
        seconds: started.elapsed().as_secs_f64(),
        settings: grid.axes().iter().map(|axis| axis.name().to_owned()).collect(),
        runs,
        left,
        promoted: None,
        warnings,
    }
}

/// How many processors this process may use.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
