//! What the configuration adds to each request: authorization and further headers, read from files each time.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::config::HttpConfig;
use crate::error::{ConfigError, SendError};
use crate::secret::{Secret, SecretSource};

/// The part of a configuration that makes headers. Holds no open file.
#[derive(Debug)]
pub(crate) struct Headers {
    scheme: Scheme,
    further: Vec<(HeaderName, Vec<Value>)>,
}

#[derive(Debug)]
enum Scheme {
    None,
    Basic { user: Option<SecretSource>, password: Option<SecretSource> },
    Other { scheme: String, credentials: Option<SecretSource> },
}

#[derive(Debug)]
struct Value {
    source: SecretSource,
    secret: bool,
}

impl Headers {
    /// From a configuration that was checked.
    pub(crate) fn new(config: &HttpConfig) -> Result<Self, ConfigError> {
        let scheme = if let Some(basic) = &config.basic_auth {
            let user = Secret::new(basic.username.as_str());
            Scheme::Basic {
                user: SecretSource::one_of("username", Some(&user), basic.username_file.as_deref())?,
                password: SecretSource::one_of("password", basic.password.as_ref(), basic.password_file.as_deref())?,
            }
        } else if let Some(other) = &config.authorization {
            let credentials =
                SecretSource::one_of("credentials", other.credentials.as_ref(), other.credentials_file.as_deref())?;
            let scheme = if other.scheme.trim().is_empty() { "Bearer" } else { other.scheme.trim() };
            Scheme::Other { scheme: scheme.to_owned(), credentials }
        } else {
            let token = SecretSource::one_of(
                "bearer_token",
                config.bearer_token.as_ref(),
                config.bearer_token_file.as_deref(),
            )?;
            match token {
                Some(token) => Scheme::Other { scheme: "Bearer".into(), credentials: Some(token) },
                None => Scheme::None,
            }
        };
        let mut further = Vec::new();
        for (name, values) in &config.http_headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| ConfigError::new(format!("http_headers.{name}"), "not the name of a header"))?;
            let shown =
                values.values.iter().map(|v| Value { source: SecretSource::Inline(Secret::new(v)), secret: false });
            let hidden = values.secrets.iter().map(|v| Value { source: SecretSource::Inline(v.clone()), secret: true });
            let files = values.files.iter().map(|f| Value { source: SecretSource::File(f.clone()), secret: true });
            further.push((name, shown.chain(hidden).chain(files).collect()));
        }
        Ok(Self { scheme, further })
    }

    /// Headers hold secrets that must not follow a redirect to another host.
    pub(crate) fn have_secrets(&self) -> bool {
        self.further.iter().any(|(_, values)| values.iter().any(|v| v.secret))
    }

    /// Adds the headers as the files are now.
    pub(crate) async fn apply(&self, headers: &mut HeaderMap) -> Result<(), SendError> {
        let value = match &self.scheme {
            Scheme::None => None,
            Scheme::Basic { user, password } => {
                let (user, password) = (read(user.as_ref()).await?, read(password.as_ref()).await?);
                Some(basic(user.expose(), password.expose()))
            }
            Scheme::Other { scheme, credentials } => {
                Some(format!("{scheme} {}", read(credentials.as_ref()).await?.expose()))
            }
        };
        if let Some(value) = value {
            headers.insert(AUTHORIZATION, hidden("authorization", &value)?);
        }
        for (name, values) in &self.further {
            headers.remove(name);
            for value in values {
                let text = value.source.read().await?;
                headers.append(name, hidden(name.as_str(), text.expose())?);
            }
        }
        Ok(())
    }
}

async fn read(source: Option<&SecretSource>) -> Result<Secret, SendError> {
    match source {
        Some(source) => source.read().await,
        None => Ok(Secret::default()),
    }
}

/// The value of the header `Authorization` for user and password (RFC 7617).
pub(crate) fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// A header value that `Debug` does not show.
pub(crate) fn hidden(name: &str, text: &str) -> Result<HeaderValue, SendError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SendError::Local {
        what: format!("header {name}"),
        message: "its value has characters that headers cannot have, such as a line break".into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
