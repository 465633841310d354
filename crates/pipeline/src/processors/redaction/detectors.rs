//! What is to be found in texts without a pattern of one's own: addresses, card numbers, secrets.

use regex::{Captures, Regex};

use crate::luhn;

/// Something that is looked for.
#[derive(Debug)]
pub(super) struct Detector {
    name: &'static str,
    pattern: Regex,
    /// Whether what the pattern found is really one.
    check: fn(&str) -> bool,
}

/// Local part and domain with a top level of letters (RFC 5322, the usual part of it).
const EMAIL: &str = r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}";

/// 13 to 19 digits, perhaps in groups; Luhn's sum decides (ISO/IEC 7812-1).
const CARD: &str = r"\b[0-9](?:[ -]?[0-9]){12,18}\b";

/// Tokens that say what they are by how they begin, JSON web tokens, and what follows `Bearer`, `Basic` or `password=`.
const TOKEN: &str = concat!(
    r"(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}",
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"|\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}",
    r"|sk-[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|npm_[A-Za-z0-9]{36})",
    r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
    r#"|(?i:password|passwd|secret|api_?key|access_?token)["']?\s*[=:]\s*["']?[^\s"'&,;]{4,}"#,
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
);

/// IPv4 in four parts, IPv6 with at least two colons.
const IP: &str = r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}";

impl Detector {
    pub(super) const NAMES: [&'static str; 4] = ["email", "card", "token", "ip"];

    pub(super) fn of_name(name: &str) -> Option<Self> {
        let (name, pattern, check): (_, _, fn(&str) -> bool) = match name {
            "email" => ("email", EMAIL, |_| true),
            "card" | "credit_card" => ("card", CARD, is_card),
            "token" | "tokens" => ("token", TOKEN, |_| true),
            "ip" | "ip_address" => ("ip", IP, |text| text.parse::<std::net::IpAddr>().is_ok()),
            _ => return None,
        };
        // The patterns are constants, and a test compiles each.
        Regex::new(pattern).ok().map(|pattern| Self { name, pattern, check })
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// The text with all that was found replaced; `None` when nothing was.
    pub(super) fn replaced(&self, text: &str, replacement: impl Fn(&str) -> String) -> Option<String> {
        if !self.pattern.find_iter(text).any(|m| (self.check)(m.as_str())) {
            return None;
        }
        let with = |m: &Captures<'_>| if (self.check)(&m[0]) { replacement(&m[0]) } else { m[0].to_owned() };
        Some(self.pattern.replace_all(text, with).into_owned())
    }
}

fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    // All the same digit has a right sum now and then, and is a filler.
    luhn::is_valid(&digits) && digits.iter().any(|d| Some(d) != digits.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> String {
        Detector::of_name(name).unwrap().replaced(text, |_| "*".to_owned()).unwrap_or_else(|| "-".to_owned())
    }

    #[test]
    fn addresses() {
        assert_eq!(found("email", "from <ann.b+c@mail.example.co.uk>, or @home"), "from <*>, or @home");
        assert_eq!(found("email", "user@localhost a@b"), "-");
        assert_eq!(found("ip", "10.0.0.1:80 and 999.1.1.1 at 12:34:56"), "*:80 and 999.1.1.1 at 12:34:56");
        assert_eq!(found("ip", "peer 2001:db8::1 said v1.2.3"), "peer * said v1.2.3");
    }

    #[test]
    fn cards_have_the_right_sum() {
        assert_eq!(
            found("card", "paid with 4111 1111 1111 1111, order 1234567890123"),
            "paid with *, order 1234567890123"
        );
        assert_eq!(found("card", "5500-0000-0000-0004 378282246310005"), "* *");
        assert_eq!(found("card", "1700000000000000000"), "-");
        assert_eq!(found("card", "0000000000000000"), "-");
    }

    #[test]
    fn tokens() {
        assert_eq!(found("token", "Authorization: Bearer abc.def-ghi123"), "Authorization: *");
        assert_eq!(found("token", "jwt eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl!"), "jwt *!");
        assert_eq!(found("token", "ghp_0123456789abcdefghij0123456789abcdef"), "*");
        assert_eq!(
            found("token", "https://api/bot123456789:AAabcdefghijklmnopqrstuvwxyz0123456/sendMessage"),
            "https://api/bot*/sendMessage"
        );
        assert_eq!(found("token", "url?password=hunter22&x=1"), "url?*&x=1");
        assert_eq!(found("token", "the basic idea of a password"), "-");
    }
}
