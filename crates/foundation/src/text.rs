//! Texts that are cut to a length.

/// The longest beginning of `text` of at most `bytes` bytes that ends between two characters.
pub fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn no_character_is_cut_in_two() {
        let ends: Vec<usize> = (0..8).map(|bytes| beginning("aü€", bytes).len()).collect();
        assert_eq!(ends, [0, 1, 1, 3, 3, 3, 6, 6]);
        assert_eq!(beginning("", 3), "");
    }
}
