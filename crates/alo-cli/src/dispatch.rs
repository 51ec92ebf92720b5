//! From the words of the command line to the command.

use clap::CommandFactory;

use crate::cli::{Arguments, Command};
use crate::commands::{
    asset, cache, completions, fetch, history, init, run as run_command, schema, sweep, update, validate,
};
use crate::exit_code::Exit;
use crate::ui::Ui;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> Exit {
    let ui = Ui::new(&arguments.ui);
    // What went wrong has been said where it was found.
    match arguments.command {
        Command::Run(args) => run_command::run(&args, &ui).unwrap_or_else(|exit| exit),
        Command::Sweep(args) => sweep::run(&args, &ui).unwrap_or_else(|exit| exit),
        Command::Fetch(args) => fetch::run(&args, &ui).unwrap_or_else(|exit| exit),
        Command::Update(args) => update::run(&args, &ui).unwrap_or_else(|exit| exit),
        Command::Validate(args) => validate::run(&args, &ui),
        Command::Init(args) => init::run(&args, &ui),
        Command::Asset(args) => asset::run(&args, &ui),
        Command::Cache(args) => cache::run(&args, &ui),
        Command::Schema(args) => schema::run(&args, &ui),
        Command::History(args) => history::run(&args, &ui),
        Command::Completions(args) => completions::run(&args, Arguments::command()),
    }
}
