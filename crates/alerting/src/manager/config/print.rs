//! A tree as YAML, with `<secret>` where Alertmanager's own status page has it.

use yaml::{Node, Value};

/// What stands for a secret. Alertmanager's tools take it where an URL is wanted.
pub const SECRET: &str = "<secret>";

/// Keys whose values nobody may see: passwords, tokens, and URLs that are as good as those.
const SECRET_KEYS: [&str; 27] = [
    "api_key",
    "api_secret",
    "api_token",
    "app_token",
    "auth_password",
    "auth_secret",
    "authorization_credentials",
    "bearer_token",
    "bot_token",
    "client_certificate_key",
    "client_secret",
    "credentials",
    "key",
    "opsgenie_api_key",
    "password",
    "routing_key",
    "secret_key",
    "secrets",
    "service_key",
    "slack_api_url",
    "slack_app_token",
    "smtp_auth_password",
    "smtp_auth_secret",
    "token",
    "token_id",
    "user_key",
    "webhook_url",
];

/// Whether the values of a key are secret. Files that hold a secret are named openly.
pub(super) fn is_secret(key: &str, parent: &str) -> bool {
    if key.ends_with("_file") {
        return false;
    }
    let secret_url = match key {
        "api_url" => matches!(parent, "slack_configs" | "mattermost_configs" | "rocketchat_configs"),
        _ => key.ends_with("webhook_url"),
    };
    let by_end = ["_password", "_token", "_secret", "_api_key", "_auth_key"].iter().any(|end| key.ends_with(end));
    secret_url || by_end || SECRET_KEYS.contains(&key)
}

/// Writes the tree as a document.
pub(super) fn print(root: &Node) -> String {
    let mut out = String::new();
    entries(root, 0, "", &mut out);
    out
}

fn entries(node: &Node, indent: usize, parent: &str, out: &mut String) {
    for (at, (key, value)) in node.entries().iter().enumerate() {
        // The first entry of a list's item follows the dash.
        if at > 0 || !out.ends_with("- ") {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(&scalar(&key.text, true));
        out.push(':');
        if key.text == "url" && parent.ends_with("_configs") {
            out.push_str(&format!(" {}\n", scalar(&without_path(value.as_str().unwrap_or_default()), false)));
        } else if is_secret(&key.text, parent) && !value.is_null() {
            secret(value, indent, out);
        } else {
            let list_of = if matches!(value.value, Value::Sequence(_)) { key.text.as_str() } else { "" };
            below(value, indent, list_of, out);
        }
    }
}

fn secret(value: &Node, indent: usize, out: &mut String) {
    if let Value::Sequence(items) = &value.value {
        out.push('\n');
        for _ in items {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str("- <secret>\n");
        }
        return;
    }
    // An empty text is no secret, and says that there is none.
    out.push_str(if value.as_str() == Some("") { " \"\"\n" } else { " <secret>\n" });
}

fn below(value: &Node, indent: usize, list_of: &str, out: &mut String) {
    match &value.value {
        Value::Scalar { text, plain } => {
            out.push(' ');
            out.push_str(&scalar(&without_password(text), *plain));
            out.push('\n');
        }
        Value::Null => out.push_str(" null\n"),
        Value::Mapping(of) if of.is_empty() => out.push_str(" {}\n"),
        Value::Sequence(of) if of.is_empty() => out.push_str(" []\n"),
        Value::Mapping(_) => {
            out.push('\n');
            entries(value, indent + 2, "", out);
        }
        Value::Sequence(items) => {
            out.push('\n');
            for item in items {
                out.extend(std::iter::repeat_n(' ', indent));
                out.push('-');
                match &item.value {
                    Value::Mapping(of) if !of.is_empty() => {
                        out.push(' ');
                        entries(item, indent + 2, list_of, out);
                    }
                    _ => below(item, indent + 2, "", out),
                }
            }
        }
    }
}

/// Where an URL leads, without what may be secret of it. Alertmanager 0.25 wants to read an URL where later ones take any text.
fn without_path(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return SECRET.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = if path.len() > 1 { "/<secret>" } else { path };
    format!("{scheme}://{host}{path}")
}

/// The password of an URL, as Go prints it.
pub(super) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) if !scheme.contains(char::is_whitespace) => format!("{scheme}://{user}:xxxxx@{host}{path}"),
        _ => text.to_owned(),
    }
}

/// Without quotes where nothing can be taken for something else.
fn scalar(text: &str, plain: bool) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let word =
        text.starts_with(|c: char| c.is_ascii_alphabetic() || (plain && c.is_ascii_digit())) && text.chars().all(safe);
    let taken = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&&*text.to_ascii_lowercase());
    if word && (plain || !taken) {
        return text.to_owned();
    }
    // A text of JSON is one of YAML.
    serde_json::Value::from(text).to_string()
}
