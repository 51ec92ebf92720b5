//! `alo completions`.

use std::io::{self, Write};

use clap::Command;
use clap_complete::Shell;

use crate::exit_code::Exit;

/// Prints the completion script of a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo completions bash > ~/.local/share/bash-completion/completions/alo
  alo completions zsh > ~/.zfunc/_alo")]
pub(crate) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut alo: Command) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut alo, "alo", &mut script);
    // A reader that has gone is no fault of ours.
    let _ = io::stdout().write_all(&script);
    Exit::Success
}
