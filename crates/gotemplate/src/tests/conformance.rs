//! Alertmanager's own templates and what Go makes of them, when the folder is there (`BELLROCK_CONFORMANCE`).

use std::path::PathBuf;

use serde_json::Value as Json;

use super::*;
use crate::Template;

fn folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where optional test data are is no configuration of the server")]
    let base = std::env::var("BELLROCK_CONFORMANCE")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance").to_owned());
    let folder = PathBuf::from(base).join("templates");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("no conformance data for templates: nothing was compared");
    None
}

fn read(folder: &std::path::Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn map(json: &Json) -> Pairs {
    let mut pairs: Pairs =
        json.as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
    pairs.sort();
    pairs
}

fn time(json: &Json) -> UnixNanos {
    let stamp: jiff::Timestamp = json.as_str().unwrap().parse().unwrap();
    UnixNanos(stamp.as_nanosecond() as i64)
}

fn data_of(json: &Json) -> Data {
    let text = |json: &Json, name: &str| json[name].as_str().unwrap().to_owned();
    Data {
        receiver: text(json, "receiver"),
        status: text(json, "status"),
        alerts: json["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| Alert {
                status: text(a, "status"),
                labels: map(&a["labels"]),
                annotations: map(&a["annotations"]),
                starts_at: time(&a["startsAt"]),
                ends_at: Some(time(&a["endsAt"])),
                generator_url: text(a, "generatorURL"),
                fingerprint: text(a, "fingerprint"),
            })
            .collect(),
        notification_reason: text(json, "notification_reason"),
        group_labels: map(&json["groupLabels"]),
        common_labels: map(&json["commonLabels"]),
        common_annotations: map(&json["commonAnnotations"]),
        route_labels: map(&json["routeLabels"]),
        external_url: text(json, "externalURL"),
    }
}

#[test]
fn alertmanagers_templates_are_filled_as_go_fills_them() {
    let Some(folder) = folder() else { return };
    let mut library = library();
    for name in ["default.tmpl", "email.tmpl"] {
        library.add(name, &read(&folder, name)).unwrap();
    }
    let data = data_of(&serde_json::from_str(&read(&folder, "data.json")).unwrap()).value();
    let mut wrong = Vec::new();
    for (mode, sub) in [(Mode::Text, "text"), (Mode::Html, "html")] {
        let mut compared = 0;
        for entry in std::fs::read_dir(folder.join(sub)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let compiled = library.compile(&name, &format!("{{{{ template \"{name}\" . }}}}"), mode);
            let got = compiled.and_then(|t: Template| t.fill(&data)).unwrap_or_else(|e| format!("ERR {e}"));
            let expected = read(&folder, &format!("{sub}/{name}"));
            if got != expected {
                wrong.push(format!("{sub}/{name}:\n  {got:?}\n  {expected:?}"));
            }
            compared += 1;
        }
        println!("{sub}: {compared} compared");
        assert!(compared > 50);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn snippets_are_filled_as_go_fills_them() {
    let Some(folder) = folder() else { return };
    let data = data_of(&serde_json::from_str(&read(&folder, "data.json")).unwrap()).value();
    let snippets: Vec<(String, String)> = serde_json::from_str(&read(&folder, "snippets.json")).unwrap();
    let mut wrong = Vec::new();
    for (source, expected) in &snippets {
        let result = library().compile("", source, Mode::Text).and_then(|t| t.fill(&data));
        let same = match &result {
            Ok(text) => text == expected,
            // Where Go says what is wrong, we say the same; where it stands is told in other words.
            Err(e) => {
                expected.starts_with("ERR")
                    && expected.rsplit(": ").next().is_some_and(|said| {
                        e.to_string().contains(said.trim().split(" in type").next().unwrap_or(said))
                    })
            }
        };
        if !same {
            wrong.push(format!("{source:?}:\n  {result:?}\n  {expected:?}"));
        }
    }
    println!("snippets: {} compared", snippets.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), snippets.len(), wrong.join("\n"));
}
