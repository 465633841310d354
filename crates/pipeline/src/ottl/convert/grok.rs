//! `ExtractGrokPatterns`: regular expressions with names for their parts, `%{IP:client.address} %{NUMBER:took:double}`.
//!
//! A name stands for a pattern of the table, or one that the call defines, and may use others. The language is that of
//! Logstash's grok filter; patterns are compiled into one regular expression when the configuration is read.

mod patterns;

use std::collections::HashMap;

use regex::Regex;
use wire::otlp::tree::{Attributes, Value};

use super::{Converter, many};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::Getter;
use crate::ottl::path::text;
use crate::ottl::pattern::compiled;

pub(super) const ALL: &[Converter] =
    &[many("ExtractGrokPatterns", &["target", "pattern", "namedCapturesOnly", "patternDefinitions"], 2, extract)];

/// Patterns in each other.
const DEPTH_MAX: usize = 32;
/// Bytes of what a pattern stands for.
const EXPANDED_MAX: usize = 256 << 10;

/// What a captured text becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Int,
    Double,
    Bool,
}

/// A compiled pattern.
#[derive(Debug)]
struct Grok {
    regex: Regex,
    /// By group of the expression: the key, and the type.
    captures: Vec<(String, Type)>,
}

fn extract(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, pattern, named_only) = (a.value(0)?, a.text(1)?, a.flag(2, false)?);
    let mut own = HashMap::new();
    for definition in if a.has(3) { a.texts(3)? } else { vec![] } {
        let Some((name, pattern)) = definition.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            return Err(a.problem(3, "must be definitions such as \"NAME=pattern\""));
        };
        own.insert(name.trim().to_owned(), pattern.to_owned());
    }
    let grok = Grok::compile(&pattern, &own, named_only).map_err(|e| a.problem(1, &e))?;
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        Ok(grok.captured(text(&v)?).into())
    }))
}

impl Grok {
    fn compile(pattern: &str, own: &HashMap<String, String>, named_only: bool) -> Result<Self, String> {
        let mut expansion = Expansion { own, named_only, captures: Vec::new(), out: String::new() };
        expansion.expand(pattern, 0)?;
        let regex = compiled(&expansion.out)?;
        let captures: Vec<(String, Type)> = regex
            .capture_names()
            .map(|name| match name {
                None => (String::new(), Type::Text),
                Some(name) => {
                    let number = name.strip_prefix(GROUP).and_then(|n| n.parse::<usize>().ok());
                    let known = number.and_then(|n| expansion.captures.get(n)).cloned();
                    known.unwrap_or_else(|| (name.to_owned(), Type::Text))
                }
            })
            .collect();
        if captures.iter().all(|(key, _)| key.is_empty()) {
            return Err("must capture something: `%{NAME:key}` or `(?P<key>...)`".to_owned());
        }
        Ok(Self { regex, captures })
    }

    /// What of `text` has a name; nothing when it does not match.
    fn captured(&self, text: &str) -> Attributes {
        let mut out = Attributes::new();
        let Some(groups) = self.regex.captures(text) else { return out };
        for (group, (key, of)) in groups.iter().zip(&self.captures) {
            if let Some(group) = group.filter(|_| !key.is_empty()) {
                out.set(key, typed(group.as_str(), *of));
            }
        }
        out
    }
}

/// A text that is not what it should be stays a text.
fn typed(text: &str, of: Type) -> Value {
    let value = match of {
        Type::Text => None,
        Type::Int => text.parse::<i64>().ok().map(Value::from),
        Type::Double => text.parse::<f64>().ok().map(Value::from),
        Type::Bool => match text {
            "true" | "TRUE" | "True" | "1" => Some(true.into()),
            "false" | "FALSE" | "False" | "0" => Some(false.into()),
            _ => None,
        },
    };
    value.unwrap_or_else(|| text.into())
}

/// How groups are named in the expression: keys may have characters that names of groups cannot have.
const GROUP: &str = "grok_";

struct Expansion<'a> {
    own: &'a HashMap<String, String>,
    named_only: bool,
    captures: Vec<(String, Type)>,
    out: String,
}

impl Expansion<'_> {
    fn expand(&mut self, pattern: &str, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("has patterns in each other, deeper than {DEPTH_MAX}"));
        }
        let mut rest = pattern;
        while let Some(at) = rest.find("%{") {
            self.out.push_str(&rest[..at]);
            let body = &rest[at + 2..];
            let end = body.find('}').ok_or("has a `%{` without its `}`")?;
            self.named(&body[..end], depth)?;
            rest = &body[end + 1..];
        }
        self.out.push_str(rest);
        if self.out.len() > EXPANDED_MAX {
            return Err(format!("stands for an expression above {} KiB", EXPANDED_MAX >> 10));
        }
        Ok(())
    }

    /// `NAME`, `NAME:key`, `NAME:key:type`.
    fn named(&mut self, text: &str, depth: usize) -> Result<(), String> {
        let mut parts = text.splitn(3, ':');
        let (name, key, of) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let of = match of {
            None | Some("string") => Type::Text,
            Some("int" | "long") => Type::Int,
            Some("double" | "float") => Type::Double,
            Some("bool" | "boolean") => Type::Bool,
            Some(other) => return Err(format!("has the type `{other}`; there is int, long, double, float, boolean")),
        };
        let own = self.own.get(name).cloned();
        let Some(pattern) = own.or_else(|| patterns::find(name).map(str::to_owned)) else {
            let near = patterns::names().min_by_key(|known| strsim::levenshtein(known, name));
            let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            return Err(format!(
                "has `%{{{name}}}`, which is not known; {hint}Others are given in `patternDefinitions`"
            ));
        };
        let key = key.filter(|k| !k.is_empty()).or((!self.named_only).then_some(name));
        match key {
            None => self.out.push_str("(?:"),
            Some(key) => {
                self.out.push_str(&format!("(?P<{GROUP}{}>", self.captures.len()));
                self.captures.push((key.to_owned(), of));
            }
        }
        self.expand(&pattern, depth + 1)?;
        self.out.push(')');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> String {
        let grok = Grok::compile(pattern, &HashMap::new(), true).unwrap_or_else(|e| panic!("{pattern}: {e}"));
        Value::from(grok.captured(text)).to_json().to_string()
    }

    #[test]
    fn every_pattern_of_the_table_compiles() {
        for name in patterns::names() {
            let pattern = format!("(?P<all>%{{{name}}})");
            Grok::compile(&pattern, &HashMap::new(), true).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }

    #[test]
    fn texts_are_taken_apart() {
        for (pattern, text, expected) in [
            (
                "%{IP:client} %{WORD:method} %{URIPATHPARAM:path} %{NUMBER:took:double}",
                "55.3.244.1 GET /index.html?a=b 0.043",
                r#"{"client":"55.3.244.1","method":"GET","path":"/index.html?a=b","took":0.043}"#,
            ),
            (
                "%{COMBINEDAPACHELOG}",
                r#"127.0.0.1 - ann [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 200 2326 "http://x/" "curl/7.8""#,
                r#"{"source.address":"127.0.0.1","user.name":"ann","timestamp":"10/Oct/2000:13:55:36 -0700","http.request.method":"GET","url.original":"/a?b=c","http.version":"1.1","http.response.status_code":200,"http.response.body.bytes":2326,"http.request.referrer":"http://x/","user_agent.original":"curl/7.8"}"#,
            ),
            (
                "%{SYSLOGLINE}",
                "Oct 11 22:14:15 mymachine su[42]: 'su root' failed",
                r#"{"timestamp":"Oct 11 22:14:15","host.hostname":"mymachine","process.name":"su","process.pid":42,"message":"'su root' failed"}"#,
            ),
            (
                "%{TIMESTAMP_ISO8601:at} %{LOGLEVEL:level} %{JAVACLASS:logger} - %{GREEDYDATA:message}",
                "2024-05-01T10:20:30.123+02:00 WARN com.example.Shop$Cart - it took long",
                r#"{"at":"2024-05-01T10:20:30.123+02:00","level":"WARN","logger":"com.example.Shop$Cart","message":"it took long"}"#,
            ),
            (
                "%{IPV6:ip}%{SPACE}%{MAC:mac}",
                "fe80::1 00:1B:44:11:3A:B7",
                r#"{"ip":"fe80::1","mac":"00:1B:44:11:3A:B7"}"#,
            ),
            ("%{URI:u} %{UUID:id}", "https://me@ex.org:81/p?q=1 123e4567-e89b-12d3-a456-426614174000", {
                r#"{"u":"https://me@ex.org:81/p?q=1","id":"123e4567-e89b-12d3-a456-426614174000"}"#
            }),
            (
                "%{QS:q} %{EMAILADDRESS:mail}",
                r#""a \" b" ann@example.org"#,
                r#"{"q":"\"a \\\" b\"","mail":"ann@example.org"}"#,
            ),
            ("(?P<git.sha>\\w+)=%{INT:n:int}", "abc=17", r#"{"git.sha":"abc","n":17}"#),
            ("%{HTTPDATE:at}", "none of this", "{}"),
        ] {
            assert_eq!(found(pattern, text), expected, "{pattern}");
        }
    }

    #[test]
    fn unnamed_ones_are_kept_when_they_are_wanted_and_others_are_defined() {
        let own = HashMap::from([("PASSWORD".to_owned(), "%{WORD}".to_owned())]);
        let grok = Grok::compile("%{USERNAME:user}:%{PASSWORD}", &own, false).unwrap();
        let all = Value::from(grok.captured("smith:secret")).to_json().to_string();
        assert_eq!(all, r#"{"user":"smith","PASSWORD":"secret","WORD":"secret"}"#);
        let loops = HashMap::from([("A".to_owned(), "%{A}".to_owned())]);
        for (pattern, own, message) in [
            ("%{NUMBR:x}", &own, "did you mean `NUMBER`?"),
            ("%{INT:x:text}", &own, "the type `text`"),
            ("%{INT:x", &own, "without its `}`"),
            ("plain", &own, "must capture something"),
            ("%{A:x}", &loops, "deeper than"),
            ("%{INT:x}(", &own, "is not a pattern"),
        ] {
            let e = Grok::compile(pattern, own, true).unwrap_err();
            assert!(e.contains(message), "{pattern}: {e}");
        }
    }
}
