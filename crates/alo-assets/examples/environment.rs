//! Builds a Python environment and says where it is: `cargo run -p alo-assets --example environment -- CACHE 3.10 pandas==1.5.3 …`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]

use std::error::Error;
use std::time::Instant;

use alo_assets::{Machine, SetupRequest, set_up};
use alo_plan::{Pipeline, PipelineKind, Plan, Step};
use camino::Utf8Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let cache = camino::absolute_utf8(arguments.next().ok_or("name a folder for the cache")?)?;
    let mut machine = Machine::new(cache, std::env::vars_os());
    machine.python = Some(arguments.next().ok_or("name a Python version")?.parse()?);

    // A project with one step, whose code lies beside it.
    let project = tempfile::tempdir()?;
    let project = Utf8Path::from_path(project.path()).ok_or("the temporary folder has an odd name")?;
    fs_err::create_dir_all(project.join("assets/train"))?;
    fs_err::write(project.join("assets/train/asset_train.py"), "class UserAsset: ...\n")?;

    let mut step = Step::new("train");
    step.requirements = arguments.collect();
    let mut plan = Plan::new("example");
    plan.pipelines.push(Pipeline::new(PipelineKind::Train, [step]));

    let started = Instant::now();
    let prepared = set_up(
        &machine,
        SetupRequest {
            project,
            plan: &plan,
            kind: PipelineKind::Train,
            policy: &alo_assets::SetupPolicy::default(),
            cancelled: &|| false,
            observer: &mut |event| eprintln!("{event:?}"),
        },
    );
    match prepared {
        Ok(prepared) => {
            let environment = &prepared.environments[0];
            println!("{} ({:.1?})", environment.python, started.elapsed());
            println!("{}", environment.packages.join("\n"));
            Ok(())
        }
        Err(error) => {
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            Err(error.into())
        }
    }
}
