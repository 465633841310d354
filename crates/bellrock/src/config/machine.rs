//! Where references of a configuration lead: the environment and the files of this machine.

use pipeline::config::Lookup;

/// The environment and the files of this machine.
pub(super) struct Machine;

impl Lookup for Machine {
    #[expect(clippy::disallowed_methods, reason = "this is the binary's configuration")]
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|e| e.to_string())
    }
}
