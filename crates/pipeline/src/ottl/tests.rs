//! Statements and conditions on records, as text in and text out.

use wire::otlp::tree::{
    Attributes, Event, Exemplar, Link, LogRecord, Metric, Number, NumberPoint, Resource, Scope, Span, Text, Value,
};

use super::*;

struct World {
    resource: Resource,
    scope: Scope,
    of_resource: Text,
    of_scope: Text,
    cache: Attributes,
    made: Vec<Metric>,
}

fn world() -> World {
    let resource = Resource { attributes: [("service.name", "shop")].into_iter().collect(), ..Resource::default() };
    World {
        resource,
        scope: Scope { name: "lib".into(), ..Scope::default() },
        of_resource: "https://opentelemetry.io/schemas/1.27.0".into(),
        of_scope: Text::default(),
        cache: Attributes::new(),
        made: vec![],
    }
}

impl World {
    fn scene<'a>(&'a mut self, item: Item<'a>) -> Scene<'a> {
        Scene {
            resource: &mut self.resource,
            scope: &mut self.scope,
            schema: Schema { resource: &mut self.of_resource, scope: &mut self.of_scope },
            item,
            cache: &mut self.cache,
            made: &mut self.made,
            now: 1_700_000_000_000_000_000,
        }
    }
}

fn log() -> LogRecord {
    LogRecord {
        body: "GET /users/42 took 17ms".into(),
        severity_number: 9,
        attributes: [
            ("http.status", Value::Int(500)),
            ("user", "ann".into()),
            ("ok", true.into()),
            ("ratio", 0.5.into()),
        ]
        .into_iter()
        .collect(),
        ..LogRecord::default()
    }
}

/// Runs statements on a log record; returns it, with the errors of those that failed.
fn run(statements: &[&str]) -> (LogRecord, Vec<String>) {
    let (mut world, mut log, mut errors) = (world(), log(), vec![]);
    for text in statements {
        let statement = Statement::parse(text, Context::Log).unwrap_or_else(|e| panic!("{e}"));
        if let Err(e) = statement.run(&mut world.scene(Item::Log(&mut log))) {
            errors.push(e.to_string());
        }
    }
    (log, errors)
}

/// The value of an expression, as text.
fn value(expr: &str) -> String {
    let (log, errors) = run(&[&format!("set(attributes[\"out\"], {expr})")]);
    match log.attributes.get("out") {
        Some(v) => v.to_json().to_string(),
        None if errors.is_empty() => "nil".into(),
        None => errors.concat(),
    }
}

fn holds(condition: &str) -> bool {
    let (mut world, mut log) = (world(), log());
    let condition = Condition::parse(condition, Context::Log).unwrap_or_else(|e| panic!("{e}"));
    condition.holds(&world.scene(Item::Log(&mut log))).unwrap()
}

#[test]
fn conditions() {
    for yes in [
        r#"body == "GET /users/42 took 17ms""#,
        r#"attributes["http.status"] >= 500 and attributes["user"] != "bob""#,
        r#"not (attributes["missing"] != nil)"#,
        r#"attributes["http.status"] == 500.0"#,
        r#"IsMatch(body, "took \d+ms") and severity_number < SEVERITY_NUMBER_WARN"#,
        r#"resource.attributes["service.name"] == "shop" or false"#,
        r#"(attributes["http.status"] + 1) * 2 == 1002"#,
        r#"attributes["ok"]"#,
        r#"instrumentation_scope.name == "lib" and log.attributes["ok"] == true"#,
        r#"HasPrefix(body, "GET") and HasSuffix(body, "ms") and Len(attributes) == 4"#,
        "1 < 2 and 2.5 > 2 and -1 < 0 and 7 / 2 == 3",
        // What nobody set is zero, as it is in the Collector.
        "trace_id == TraceID(0x00000000000000000000000000000000) and IsEmpty(span_id)",
        r#"span_id.string == "0000000000000000""#,
        r#"attributes[Concat(["http", "status"], ".")] == 500 and .5 < +1"#,
        r#"HasPrefix(body, Substring(body, 0, 3)) and IsMatch(body, Concat(["/users/", "\d+"], ""))"#,
        r#"resource.schema_url != "" and scope.schema_url == """#,
        r#"IsInCIDR("10.1.2.3", ["192.168.0.0/16", "10.0.0.0/8"]) and not IsInCIDR("fe80::1", ["10.0.0.0/8", "::/128"])"#,
        r#"IsValidLuhn("17893729974") and not IsValidLuhn(17893729975)"#,
        r#"IsEmpty("") and IsEmpty(attributes["missing"]) and not IsEmpty(attributes["user"])"#,
    ] {
        assert!(holds(yes), "{yes}");
    }
    for no in
        [r#"attributes["user"] > 5"#, r#"attributes["missing"] == "x""#, "not true", r#"attributes["ratio"] == 1"#]
    {
        assert!(!holds(no), "{no}");
    }
}

#[test]
fn editors() {
    let keys = |statements: &[&str]| {
        let (log, errors) = run(statements);
        assert_eq!(errors, Vec::<String>::new());
        log.attributes.iter().map(|(k, v)| format!("{k}={}", v.to_text())).collect::<Vec<_>>().join(" ")
    };
    let all = "http.status=500 user=ann ok=true ratio=0.5";
    assert_eq!(keys(&[r#"set(attributes["x"], "y") where severity_number == 10"#]), all);
    assert_eq!(keys(&[r#"set(attributes["user"], attributes["missing"])"#]), all);
    assert_eq!(keys(&[r#"delete_key(attributes, "user")"#]), "http.status=500 ok=true ratio=0.5");
    assert_eq!(keys(&[r#"delete_matching_keys(attributes, "^(o|r)")"#]), "http.status=500 user=ann");
    assert_eq!(keys(&[r#"keep_keys(attributes, ["user", "ok"])"#]), "user=ann ok=true");
    assert_eq!(keys(&[r#"keep_matching_keys(attributes, "s")"#]), "http.status=500 user=ann");
    assert_eq!(keys(&[r#"limit(attributes, 2, ["ratio"])"#]), "http.status=500 ratio=0.5");
    assert_eq!(keys(&[r#"truncate_all(attributes, 2)"#]), "http.status=500 user=an ok=true ratio=0.5");
    assert_eq!(
        keys(&[r#"merge_maps(attributes, ParseJSON("{\"user\":\"bob\",\"n\":1}"), "insert")"#]),
        format!("{all} n=1")
    );
    assert_eq!(
        keys(&[r#"replace_all_patterns(attributes, "key", "^http\\.", "web.")"#]).split(' ').next(),
        Some("web.status=500")
    );
    assert_eq!(
        keys(&[
            r#"keep_keys(attributes, [])"#,
            r#"merge_maps(attributes, ParseJSON("{\"a\":{\"b\":[1,{\"c\":2}]}}"), "upsert")"#,
            "flatten(attributes)"
        ]),
        "a.b.0=1 a.b.1.c=2"
    );
    assert_eq!(
        keys(&[r#"append(attributes["user"], "bob")"#, r#"append(attributes["user"], values=["eve"])"#]),
        r#"http.status=500 user=["ann","bob","eve"] ok=true ratio=0.5"#
    );
    assert_eq!(
        keys(&[r#"set(attributes["a"]["b"]["c"], 1)"#, r#"keep_keys(attributes, ["a"])"#]),
        r#"a={"b":{"c":1}}"#
    );
    assert_eq!(keys(&["truncate_all(attributes, 2, true, \"~\")"]), "http.status=500 user=a~ ok=true ratio=0.5");
    let (changed, _) = run(&["stringify_all(attributes)"]);
    assert_eq!(changed.attributes.get("ok"), Some(&Value::from("true")));
    assert_eq!(
        keys(&[
            r#"set(attributes["user"], ["a", "b", "c"])"#,
            r#"delete_index(attributes["user"], Len(attributes["user"]) - 1)"#,
        ]),
        r#"http.status=500 user=["a","b"] ok=true ratio=0.5"#
    );
    assert_eq!(
        keys(&[
            r#"set(attributes[resource.attributes["service.name"]][String(severity_number)], 1)"#,
            r#"keep_matching_keys(attributes, Concat(["^", resource.attributes["service.name"]], ""))"#,
        ]),
        r#"shop={"9":1}"#
    );
    let (log, errors) = run(&[r#"set(attributes[resource.attributes["missing"]], 1)"#, "delete_index(cache, 1)"]);
    assert_eq!(
        (log.attributes.len(), errors),
        (4, vec!["what is in brackets is nil; a text or an index is wanted".to_owned()])
    );
    let (log, _) = run(&[r#"replace_pattern(body, "\\d+ms", "$0", ToUpperCase, "<%s>")"#]);
    assert_eq!(log.body.as_str(), Some("GET /users/42 took <17MS>"));
    let (log, _) = run(&[r#"replace_pattern(body, "/users/(\\d+)", "/users/{$$1}")"#]);
    assert_eq!(log.body.as_str(), Some("GET /users/{42} took 17ms"));
    let (log, _) =
        run(&[r#"replace_pattern(body, "\\d+", "$0", SHA256)"#, r#"set(severity_text, ToUpperCase("warn"))"#]);
    assert!(
        log.body
            .as_str()
            .unwrap()
            .starts_with("GET /users/73475cb40a568e8da8a045ced110137e159f890ac4da883b6b17dc651b3a8049 "),
        "{:?}",
        log.body
    );
    assert_eq!(log.severity_text, "WARN");
    let (log, _) = run(&[
        r#"replace_match(body, "GET /users/*", "users")"#,
        r#"merge_maps(cache, ParseJSON("{\"k\":7}"), "upsert")"#,
        r#"set(attributes["k"], cache["k"])"#,
    ]);
    assert_eq!((log.body.as_str(), log.attributes.get("k")), (Some("users"), Some(&Value::Int(7))));
}

#[test]
fn converters() {
    for (expr, expected) in [
        (r#"Concat(["a", 1, true], "-")"#, r#""a-1-true""#),
        (r#"Split("a,b", ",")"#, r#"["a","b"]"#),
        (r#"Split("a,b", ",")[1]"#, r#""b""#),
        (r#"Substring("abcdef", 1, 3)"#, r#""bcd""#),
        (r#"Substring("ab", 1, 3)"#, "`ab` has no such part"),
        (r#"ConvertCase("HTTPStatusCode", "snake")"#, r#""http_status_code""#),
        (r#"ToCamelCase("http_status code")"#, r#""HttpStatusCode""#),
        (r#"Int("17")"#, "17"),
        (r#"Int("x")"#, "nil"),
        (r#"Double(attributes["http.status"])"#, "500.0"),
        (r#"String(attributes["ratio"])"#, r#""0.5""#),
        (r#"SHA1("a")"#, r#""86f7e437faa5a7fce15d1ddcb9eaeaea377667b8""#),
        (r#"MD5("a")"#, r#""0cc175b9c0f1b6a831c399e269772661""#),
        (r#"FNV("foobar")"#, "-8821353812377114648"),
        (r#"ParseJSON("{\"a\":{\"b\":[1,2]}}")["a"]["b"][1]"#, "2"),
        (r#"ParseKeyValue("a=1 b=\"x y\"")"#, r#"{"a":"1","b":"x y"}"#),
        (r#"ParseCSV("1,\"a \"\"b\"\", c\"", "n,t")"#, r#"{"n":"1","t":"a \"b\", c"}"#),
        (r#"ParseInt("ff", 16)"#, "255"),
        (r#"ParseSeverity(500, {"error": [{"min": 500, "max": 599}]})"#, r#""error""#),
        (r#"ParseSeverity("inf", {"info": [{"equals": ["inf"]}, {"range": {"min": 200, "max": 299}}]})"#, r#""info""#),
        (r#"ParseSeverity(204, {"info": [{"range": "2xx"}]})"#, r#""info""#),
        (r#"ParseSeverity("WARNING")"#, r#""warn""#),
        (r#"ExtractPatterns(body, "GET (?P<path>\\S+)")"#, r#"{"path":"/users/42"}"#),
        (r#"URL("https://u:p@example.com:8443/a/b?x=1#f")["url.port"]"#, "8443"),
        (
            r#"URL("http://me:secret@x/foo.gif")"#,
            r#"{"url.original":"http://me:secret@x/foo.gif","url.scheme":"http","url.domain":"x","url.path":"/foo.gif","url.extension":"gif","url.user_info":"me:secret","url.username":"me","url.password":"secret"}"#,
        ),
        (r#"ParseCSV("1|2", Concat(["a", "b"], ","), delimiter="|", headerDelimiter=",")"#, r#"{"a":"1","b":"2"}"#),
        (r#"Substring("一二三", 0, 4, true)"#, r#""一""#),
        (r#"Substring("一二三", 0, 4)"#, "`一二三` has no such part"),
        (r#"Trim("!!this is a test!!", "!")"#, r#""this is a test""#),
        (r#"Base64Encode("a?>", "base64-raw-url")"#, r#""YT8-""#),
        (r#"Decode("aGk", "base64-raw")"#, r#""hi""#),
        (r#"Decode(0x680069, "utf-8")"#, r#""h\u0000i""#),
        (r#"Decode(0xe4, "iso-8859-1")"#, r#""ä""#),
        (r#"String(0x0aff)"#, r#""0aff""#),
        (r#"ToKeyValueString({"b": "x y", "a": 1, "c": "\"q\""}, sort_output=true)"#, r#""a=1 b=\"x y\" c=\\\"q\\\"""#),
        (r#"XXH3("hello")"#, r#""9555e8555c62dcfd""#),
        (r#"XXH128("hello")"#, r#""b5e9c1ad071b3e7fc779cfaa5e523818""#),
        (r#"Murmur3Hash("hello")"#, r#""47fa8b24""#),
        (r#"Murmur3Hash128("hello")"#, r#""029bbd41b3a7d8cb191dae486a901e5b""#),
        (r#"CommunityID("128.232.110.120", 34855, "66.35.250.204", 80)"#, r#""1:LQU9qZlK+B5F3KDmev6m5PMibrg=""#),
        (
            r#"CommunityID("66.35.250.204", 80, "128.232.110.120", 34855, "TCP", 1)"#,
            r#""1:3V71V58M3Ksw/yuFALMcW0LAHvc=""#,
        ),
        (r#"Nanosecond(Unix(5, 17))"#, "17"),
        (r#"Len(UUID()) + Len(UUIDv7())"#, "72"),
        (r#"Substring(UUIDv7(), 0, 15)"#, r#""018bcfe5-6800-7""#),
        (r#"ExtractGrokPatterns("took 17ms", "took %{INT:took:int}ms", true)["took"]"#, "17"),
        (
            r#"ParseXML("<Log n=\"1\"><User>Joe</User><User/>text</Log>")"#,
            r#"{"tag":"Log","attributes":{"n":"1"},"content":"text","children":[{"tag":"User","content":"Joe"},{"tag":"User"}]}"#,
        ),
        (
            r#"ParseSimplifiedXML("<e n=\"1\"><id>1</id>x<d><t>now</t></d><c>2</c><c/><b>1</b><b><![CDATA[2]]></b></e>")"#,
            r#"{"e":{"id":"1","d":{"t":"now"},"c":["2"],"b":["1","2"]}}"#,
        ),
        (r#"ParseXML(Concat(["<a", "x>"], ""))"#, "it is not XML: the root node was opened but never closed"),
        (
            r#"ParseCEF("<13> CEF:0|Sec\\|urity|tm|1.0|100|worm stopped|10|src=10.0.0.1 msg=a b\\=c dst=2.1.2.2")"#,
            r#"{"cef.version":"0","cef.device_vendor":"Sec|urity","cef.device_product":"tm","cef.device_version":"1.0","cef.device_event_class_id":"100","cef.name":"worm stopped","cef.severity":"10","cef.extensions":{"src":"10.0.0.1","msg":"a b=c","dst":"2.1.2.2"}}"#,
        ),
        (
            r#"ParseLEEF("LEEF:2.0|Lancope|StealthWatch|1.0|41|^|src=10.0.1.8^dst=10.0.0.5")["leef.attributes"]"#,
            r#"{"src":"10.0.1.8","dst":"10.0.0.5"}"#,
        ),
        (
            r#"ParseLEEF("LEEF:1.0|M|E|4.0|15345|src=10.50.1.1\tsev=5")["leef.attributes"]"#,
            r#"{"src":"10.50.1.1","sev":"5"}"#,
        ),
        (
            r#"ParseCLF("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 -")"#,
            r#"{"clf.remote_host":"127.0.0.1","clf.rfc931":"-","clf.auth_user":"frank","clf.timestamp":"10/Oct/2000:13:55:36 -0700","clf.method":"GET","clf.request_uri":"/a.gif","clf.protocol":"HTTP/1.0","clf.request":"GET /a.gif HTTP/1.0","clf.status":200}"#,
        ),
        (r#"ParseCLF("h - - [d] \"\\x16\\\"\" 400 0 \"-\" \"curl/7\"", "combined")["clf.user_agent"]"#, r#""curl/7""#),
        (
            r##"ParseELF("#Version: 1.0\n#Fields: time cs-uri x\n00:34:23 \"/a b\"")["elf.entries"]"##,
            r#"[{"time":"00:34:23","cs-uri":"/a b","x":"-"}]"#,
        ),
        (r#"Hour(Time("2023-05-26 12:34:56", "%Y-%m-%d %H:%M:%S"))"#, "12"),
        (r#"UnixSeconds(Time("2023-05-26", "%Y-%m-%d", "Europe/Berlin"))"#, "1685052000"),
        (r#"UnixNano(Now())"#, "1700000000000000000"),
        (r#"UnixSeconds(Now() + Duration("1h30m"))"#, "1700005400"),
        (r#"Minutes(Duration("90s"))"#, "1.5"),
        (r#"FormatTime(Unix(0), "%Y/%m/%d")"#, r#""1970/01/01""#),
        (r#"UnixSeconds(TruncateTime(Now(), Duration("1h")))"#, "1699999200"),
        (r#"Len(Keys(attributes))"#, "4"),
        (r#"Sort([3, 1, 2], "desc")"#, "[3,2,1]"),
        (r#"Index(["a", "b"], "b")"#, "1"),
        (r#"ContainsValue(["a"], "b")"#, "false"),
        (r#"SliceToMap(ParseJSON("[{\"n\":\"a\",\"v\":1}]"), ["n"], ["v"])"#, r#"{"a":1}"#),
        (r#"Format("%s-%04d", ["x", 7])"#, r#""x-0007""#),
        (r#"Hex("a")"#, r#""61""#),
        (r#"Base64Decode("aGk=")"#, r#""hi""#),
        (r#"Coalesce([attributes["missing"], attributes["user"]])"#, r#""ann""#),
        (r#"{"a": attributes["user"], "b": [1]}"#, r#"{"a":"ann","b":[1]}"#),
        (r#"attributes["http.status"] / 0"#, "division by zero"),
        (r#"TrimPrefix("abc", "a")"#, r#""bc""#),
        (r#"IsMap(attributes) and true"#, ""),
    ] {
        if expected.is_empty() {
            continue;
        }
        assert_eq!(value(expr), expected, "{expr}");
    }
}

#[test]
fn spans_events_metrics_and_points_have_their_paths() {
    let mut w = world();
    let mut span = Span { kind: 2, trace_state: "a=1,b=2".into(), ..Span::default() };
    let mut run = |text: &str, span: &mut Span| {
        Statement::parse(text, Context::Span)
            .unwrap_or_else(|e| panic!("{e}"))
            .run(&mut w.scene(Item::Span(span)))
            .unwrap()
    };
    assert!(run(
        r#"set(name, Concat([kind.string, trace_state["b"]], " ")) where kind == SPAN_KIND_SERVER and IsRootSpan()"#,
        &mut span
    ));
    assert!(run(r#"set(status.code, STATUS_CODE_ERROR)"#, &mut span));
    assert!(run(r#"set(trace_id, TraceID("0102030405060708090a0b0c0d0e0f10"))"#, &mut span));
    assert!(run(r#"set(trace_state["c"], "3")"#, &mut span));
    assert!(run(r#"set(span.start_time, Unix(5))"#, &mut span));
    assert_eq!((&*span.name, span.status.code, &*span.trace_state), ("Server 2", 2, "c=3,a=1,b=2"));
    assert_eq!(
        (span.trace_id.to_hex().as_str(), span.start_time_unix_nano),
        ("0102030405060708090a0b0c0d0e0f10", 5_000_000_000)
    );

    let mut event = Event { name: "exception".into(), ..Event::default() };
    let condition = Condition::parse(
        r#"spanevent.name == "exception" and span.kind == 2 and event_index == 3"#,
        Context::SpanEvent,
    )
    .unwrap();
    assert!(condition.holds(&w.scene(Item::Event { span: &mut span, event: &mut event, index: 3 })).unwrap());

    span.events.push(event.clone());
    let mut link = Link { trace_state: "x=1".into(), ..Link::default() };
    let mut scene = w.scene(Item::Link { span: &mut span, link: &mut link });
    for text in [
        r#"set(spanlink.attributes["of"], span.name) where trace_state["x"] == "1" and IsEmpty(spanlink.trace_id)"#,
        r#"set(span_id.string, "0102030405060708")"#,
        r#"set(span.attributes["events"], span.events[0]["name"]) where Len(span.events) == 1 and Len(span.links) == 0"#,
        r#"set(span.links, [{"trace_id": TraceID("0102030405060708090a0b0c0d0e0f10"), "attributes": {"a": 1}}])"#,
        r#"set(scope.schema_url, Concat([resource.schema_url, "x"], "/"))"#,
    ] {
        assert!(Statement::parse(text, Context::SpanLink).unwrap().run(&mut scene).unwrap(), "{text}");
    }
    assert_eq!((link.attributes.text("of"), link.span_id.to_hex()), (Some("Server 2"), "0102030405060708".to_owned()));
    assert_eq!((span.attributes.text("events"), span.links[0].attributes.len()), (Some("exception"), 1));
    assert_eq!(w.of_scope, "https://opentelemetry.io/schemas/1.27.0/x");

    let mut metric = Metric { name: "m".into(), ..Metric::default() };
    let mut head = PointHead { kind: 2, temporality: Some(wire::otlp::tree::Temporality::DELTA), monotonic: true };
    let mut point = NumberPoint::default();
    let mut scene = w.scene(Item::Point { metric: &mut metric, head: &mut head, point: Point::Number(&mut point) });
    for text in [
        r#"set(value_int, 5) where metric.type == METRIC_DATA_TYPE_SUM and metric.is_monotonic"#,
        r#"set(attributes["m"], metric.name) where metric.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA"#,
        r#"set(metric.unit, "s")"#,
    ] {
        assert!(Statement::parse(text, Context::DataPoint).unwrap().run(&mut scene).unwrap(), "{text}");
    }
    assert_eq!(
        (point.value, point.attributes.text("m"), &*metric.unit),
        (Some(wire::otlp::tree::Number::Int(5)), Some("m"), "s")
    );
}

#[test]
fn exemplars_see_their_point_and_metric() {
    let mut w = world();
    let mut metric = Metric { name: "m".into(), ..Metric::default() };
    let (mut head, mut point) = (PointHead::default(), NumberPoint::default());
    let mut exemplar = Exemplar { value: Some(Number::Int(4)), ..Exemplar::default() };
    let item = Item::Exemplar {
        metric: &mut metric,
        head: &mut head,
        point: Point::Number(&mut point),
        exemplar: &mut exemplar,
    };
    let mut scene = w.scene(item);
    for text in [
        r#"set(exemplar.filtered_attributes["of"], metric.name) where int_value == 4 and double_value == nil"#,
        r#"set(datapoint.attributes["seen"], true)"#,
        "set(double_value, 0.5)",
        r#"set(trace_id, TraceID("0102030405060708090a0b0c0d0e0f10"))"#,
    ] {
        assert!(Statement::parse(text, Context::Exemplar).unwrap().run(&mut scene).unwrap(), "{text}");
    }
    assert_eq!((exemplar.filtered_attributes.text("of"), exemplar.value), (Some("m"), Some(Number::Double(0.5))));
    assert_eq!(point.attributes.get("seen"), Some(&Value::Bool(true)));
    let text = r#"set(datapoint.exemplars, [{"int_value": 7, "filtered_attributes": {"a": "b"}}])"#;
    let mut scene = w.scene(Item::Point { metric: &mut metric, head: &mut head, point: Point::Number(&mut point) });
    assert!(Statement::parse(text, Context::DataPoint).unwrap().run(&mut scene).unwrap());
    assert_eq!((point.exemplars.len(), point.exemplars[0].value), (1, Some(Number::Int(7))));
}

#[test]
fn names_of_spans_follow_the_conventions() {
    let named = |kind: i32, attributes: &[(&str, &str)]| {
        let mut w = world();
        let mut span = Span { kind, name: "GET /p/1".into(), ..Span::default() };
        attributes.iter().for_each(|(k, v)| span.attributes.set(k, *v));
        let statement = Statement::parse(r#"set_semconv_span_name("1.37.0", "was")"#, Context::Span).unwrap();
        statement.run(&mut w.scene(Item::Span(&mut span))).unwrap();
        format!("{} {}", span.name, span.attributes.text("was").unwrap_or("-"))
    };
    for (kind, attributes, expected) in [
        (2, &[("http.request.method", "GET"), ("http.route", "/p/{id}")][..], "GET /p/{id} GET /p/1"),
        (2, &[("http.method", "GET")], "GET GET /p/1"),
        (3, &[("rpc.system", "grpc"), ("rpc.service", "shop.Cart"), ("rpc.method", "Add")], "shop.Cart/Add GET /p/1"),
        (3, &[("db.system", "mysql"), ("db.operation", "SELECT"), ("db.name", "s"), ("db.collection.name", "t")], {
            "SELECT s.t GET /p/1"
        }),
        (3, &[("db.system", "redis"), ("server.address", "h"), ("server.port", "1")], "h:1 GET /p/1"),
        (4, &[("messaging.system", "kafka"), ("messaging.operation", "send"), ("messaging.destination.name", "q")], {
            "send q GET /p/1"
        }),
        (1, &[("http.request.method", "GET")], "GET /p/1 -"),
    ] {
        assert_eq!(named(kind, attributes), expected, "{attributes:?}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, column, message) in [
        ("set(body, \"x\"", 14, "`,` is expected here, not the end"),
        ("sett(body, \"x\")", 1, "did you mean `set`? there is append, delete_index"),
        ("set(body, Nope(1))", 11, "there is no function `Nope`"),
        ("set(bodyy, 1)", 5, "`bodyy` is not a path of a log; there is time_unix_nano"),
        ("set(body)", 1, "`set` lacks `value`; it is set(target, value)"),
        ("set(body, 1, 2)", 14, "takes at most 2"),
        ("set(body, 1) where", 19, "a value is expected here, not the end"),
        ("set(span.name, 1)", 5, "a span is not in reach in the context `log`"),
        ("replace_pattern(body, \"(\", \"x\")", 23, "is not a pattern"),
        ("set(\"x\", 1)", 5, "must be a path"),
        ("set(body, SEVERITY_NUMBER_INFO9)", 11, "neither the name of a number"),
        ("set(body, Concat([1], nope=\"x\"))", 28, "has no parameter `nope`"),
        ("delete_key(attributes, \"a\") where \"x\"", 35, "neither true nor false"),
        ("set(body, 'x')", 11, "double quotes"),
        ("merge_maps(attributes, body, \"x\")", 30, "must be \"insert\""),
        ("replace_pattern(body, \"x\", \"y\", Concat)", 33, "not a converter of one value"),
        ("replace_pattern(body, \"x\", \"y\", SHA256, \"a\")", 41, "must have `%s` in it, once"),
        ("set(attributes[], 1)", 16, "a key in quotes, an index, or an expression"),
        ("set(attributes[1.5], 1)", 16, "a whole number from 0"),
        ("set(attributes[nope], 1)", 16, "`nope` is not a path of a log"),
        ("set(body, ExtractGrokPatterns(body, \"%{NUMBR:x}\"))", 37, "did you mean `NUMBER`?"),
        ("set(body, IsInCIDR(body, [\"10.0.0.0/33\"]))", 26, "`10.0.0.0/33` is no network"),
        ("copy_metric()", 1, "works in the context `metric`, not in `log`"),
        ("set(body, HasAttrOnDatapoint(\"a\", \"b\"))", 11, "works in the context `metric`"),
        ("set(body, UserAgent(body))", 11, "there is no function `UserAgent`"),
    ] {
        let e = Statement::parse(text, Context::Log).unwrap_err();
        assert!(e.message.contains(message) && e.column == column, "{text}: {e}");
    }
    let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    assert!(Condition::parse(&deep, Context::Log).unwrap_err().message.contains("nests deeper"));
    let deep = format!("set(body, {}1{})", "[".repeat(500), "]".repeat(500));
    assert!(Statement::parse(&deep, Context::Log).is_err());
}

#[test]
fn contexts_are_inferred() {
    use model::Signal::{Logs, Metrics, Traces};
    for (signal, text, context) in [
        (Traces, r#"set(span.name, "x")"#, Context::Span),
        (Traces, r#"set(resource.attributes["a"], "x")"#, Context::Resource),
        (Traces, r#"set(span.attributes["e"], spanevent.name)"#, Context::SpanEvent),
        (Traces, r#"spanlink.flags == 1 and span.kind == 2"#, Context::SpanLink),
        (Traces, r#"set(span.attributes[scope.attributes["k"]], resource.attributes[span.name])"#, Context::Span),
        (Metrics, "exemplar.int_value > 5", Context::Exemplar),
        (Metrics, "convert_sum_to_gauge()", Context::Metric),
        (Metrics, r#"copy_metric(name="x") where resource.attributes["a"] == "b""#, Context::Metric),
        (Metrics, r#"metric.name == "x""#, Context::Metric),
        (Metrics, r#"metric.name == "x" and datapoint.value_int > 1"#, Context::DataPoint),
        (Logs, r#"IsMatch(log.body, "x") and resource.attributes["a"] == nil"#, Context::Log),
    ] {
        assert_eq!(infer(signal, text), Ok(context), "{text}");
    }
    assert!(infer(Logs, "span.name == \"x\"").unwrap_err().message.contains("not of this signal"));
    assert!(infer(Logs, "body == \"x\"").unwrap_err().message.contains("write one of resource, scope, log"));
}

#[test]
fn the_page_names_every_function() {
    let page = include_str!("../../../../docs/ottl.md");
    let (editors, converters) = functions();
    let missing: Vec<_> = editors.into_iter().chain(converters).filter(|n| !page.contains(&format!("`{n}`"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn any_text_is_survived_as_statement_and_as_value() {
    let compile = |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        for context in [Context::Span, Context::Metric, Context::Log] {
            drop(Statement::parse(text, context));
            drop(Condition::parse(text, context));
        }
        drop(infer(model::Signal::Traces, text));
    };
    let statements = [
        r#"set(span.attributes[Concat(["a", 1.5], "-")]["b"][0], {"k": [nil, 0x0aff, -.5]}) where not (kind == 2 or IsMatch(name, "^a(?P<x>.)$"))"#,
        r#"replace_pattern(log.body, "\\d+", "$$1", SHA256, "<%s>")"#,
        r#"set(body, ExtractGrokPatterns(body, "%{IP:a} %{NUMBER:b:int}", true, ["A=%{WORD}"]))"#,
        r#"convert_exponential_histogram_to_histogram("uniform", [0.0, 1e3])"#,
    ];
    wire::mutation::run(compile, &statements.map(|s| s.as_bytes().to_vec()), 4000);

    let values = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (mut world, mut log) = (world(), log());
        log.body = text.as_str().into();
        log.attributes.set("bytes", Value::Bytes(bytes.to_vec()));
        for statement in every_reader() {
            drop(statement.run(&mut world.scene(Item::Log(&mut log))));
        }
    };
    let lines = [
        r#"CEF:0|Sec\|urity|tm|1.0|100|worm|10|src=10.0.0.1 msg=a b\=c"#,
        "LEEF:2.0|L|S|1.0|41|0x5e|src=10.0.1.8^dst=10.0.0.5",
        r#"1.2.3.4 - ann [10/Oct/2000:13:55:36 -0700] "GET /\"a HTTP/1.0" 200 23 "-" "c\x41url""#,
        "#Version: 1.0\n#Fields: time x\n00:34:23 \"/a b\"",
        r#"<a b="1"><c>x</c><c/><![CDATA[y]]>&amp;</a>"#,
        r#"{"a": {"b": [1, 2.5, null]}, "k": "v"}"#,
        r#"a=1 b="x y" c='z'"#,
        "https://u:p@[::1]:8443/a/b.gif?x=1#f",
        "2023-05-26 12:34:56",
        "4111111111111111",
    ];
    wire::mutation::run(values, &lines.map(|l| l.as_bytes().to_vec()), 3000);
}

/// Statements that read the body and bytes in every way there is.
fn every_reader() -> &'static [Statement] {
    static ALL: std::sync::LazyLock<Vec<Statement>> = std::sync::LazyLock::new(|| {
        [
            "ParseCEF(body)",
            "ParseLEEF(body)",
            "ParseCLF(body)",
            r#"ParseCLF(body, "combined")"#,
            "ParseELF(body)",
            "ParseXML(body)",
            "ParseSimplifiedXML(body)",
            "ParseJSON(body)",
            "ParseKeyValue(body)",
            r#"ParseCSV(body, "a,b")"#,
            r#"ExtractGrokPatterns(body, "%{IPORHOST:host}.*%{NUMBER:n:double}")"#,
            "URL(body)",
            r#"Time(body, "%Y-%m-%d %H:%M:%S")"#,
            "Duration(body)",
            "IsValidLuhn(body)",
            r#"IsInCIDR(body, ["10.0.0.0/8"])"#,
            r#"Decode(attributes["bytes"], "utf-16le")"#,
            r#"Decode(body, "base64")"#,
            "Substring(body, 1, Len(body) - 2, true)",
            "ToSnakeCase(body)",
            "ParseInt(body, 0)",
            "ParseSeverity(body)",
            "Murmur3Hash128(body)",
            "TraceID(body)",
            "IsMatch(severity_text, body)",
        ]
        .iter()
        .map(|e| Statement::parse(&format!("set(attributes[\"out\"], {e})"), Context::Log).unwrap())
        .collect()
    });
    &ALL
}
