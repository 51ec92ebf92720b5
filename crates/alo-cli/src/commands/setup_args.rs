//! The arguments of every command that makes code and environments ready.

use alo_core::assets::{Machine, SetupPolicy, Update};
use clap::builder::FalseyValueParser;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::python_args::PythonArgs;

/// What a set-up may do.
#[derive(Debug, clap::Args)]
pub(super) struct SetupArgs {
    #[command(flatten)]
    python: PythonArgs,
    /// Fails if alo.lock would change, and says what.
    #[arg(long)]
    locked: bool,
    /// Uses no network; says at once all that is missing (`alo fetch` gets it).
    #[arg(long, env = "ALO_OFFLINE", value_parser = FalseyValueParser::new())]
    offline: bool,
    /// Resolves packages as the index stood then: a date (to its end, UTC) or a time such as 2024-05-01T12:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    as_of: Option<Timestamp>,
    /// Adds no constraint where the plan is silent on what packages were built for (NumPy 1).
    #[arg(long)]
    no_abi_facts: bool,
}

impl SetupArgs {
    /// Tells the machine which Python and which installer to use.
    pub(super) fn apply(&self, machine: &mut Machine) {
        self.python.apply(machine);
    }

    /// What the set-up may refresh.
    pub(super) fn policy(&self, update: Update) -> SetupPolicy {
        SetupPolicy {
            update,
            locked: self.locked,
            offline: self.offline,
            as_of: self.as_of,
            abi_facts: !self.no_abi_facts,
        }
    }
}

/// Reads `--as-of`: like uv's `exclude-newer` a date is meant with its whole day, here in UTC wherever the machine is.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == "2024-05-01".len()
    {
        let end = date.checked_add(1.day()).and_then(|next| next.to_zoned(TimeZone::UTC));
        return end.map(|end| end.timestamp()).map_err(|error| error.to_string());
    }
    text.parse()
        .map_err(|_| "give a date such as 2024-05-01, or a time such as 2024-05-01T12:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_date_is_meant_with_its_whole_day() {
        let shown = |text| moment(text).map(|moment| moment.to_string());
        assert_eq!(shown("2024-02-29"), Ok("2024-03-01T00:00:00Z".into()));
        assert_eq!(shown("2024-05-01T12:00:00+09:00"), Ok("2024-05-01T03:00:00Z".into()));
        for wrong in ["2024", "2024-02-30", "yesterday", "2024-05-01T12:00:00"] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }
}
