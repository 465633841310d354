//! The name that was probably meant.

/// The one of `names` that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) = names.into_iter().map(|name| (strsim::levenshtein(word, name), name)).min()?;
    (distance * 2 <= name.len().max(word.len())).then_some(name)
}
