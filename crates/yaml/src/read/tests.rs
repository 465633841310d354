//! Types read from trees, in both manners.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{self, Error as _};

use super::*;
use crate::parse::parse;

/// A value that reads its text itself.
#[derive(Debug, Default, PartialEq)]
struct Seconds(u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let seconds = text.strip_suffix('s').and_then(|n| n.parse().ok()).map(Self);
        seconds.ok_or_else(|| D::Error::custom(format_args!("`{text}` has no unit; write `{text}s`")))
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Settings {
    time_out: Seconds,
    size: Option<u64>,
    name: String,
    #[serde(alias = "old_list")]
    list: Vec<String>,
    map: BTreeMap<String, i64>,
    inner: Inner,
    mode: Option<Mode>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Inner {
    on: bool,
    ratio: f64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Fast,
    VerySlow,
}

fn settings(text: &str) -> Result<(Settings, Vec<Unknown>), ReadError> {
    read(&parse("f", text).unwrap(), Manner::Loose)
}

#[test]
fn types_give_way() {
    let text = "timeout: 72s\nsize: 20_000\nname: 5\nold_list: one\nmap: {a: 1}\ninner: {on: yes, ratio: 3}\nmode: very_slow\n";
    let (read, unknown) = settings(text).unwrap();
    assert_eq!(unknown, []);
    assert_eq!((read.time_out, read.size), (Seconds(72), Some(20_000)));
    assert_eq!((read.name.as_str(), read.list), ("5", vec!["one".to_owned()]));
    assert_eq!(read.inner, Inner { on: true, ratio: 3.0 });
    assert_eq!(read.mode, Some(Mode::VerySlow));
    assert_eq!(settings("inner:\nlist:\n").unwrap().0, Settings::default());
}

#[test]
fn what_is_exact_gives_way_in_types_alone() {
    let exact = |text: &str| read::<Settings>(&parse("f", text).unwrap(), Manner::Exact);
    let (taken, unknown) =
        exact("time_out: 72s\nname: 0123\nmap: {a: -1}\ninner: {on: y}\nlist:\nmode: very_slow\n").unwrap();
    assert_eq!((taken.time_out, taken.name.as_str(), taken.inner.on), (Seconds(72), "0123", true));
    assert_eq!((taken.map["a"], taken.mode, unknown), (-1, Some(Mode::VerySlow), Vec::new()));
    let unknown = exact("timeout: 72s\nName: a\n").unwrap().1;
    assert_eq!(
        unknown.iter().map(Unknown::remedy).collect::<Vec<_>>(),
        ["did you mean `time_out`?", "did you mean `name`?"]
    );
    assert_eq!(exact("list: one\n").unwrap_err().to_string(), "list: a list is expected here, not `one`");
    assert_eq!(
        exact("inner: {on: 1}\n").unwrap_err().to_string(),
        "inner.on: `true` or `false` is expected here, not `1`"
    );
    assert!(exact("mode: Fast\n").is_err());
}

#[test]
fn unknown_names_are_listed_with_the_nearest() {
    let (_, unknown) = settings("inner:\n  ration: 3\nfoo: {bar: 1}\n").unwrap();
    let told: Vec<_> = unknown.iter().map(|u| (u.path(), u.key.place.line, u.remedy())).collect();
    let all = "there are time_out, size, name, list, old_list, map, inner, mode";
    let expected = [("inner.ration", 2, "did you mean `ratio`?"), ("foo", 3, all)];
    assert_eq!(told, expected.map(|(path, line, remedy)| (path.to_owned(), line, remedy.to_owned())));
}

#[test]
fn what_is_read_on_the_way_is_noted_with_its_path() {
    let mut findings = Findings::default();
    let node = parse("f", "nam: a\ninner:\n  zzz: 1\nlist: [a]\n").unwrap();
    assert_eq!(node.read::<Settings>("top", &mut findings).unwrap().list, ["a"]);
    assert_eq!(
        findings.to_string(),
        "f:1:1: error: top: unknown field `nam`; did you mean `name`?\nf:3:3: error: top.inner: unknown field `zzz`; there are on, ratio"
    );
    let mut findings = Findings::default();
    assert_eq!(parse("f", "[1, x]").unwrap().read::<Vec<u8>>("top", &mut findings), None);
    assert_eq!(findings.to_string(), "f:1:5: error: top[1]: a whole number, not negative, is expected here, not `x`");
}

#[test]
fn what_cannot_be_meant_has_place_and_remedy() {
    for (text, line, message) in [
        ("inner:\n  on: maybe\n", 2, "inner.on: `true` or `false` is expected here, not `maybe`"),
        ("name: x\ntimeout: 72\n", 2, "timeout: `72` has no unit; write `72s`"),
        ("list:\n- a\n- [b]\n", 3, "list[1]: a text is expected here, not a list"),
        ("size: -1\n", 1, "size: a whole number, not negative, is expected here, not `-1`"),
        (
            "size: 18446744073709551616\n",
            1,
            "size: a whole number from 0 to 18446744073709551615 is expected here, not `18446744073709551616`",
        ),
        ("map: {a: x}\n", 1, "map.a: a whole number is expected here, not `x`"),
        ("list: {a: 1}\n", 1, "list: a list is expected here, not a mapping"),
        ("mode: fats\n", 1, "mode: `fats` is not known, did you mean `fast`?; there is fast, very_slow"),
    ] {
        let e = settings(text).unwrap_err();
        assert_eq!((e.place.line, e.to_string().as_str()), (line, message));
    }
}

#[test]
fn without_a_type_a_plain_value_is_what_yaml_says() {
    let node = parse("f", "[1, 1.5, true, 'true', x, 1.2.3, '', .inf, 0x10]").unwrap();
    let (values, _) = read::<Vec<serde_json::Value>>(&node, Manner::Loose).unwrap();
    let expected = serde_json::json!([1, 1.5, true, "true", "x", "1.2.3", "", null, 16]);
    assert_eq!(serde_json::Value::Array(values), expected);
}
