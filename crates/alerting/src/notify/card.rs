//! Services that take one JSON document at the secret address of a hook: each says only what the document looks like.

use foundation::UnixNanos;
use net::{HttpConfig, Response, Secret, SecretSource, Url};
use serde::Serialize;
use serde_json::Value as Json;

use super::building::{Building, Made, shown, target};
use super::http::{Call, Http, Service, Verdict, standard, url_of};
use super::rendering::Rendering;

/// How a message of the service looks.
pub(super) trait Card: Send + Sync + 'static {
    /// The document. Runs on a thread that may take its time.
    fn body(&self, r: &mut Rendering<'_>) -> Json;

    /// What the address gets besides.
    fn address(&self, hook: Url) -> Url {
        hook
    }

    /// What an answer means.
    fn judge(&self, response: &Response, now: UnixNanos) -> Verdict {
        standard(response, now)
    }
}

/// The channel of a card.
pub(super) fn made(
    b: &mut Building<'_>,
    (hook, http): (SecretSource, Option<&HttpConfig>),
    card: impl Card,
    (config, send_resolved): (&impl Serialize, Option<bool>),
) -> Option<Made> {
    let target = target(&hook);
    let client = b.client(http)?;
    let notifier = Http::new(Hook { hook, card }, client, b);
    Some(Made { notifier, send_resolved, target, shown: shown(config) })
}

struct Hook<C> {
    hook: SecretSource,
    card: C,
}

impl<C: Card> Service for Hook<C> {
    type Message = Json;

    fn secrets(&self) -> Vec<&SecretSource> {
        vec![&self.hook]
    }

    fn render(&self, r: &mut Rendering<'_>) -> Json {
        self.card.body(r)
    }

    fn calls(&self, message: Json, secrets: &[Secret]) -> Result<Vec<Call>, String> {
        let hook = url_of(secrets.first().ok_or("no address")?)?;
        Ok(vec![Call::post(self.card.address(hook), &message)])
    }

    fn judge(&self, _call: &Call, response: &Response, now: UnixNanos) -> Verdict {
        self.card.judge(response, now)
    }
}
