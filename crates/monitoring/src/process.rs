//! What the system knows of a process: <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.

/// Memory, threads and files of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// The memory that is resident now, in bytes.
    pub resident_bytes: u64,
    /// The most memory that ever was, in bytes.
    pub peak_bytes: u64,
    /// Its threads.
    pub threads: u64,
    /// The files and connections it holds open; `None` when it is somebody else's.
    pub open_files: Option<u64>,
}

impl Process {
    /// The process with that id; `None` when there is none, or where the system does not tell (it is not Linux).
    pub fn read(id: u32) -> Option<Self> {
        let process = parse(&std::fs::read_to_string(format!("/proc/{id}/status")).ok()?)?;
        Some(Self { open_files: open_files(id), ..process })
    }
}

fn open_files(id: u32) -> Option<u64> {
    let found = std::fs::read_dir(format!("/proc/{id}/fd")).ok()?.count() as u64;
    // Of the process that asks, the folder that is being read is one of them.
    Some(if id == std::process::id() { found.saturating_sub(1) } else { found })
}

/// All but the open files, which the status does not tell.
fn parse(status: &str) -> Option<Process> {
    let number = |name: &str| -> Option<u64> {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    Some(Process {
        resident_bytes: number("VmRSS:")? * 1024,
        peak_bytes: number("VmHWM:")? * 1024,
        threads: number("Threads:")?,
        open_files: None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Process, parse};

    #[test]
    fn the_status_of_a_process_is_read() {
        let status = "Name:\tghl-meta-sync\nVmPeak:\t  999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\nThreads:\t17\n";
        let (resident_bytes, peak_bytes) = (10 << 20, 20 << 20);
        assert_eq!(
            parse(status),
            Some(Process { resident_bytes, peak_bytes, threads: 17, open_files: None })
        );
        assert_eq!(parse("Name:\tx\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_threads_and_files() {
        let process = Process::read(std::process::id()).unwrap();
        assert!(
            process.resident_bytes > 1 << 20
                && process.peak_bytes >= process.resident_bytes
                && process.threads >= 1
                && process.open_files.is_some_and(|files| files >= 3),
            "{process:?}"
        );
        assert_eq!(Process::read(u32::MAX), None);
    }
}
