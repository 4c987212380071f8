//! What the system knows of this process: <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.

/// Memory and threads of this process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) resident_bytes: i64,
    pub(crate) threads: i64,
    pub(crate) open_files: i64,
}

impl Process {
    /// This process; `None` where the system does not tell (it is not Linux).
    pub(crate) fn read() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        // The folder that is being read is one of them.
        let open_files = i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()? - 1;
        let (resident_bytes, threads) = parse(&status)?;
        Some(Self { resident_bytes, threads, open_files })
    }
}

fn parse(status: &str) -> Option<(i64, i64)> {
    let number = |name: &str| -> Option<i64> {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    Some((number("VmRSS:")? * 1024, number("Threads:")?))
}

#[cfg(test)]
mod tests {
    use super::{Process, parse};

    #[test]
    fn the_status_of_a_process_is_read() {
        let status = "Name:\tghl-meta-sync\nVmPeak:\t  999 kB\nVmRSS:\t   10240 kB\nThreads:\t17\n";
        assert_eq!(parse(status), Some((10 * 1024 * 1024, 17)));
        assert_eq!(parse("Name:\tx\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_threads_and_files() {
        let process = Process::read().unwrap();
        assert!(
            process.resident_bytes > 1 << 20 && process.threads >= 1 && process.open_files >= 3,
            "{process:?}"
        );
    }
}
