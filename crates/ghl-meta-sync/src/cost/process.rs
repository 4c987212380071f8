//! The CPU time of a process: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>. Nothing where the system does
//! not tell.

use std::time::Duration;

/// CPU time of this process so far, all threads together.
#[cfg(unix)]
pub fn own_cpu_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ProcessCPUTime).try_into().ok()
}

/// CPU time of this process so far: not known here.
#[cfg(not(unix))]
pub fn own_cpu_time() -> Option<Duration> {
    None
}

/// CPU time of another process so far, in steps of usually 10 ms.
pub fn cpu_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(Duration::from_secs_f64(ticks(&stat)? as f64 / ticks_per_second()? as f64))
}

#[cfg(unix)]
fn ticks_per_second() -> Option<u64> {
    Some(rustix::param::clock_ticks_per_second())
}

#[cfg(not(unix))]
fn ticks_per_second() -> Option<u64> {
    None
}

/// User and system time; the name in front of them may hold anything, but ends at the last parenthesis.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_read() {
        let stat = "77 (a) b (c) S 1 77 77 0 -1 4194304 1 2 3 4 250 50 9 9 20 0 1 0 1 1 1";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("77 (a"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_time() {
        let before = own_cpu_time().unwrap();
        let mut sum = 0_u64;
        while own_cpu_time().unwrap() - before < Duration::from_millis(20) {
            sum = sum.wrapping_mul(31).wrapping_add(std::hint::black_box(1));
        }
        let this = std::process::id();
        assert!(std::hint::black_box(sum) > 0 && cpu_time(this).unwrap() >= Duration::from_millis(10));
    }
}
