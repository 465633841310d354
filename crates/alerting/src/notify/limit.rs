//! Texts within the limits of a service.

/// The first characters of a text that is longer than `characters_max`, and a word that says so. The flag: it was cut.
pub(super) fn cut(text: &str, characters_max: usize) -> (String, bool) {
    let length = text.chars().count();
    if length <= characters_max {
        return (text.to_owned(), false);
    }
    let long = format!("\n\u{2026} ({} characters more)", length);
    // In a line of a title a single sign must do.
    let end = if characters_max > 200 { long } else { "\u{2026}".into() };
    let keep = characters_max.saturating_sub(end.chars().count());
    let kept: String = text.chars().take(keep).collect();
    let end = if characters_max > 200 { format!("\n\u{2026} ({} characters more)", length - keep) } else { end };
    (kept + &end, true)
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn what_is_cut_says_so_and_fits() {
        assert_eq!(cut("abc", 3), ("abc".to_owned(), false));
        assert_eq!(cut("\u{e4}bcd", 3), ("\u{e4}b\u{2026}".to_owned(), true));
        let (text, was_cut) = cut(&"x".repeat(1000), 300);
        assert!(was_cut && text.chars().count() <= 300, "{}", text.len());
        assert!(text.ends_with("characters more)"), "{text}");
        let kept = text.chars().filter(|c| *c == 'x').count();
        assert!(text.contains(&format!("({} characters more)", 1000 - kept)), "{text}");
    }
}
