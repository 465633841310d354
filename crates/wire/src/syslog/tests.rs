//! Messages of the RFCs and of programs in use.

use expect_test::{Expect, expect};
use foundation::UnixNanos;

use super::*;

const OPTIONS: Options = Options {
    protocol: Protocol::Either,
    // 2026-01-02T00:00:00Z
    now: UnixNanos(1_767_312_000_000_000_000),
    offset_seconds: 0,
    allow_skip_pri: false,
};

fn check(text: &str, expected: Expect) {
    let got = match parse(text, &OPTIONS) {
        Ok(m) => format!(
            "{:?} {} {:?} host={:?} app={:?} pid={:?} id={:?} {:?} {:?}",
            m.version, m.priority, m.time, m.hostname, m.appname, m.proc_id, m.msg_id, m.structured_data, m.message
        ),
        Err(e) => e.to_string(),
    };
    expected.assert_eq(&got);
}

#[test]
fn rfc5424() {
    check(
        "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Appli\\]\\\"x\"][b] \u{feff}An event",
        expect![[
            r#"Some(1) 165 Some(1065910455003000000ns) host=Some("mymachine.example.com") app=Some("evntslog") pid=None id=Some("ID47") [("exampleSDID@32473", [("iut", "3"), ("eventSource", "Appli]\"x")]), ("b", [])] "An event""#
        ]],
    );
    check("<34>1 - - - - - -", expect![[r#"Some(1) 34 None host=None app=None pid=None id=None [] """#]]);
}

#[test]
fn rfc3164() {
    check(
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
        expect![[
            r#"None 34 Some(1760220855000000000ns) host=Some("mymachine") app=Some("su") pid=None id=None [] "'su root' failed""#
        ]],
    );
    check(
        "<190>Jan  1 07:46:34 web nginx[12]: {\"a\":1}",
        expect![[
            r#"None 190 Some(1767253594000000000ns) host=Some("web") app=Some("nginx") pid=Some("12") id=None [] "{\"a\":1}""#
        ]],
    );
    check(
        "<13>Jan 01 07:46:34 nginx: no host",
        expect![[r#"None 13 Some(1767253594000000000ns) host=None app=Some("nginx") pid=None id=None [] "no host""#]],
    );
    check(
        "<13>2025-12-31T23:59:59.5+01:00 host app: rsyslog",
        expect![[
            r#"None 13 Some(1767221999500000000ns) host=Some("host") app=Some("app") pid=None id=None [] "rsyslog""#
        ]],
    );
    check("<13>just text", expect![[r#"None 13 None host=None app=None pid=None id=None [] "just text""#]]);
    check("no priority", expect!["the message does not begin with a priority such as `<34>`"]);
    check("<192>x", expect!["the message does not begin with a priority such as `<34>`"]);
}

#[test]
fn a_format_that_was_asked_for() {
    let strict = Options { protocol: Protocol::Rfc5424, ..OPTIONS };
    let e = parse("<34>Oct 11 22:14:15 mymachine su: x", &strict).unwrap_err();
    assert!(e.to_string().contains("has no version where RFC 5424 has one"), "{e}");
}

#[test]
fn streams_are_split_by_counts_and_by_lines() {
    let mut splitter = Splitter::new(Framing::Either, 100);
    let mut got = Vec::new();
    // One byte at a time: no boundary matters.
    for b in b"7 <1>a\nbc<2>line\r\n4 <3>x<4>last" {
        splitter.push(&[*b]);
        while let Some(message) = splitter.next_message().unwrap() {
            got.push(String::from_utf8(message.to_vec()).unwrap());
        }
    }
    assert_eq!(got, ["<1>a\nbc", "<2>line\r", "<3>x"]);
    assert_eq!(splitter.rest(), b"<4>last");
}

#[test]
fn a_message_above_the_limit_ends_the_stream() {
    for bytes in [&b"101 <1>"[..], b"99999999999999999999 <1>", b"12x", &[b'<'; 102]] {
        let mut splitter = Splitter::new(Framing::Either, 100);
        splitter.push(bytes);
        assert_eq!(splitter.next_message(), Err(TooLong { limit: 100 }), "{bytes:?}");
    }
}

#[test]
fn records_have_the_names_of_the_collector() {
    let text = "<165>1 2003-10-11T22:14:15.003Z host app 7 ID47 [e iut=\"3\"] hi";
    let record = log_record(text, &parse(text, &OPTIONS).unwrap(), UnixNanos(5));
    assert_eq!((record.severity_number, &*record.severity_text, record.body.as_str()), (10, "notice", Some(text)));
    let names: Vec<_> = record.attributes.iter().map(|(k, _)| k.to_owned()).collect();
    assert_eq!(
        names,
        [
            "appname",
            "hostname",
            "proc_id",
            "msg_id",
            "message",
            "facility_text",
            "facility",
            "priority",
            "version",
            "structured_data"
        ]
    );
    assert_eq!(record.attributes.text("facility_text"), Some("local4"));
}

#[test]
fn mutated_messages_do_not_panic() {
    let samples = [
        &b"<165>1 2003-10-11T22:14:15.003Z host app 7 ID47 [e iut=\"3\\]\" b=\"\"][c] hi"[..],
        b"<34>Oct 11 22:14:15 mymachine su[1]: x",
        b"<34>Oct  1 2024 22:14:15 mymachine su: x",
        b"23 <1>abc\n<2>x",
    ];
    crate::mutation::run(crate::fuzz::fuzz_syslog, &samples.map(<[u8]>::to_vec), 16_000);
}
