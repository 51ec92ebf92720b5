//! What a step takes of the machine (`control.check_resource`): processor time and peak memory of its worker.
//!
//! Read from `/proc` (Linux, `man 5 proc`); elsewhere there is nothing to read and nothing is reported.

use crate::report::StepUsage;

/// A worker's counters when a step begins.
#[derive(Debug)]
pub(super) struct UsageMeter {
    pid: u32,
    ticks_before: u64,
}

impl UsageMeter {
    /// Starts to measure; nothing on a system without `/proc`.
    pub(super) fn start(pid: u32) -> Option<Self> {
        // Makes the peak start anew. Where it cannot, the peak is that of the worker so far.
        let _ = fs_err::write(format!("/proc/{pid}/clear_refs"), "5");
        Some(Self { pid, ticks_before: ticks(pid)? })
    }

    /// What was used since the start.
    pub(super) fn read(&self) -> Option<StepUsage> {
        let ticks = ticks(self.pid)?.saturating_sub(self.ticks_before);
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        #[expect(clippy::cast_precision_loss, reason = "hundredths of seconds")]
        let cpu_seconds = ticks as f64 / per_second as f64;
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        Some(StepUsage { cpu_seconds, peak_memory: peak_memory(&status)? })
    }
}

/// Processor time of the process and its ended children, in clock ticks.
fn ticks(pid: u32) -> Option<u64> {
    processor_ticks(&fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn processor_ticks(stat: &str) -> Option<u64> {
    // The name in parentheses may hold anything; the fields after it are counted from 3. utime is 14, cstime 17.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_proc_are_found_behind_an_odd_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 11 22 33 44 20 0 1 0 5 6 7";
        assert_eq!(processor_ticks(stat), Some(110));
        assert_eq!(peak_memory("Name:\tx\nVmHWM:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(peak_memory("Name:\tx\n"), None);
    }
}
