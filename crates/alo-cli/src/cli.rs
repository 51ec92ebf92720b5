//! The words of the command line.

use clap::{Parser, Subcommand};

use crate::commands::{
    asset, cache, completions, fetch, history, init, run, schema, sweep, update, validate,
};
use crate::ui::UiArgs;

/// Runs AI Contents: a plan of steps in Python, with their data, models and history.
#[derive(Debug, Parser)]
#[command(name = "alo", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) ui: UiArgs,
}

const EXAMPLES: &str = "Examples:
  alo init my-project --example titanic   a project that runs as it is
  alo run                                 the plan of this folder
  alo run plan.yaml --mode train          another plan, training only
  alo validate plan.yaml                  all faults of a plan, nothing is run
  alo history                             the runs of this project

Exit codes: 0 success, 1 a run failed, 2 wrong command line or plan, 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a plan: fetches the code, builds the environment, loads the data, runs the steps.
    Run(run::Args),
    /// Runs every combination of some settings, each as a run of its own, and ranks them by score.
    Sweep(sweep::Args),
    /// Fetches code and builds environments, so that runs need no network. Runs nothing.
    Fetch(fetch::Args),
    /// Looks branches and packages up again and writes what they are now to alo.lock.
    Update(update::Args),
    /// Checks plans and shows every fault with its place. Runs nothing.
    Validate(validate::Args),
    /// Makes a project: a plan and assets that run as they are.
    Init(init::Args),
    /// Makes the code of a new step, or brings fetched code into the project.
    Asset(asset::Args),
    /// Shows what the cache holds, and removes what is not needed any more.
    Cache(cache::Args),
    /// Prints the JSON Schema of plans, for editors.
    Schema(schema::Args),
    /// Shows the runs of a project.
    History(history::Args),
    /// Prints the completion script of a shell.
    Completions(completions::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_words_are_consistent() {
        Arguments::command().debug_assert();
    }
}
