//! `bearertokenauth`: a token, asked of senders and shown to back ends.
//!
//! Source: RFC 6750; bearertokenauthextension.

use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::credentials::{Watched, same};
use crate::component::{
    Authenticator, ClientAuth, Extension, ExtensionFactory, Host, Provided, Refused, Run, Setup, StartError, Starting,
};
use crate::config::Secret;
use crate::refusal::Refusal;

/// How it is known.
pub(super) const FACTORY: ExtensionFactory =
    ExtensionFactory { names: &["bearertokenauth", "bearer_token_auth"], build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    scheme: String,
    header: String,
    token: Secret,
    tokens: Vec<Secret>,
    /// The file's lines are tokens, as many as there are.
    filename: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scheme: "Bearer".to_owned(),
            header: "Authorization".to_owned(),
            token: Secret::default(),
            tokens: Vec::new(),
            filename: None,
        }
    }
}

struct BearerTokenAuth {
    component: String,
    tokens: Arc<Tokens>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Extension>, Refused> {
    let settings: Settings = setup.read()?;
    let mut given: Vec<String> = settings.tokens.iter().map(|t| t.0.clone()).collect();
    if !settings.token.0.is_empty() {
        given.insert(0, settings.token.0.clone());
    }
    if given.is_empty() && settings.filename.is_none() {
        return Err(setup.error("token", "is missing; write `token: ${env:TOKEN}`, `tokens` or `filename`"));
    }
    let Ok(header) = settings.header.parse::<HeaderName>() else {
        return Err(setup.error("header", format!("`{}` is not the name of a header", settings.header)));
    };
    let file = settings.filename.as_ref().map(|file| Watched::new(setup.surroundings().directory.join(file)));
    let tokens = Arc::new(Tokens { header, scheme: settings.scheme, given, file });
    Ok(Box::new(BearerTokenAuth { component: setup.path(""), tokens }))
}

impl Extension for BearerTokenAuth {
    fn provides(&self) -> Provided {
        Provided { authenticator: Some(self.tokens.clone()), client_auth: Some(self.tokens.clone()), storage: None }
    }

    fn start<'a>(self: Box<Self>, _: &'a Host, _: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            match self.tokens.all() {
                Ok(all) if all.iter().any(|token| !token.is_empty()) => Ok(()),
                Ok(_) => Err(StartError { component: self.component, message: "the file holds no token".to_owned() }),
                Err(message) => Err(StartError { component: self.component, message }),
            }
        })
    }
}

struct Tokens {
    header: HeaderName,
    scheme: String,
    given: Vec<String>,
    file: Option<Watched>,
}

impl Tokens {
    fn all(&self) -> Result<Vec<String>, String> {
        let Some(file) = &self.file else { return Ok(self.given.clone()) };
        Ok(file.text()?.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
    }

    fn value(&self, token: &str) -> String {
        if self.scheme.is_empty() { token.to_owned() } else { format!("{} {token}", self.scheme) }
    }
}

impl Authenticator for Tokens {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Vec<(String, String)>, Refusal> {
        let given = headers.get(&self.header).ok_or_else(|| {
            let example = self.value("...");
            Refusal::with_status(401, format!("this port asks for a token; send `{}: {example}`", self.header))
        })?;
        let all = self.all().map_err(|e| Refusal::new(foundation::ErrorKind::UNAVAILABLE, e))?;
        let mut allowed = false;
        for token in &all {
            allowed |= same(self.value(token).as_bytes(), given.as_bytes());
        }
        if allowed { Ok(Vec::new()) } else { Err(Refusal::with_status(401, "the token is wrong")) }
    }
}

impl ClientAuth for Tokens {
    fn authorize(&self, headers: &mut HeaderMap) -> Result<(), String> {
        let all = self.all()?;
        let token = all.first().ok_or_else(|| "the file holds no token".to_owned())?;
        let mut value = HeaderValue::from_str(&self.value(token)).map_err(|e| e.to_string())?;
        value.set_sensitive(true);
        headers.insert(self.header.clone(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_show_is_what_we_let_in() {
        let tokens = Tokens {
            header: "authorization".parse().unwrap(),
            scheme: "Bearer".into(),
            given: vec!["s3cret".into(), "other".into()],
            file: None,
        };
        let mut headers = HeaderMap::new();
        assert_eq!(tokens.authenticate(&headers).unwrap_err().http(), 401);
        tokens.authorize(&mut headers).unwrap();
        assert_eq!(headers["authorization"], "Bearer s3cret");
        assert!(tokens.authenticate(&headers).is_ok());
        headers.insert("authorization", HeaderValue::from_static("Bearer s3cre"));
        assert_eq!(tokens.authenticate(&headers).unwrap_err().message, "the token is wrong");
    }
}
