//! `alo sweep`.

use std::io;
use std::num::NonZeroUsize;

use alo_core::artifacts::{RunState, S3Environment};
use alo_core::assets::Update;
use alo_core::{Goal, Mode, PipelineKind, RunOptions, Sweep, SweepEvent, SweepOptions, SweepReport};
use camino::Utf8PathBuf;
use clap::ValueEnum;

use super::work_args::WorkArgs;
use crate::exit_code::Exit;
use crate::format::Format;
use crate::render::{json, sweep as render};
use crate::ui::Ui;

/// Runs every combination of some settings, each as a run of its own, and ranks them by score.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo sweep --set train.max_depth=3:9:2                      3, 5, 7 and 9
  alo sweep --set train.n_estimators=50,100 --set train.max_depth=3:9:2 --jobs 4
  alo sweep --set train.model=svm,forest --promote best      the best becomes the current model
  alo sweep --set 'train.x_columns=[Age, Sex],[Age, Fare]'   values as in a plan: lists, maps, 'text'
  alo sweep --set train.train.depth=3,4                      where both pipelines have a step `train`, that of training
  alo sweep --resume                                         goes on with the last one that was interrupted

Steps before the first that differs run once for all. Nothing is exported, and the current artifacts stay as they are unless
--promote is given. Every run is in `alo history`; `alo history restore ID` promotes any of them later.")]
pub(crate) struct Args {
    /// The plan [default: `experimental_plan.yaml` here, in solution/ or in config/].
    plan: Option<Utf8PathBuf>,
    /// A setting and its values: a list as in a plan, or a range FIRST:LAST or FIRST:LAST:STEP. May be given several times.
    #[arg(long, value_name = "STEP.ARG=VALUES", required_unless_present = "resume")]
    set: Vec<String>,
    /// How many runs go at a time [default: the number of cores].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// The highest score is the best. The default.
    #[arg(long, conflicts_with = "minimize")]
    maximize: bool,
    /// The lowest score is the best.
    #[arg(long)]
    minimize: bool,
    /// Whose summary's score counts [default: train, if it runs and saves one].
    #[arg(long, value_enum, value_name = "PIPELINE")]
    score: Option<Score>,
    /// Makes the artifacts of the best run the current ones, when all have run.
    #[arg(long, value_enum)]
    promote: Option<Promoted>,
    /// Goes on with the last sweep that was interrupted: same plan, code, environment, data and settings.
    #[arg(long)]
    resume: bool,
    /// Which pipelines run: all, train, inference.
    #[arg(long, default_value = "all")]
    mode: Mode,
    #[command(flatten)]
    work: WorkArgs,
    /// How to tell what happens.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Score {
    Train,
    Inference,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Promoted {
    Best,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let project = args.work.open(args.plan.as_deref(), ui)?;
    let machine = args.work.machine(ui)?;
    let options = SweepOptions {
        axes: args.set.clone(),
        run: RunOptions {
            s3: S3Environment::new(std::env::vars_os()),
            ..args.work.options(args.mode, Update::Nothing, ui)
        },
        jobs: args.jobs,
        goal: if args.minimize { Goal::Minimize } else { Goal::Maximize },
        score: args.score.map(|score| match score {
            Score::Train => PipelineKind::Train,
            Score::Inference => PipelineKind::Inference,
        }),
        promote_best: args.promote.is_some(),
        resume: args.resume,
    };
    let sweep = Sweep::new(machine);
    let result = match args.format {
        Format::Json => {
            let mut lines = json::Lines::new(io::stdout());
            sweep.run(&project, &options, &mut |event: &SweepEvent| lines.line(event))
        }
        Format::Human => {
            let mut screen = render::Screen::new(ui);
            sweep.run(&project, &options, &mut |event: &SweepEvent| screen.event(event))
        }
    };
    ui.idle();
    match result {
        Ok(report) => {
            if args.format == Format::Human {
                render::show(&report, ui);
            }
            Ok(exit(&report))
        }
        Err(error) => Err(render::failed(&error, ui)),
    }
}

fn exit(report: &SweepReport) -> Exit {
    match report.state {
        RunState::Interrupted => Exit::Interrupted,
        RunState::Succeeded if report.runs.iter().all(|run| run.state == RunState::Succeeded) => {
            Exit::Success
        }
        _ => Exit::RunFailed,
    }
}
