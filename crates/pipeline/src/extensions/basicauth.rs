//! `basicauth`: user and password, asked of senders (`htpasswd`) or shown to back ends (`client_auth`).
//!
//! Passwords are plain; hashed ones are refused by name: bcrypt is made so that every request would
//! cost 100 ms. Source: RFC 7617; basicauthextension.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use super::credentials::{Watched, same};
use crate::component::{
    Authenticator, ClientAuth, Extension, ExtensionFactory, Host, Provided, Refused, Run, Setup, StartError, Starting,
};
use crate::config::Secret;
use crate::refusal::Refusal;

/// How it is known.
pub(super) const FACTORY: ExtensionFactory = ExtensionFactory { names: &["basicauth", "basic_auth"], build };

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    htpasswd: Option<Htpasswd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_auth: Option<Client>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Htpasswd {
    file: Option<PathBuf>,
    inline: Secret,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Client {
    username: String,
    password: Secret,
    username_file: Option<PathBuf>,
    password_file: Option<PathBuf>,
}

struct BasicAuth {
    component: String,
    users: Option<Arc<Users>>,
    client: Option<Arc<ClientSide>>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Extension>, Refused> {
    let settings: Settings = setup.read()?;
    let directory = setup.surroundings().directory;
    if settings.htpasswd.is_none() == settings.client_auth.is_none() {
        return Err(setup.error("", "needs either `htpasswd` (who may send) or `client_auth` (who we are)"));
    }
    let users = match &settings.htpasswd {
        None => None,
        Some(htpasswd) => {
            if htpasswd.file.is_none() && htpasswd.inline.0.trim().is_empty() {
                return Err(setup.error("htpasswd", "names no user; write `inline: \"user:password\"` or `file`"));
            }
            parse(&htpasswd.inline.0).map_err(|e| setup.error("htpasswd.inline", e))?;
            let file = htpasswd.file.as_ref().map(|file| Watched::new(directory.join(file)));
            Some(Arc::new(Users { inline: htpasswd.inline.0.clone(), file }))
        }
    };
    let client = match settings.client_auth {
        None => None,
        Some(client) => {
            if client.username.is_empty() && client.username_file.is_none() {
                return Err(setup.error("client_auth.username", "is missing"));
            }
            let watched = |file: Option<PathBuf>| file.map(|file| Watched::new(directory.join(file)));
            Some(Arc::new(ClientSide {
                username: client.username,
                username_file: watched(client.username_file),
                password: client.password.0,
                password_file: watched(client.password_file),
            }))
        }
    };
    Ok(Box::new(BasicAuth { component: setup.path(""), users, client }))
}

/// The users of an htpasswd text: `user:password` a line.
fn parse(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (user, password) = line.split_once(':').ok_or_else(|| "a line is not `user:password`".to_owned())?;
            if ["$2a$", "$2b$", "$2y$", "$apr1$", "$5$", "$6$", "{SHA}"]
                .iter()
                .any(|scheme| password.starts_with(scheme))
            {
                return Err(format!(
                    "the password of `{user}` is hashed, which is not supported; write it in plain and keep it in the \
                     environment, as `{user}:${{env:PASSWORD}}`, or use bearertokenauth"
                ));
            }
            Ok((user, password))
        })
        .collect()
}

impl Extension for BasicAuth {
    fn provides(&self) -> Provided {
        Provided {
            authenticator: self.users.clone().map(|users| users as Arc<dyn Authenticator>),
            client_auth: self.client.clone().map(|client| client as Arc<dyn ClientAuth>),
            storage: None,
        }
    }

    fn start<'a>(self: Box<Self>, _: &'a Host, _: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            // What is wrong with the file is said at the start, not at the first sender.
            let file = self.users.as_ref().and_then(|users| users.file.as_ref());
            let checked = file.map_or(Ok(()), |file| parse(&file.text()?).map(drop));
            checked.map_err(|message| StartError { component: self.component, message })
        })
    }
}

struct Users {
    inline: String,
    file: Option<Watched>,
}

impl Authenticator for Users {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Vec<(String, String)>, Refusal> {
        let refused = |message: &'static str| Refusal::with_status(401, message);
        let header = headers.get(AUTHORIZATION).and_then(|h| h.to_str().ok());
        let header =
            header.ok_or_else(|| refused("this port asks for user and password; send `Authorization: Basic ...`"))?;
        let (scheme, encoded) = header.split_once(' ').unwrap_or((header, ""));
        let decoded = Some(encoded.trim())
            .filter(|_| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded =
            decoded.ok_or_else(|| refused("the header `Authorization` is not `Basic` with user:password in base64"))?;
        let (user, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
        let file = match &self.file {
            Some(file) => file.text().map_err(|e| Refusal::new(foundation::ErrorKind::UNAVAILABLE, e))?,
            None => String::new(),
        };
        // A file that became wrong lets nobody in by its lines; the others stay.
        let known = [self.inline.as_str(), file.as_str()].into_iter().flat_map(|text| parse(text).unwrap_or_default());
        let mut allowed = false;
        for (name, wanted) in known {
            allowed |= name == user && same(wanted.as_bytes(), password.as_bytes());
        }
        match allowed {
            true => Ok(vec![("username".to_owned(), user.to_owned()), ("subject".to_owned(), user.to_owned())]),
            false => Err(refused("user or password is wrong")),
        }
    }
}

struct ClientSide {
    username: String,
    username_file: Option<Watched>,
    password: String,
    password_file: Option<Watched>,
}

impl ClientAuth for ClientSide {
    fn authorize(&self, headers: &mut HeaderMap) -> Result<(), String> {
        let of = |file: &Option<Watched>, text: &str| match file {
            Some(file) => file.text().map(|text| text.trim().to_owned()),
            None => Ok(text.to_owned()),
        };
        let user = of(&self.username_file, &self.username)?;
        let password = of(&self.password_file, &self.password)?;
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let mut value = HeaderValue::from_str(&value).map_err(|e| e.to_string())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use foundation::disk::{RealDisk, write_atomic};

    use super::*;

    fn request(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Basic {}", STANDARD.encode(text)).parse().unwrap());
        headers
    }

    #[test]
    fn users_are_let_in_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("htpasswd");
        write_atomic(&RealDisk, &path, b"carol:three\n").unwrap();
        let users = Users { inline: "alice:one\nbob:t:wo\n".into(), file: Some(Watched::new(path.clone())) };
        assert_eq!(users.authenticate(&request("alice:one")).unwrap()[0].1, "alice");
        assert!(users.authenticate(&request("bob:t:wo")).is_ok());
        assert!(users.authenticate(&request("carol:three")).is_ok());
        for wrong in ["alice:two", "alice:", "nobody:one", "alice"] {
            let refusal = users.authenticate(&request(wrong)).unwrap_err();
            assert_eq!((refusal.http(), refusal.grpc()), (401, 16), "{wrong}");
        }
        assert_eq!(users.authenticate(&HeaderMap::new()).unwrap_err().http(), 401);
        write_atomic(&RealDisk, &path, b"carol:other-one\n").unwrap();
        assert!(users.authenticate(&request("carol:three")).is_err(), "the file is read again");
    }

    #[test]
    fn hashed_passwords_are_named() {
        assert!(parse("a:$2y$10$x").unwrap_err().contains("the password of `a` is hashed"));
        assert_eq!(parse("# no\n\na:b\n").unwrap(), [("a", "b")]);
    }
}
