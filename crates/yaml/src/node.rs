//! A document as it was written: every value with the place it stands at.

use crate::place::Place;

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing behind the colon, `null` or `~`.
    Null,
    /// A text; `plain` when it stood without quotes and may therefore be a number or a truth value.
    Scalar {
        /// The text.
        text: String,
        /// Without quotes.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// In the order of the file; no key twice.
    Mapping(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

impl Node {
    /// A value that was not written, at the place where it would be.
    pub fn null(place: Place) -> Self {
        Self { place, value: Value::Null }
    }

    /// An empty mapping.
    pub fn empty_map(place: Place) -> Self {
        Self { place, value: Value::Mapping(Vec::new()) }
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// The key `key` of a mapping.
    pub fn key(&self, key: &str) -> Option<&Key> {
        self.entries().iter().find(|(k, _)| k.text == key).map(|(key, _)| key)
    }

    /// Where the value under `key` begins; when it is not written, where this does.
    pub fn value_place(&self, key: &str) -> &Place {
        self.get(key).map_or(&self.place, |node| &node.place)
    }

    /// Whether nothing is written.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The text of a scalar, whether it is a number, a truth value or a text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The place of `path` below this (`protocols.grpc.endpoint`, `actions[2].key`), or of the deepest part that was written.
    pub fn place_of(&self, path: &str) -> &Place {
        let mut at = self;
        let mut place = &self.place;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let (name, indices) = part.find('[').map_or((part, ""), |i| part.split_at(i));
            if !name.is_empty() {
                let Some((key, node)) = at.entries().iter().find(|(key, _)| key.text == name) else { return place };
                (at, place) = (node, &key.place);
            }
            for index in indices.split(['[', ']']).filter_map(|i| i.parse::<usize>().ok()) {
                let Some(node) = at.items().get(index) else { return place };
                (at, place) = (node, &node.place);
            }
        }
        place
    }

    /// What it is, in a word, for messages.
    pub fn what(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// The value under `key` of a mapping, made if it is not there.
    pub fn entry(&mut self, key: &str) -> &mut Node {
        if !matches!(self.value, Value::Mapping(_)) {
            self.value = Value::Mapping(Vec::new());
        }
        let place = self.place.clone();
        if self.get(key).is_none()
            && let Value::Mapping(entries) = &mut self.value
        {
            entries.push((Key { text: key.to_owned(), place: place.clone() }, Node::null(place)));
        }
        let at = self.entries().iter().position(|(k, _)| k.text == key).unwrap_or_default();
        match &mut self.value {
            Value::Mapping(entries) => &mut entries[at].1,
            _ => unreachable!("it was made a mapping above"),
        }
    }

    /// Puts a text in the place of what is here.
    pub fn set_text(&mut self, text: &str) {
        self.value = Value::Scalar { text: text.to_owned(), plain: true };
    }

    /// Puts a list of texts in the place of what is here.
    pub fn set_list(&mut self, texts: impl IntoIterator<Item = String>) {
        let place = self.place.clone();
        let item = |text| Node { place: place.clone(), value: Value::Scalar { text, plain: true } };
        self.value = Value::Sequence(texts.into_iter().map(item).collect());
    }
}
