//! Times and sizes as people read them.

use std::time::Duration;

use alo_core::artifacts::LoadProgress;

/// A time: `0.42 s`, `12.3 s`, `3 min 12 s`, `2 h 5 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and not negative")]
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 9.995 => format!("{seconds:.2} s"),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        0..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A size in powers of 1000: `812 B`, `61.2 kB`, `1.4 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = bytes as f64;
    let mut units = ["kB", "MB", "GB", "TB", "PB"].iter();
    let mut unit = "B";
    while size >= 999.95 {
        let Some(next) = units.next() else { break };
        unit = next;
        size /= 1000.0;
    }
    format!("{size:.1} {unit}")
}

/// How many: `1 file`, `2 files`.
pub(crate) fn count(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// How far loading is: `loading data: 812 of 5000 files, 61.2 MB of 1.4 GB, 20.4 MB/s`.
pub(crate) fn progress(progress: &LoadProgress, elapsed: Duration) -> String {
    let millis = elapsed.as_millis().max(1);
    let rate = u64::try_from(u128::from(progress.bytes) * 1000 / millis).unwrap_or(u64::MAX);
    format!(
        "loading data: {} of {} files, {} of {}, {}/s",
        progress.files,
        progress.files_total,
        bytes(progress.bytes),
        bytes(progress.bytes_total),
        bytes(rate)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_a_rate() {
        let at =
            LoadProgress { files: 812, files_total: 5000, bytes: 61_200_000, bytes_total: 1_400_000_000 };
        assert_eq!(
            progress(&at, Duration::from_secs(3)),
            "loading data: 812 of 5000 files, 61.2 MB of 1.4 GB, 20.4 MB/s"
        );
    }

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|number| count(number, "file")), ["0 files", "1 file", "2 files"]);
    }

    #[test]
    fn times_get_coarser_as_they_grow() {
        let texts = [0.0, 0.421, 9.99, 10.0, 59.9, 61.0, 3599.6, 7500.0].map(seconds);
        assert_eq!(
            texts,
            ["0.00 s", "0.42 s", "9.99 s", "10.0 s", "59.9 s", "1 min 1 s", "1 h 0 min", "2 h 5 min"]
        );
    }

    #[test]
    fn sizes_have_three_digits() {
        let texts = [0, 999, 1000, 61_194, 999_949, 999_950, 1_400_000_000].map(bytes);
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "61.2 kB", "999.9 kB", "1.0 MB", "1.4 GB"]);
    }
}
