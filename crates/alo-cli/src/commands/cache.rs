//! `alo cache`.

use alo_core::assets::{CacheContent, CacheEntry, CacheInfo, PruneLimits, Pruned, prune};
use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use crate::exit_code::Exit;
use crate::format::Format;
use crate::machine::machine;
use crate::render::table::columns;
use crate::render::{failure, quantity};
use crate::ui::{Paint, Ui};

/// Shows what the cache holds, and removes what is not needed any more.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Shows the environments, checkouts, repositories and tools in the cache, their sizes and when each was used last.
    Info(Info),
    /// Removes what was not used for long, and what killed processes have left.
    Prune(Prune),
}

#[derive(Debug, clap::Args)]
struct Info {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo cache prune                     what was not used for 30 days
  alo cache prune --max-size 10GB     and, the oldest use first, until the cache takes at most 10 GB
  alo cache prune --dry-run           only shows what would go

What a run uses stays, and so does fetched code that was edited; runs may go on meanwhile.
What has gone is fetched or built anew by the next run that needs it.")]
struct Prune {
    /// Removes what was not used for so long: 30d, 12h, 2w.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30d")]
    unused_for: SignedDuration,
    /// Removes more, what was used longest ago first, until the cache takes at most so much: 500MB, 10GB.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Only shows what would go.
    #[arg(long)]
    dry_run: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let cache = match machine() {
        Ok(machine) => machine.cache,
        Err(message) => return failure::wrong(ui, &message, None),
    };
    match &args.action {
        Action::Info(Info { format }) => show(&CacheInfo::read(&cache), *format, ui),
        Action::Prune(args) => {
            let unused_for = Some(args.unused_for);
            let limits = PruneLimits { unused_for, max_size: args.max_size, dry_run: args.dry_run };
            match prune(&cache, &limits, Timestamp::now()) {
                Ok(pruned) => show_pruned(&pruned, args, ui),
                Err(error) => return failure::failed(ui, &failure::chain(&error)),
            }
        }
    }
    Exit::Success
}

/// The kinds of entries: one of them, and several.
const KINDS: [(&str, &str); 4] = [
    ("environment", "environments"),
    ("checkout", "checkouts"),
    ("repository", "repositories"),
    ("tool", "tools"),
];

/// The word of a kind, one of [`KINDS`].
fn kind(entry: &CacheEntry) -> &'static str {
    match &entry.content {
        CacheContent::Environment { .. } => "environment",
        CacheContent::Checkout { .. } => "checkout",
        CacheContent::Repository { .. } => "repository",
        CacheContent::Tool { .. } => "tool",
        _ => "entry",
    }
}

fn show(info: &CacheInfo, format: Format, ui: &Ui) {
    if format == Format::Json {
        return ui.data(&serde_json::to_value(info).unwrap_or_default().to_string());
    }
    ui.data(&format!("{}: {}", info.folder, quantity::bytes(info.size())));
    let sum = |what: &str, count: usize, size: u64| {
        vec![String::new(), what.to_owned(), count.to_string(), quantity::bytes(size)]
    };
    let mut rows: Vec<_> = KINDS
        .iter()
        .map(|(one, several)| {
            let found = || info.entries.iter().filter(|entry| kind(entry) == *one);
            sum(several, found().count(), found().map(|entry| entry.size).sum())
        })
        .collect();
    rows.push(sum("leftovers", info.leftovers.count, info.leftovers.size));
    for line in columns(&rows) {
        ui.data(&line);
    }
    if !info.entries.is_empty() {
        ui.data("");
        let header = ["kind", "name", "last used (UTC)", "size", "holds"].map(str::to_owned);
        let mut rows = vec![header.to_vec()];
        rows.extend(info.entries.iter().map(row));
        for line in columns(&rows) {
            ui.data(&line);
        }
    }
}

fn row(entry: &CacheEntry) -> Vec<String> {
    let holds = match &entry.content {
        CacheContent::Environment { python, packages, .. } => {
            let word = if packages.len() == 1 { "package" } else { "packages" };
            format!("Python {python}, {} {word}", packages.len())
        }
        CacheContent::Checkout { url, .. } => url.clone(),
        _ => String::new(),
    };
    vec![
        kind(entry).to_owned(),
        entry.content.name().to_owned(),
        entry.last_used.strftime("%Y-%m-%d %H:%M").to_string(),
        quantity::bytes(entry.size),
        holds,
    ]
}

fn show_pruned(pruned: &Pruned, args: &Prune, ui: &Ui) {
    if args.format == Format::Json {
        return ui.data(&serde_json::to_value(pruned).unwrap_or_default().to_string());
    }
    let word = if args.dry_run { "would remove" } else { "removed" };
    for entry in &pruned.entries {
        ui.progress(&format!("  {word} {}", row(entry).join("  ").trim_end()));
    }
    for (why, entries) in [("in use", &pruned.in_use), ("edited", &pruned.edited)] {
        for entry in entries {
            ui.progress(&format!("  {why}: {} {}", kind(entry), entry.content.name()));
        }
    }
    let counted = |(one, several): (&str, &str)| {
        let count = pruned.entries.iter().filter(|entry| kind(entry) == one).count();
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { several }))
    };
    let mut parts: Vec<_> = KINDS.into_iter().filter_map(counted).collect();
    match pruned.leftovers {
        0 => {}
        1 => parts.push("1 leftover".to_owned()),
        count => parts.push(format!("{count} leftovers")),
    }
    let what = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    let what = format!("{word} {what}");
    ui.say(&format!("{}: {}", ui.paint(Paint::Good, &what), quantity::bytes(pruned.freed)));
}

/// Reads a time: a number and `h`, `d` or `w`.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let hours = parse(text, &[("h", 1), ("d", 24), ("w", 24 * 7)]);
    let hours = hours.and_then(|hours| i64::try_from(hours).ok());
    // No computer is that old.
    let hours = hours.filter(|hours| *hours < 1_000_000).ok_or("give a time such as 12h, 30d or 2w")?;
    Ok(SignedDuration::from_hours(hours))
}

/// Reads a size: a number and `B`, `kB`, `MB`, `GB` or `TB`, in powers of 1000.
fn size(text: &str) -> Result<u64, String> {
    let units = [("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1)];
    parse(text, &units).ok_or_else(|| "give a size such as 500MB or 10GB".to_owned())
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let lower = text.trim().to_lowercase();
    let (number, factor) = units.iter().find_map(|(unit, factor)| {
        lower.strip_suffix(&unit.to_lowercase()).map(|number| (number, *factor))
    })?;
    number.trim().parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read() {
        assert_eq!(duration("30d"), Ok(SignedDuration::from_hours(720)));
        assert_eq!(duration("2w"), duration("14d"));
        assert_eq!((size("10GB"), size("500 mb"), size("7B")), (Ok(10_000_000_000), Ok(500_000_000), Ok(7)));
        for wrong in ["", "d", "30", "-1d", "99999999999d", "1.5d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "GB", "10", "99999999999TB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
