//! Gives back the pages of the program that only its start needed.
//!
//! A fault maps sixteen pages of a file around the one that was touched, so reading the configuration and wiring the pipelines leave a
//! third of the program resident. What is needed again comes back from the page cache, by a fault each.

use std::path::Path;

use rustix::mm::{Advice, madvise};

/// Unmaps what is mapped of the program's own file and was never written to.
pub(crate) fn give_back() {
    let (Ok(program), Ok(smaps)) = (std::env::current_exe(), std::fs::read_to_string("/proc/self/smaps")) else {
        return;
    };
    for (from, bytes) in unwritten(&smaps, &program) {
        // SAFETY: the mapping is a private one of a file and none of its pages differs from the file, so that reading it again gives
        // the same bytes; it lasts as long as the process.
        #[expect(unsafe_code, reason = "there is no safe way to unmap pages for a while")]
        let advised = unsafe { madvise(from as *mut std::ffi::c_void, bytes, Advice::LinuxDontNeed) };
        if let Err(error) = advised {
            tracing::debug!(%error, "pages that only the start needed stay");
        }
    }
}

/// Address and bytes of the mappings of `program` that nobody may write to and nobody has written to: the linker writes addresses into
/// some before it protects them, a debugger its breakpoints.
fn unwritten(smaps: &str, program: &Path) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut candidate = None;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(first) = words.next() else { continue };
        match (first, words.next()) {
            ("Anonymous:", Some("0")) => found.extend(candidate.take()),
            (field, _) if field.ends_with(':') => {}
            (range, Some(permissions)) => {
                // Behind them stand offset, device, inode and the path, which may have blanks.
                let path = line.find('/').map(|at| Path::new(&line[at..]));
                let readable = permissions.starts_with("r-") && permissions.ends_with('p') && path == Some(program);
                candidate = readable.then(|| span(range)).flatten();
            }
            _ => {}
        }
    }
    found
}

/// `7f00-7f80`, in hexadecimal: where it begins, and its length.
fn span(range: &str) -> Option<(usize, usize)> {
    let (from, to) = range.split_once('-')?;
    let (from, to) = (usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?);
    Some((from, to.checked_sub(from)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_equals_the_file_is_given_back() {
        let mapping = |range: &str, permissions: &str, anonymous: u32, path: &str| {
            format!(
                "{range} {permissions} 00000000 fe:00 12                 {path}\nRss:  8 kB\nAnonymous:  {anonymous} kB\nVmFlags: rd mr\n"
            )
        };
        let program = "/opt/our tools/bellrock";
        let smaps = [
            mapping("1000-3000", "r--p", 0, program),
            mapping("3000-8000", "r-xp", 0, program),
            mapping("8000-9000", "r--p", 4, program),
            mapping("9000-a000", "rw-p", 0, program),
            mapping("b000-c000", "r-xp", 0, "/lib/libc.so.6"),
            mapping("c000-d000", "r-xp", 0, ""),
        ];
        assert_eq!(unwritten(&smaps.concat(), Path::new(program)), [(0x1000, 0x2000), (0x3000, 0x5000)]);
    }

    #[test]
    fn the_program_goes_on_without_its_pages() {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        assert!(!unwritten(&smaps, &std::env::current_exe().unwrap()).is_empty(), "its code at least");
        let text: Vec<String> = (0..1000).map(|n: u32| n.to_string()).collect();
        give_back();
        assert_eq!(text.iter().map(|n| n.parse::<u32>().unwrap()).sum::<u32>(), 499_500);
    }
}
