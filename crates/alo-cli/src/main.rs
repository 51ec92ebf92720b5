//! `alo`: runs AI Contents from the command line. Arguments, rendering and exit codes; everything else is in `alo-core`.

mod cli;
mod commands;
mod dispatch;
mod exit_code;
mod format;
mod machine;
mod render;
mod templates;
mod ui;

use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory, FromArgMatches};

fn main() -> ExitCode {
    let matches = without_empty_variables(cli::Arguments::command()).get_matches();
    let arguments = cli::Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    dispatch::run(arguments).into()
}

/// A variable that is set to nothing is one that is not set.
fn without_empty_variables(command: Command) -> Command {
    let unless_empty = |argument: Arg| {
        let is_empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        if is_empty { argument.env(None) } else { argument }
    };
    command.mut_args(unless_empty).mut_subcommands(without_empty_variables)
}
