//! The name that was probably meant.

/// The one of `names` that `word` was probably meant to be: a third of it may be wrong, or the rest of it missing. Underscores and
/// capitals are not looked at.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| text.replace('_', "").to_lowercase();
    let given = letters(word);
    let near = names.into_iter().filter_map(|name| {
        let name_letters = letters(name);
        let longest = given.chars().count().max(name_letters.chars().count());
        let distance = strsim::damerau_levenshtein(&given, &name_letters);
        let begun = given.len() > 2 && name_letters.starts_with(&given);
        let near = distance <= (longest / 3).max(1) && distance < longest;
        (near || begun).then(|| (distance, strsim::damerau_levenshtein(word, name), name))
    });
    near.min().map(|(.., name)| name)
}

/// The remedy for `word`, which is none of `names`: the nearest of them, else all.
pub fn meant<'a>(word: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(word, names.clone()) {
        return format!("did you mean `{name}`?");
    }
    let all: Vec<&str> = names.into_iter().collect();
    match all.len() {
        0 => "there is none".to_owned(),
        1 => format!("there is {}", all.concat()),
        _ => format!("there are {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_understood_and_other_words_are_not() {
        let names =
            ["for", "port", "receiver", "traces_table_name", "metrics_tables", "source_match_re", "source_matchers"];
        for (word, name) in [
            ("fro", Some("for")),
            ("recevier", Some("receiver")),
            ("Receiver", Some("receiver")),
            ("tracestable", Some("traces_table_name")),
            ("source_matcher", Some("source_matchers")),
            ("metrics", Some("metrics_tables")),
            ("host", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), name, "{word}");
        }
        assert_eq!(nearest("b", ["a"]), None, "nothing of it is the same");
    }

    #[test]
    fn where_nothing_is_near_everything_is_named() {
        assert_eq!(meant("fo", ["for", "port"]), "did you mean `for`?");
        assert_eq!(meant("x", ["for", "port"]), "there are for, port");
        assert_eq!(meant("rules", ["groups"]), "there is groups");
    }
}
