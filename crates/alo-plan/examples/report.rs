//! Prints what `alo validate --format json` prints, or the faults for people: `report [--human] PLAN…`.

use std::process::ExitCode;

use alo_plan::report::{PlanReport, Reports};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]
fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let human = arguments.first().is_some_and(|first| first == "--human");
    if human {
        arguments.remove(0);
    }
    let loaded: Vec<_> = arguments.iter().map(|path| alo_plan::load(path.as_str().into())).collect();
    if human {
        for plan in &loaded {
            eprint!("{}", alo_plan::render::render(plan, false));
        }
    } else {
        let reports = Reports { plans: loaded.iter().map(PlanReport::new).collect() };
        match serde_json::to_string(&reports) {
            Ok(json) => println!("{json}"),
            Err(error) => eprintln!("error: {error}"),
        }
    }
    ExitCode::from(if loaded.iter().all(alo_plan::Loaded::is_valid) { 0 } else { 2 })
}
