//! The message itself: headers, parts, envelope (RFC 5322, by lettre).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use foundation::UnixNanos;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};

use super::{Form, Thread};
use crate::notify::data::{idempotency_key, sha256};
use crate::notify::rendering::Rendering;

/// Mail servers refuse more: RFC 5322 has 998 for a line, and subjects are shown in one.
const SUBJECT_CHARACTERS_MAX: usize = 900;

/// A message that can be handed to a server.
pub(super) struct Mail {
    pub envelope: Envelope,
    pub bytes: Vec<u8>,
}

/// Fills the form.
///
/// # Errors
/// An address is none; a header has a name that headers cannot have.
pub(super) fn make(form: &Form, r: &mut Rendering<'_>, now: UnixNanos) -> Result<Mail, String> {
    let from = r.fill(&form.from);
    let from: Mailbox = from.parse().map_err(|e| format!("from: {from:?} is not an address: {e}"))?;
    let to = r.fill(&form.to);
    let to: Mailboxes = to.parse().map_err(|e| format!("to: {to:?} is not a list of addresses: {e}"))?;
    let recipients: Vec<_> = to.iter().map(|m| m.email.clone()).collect();
    let envelope = Envelope::new(Some(from.email.clone()), recipients).map_err(|e| format!("to: {e}"))?;
    let domain = from.email.domain().to_owned();
    let at = UNIX_EPOCH + Duration::from_nanos(u64::try_from(now.0).unwrap_or(0));
    let id = format!("<{}@{domain}>", short(&idempotency_key(r.notification)));
    let mut builder = Message::builder().from(from).date(SystemTime::max(at, UNIX_EPOCH)).message_id(Some(id));
    builder = to.iter().fold(builder, |builder, mailbox| builder.to(mailbox.clone()));
    if let Some(root) = thread(form, r, now, &domain) {
        builder = builder.references(root.clone()).in_reply_to(root);
    }
    for (name, text) in &form.headers {
        let filled = r.fill(text).split_whitespace().collect::<Vec<_>>().join(" ");
        let filled = r.within(name, &filled, SUBJECT_CHARACTERS_MAX);
        if name.eq_ignore_ascii_case("subject") {
            builder = builder.subject(filled);
            continue;
        }
        let header = HeaderName::new_from_ascii(name.clone())
            .map_err(|_| format!("headers: {name:?} is not the name of a header"))?;
        builder = builder.raw_header(HeaderValue::new(header, filled));
    }
    let builder = builder.envelope(envelope.clone());
    let text = form.text.as_ref().map(|t| r.fill(t)).filter(|t| !t.is_empty());
    let html = form.html.as_ref().map(|t| r.fill(t)).filter(|t| !t.is_empty());
    let message = match (text, html) {
        (Some(text), Some(html)) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
        (Some(text), None) => builder.singlepart(SinglePart::plain(text)),
        (None, Some(html)) => builder.singlepart(SinglePart::html(html)),
        (None, None) => builder.singlepart(SinglePart::plain(String::new())),
    };
    let message = message.map_err(|e| format!("the message cannot be made: {e}"))?;
    Ok(Mail { envelope, bytes: message.formatted() })
}

/// The message that all messages of a group answer; it need not exist.
fn thread(form: &Form, r: &Rendering<'_>, now: UnixNanos, domain: &str) -> Option<String> {
    let key = short(&sha256(&r.notification.group_key)).to_owned();
    match form.thread? {
        Thread::Group => Some(format!("<group-{key}@{domain}>")),
        Thread::GroupAndDay => {
            let stamp = jiff::Timestamp::from_nanosecond(now.0.into()).ok()?;
            let day = jiff::tz::TimeZone::UTC.to_datetime(stamp).date();
            Some(format!("<group-{key}-{day}@{domain}>"))
        }
    }
}

fn short(hash: &str) -> &str {
    hash.get(..32).unwrap_or(hash)
}
