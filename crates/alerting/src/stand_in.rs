//! Words of example files that somebody has yet to replace: `YOUR_SLACK_WEBHOOK_URL`.

/// A word that somebody should have replaced.
pub(crate) fn is_stand_in(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let words = [
        "YOUR_",
        "YOUR-",
        "YOURWEBHOOK",
        "CHANGE_ME",
        "CHANGEME",
        "CHANGE-ME",
        "REPLACE_",
        "REPLACE-",
        concat!("PLACE", "HOLDER"),
        "XXXXXX",
    ];
    words.iter().any(|word| upper.contains(word))
        || (text.starts_with('<') && text.ends_with('>'))
        || (text.starts_with("${") && text.ends_with('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_stand_for_others() {
        for text in ["YOUR_SLACK_WEBHOOK_URL", "your-token", "<token>", "${TOKEN}", "xoxb-changeme"] {
            assert!(is_stand_in(text), "{text}");
        }
        for text in ["https://hooks.slack.com/services/T0/B0/abc", "xoxb-1-2", "424242:abc", "yours"] {
            assert!(!is_stand_in(text), "{text}");
        }
    }
}
