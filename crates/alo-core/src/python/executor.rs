//! Runs Python assets: prepares their code and environments, keeps a worker for each environment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alo_assets::guard::Ended;
use alo_assets::{CacheUse, CodeIdentity, Machine, PreparedPipeline, PreparedStep, SetupEvent};
use alo_plan::PipelineKind;
use camino::Utf8PathBuf;

use super::calls;
use super::checks::{Checks, LOOK, Unfit};
use super::crash;
use super::embedded;
use super::hand_off::HandOff;
use super::message::{ImportStep, Message, Outcome, RunStep, ToWorker};
use super::missing::all_is_there;
use super::setup::prepare_pipeline;
use super::shared_input::SharedInput;
use super::usage::UsageMeter;
use super::value::map_to_json;
use super::variables;
use super::warm::WarmPython;
use super::worker::{Heard, Worker, WorkerError};
use super::workers::{Place, Workers};
use crate::context::StepContext;
use crate::error_chain;
use crate::event::{Event, Level, Stream};
use crate::executor::{
    Ahead, Executor, ExecutorError, Keeping, Preparation, Prepared, StepCode, UsedEnvironment, WarmUp,
};
use crate::failure::{FailureKind, StepFailure};
use crate::journal::Journal;

/// Runs the steps of a plan that are Python assets.
///
/// Every environment has one worker process, which serves all steps that need it, in both pipelines. It ends with the run,
/// together with every process it has started, even when this process is killed.
pub struct PythonExecutor {
    machine: Machine,
    step_timeout: Option<Duration>,
    workers: Workers,
    checks: Checks,
    /// Whether a step of this run has failed.
    has_failed: bool,
    /// Keeps code and environments of the run in the cache.
    in_use: Vec<CacheUse>,
    prepared: Option<Pipeline>,
    /// What was made ready for several runs, of which this is one.
    warm: Option<Arc<WarmPython>>,
    /// Whether others run at the same time, with the same input.
    is_beside_others: bool,
}

/// The pipeline that is running.
struct Pipeline {
    kind: PipelineKind,
    setup: Arc<PreparedPipeline>,
    hand_off: HandOff,
    /// Whether its workers have been started.
    is_warm: bool,
    /// Whether its first step is still to come.
    is_new: bool,
    /// The step that ran last and what printed lines are filed under.
    last: Option<Speaker>,
}

/// Whose lines are printed.
#[derive(Debug, Clone)]
struct Speaker {
    step: String,
    file: String,
}

impl Speaker {
    fn of(step: &PreparedStep) -> Self {
        let file = step.code.file.file_name().unwrap_or_default().to_owned();
        Self { step: step.name.to_string(), file }
    }
}

impl PythonExecutor {
    /// Uses that machine: its cache, its interpreters, its installers.
    pub fn new(machine: Machine) -> Self {
        Self {
            machine,
            step_timeout: None,
            workers: Workers::default(),
            in_use: Vec::new(),
            checks: Checks::default(),
            has_failed: false,
            prepared: None,
            warm: None,
            is_beside_others: false,
        }
    }

    /// Does one of several runs, with what was made ready for all of them.
    pub(crate) fn warm(warm: &Arc<WarmPython>) -> Self {
        Self { warm: Some(Arc::clone(warm)), ..Self::new(warm.machine().clone()) }
    }

    /// Others run at the same time with the same input: no step may change it.
    #[must_use]
    pub(crate) fn beside_others(mut self) -> Self {
        self.is_beside_others = true;
        self
    }

    /// Ends a step that takes longer. Default: no limit.
    #[must_use]
    pub fn step_timeout(mut self, limit: Duration) -> Self {
        self.step_timeout = Some(limit);
        self
    }

    /// Gives away its workers, as they stand, by the key of their environment.
    pub(crate) fn into_workers(self) -> BTreeMap<String, Worker> {
        self.workers.into_waiting()
    }

    /// Makes code and environments of a pipeline ready.
    fn set_up(&mut self, preparation: &mut Preparation<'_>) -> Result<PreparedPipeline, ExecutorError> {
        let kind = preparation.pipeline.kind;
        let mut journal = preparation.journal.reborrow();
        let mut tell = |detail: SetupEvent| {
            journal.note(&detail.to_string());
            journal.emit(&Event::Setup { pipeline: kind, detail });
        };
        let (project, policy) = (preparation.project, preparation.policy);
        let mut setup =
            prepare_pipeline(&self.machine, project, kind, policy, preparation.cancel, &mut tell)?;
        self.in_use.append(&mut setup.in_use);
        self.checks.add(std::mem::take(&mut setup.finishing), preparation.cancel);
        Ok(setup)
    }

    /// Where the interpreter writes where it was when its process dies.
    fn crash_file(&self, context: &StepContext<'_>) -> Utf8PathBuf {
        let layout = context.scope().project.layout();
        match &self.warm {
            None => layout.state().join("crash"),
            // Others run beside this one.
            Some(_) => layout.staging().join(context.scope().run.as_str()).join("crash"),
        }
    }

    /// What the results of steps depend on beside code, environment and data; none if the asset API is not there.
    fn keeping(&self) -> Option<Keeping> {
        let api = embedded::worker_script(&self.machine.cache).ok()?;
        let (variables, session) = variables::seen_by_steps(&self.machine);
        Some(Keeping { api: api.parent()?.file_name()?.to_owned(), variables, session })
    }
}

impl Executor for PythonExecutor {
    fn look_ahead(&mut self, ahead: Ahead<'_>) -> Result<(), ExecutorError> {
        let Ahead { project, pipelines, policy, cancel, observer } = ahead;
        let mut tell = |pipeline, detail| observer.event(&Event::Setup { pipeline, detail });
        all_is_there(&self.machine, project, pipelines, policy, cancel, &mut tell)
    }

    fn prepare(&mut self, mut preparation: Preparation<'_>) -> Result<Prepared, ExecutorError> {
        let kind = preparation.pipeline.kind;
        let setup = match &self.warm {
            Some(warm) => warm.setup(kind)?,
            None => Arc::new(self.set_up(&mut preparation)?),
        };
        for (_, worker) in self.workers.take_others(&setup.environments) {
            let ended = worker.end(&mut printer(&mut preparation.journal, None));
            report_end(ended, &mut preparation.journal);
        }
        let mut prepared = describe(&setup);
        prepared.keeping = self.keeping();
        let hand_off = HandOff::new(&self.machine);
        self.prepared = Some(Pipeline { kind, setup, hand_off, is_warm: false, is_new: true, last: None });
        Ok(prepared)
    }

    fn warm_up(&mut self, WarmUp { project, cancel }: WarmUp<'_>) -> Result<(), ExecutorError> {
        let Some(Pipeline { setup, is_warm, .. }) = &mut self.prepared else { return Ok(()) };
        // Once for all of its steps: to say for each one what all of them import would take longer the more there are.
        if std::mem::replace(is_warm, true) {
            return Ok(());
        }
        let place = Place { machine: &self.machine, folder: project.root(), cancel };
        for (index, environment) in setup.environments.iter().enumerate() {
            if let Some(warm) = &self.warm {
                self.workers.copy(environment, warm, place)?;
                continue;
            }
            let steps = setup.steps.iter().enumerate().filter(|(_, step)| step.environment == index);
            let steps = steps.map(|(number, step)| ImportStep {
                is_first: number == 0,
                file: &step.code.file,
                folder: &step.code.folder,
            });
            self.workers.warm_up(environment, steps.collect(), place)?;
        }
        Ok(())
    }

    fn run_step(&mut self, context: &mut StepContext<'_>) -> Result<(), StepFailure> {
        let step = context.step_name().to_owned();
        let broken = |cause: String| StepFailure::new(step.as_str(), FailureKind::Killed, cause);
        let scope = *context.scope();
        self.warm_up(WarmUp::new(scope.project, scope.cancel))
            .map_err(|error| broken(error_chain(&error)))?;
        let crash_file = self.crash_file(context);
        let Some(pipeline) = &mut self.prepared else {
            return Err(broken("the pipeline was not prepared".into()));
        };
        let Some(asset) = pipeline.setup.steps.iter().find(|asset| asset.name.as_str() == step) else {
            return Err(broken("the step was not prepared".into()));
        };
        let environment = &pipeline.setup.environments[asset.environment];
        let scope = context.scope();
        let place = Place { machine: &self.machine, folder: scope.project.root(), cancel: scope.cancel };
        let taken = self.workers.take(environment, place);
        let mut worker = taken.map_err(|error| broken(error_chain(&error)))?;
        let speaker = Speaker::of(asset);
        let layout = context.scope().project.layout();
        let input = self.is_beside_others.then(|| SharedInput::of(layout, context.scope().run));
        let hand_off = pipeline.hand_off.files(context, &pipeline.setup);
        let hand_off = hand_off.map_err(|error| broken(error_chain(&error)))?;
        let watch_order = context.kept_values().map(|values| values.watch.clone());
        let request = ToWorker::RunStep(Box::new(RunStep {
            // A copied worker may stand behind the first steps.
            new_pipeline: pipeline.is_new && (self.warm.is_none() || context.number() == 1),
            step: &step,
            module: &asset.code.module,
            file: &asset.code.file,
            folder: &asset.code.folder,
            real_folder: asset.code.folder.canonicalize_utf8().ok(),
            args: map_to_json(context.args()),
            envs: map_to_json(&context.envs()),
            meta: map_to_json(&context.meta()),
            cwd: context.scope().project.root(),
            hand_off,
            watch: watch_order.as_ref(),
            crash_file: &crash_file,
            swept: self.warm.is_some(),
            keep_out: input.as_ref().map(SharedInput::order),
        }));
        let deadline = || self.step_timeout.map(|limit| Instant::now() + limit);
        let mut watch = Watch { checks: &mut self.checks, kind: pipeline.kind, unfit: None };
        let mut heard = drive(&mut worker, &request, deadline(), context, &speaker, &mut watch);
        let has_stopped = matches!(heard, Ok(Heard::Ended(_) | Heard::Late)) && watch.unfit.is_none();
        if has_stopped && worker.is_importing() && !context.is_cancelled() {
            // No step has had to do with it: whichever imports it will find the same, in its own time.
            let replaced = self.workers.replace(environment, worker, place);
            worker = replaced.map_err(|error| broken(error_chain(&error)))?;
            heard = drive(&mut worker, &request, deadline(), context, &speaker, &mut watch);
        }
        if watch.unfit.is_none() && heard.as_ref().is_ok_and(awaits_verdict) {
            // The steps go on without it; a failure may come of a package that cannot work, and is told with it.
            watch.look(!heard.as_ref().is_ok_and(has_finished), context);
        }
        let unfit = watch.unfit;
        pipeline.is_new = false;
        pipeline.hand_off.step_ended(context.number());
        let own_files = self.machine.cache.join("embedded");
        let result = match heard {
            Ok(Heard::Message(Message::Done(Outcome::Failed(failed)))) => {
                let mut failure = crash::told(&step, pipeline.kind.key(), failed);
                let damage = crash::damage(environment, &failure);
                failure.hint = damage.or(unfit.map(Unfit::explain)).or(failure.hint);
                Err(failure)
            }
            Ok(Heard::Message(Message::Done(Outcome::Finished { .. })) | Heard::Late) if unfit.is_some() => {
                unfit.map_or(Ok(()), |unfit| Err(unfit.failure(&step)))
            }
            Ok(Heard::Message(Message::Done(Outcome::Finished { seen }))) => {
                context.saw(seen);
                context.end_step().map_err(|refusal| broken(refusal.message))
            }
            Ok(Heard::Message(_)) => Err(broken("its worker spoke out of turn".into())),
            Ok(Heard::Late) => Err(StepFailure::new(
                step.as_str(),
                FailureKind::TimedOut,
                format!("it did not finish within {} s", self.step_timeout.unwrap_or_default().as_secs()),
            )),
            Ok(Heard::Ended(ended)) => {
                report_left_behind(&ended, context.journal());
                let mut failure = crash::died(&step, ended.status, &crash_file, &own_files);
                failure.hint = unfit.map(Unfit::explain).or(failure.hint);
                Err(failure)
            }
            Err(error) => Err(broken(error_chain(&error))),
        };
        let result = SharedInput::judge(input, &step, result);
        // Nothing more to learn from it; it is not there unless the interpreter crashed.
        let _ = fs_err::remove_file(&crash_file);
        self.has_failed |= result.is_err();
        if result.is_ok() {
            self.workers.give_back(environment, worker);
        } else {
            // It is being ended because its step has failed; how it ends adds nothing.
            let _ = worker.stop(&mut printer(context.journal(), Some(&speaker)));
            context.journal().flush();
        }
        pipeline.last = Some(speaker);
        match result {
            Err(_) if context.is_cancelled() => {
                Err(StepFailure::new(step.as_str(), FailureKind::Interrupted, "the run was interrupted"))
            }
            result => result,
        }
    }

    fn settle(&mut self, journal: &mut Journal<'_>) -> Result<(), ExecutorError> {
        let Some(kind) = self.prepared.as_ref().map(|pipeline| pipeline.kind) else { return Ok(()) };
        self.checks.look(true, kind, journal).map_err(|unfit| {
            self.has_failed = true;
            unfit.into()
        })
    }

    fn finish(&mut self, more: bool, journal: &mut Journal<'_>) {
        let last = self.prepared.take().and_then(|pipeline| pipeline.last);
        if !more {
            let ended = self.workers.end_all(&mut printer(journal, last.as_ref()));
            for ended in ended {
                report_end(ended, journal);
            }
            self.checks.end(!self.has_failed);
            self.has_failed = false;
            self.in_use.clear();
        }
    }
}

/// Gives a worker its step and answers its calls until the step is over.
fn drive(
    worker: &mut Worker,
    request: &ToWorker<'_>,
    deadline: Option<Instant>,
    context: &mut StepContext<'_>,
    speaker: &Speaker,
    watch: &mut Watch<'_>,
) -> Result<Heard, WorkerError> {
    worker.wait_ready(&mut printer(context.journal(), Some(speaker)))?;
    let measured = context.scope().project.plan().control.check_resource;
    let meter = worker.pid().filter(|_| measured).and_then(UsageMeter::start);
    worker.say(request)?;
    loop {
        let look = Some(Instant::now() + LOOK).filter(|_| watch.checks.are_pending());
        let until = [deadline, look].into_iter().flatten().min();
        let heard = worker.listen(until, &mut printer(context.journal(), Some(speaker)))?;
        context.journal().flush();
        if matches!(heard, Heard::Late) && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            watch.look(false, context);
            if watch.unfit.is_none() {
                continue;
            }
        }
        let Heard::Message(Message::Call(call)) = heard else {
            if let Some(usage) = meter.and_then(|meter| meter.read()) {
                context.used(usage);
            }
            return Ok(heard);
        };
        match calls::answer(context, call) {
            Ok(result) => worker.say(&ToWorker::Result(result))?,
            Err(refusal) => worker
                .say(&ToWorker::Refused { message: &refusal.message, exception: refusal.kind.exception() })?,
        }
    }
}

/// Looks, while a step runs, whether its environment works.
struct Watch<'a> {
    checks: &'a mut Checks,
    kind: PipelineKind,
    unfit: Option<Unfit>,
}

impl Watch<'_> {
    fn look(&mut self, wait: bool, context: &mut StepContext<'_>) {
        self.unfit = self.checks.look(wait, self.kind, context.journal()).err();
    }
}

fn has_finished(heard: &Heard) -> bool {
    matches!(heard, Heard::Message(Message::Done(Outcome::Finished { .. })))
}

/// Whether what a worker said is to be judged with the verdict on its environment.
fn awaits_verdict(heard: &Heard) -> bool {
    match heard {
        Heard::Message(Message::Done(Outcome::Failed(failed))) => {
            !failed.refused && failed.exit_code.is_none()
        }
        Heard::Ended(_) => true,
        heard => has_finished(heard),
    }
}

/// Files what a worker prints under the step that is running.
fn printer<'a>(
    journal: &'a mut Journal<'_>,
    speaker: Option<&'a Speaker>,
) -> impl FnMut(Stream, String) + use<'a> {
    let mut journal = journal.reborrow();
    move |stream, line| {
        let (step, file) = speaker.map_or(("", "python"), |speaker| (&speaker.step, &speaker.file));
        journal.printed(step, file, stream, line);
    }
}

fn report_end(ended: Result<Ended, WorkerError>, journal: &mut Journal<'_>) {
    match ended {
        Ok(ended) => report_left_behind(&ended, journal),
        Err(error) => journal.say(Level::Warning, &error_chain(&error)),
    }
    journal.flush();
}

fn report_left_behind(ended: &Ended, journal: &mut Journal<'_>) {
    for process in &ended.left_behind {
        journal.say(
            Level::Warning,
            &format!("a step left process {} running (`{}`); it was stopped", process.pid, process.command),
        );
    }
}

fn describe(setup: &PreparedPipeline) -> Prepared {
    let code = setup.steps.iter().map(|step| StepCode {
        identity: step.code.identity.digest().to_owned(),
        description: serde_json::to_value(&step.code.identity).unwrap_or_default(),
        editable: matches!(step.code.identity, CodeIdentity::Local { .. }).then(|| step.code.folder.clone()),
    });
    let environments = setup.environments.iter().enumerate().map(|(index, used)| UsedEnvironment {
        key: used.key.clone(),
        python: used.version.to_string(),
        steps: setup
            .steps
            .iter()
            .filter(|step| step.environment == index)
            .map(|step| step.name.to_string())
            .collect(),
        packages: used.packages.clone(),
    });
    let split = setup.split.as_ref().map(ToString::to_string);
    Prepared { code: code.collect(), environments: environments.collect(), split, keeping: None }
}
