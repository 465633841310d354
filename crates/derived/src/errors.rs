//! Error groups: exceptions of spans that are the same mistake.
//!
//! An exception is an event named `exception` (OpenTelemetry semantic
//! conventions, "Exceptions on spans"). Two belong together when service,
//! type, message without its variable parts (`message`) and the frame of the
//! stack where it was raised (`frame`) are the same.

mod distinct;
mod frame;
mod message;

use std::collections::{BTreeMap, VecDeque};

use eventstore::{SpanColumns, event_messages};
use model::attributes::get;
use model::trace::Event;
use model::{TraceId, Value};
use wire::sink::ValueRef;

use crate::arrival::Arrival;
use crate::bytes::{Damaged, Reader, put_bytes, put_u32, put_u64};
use foundation::text::beginning;

use crate::names::Names;
use crate::settings::ErrorSettings;

pub use distinct::Distinct;

/// Sample traces of a group, the newest.
const SAMPLES: usize = 5;
/// Texts of a group are cut to this.
const TEXT_BYTES_MAX: usize = 1024;
const TYPE_BYTES_MAX: usize = 256;
/// An error that was not raised for this long and is raised again has come back.
const SILENCE_MS: i64 = 86_400_000;
/// Attributes of a span that name who it was done for, the first one that is there (semantic conventions: `user.id`, and
/// `enduser.id` before it).
const USER: [&str; 2] = ["user.id", "enduser.id"];
/// Room for a new group is made by forgetting one that was not seen for this long.
const IDLE_MS: i64 = 3_600_000;

/// What names a group, everywhere and for ever: 16 hex digits.
pub type GroupId = u64;

/// Exceptions that are the same mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The service that raised it.
    pub service: String,
    /// `exception.type`.
    pub exception_type: String,
    /// The newest message as it was sent.
    pub message: String,
    /// The message without its variable parts.
    pub normalised: String,
    /// Where it was raised, or empty.
    pub frame: String,
    /// The span that it was raised in, the newest.
    pub span_name: String,
    /// Times of the exceptions, milliseconds since the epoch.
    pub first_seen: i64,
    /// See `first_seen`.
    pub last_seen: i64,
    /// How many exceptions.
    pub count: u64,
    /// The newest traces with one.
    pub traces: VecDeque<TraceId>,
    /// `service.version` of the first one; empty when it did not say.
    pub first_version: String,
    /// When it last came back after a day without, milliseconds since the epoch.
    pub regressed: Option<i64>,
    /// Whom it met, as far as spans say (`user.id`).
    pub users: Distinct,
    /// When the first one arrived, milliseconds since the epoch.
    pub(crate) created: i64,
    /// When the last one arrived.
    pub(crate) touched: i64,
}

impl Group {
    /// One of those that the error met.
    fn met(&mut self, user: Option<ValueRef<'_>>) {
        match user {
            Some(ValueRef::Str(user)) if !user.is_empty() => self.users.add(user),
            Some(ValueRef::Int(user)) => self.users.add(&user.to_string()),
            _ => {}
        }
    }
}

/// `service.version` of a span's resource.
fn version(spans: &SpanColumns, row: usize) -> String {
    let code = spans.resource_codes().get(row).copied().unwrap_or_default();
    let Some(raw) = spans.resources().nth(code as usize) else { return String::new() };
    let resource = wire::otlp::read_resource(raw);
    let found = get(&resource.attributes, "service.version").and_then(Value::as_str).unwrap_or_default();
    beginning(found, TYPE_BYTES_MAX).to_owned()
}

#[derive(Debug)]
pub(crate) struct Errors {
    settings: ErrorSettings,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    per_service: BTreeMap<String, usize>,
    /// Exceptions of groups that there was no room for.
    pub(crate) overflowed: u64,
}

/// What was raised.
struct Exception<'a> {
    service: &'a str,
    exception_type: &'a str,
    message: &'a str,
    stacktrace: &'a str,
}

impl Exception<'_> {
    /// The group it belongs to, with the parts that decide.
    fn group(&self) -> (GroupId, String, String) {
        let normalised = message::normalise(beginning(self.message, TEXT_BYTES_MAX));
        let frame = beginning(&frame::top(self.stacktrace), TEXT_BYTES_MAX).to_owned();
        let parts = [self.service, self.exception_type, &normalised, &frame];
        (fnv1a(parts.into_iter().flat_map(|p| p.bytes().chain([0]))), normalised, frame)
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): ids must be the same in every version and on every machine.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn text<'a>(event: &'a Event, key: &str) -> &'a str {
    get(&event.attributes, key).and_then(Value::as_str).unwrap_or_default()
}

impl Errors {
    pub(crate) fn new(settings: &ErrorSettings) -> Self {
        Self { settings: settings.clone(), groups: BTreeMap::new(), per_service: BTreeMap::new(), overflowed: 0 }
    }

    pub(crate) fn apply(&mut self, spans: &SpanColumns, at: &Arrival<'_>, names: &Names) {
        let Some(events) = spans.events() else { return };
        let mut users = USER.map(|key| spans.attribute(key));
        // Most events are no exceptions: a search is cheaper than reading them all.
        let finder = memchr::memmem::Finder::new(b"exception");
        for (row, value) in events {
            let ValueRef::Bytes(bytes) = value else { continue };
            if finder.find(bytes).is_none() {
                continue;
            }
            for event in event_messages(bytes).map(wire::otlp::read_event).filter(|e| e.name == "exception") {
                let resource = spans.resource_codes().get(row).copied().unwrap_or_default();
                let service = at.services.get(resource as usize).map_or("", |s| names.get(*s));
                let user = users.iter_mut().flatten().find_map(|values| values.of(row));
                if let Some(group) = self.add(&event, service, spans, row, at.ms) {
                    group.met(user);
                }
            }
        }
    }

    fn add(&mut self, event: &Event, service: &str, spans: &SpanColumns, row: usize, now: i64) -> Option<&mut Group> {
        let exception = Exception {
            service,
            exception_type: beginning(text(event, "exception.type"), TYPE_BYTES_MAX),
            message: text(event, "exception.message"),
            stacktrace: text(event, "exception.stacktrace"),
        };
        let (id, normalised, frame) = exception.group();
        if !self.groups.contains_key(&id) && !self.make_room(service, now) {
            self.overflowed += 1;
            return None;
        }
        let seen = event.time.as_millis();
        let per_service = &mut self.per_service;
        let group = self.groups.entry(id).or_insert_with(|| {
            *per_service.entry(service.to_owned()).or_default() += 1;
            Group {
                service: service.to_owned(),
                exception_type: exception.exception_type.to_owned(),
                message: String::new(),
                normalised,
                frame,
                span_name: String::new(),
                first_seen: seen,
                last_seen: seen,
                count: 0,
                traces: VecDeque::new(),
                first_version: version(spans, row),
                regressed: None,
                users: Distinct::default(),
                created: now,
                touched: now,
            }
        });
        group.count += 1;
        if seen.saturating_sub(group.last_seen) >= SILENCE_MS {
            group.regressed = Some(seen);
        }
        group.touched = now;
        group.first_seen = group.first_seen.min(seen);
        if seen >= group.last_seen {
            group.last_seen = seen;
            beginning(exception.message, TEXT_BYTES_MAX).clone_into(&mut group.message);
            let name = std::str::from_utf8(spans.name(row)).unwrap_or_default();
            beginning(name, TYPE_BYTES_MAX).clone_into(&mut group.span_name);
        }
        let trace = TraceId(spans.trace_ids().get(row).copied().unwrap_or_default());
        if !group.traces.contains(&trace) {
            group.traces.push_front(trace);
            group.traces.truncate(SAMPLES);
        }
        Some(group)
    }

    /// Whether there is room for another group of the service; a group that is idle makes some.
    fn make_room(&mut self, service: &str, now: i64) -> bool {
        let own = self.per_service.get(service).copied().unwrap_or(0);
        let own_full = own >= self.settings.groups_per_service_max;
        if !own_full && self.groups.len() < self.settings.groups_max {
            return true;
        }
        let candidates = self.groups.iter().filter(|(_, g)| !own_full || g.service == service);
        let oldest = candidates.min_by_key(|(id, g)| (g.touched, **id)).map(|(id, g)| (*id, g.touched));
        match oldest {
            Some((id, touched)) if touched < now.saturating_sub(IDLE_MS) => {
                self.forget(id);
                true
            }
            _ => false,
        }
    }

    fn forget(&mut self, id: GroupId) {
        let Some(group) = self.groups.remove(&id) else { return };
        if let Some(n) = self.per_service.get_mut(&group.service) {
            *n -= 1;
            if *n == 0 {
                self.per_service.remove(&group.service);
            }
        }
    }

    /// Forgets the groups that were not seen since.
    pub(crate) fn expire(&mut self, before_ms: i64) {
        let old: Vec<GroupId> = self.groups.iter().filter(|(_, g)| g.touched < before_ms).map(|(id, _)| *id).collect();
        old.into_iter().for_each(|id| self.forget(id));
    }

    /// What groups know since version 2 of the checkpoint.
    pub(crate) fn encode_more(&self, out: &mut Vec<u8>) {
        for g in self.groups.values() {
            put_bytes(out, g.first_version.as_bytes());
            put_u64(out, g.regressed.unwrap_or(0) as u64);
            g.users.encode(out);
        }
    }

    /// The counterpart of [`Errors::encode_more`], in the same order.
    pub(crate) fn decode_more(&mut self, r: &mut Reader<'_>) -> Result<(), Damaged> {
        for g in self.groups.values_mut() {
            r.text()?.clone_into(&mut g.first_version);
            g.regressed = Some(r.i64()?).filter(|t| *t != 0);
            g.users = Distinct::decode(r)?;
        }
        Ok(())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.overflowed);
        put_u32(out, self.groups.len() as u32);
        for (id, g) in &self.groups {
            put_u64(out, *id);
            for text in [&g.service, &g.exception_type, &g.message, &g.normalised, &g.frame, &g.span_name] {
                put_bytes(out, text.as_bytes());
            }
            for n in [g.first_seen, g.last_seen, g.created, g.touched] {
                put_u64(out, n as u64);
            }
            put_u64(out, g.count);
            put_u32(out, g.traces.len() as u32);
            g.traces.iter().for_each(|t| out.extend_from_slice(&t.0));
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>, settings: &ErrorSettings) -> Result<Self, Damaged> {
        let mut errors = Self::new(settings);
        errors.overflowed = r.u64()?;
        for _ in 0..r.count(76)? {
            let id = r.u64()?;
            let mut text = || r.text().map(str::to_owned);
            let (service, exception_type, message) = (text()?, text()?, text()?);
            let (normalised, frame, span_name) = (text()?, text()?, text()?);
            let (first_seen, last_seen, created, touched) = (r.i64()?, r.i64()?, r.i64()?, r.i64()?);
            let count = r.u64()?;
            let traces = (0..r.count(16)?).map(|_| r.array().map(TraceId)).collect::<Result<_, _>>()?;
            *errors.per_service.entry(service.clone()).or_default() += 1;
            let group = Group {
                service,
                exception_type,
                message,
                normalised,
                frame,
                span_name,
                first_seen,
                last_seen,
                count,
                traces,
                first_version: String::new(),
                regressed: None,
                users: Distinct::default(),
                created,
                touched,
            };
            if errors.groups.insert(id, group).is_some() {
                return Err(Damaged("an error group is there twice"));
            }
        }
        Ok(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent::{Sent, columns};

    const AT: Arrival<'static> = Arrival { ms: 10_000, services: &[1] };

    fn names() -> Names {
        let mut names = Names::default();
        names.intern("api");
        names
    }

    fn raised(message: &'static str, trace: u8) -> Sent {
        Sent { trace, exception: Some(("IOError", message, "at read (io.js:10:3)")), ..Sent::default() }
    }

    #[test]
    fn exceptions_that_differ_in_numbers_are_one_group() {
        let mut errors = Errors::new(&ErrorSettings::default());
        errors.apply(
            &columns(&[raised("port 80 closed", 1), Sent::default(), raised("port 443 closed", 2)]),
            &AT,
            &names(),
        );
        errors.apply(&columns(&[raised("disk full", 3)]), &AT, &names());
        let mut groups: Vec<&Group> = errors.groups.values().collect();
        groups.sort_by_key(|g| std::cmp::Reverse(g.count));
        let [both, one] = groups[..] else { panic!("{groups:?}") };
        assert_eq!((both.count, one.count, both.message.as_str()), (2, 1, "port 443 closed"));
        assert_eq!((both.normalised.as_str(), both.frame.as_str()), ("port <num> closed", "read (io.js)"));
        assert_eq!(both.traces, [TraceId([2; 16]), TraceId([1; 16])]);
        let mut bytes = Vec::new();
        errors.encode(&mut bytes);
        let mut back = Errors::decode(&mut Reader(&bytes), &ErrorSettings::default()).unwrap();
        let mut more = Vec::new();
        errors.encode_more(&mut more);
        back.decode_more(&mut Reader(&more)).unwrap();
        assert_eq!((&back.groups, &back.per_service), (&errors.groups, &errors.per_service));
    }

    #[test]
    fn a_full_service_forgets_only_what_is_idle() {
        let settings = ErrorSettings { groups_per_service_max: 1, ..ErrorSettings::default() };
        let mut errors = Errors::new(&settings);
        errors.apply(&columns(&[raised("a", 1), raised("b", 1)]), &AT, &names());
        assert_eq!((errors.groups.len(), errors.overflowed), (1, 1));
        let later = Arrival { ms: AT.ms + IDLE_MS + 1, ..AT };
        errors.apply(&columns(&[raised("b", 1)]), &later, &names());
        assert_eq!(errors.groups.values().map(|g| g.message.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_group_knows_whom_it_met_and_when_it_came_back() {
        let mut errors = Errors::new(&ErrorSettings::default());
        let met = |user: &str| raised("gone", 1).with("user.id", user);
        errors.apply(&columns(&[met("ann"), met("bob"), raised("gone", 1)]), &AT, &names());
        errors.apply(&columns(&[met("ann").of_version("2.0")]), &AT, &names());
        let group = errors.groups.values().next().unwrap();
        assert_eq!((group.users.count(), group.users.is_exact(), group.regressed), (2, true, None));
        assert_eq!(group.first_version, "1.0");
        let first = group.last_seen;
        let next_day = Sent { seconds: 86_400, ..met("eve") };
        errors.apply(&columns(std::slice::from_ref(&next_day)), &AT, &names());
        errors.apply(&columns(&[next_day]), &AT, &names());
        let group = errors.groups.values().next().unwrap();
        assert_eq!((group.regressed, group.users.count()), (Some(first + SILENCE_MS), 3));
    }

    #[test]
    fn the_id_of_a_group_never_changes() {
        let e = Exception { service: "api", exception_type: "IOError", message: "x 1", stacktrace: "" };
        assert_eq!(format!("{:016x}", e.group().0), "6d0595bf834d3833");
    }
}
