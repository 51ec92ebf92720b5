//! How a Rust program embeds the alo engine, in two parts:
//!
//! 1. a pipeline whose steps are Rust closures,
//! 2. the Titanic plan with its steps in Python, watched by an observer of our own.
//!
//! Run it: `cargo run -p embed -- WORK_FOLDER examples/titanic/experimental_plan.yaml`

use std::error::Error;
use std::time::Duration;

use alo_core::assets::Machine;
use alo_core::{
    Absent, ArgumentType, Engine, Event, Mode, NativeExecutor, Observer, Pipeline, PipelineKind, Plan,
    Project, PythonExecutor, RunOptions, Step, SummaryDraft, Value,
};
use camino::{Utf8Path, Utf8PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(Utf8PathBuf::from);
    let (Some(work), Some(titanic_plan)) = (arguments.next(), arguments.next()) else {
        return Err("usage: embed WORK_FOLDER TITANIC_PLAN".into());
    };
    let score = rust_steps(&work.join("thermometer"))?;
    println!("thermometer: score {score}");
    let score = titanic(&work, &titanic_plan)?;
    println!("titanic: score {score}");
    Ok(())
}

/// Part 1: the steps are closures. No Python is needed for it.
fn rust_steps(folder: &Utf8Path) -> Result<f64, Box<dyn Error>> {
    // A plan can be loaded from a file or, as here, made in Rust. Arguments belong to the plan, not to the code.
    let mut input = Step::new("input");
    input.args.insert("unit", "celsius");
    let mut plan = Plan::new("thermometer");
    plan.pipelines.push(Pipeline::new(PipelineKind::Train, [input, Step::new("train")]));

    // A project is a plan and the folder that it works in: models, logs and history will lie there.
    fs_err::create_dir_all(folder)?;
    let project = Project::new(folder, plan)?;

    // The code of each step is registered by the step's name. All that a step can see and do is in its context; an
    // error that it returns ends the run, with the step's name.
    let executor = NativeExecutor::new()
        .step("input", |step| {
            let unit = step.check_arg("unit", &Absent::Default(Value::from("kelvin")), ArgumentType::Str)?;
            let readings: Vec<f64> = vec![20.5, 21.0, 21.5, 19.0];
            let offset = if unit == Value::from("celsius") { 273.15 } else { 0.0 };
            // What is put here is there for the steps that follow, as the very value: nothing is copied.
            step.put_data(
                "readings",
                readings.into_iter().map(|reading| reading + offset).collect::<Vec<f64>>(),
            );
            Ok(())
        })
        .step("train", |step| {
            let readings: &Vec<f64> = step.data("readings")?;
            let mean = readings.iter().sum::<f64>() / readings.len() as f64;
            fs_err::write(step.model_path()?.join("mean.txt"), mean.to_string())?;
            step.save_summary(SummaryDraft::new("OK", 0.9).note(format!("mean {mean} K")))?;
            Ok(())
        });

    // The engine runs the plan: it stages the model, makes it current when all steps have succeeded, keeps the history.
    let report = Engine::new(executor).run(&project, &RunOptions::default(), &mut |_: &Event| {})?;
    let train = &report.pipelines[0];
    println!("the model lies in {}", train.places.models.as_ref().ok_or("no model")?);
    Ok(train.summary.as_ref().ok_or("no summary")?.score)
}

/// Part 2: a plan with steps in Python. Its code, environment and workers are the engine's business.
fn titanic(work: &Utf8Path, plan: &Utf8Path) -> Result<f64, Box<dyn Error>> {
    let (project, warnings) = Project::open(plan, None)?;
    for warning in warnings {
        eprintln!("{}", warning.message);
    }

    // The library reads no environment by itself: where the cache is, and which variables programs get, is said here.
    // `ALO_CACHE_DIR` is what the `alo` program uses; with the same folder they share their environments.
    let cache = std::env::var("ALO_CACHE_DIR").map_or_else(|_| work.join("cache"), Utf8PathBuf::from);
    let machine = Machine::new(cache, std::env::vars_os());
    let executor = PythonExecutor::new(machine).step_timeout(Duration::from_secs(600));

    // From another thread `options.cancel.cancel()` would stop the run.
    let options = RunOptions { mode: Mode::All, command: "embed".into(), ..RunOptions::default() };
    let mut times = StepTimes::default();
    let report = Engine::new(executor).run(&project, &options, &mut times)?;

    for (step, seconds) in &times.steps {
        println!("  {step}: {seconds:.2} s");
    }
    let inference = report.pipelines.last().ok_or("nothing ran")?;
    println!("the predictions lie in {}", inference.places.output.first().ok_or("no output")?);
    Ok(inference.summary.as_ref().ok_or("no summary")?.score)
}

/// An observer: it gets every event of a run, in order, and here it keeps how long the steps took.
#[derive(Default)]
struct StepTimes {
    steps: Vec<(String, f64)>,
}

impl Observer for StepTimes {
    fn event(&mut self, event: &Event) {
        match event {
            Event::StepFinished { pipeline, step, seconds } => {
                self.steps.push((format!("{pipeline}/{step}"), *seconds));
            }
            Event::StepOutput { step, line, .. } => println!("  {step} says: {line}"),
            _ => {}
        }
    }
}
