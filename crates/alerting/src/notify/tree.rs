//! A piece of YAML whose texts are templates: the body of a webhook, blocks of Slack, details of an incident.

use gotemplate::Mode;
use serde_json::Value as Json;

use super::building::Building;
use super::rendering::Rendering;
use super::text::{Role, Text};

/// A tree with compiled leaves.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Text(Text),
    Constant(Json),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Compiles the texts of a tree.
    pub(super) fn new(building: &mut Building<'_>, field: &str, json: &Json) -> Self {
        match json {
            Json::String(text) if text.contains("{{") => {
                let template = building.templates.compile(field, text, Mode::Text);
                if let Err(e) = &template {
                    building.warn(field, format!("is not a template: {e}"), "until then this text is empty");
                }
                Self::Text(Text::new(field, text, template.map_err(|e| e.to_string()), Role::Detail))
            }
            Json::Array(items) => Self::List(items.iter().map(|item| Self::new(building, field, item)).collect()),
            Json::Object(map) => Self::Map(
                map.iter().map(|(k, v)| (k.clone(), Self::new(building, &format!("{field}.{k}"), v))).collect(),
            ),
            other => Self::Constant(other.clone()),
        }
    }

    /// Fills it. A text that comes out as JSON of another type is taken as that: `{{ toJson .Alerts }}` is a list.
    pub(super) fn fill(&self, rendering: &mut Rendering<'_>) -> Json {
        match self {
            Self::Text(text) => {
                let filled = rendering.fill(text);
                match serde_json::from_str::<Json>(&filled) {
                    Ok(json) if !json.is_string() => json,
                    _ => Json::String(filled),
                }
            }
            Self::Constant(json) => json.clone(),
            Self::List(items) => Json::Array(items.iter().map(|item| item.fill(rendering)).collect()),
            Self::Map(entries) => {
                Json::Object(entries.iter().map(|(name, tree)| (name.clone(), tree.fill(rendering))).collect())
            }
        }
    }
}
