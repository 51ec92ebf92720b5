//! Fills the history of a project with runs, for measurements: `cargo run --example many_runs -- DIR COUNT`.

use alo_artifacts::{
    EnvironmentRecord, History, Keep, ProjectLayout, RunId, RunRecord, RunState, StepRecord,
};
use alo_plan::PipelineKind;
use camino::Utf8PathBuf;
use jiff::Timestamp;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: many_runs DIR COUNT";
    let folder = Utf8PathBuf::from(arguments.next().ok_or(usage)?);
    let count: u32 = arguments.next().ok_or(usage)?.parse()?;
    fs_err::create_dir_all(&folder)?;
    let history = History::new(&ProjectLayout::new(folder));
    let packages: Vec<_> = (0..40).map(|number| format!("package-{number}==1.{number}.0")).collect();
    for number in 0..count {
        let started = Timestamp::from_second(1_700_000_000 + i64::from(number) * 60)?;
        let kind = if number % 2 == 0 { PipelineKind::Train } else { PipelineKind::Inference };
        let record = RunRecord::new(RunId::new(started, number, "many"), kind, started);
        let mut run = history.begin(record)?;
        run.update(|record| {
            record.steps = ["input", "preprocess", "train", "output"]
                .map(|name| StepRecord { name: name.to_owned(), seconds: Some(1.5), ..StepRecord::default() })
                .into();
            record.environments =
                vec![EnvironmentRecord { packages: packages.clone(), ..EnvironmentRecord::default() }];
            record.score = Some(f64::from(number % 100) / 100.0);
            record.result = Some("OK".to_owned());
        })?;
        let state = if number % 10 == 9 { RunState::Failed } else { RunState::Succeeded };
        run.finish_at(state, None, &Keep::nothing(), started + jiff::SignedDuration::from_secs(12));
    }
    Ok(())
}
