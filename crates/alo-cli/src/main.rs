//! `alo`: runs AI Contents from the command line. Arguments, rendering and exit codes; everything else is in `alo-core`.

mod cli;
mod commands;
mod exit_code;
mod machine;
mod render;
mod templates;
mod ui;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    commands::run(arguments).into()
}
