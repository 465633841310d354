//! Who reads, and what of the store that reader may see.
//!
//! Every read takes an [`AccessScope`]. The engines AND its filter to the
//! query. Today the only scope is everything; roles and teams fill it in
//! without a change of any signature (ADR 0009).

/// What a reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessScope {
    /// The services that may be seen; `None` means all.
    pub services: Option<Vec<String>>,
}

impl AccessScope {
    /// Sees everything.
    pub const ALL: Self = Self { services: None };

    /// Whether records of `service` may be seen.
    pub fn allows_service(&self, service: &str) -> bool {
        self.services.as_ref().is_none_or(|s| s.iter().any(|x| x == service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_services_excludes_the_others() {
        assert!(AccessScope::ALL.allows_service("api"));
        let s = AccessScope { services: Some(vec!["api".into()]) };
        assert!(s.allows_service("api"));
        assert!(!s.allows_service("bot"));
    }
}
