//! The one gate to the terminal: stdout carries what a script would pipe, everything else goes to stderr.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What every command takes: how much is shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UiArgs {
    /// Shows errors, warnings and the closing block only.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Shows no spinner, plain lines only, as when the output is piped.
    #[arg(long, global = true)]
    no_progress: bool,
}

/// Where a command prints.
pub(crate) struct Ui {
    colour: bool,
    quiet: bool,
    spinner: Option<ProgressBar>,
    /// Whether the spinner is shown; a thread of its own turns it.
    is_busy: Cell<bool>,
}

impl Ui {
    /// Looks at the terminal and the wishes of the user (`NO_COLOR`, `--quiet`, `--no-progress`).
    pub(crate) fn new(args: &UiArgs) -> Self {
        let terminal =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let spinner = (terminal && !args.quiet && !args.no_progress).then(spinner);
        Self { colour, quiet: args.quiet, spinner, is_busy: Cell::new(false) }
    }

    /// Whether stderr may be coloured.
    pub(crate) fn colour(&self) -> bool {
        self.colour
    }

    /// Prints a line of data for a script.
    #[expect(clippy::unused_self, reason = "one gate for both streams")]
    pub(crate) fn data(&self, line: &str) {
        // A reader that has gone (`alo history | head`) is no fault of ours.
        let _ = writeln!(io::stdout().lock(), "{line}");
    }

    /// Prints a line of progress, unless it is to be quiet.
    pub(crate) fn progress(&self, line: &str) {
        if !self.quiet {
            self.say(line);
        }
    }

    /// Prints a line that is to be seen.
    pub(crate) fn say(&self, line: &str) {
        let print = || {
            // In one piece: other processes may print to the same terminal. A fault is as in `data`.
            let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
        };
        match &self.spinner {
            Some(spinner) if self.is_busy.get() => spinner.suspend(print),
            _ => print(),
        }
    }

    /// Shows what goes on, with a spinner and the time it takes, on a terminal.
    pub(crate) fn busy(&self, what: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(what.to_owned());
            spinner.reset();
            if !self.is_busy.replace(true) {
                spinner.enable_steady_tick(Duration::from_millis(120));
            }
        }
    }

    /// Changes what the spinner says, while the time goes on.
    pub(crate) fn doing(&self, what: &str) {
        if let Some(spinner) = &self.spinner
            && self.is_busy.get()
        {
            spinner.set_message(what.chars().take(100).collect::<String>());
        }
    }

    /// Takes the spinner away.
    pub(crate) fn idle(&self) {
        if let Some(spinner) = &self.spinner
            && self.is_busy.replace(false)
        {
            spinner.disable_steady_tick();
            spinner.finish_and_clear();
        }
    }

    /// Paints text for a terminal.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        if self.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", paint.code()) } else { text.to_owned() }
    }
}

/// The few colours that are used, by what they mean.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint {
    Error,
    Warning,
    Good,
    Hint,
    Strong,
    Faint,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Warning => "1;33",
            Self::Good => "1;32",
            Self::Hint => "1;36",
            Self::Strong => "1",
            Self::Faint => "2",
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
