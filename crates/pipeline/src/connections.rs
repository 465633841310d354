//! How many connections the process can have: each is an open file.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What engines, queues and pages have open besides connections.
const OTHER_FILES: u64 = 1024;
/// A port has at least so many, whatever the limit: where it is tiny, accepting fails and that is said.
const CONNECTIONS_MIN: u64 = 256;
/// More is not waited for on one port, so that memory has a bound.
const CONNECTIONS_MAX: u64 = 64 << 10;

/// Lets this process open as many files as the operating system allows it to. The limit that a shell hands down is for programs that
/// wait with `select`, which this one does not. Returns the limit.
pub fn raise_open_files() -> u64 {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limits.maximum, maximum: limits.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum.unwrap_or(u64::MAX),
        Err(_) => limits.current.unwrap_or(u64::MAX),
    }
}

/// Connections that one port may have.
pub(crate) fn connections_max() -> usize {
    of(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

/// Three quarters of the open files that are left for connections: no port can take all.
fn of(files: u64) -> usize {
    let max = (files.saturating_sub(OTHER_FILES) / 4).saturating_mul(3).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
    usize::try_from(max).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_for_others() {
        assert_eq!(of(1024), 256);
        assert_eq!(of(20_000), 14_232);
        assert_eq!(of(u64::MAX), 64 << 10);
        assert!(raise_open_files() >= 256);
        assert!(connections_max() >= 256);
    }
}
