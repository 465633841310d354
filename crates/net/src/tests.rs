//! Contract tests against servers on loopback: what is sent, and what is said when it fails.

mod http;
mod proxy;
mod tls;
mod token;

use std::time::Duration;

use crate::{Client, ClientOptions, HttpConfig, Request, Response, SendError, Url};

/// Long enough for a slow machine; no test waits for it to pass.
const DEADLINE: Duration = Duration::from_secs(20);

fn config(yaml: &str) -> HttpConfig {
    serde_saphyr::from_str(yaml).unwrap_or_else(|e| panic!("{yaml}: {e}"))
}

fn client(yaml: &str) -> Client {
    Client::new(&config(yaml), ClientOptions::default()).unwrap()
}

async fn post(client: &Client, url: Url) -> Result<Response, SendError> {
    client.send(Request::post(url, "application/json", "{}"), DEADLINE).await
}
