//! `alo history list`.

use alo_core::PipelineKind;
use alo_core::artifacts::{History, ListedRun, RunState};

use super::place::ProjectArgs;
use super::run_object::object;
use super::words::{Pipeline, State};
use crate::exit_code::Exit;
use crate::format::Format;
use crate::render::table::columns;
use crate::render::{failure, quantity};
use crate::ui::Ui;

/// Lists runs, the newest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --format json every line is the record of a run (`run.yaml`) with its `folder` and whether it is `pinned`;
a run whose record cannot be read says why in `damaged`."
)]
// Also the arguments of `alo history` itself: one group of this name is enough.
#[group(skip)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// Only runs of that pipeline.
    #[arg(long, visible_alias = "pipeline", value_name = "PIPELINE")]
    mode: Option<Pipeline>,
    /// Only runs in that state.
    #[arg(long)]
    state: Option<State>,
    /// Only so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let history = History::new(&args.project.layout(ui)?);
    let mut runs = history
        .runs()
        .map_err(|error| failure::refused(ui, &failure::chain(&error), error.hint().as_deref()))?;
    if let Some(kind) = args.mode.map(PipelineKind::from) {
        runs.retain(|run| run.kind == kind);
    }
    if let Some(state) = args.state.map(RunState::from) {
        runs.retain(|run| run.state == state);
    }
    runs.truncate(args.limit.unwrap_or(usize::MAX));
    match args.format {
        Format::Json => {
            for entry in runs.iter().filter_map(|run| history.read_run(run)) {
                ui.data(&object(&entry).to_string());
            }
        }
        Format::Human if runs.is_empty() => ui.progress("no runs"),
        // All at once: thousands of lines are one write.
        Format::Human => ui.data(&columns(&rows(&runs)).join("\n")),
    }
    Ok(Exit::Success)
}

fn rows(runs: &[ListedRun]) -> Vec<Vec<String>> {
    let header = ["id", "pipeline", "state", "started (UTC)", "time", "score", "result"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(runs.iter().map(|run| {
        let time = run.ended.map(|ended| ended.duration_since(run.started).as_secs_f64());
        let pinned = if run.pinned { " (pinned)" } else { "" };
        let damaged = if run.damaged { " (record damaged)" } else { "" };
        vec![
            run.id.to_string(),
            run.kind.to_string(),
            format!("{}{damaged}{pinned}", run.state),
            run.started.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            time.map(quantity::seconds).unwrap_or_default(),
            run.score.map(|score| score.to_string()).unwrap_or_default(),
            run.error.clone().or_else(|| run.result.clone()).unwrap_or_default(),
        ]
    }));
    rows
}
