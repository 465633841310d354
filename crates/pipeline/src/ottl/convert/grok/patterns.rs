//! The patterns that there are by name: those that Logstash users know, as expressions that need no looking around.

/// The expression that `name` stands for.
pub(super) fn find(name: &str) -> Option<&'static str> {
    PATTERNS.iter().find(|(known, _)| *known == name).map(|(_, pattern)| *pattern)
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PATTERNS.iter().map(|(name, _)| *name)
}

const PATTERNS: &[(&str, &str)] = &[
    // Texts
    ("WORD", r"\b\w+\b"),
    ("NOTSPACE", r"\S+"),
    ("SPACE", r"\s*"),
    ("DATA", r".*?"),
    ("GREEDYDATA", r".*"),
    ("QUOTEDSTRING", r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#),
    ("QS", "%{QUOTEDSTRING}"),
    ("UUID", "[[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}"),
    ("URN", r"urn:[[:alnum:]][[:alnum:]-]{0,31}:[[:alnum:]()+,.:=@;$_!*'/?#%-]+"),
    // Numbers
    ("INT", r"[+-]?\d+"),
    ("POSINT", r"\b[1-9]\d*\b"),
    ("NONNEGINT", r"\b\d+\b"),
    ("BASE10NUM", r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"),
    ("BASE16NUM", "[+-]?(?:0x)?[[:xdigit:]]+"),
    ("BASE16FLOAT", r"[+-]?(?:0x)?[[:xdigit:]]+(?:\.[[:xdigit:]]*)?"),
    ("NUMBER", "%{BASE10NUM}"),
    ("BOOL", "true|false"),
    // Networks
    ("IPV4", r"\b(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\b"),
    (
        "IPV6",
        r"(?:(?:[[:xdigit:]]{1,4}:){7}[[:xdigit:]]{1,4}|(?:[[:xdigit:]]{1,4}:){1,6}(?::[[:xdigit:]]{1,4}){1,6}|(?:[[:xdigit:]]{1,4}:){1,7}:|:(?::[[:xdigit:]]{1,4}){1,7}|::(?:[fF]{4}:)?\d{1,3}(?:\.\d{1,3}){3}|::)(?:%[0-9A-Za-z]+)?",
    ),
    ("IP", "%{IPV6}|%{IPV4}"),
    ("HOSTNAME", r"\b[[:alnum:]][[:alnum:]-]{0,62}(?:\.[[:alnum:]][[:alnum:]-]{0,62})*\.?"),
    ("IPORHOST", "%{IP}|%{HOSTNAME}"),
    ("HOSTPORT", "%{IPORHOST}:%{POSINT}"),
    ("HOST", "%{HOSTNAME}"),
    ("USERNAME", "[[:alnum:]._-]+"),
    ("USER", "%{USERNAME}"),
    ("EMAILLOCALPART", r"[[:alnum:]!#$%&'*+/=?^_`{|}~.-]{1,64}"),
    ("EMAILADDRESS", "%{EMAILLOCALPART}@%{HOSTNAME}"),
    ("CISCOMAC", r"(?:[[:xdigit:]]{4}\.){2}[[:xdigit:]]{4}"),
    ("WINDOWSMAC", "(?:[[:xdigit:]]{2}-){5}[[:xdigit:]]{2}"),
    ("COMMONMAC", "(?:[[:xdigit:]]{2}:){5}[[:xdigit:]]{2}"),
    ("MAC", "%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC}"),
    // Paths
    ("UNIXPATH", r"(?:/[\w%!$@:.,+~-]*)+"),
    ("WINPATH", r"(?:[A-Za-z]:|\\)(?:\\[^\\?*]*)+"),
    ("PATH", "%{UNIXPATH}|%{WINPATH}"),
    ("TTY", r"/dev/(?:pts|tty[pq]?)\w*/?\d*"),
    ("URIPROTO", r"[A-Za-z][[:alnum:]+.-]+"),
    ("URIHOST", "%{IPORHOST}(?::%{POSINT})?"),
    ("URIPATH", r"(?:/[[:alnum:]$.+!*'(){},~:;=@#%&_-]*)+"),
    ("URIQUERY", r"[[:alnum:]$.+!*'|(){},~@#%&/=:;_?\[\]<>-]*"),
    ("URIPARAM", r"\?%{URIQUERY}"),
    ("URIPATHPARAM", r"%{URIPATH}(?:\?%{URIQUERY})?"),
    ("URI", r"%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?%{URIHOST}(?:%{URIPATHPARAM})?"),
    // Times
    (
        "MONTH",
        r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b",
    ),
    ("MONTHNUM", "0?[1-9]|1[0-2]"),
    ("MONTHNUM2", "0[1-9]|1[0-2]"),
    ("MONTHDAY", r"0[1-9]|[12]\d|3[01]|[1-9]"),
    ("DAY", r"\b(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)\b"),
    ("YEAR", r"\d{4}|\d{2}"),
    ("HOUR", r"2[0-3]|[01]?\d"),
    ("MINUTE", r"[0-5]\d"),
    // 60 is a leap second.
    ("SECOND", r"(?:[0-5]\d|60)(?:[:.,]\d+)?"),
    ("TIME", "%{HOUR}:%{MINUTE}(?::%{SECOND})?"),
    ("TZ", "[PMACE][SED]T|UTC|GMT"),
    ("DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"),
    ("DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"),
    ("DATE_X", "%{YEAR}/%{MONTHNUM2}/%{MONTHDAY}"),
    ("DATE", "%{DATE_US}|%{DATE_EU}|%{DATE_X}"),
    ("DATESTAMP", "%{DATE}[- ]%{TIME}"),
    ("ISO8601_TIMEZONE", "Z|[+-]%{HOUR}(?::?%{MINUTE})?"),
    ("ISO8601_SECOND", "%{SECOND}"),
    ("TIMESTAMP_ISO8601", "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?"),
    ("DATESTAMP_RFC822", "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"),
    ("DATESTAMP_RFC2822", "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}"),
    ("DATESTAMP_OTHER", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"),
    ("DATESTAMP_EVENTLOG", r"\d{4}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}"),
    ("HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"),
    ("SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"),
    // Logs
    (
        "LOGLEVEL",
        "(?i:alert|trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg(?:ency)?)",
    ),
    ("PROG", r"[\x21-\x5a\x5c\x5e-\x7e]+"),
    ("SYSLOGPROG", r"%{PROG:process.name}(?:\[%{POSINT:process.pid:int}\])?"),
    ("SYSLOGHOST", "%{IPORHOST}"),
    ("SYSLOGFACILITY", "<%{NONNEGINT:log.syslog.facility.code:int}.%{NONNEGINT:log.syslog.priority:int}>"),
    ("SYSLOGBASE", "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:host.hostname} %{SYSLOGPROG}:"),
    ("SYSLOGLINE", "%{SYSLOGBASE} %{GREEDYDATA:message}"),
    ("HTTPDUSER", "%{EMAILADDRESS}|%{USER}"),
    (
        "COMMONAPACHELOG",
        r#"%{IPORHOST:source.address} (?:-|%{HTTPDUSER:apache.access.user.identity}) (?:-|%{HTTPDUSER:user.name}) \[%{HTTPDATE:timestamp}\] "(?:%{WORD:http.request.method} %{NOTSPACE:url.original}(?: HTTP/%{NUMBER:http.version})?|%{DATA})" (?:-|%{INT:http.response.status_code:int}) (?:-|%{INT:http.response.body.bytes:int})"#,
    ),
    (
        "COMBINEDAPACHELOG",
        r#"%{COMMONAPACHELOG} "(?:-|%{DATA:http.request.referrer})" "(?:-|%{DATA:user_agent.original})""#,
    ),
    ("JAVACLASS", r"(?:[A-Za-z$_][\w$]*\.)*[A-Za-z$_][\w$]*"),
    ("JAVAMETHOD", r"<(?:cl)?init>|[A-Za-z$_][\w$]*"),
    ("JAVAFILE", r"[\w$. -]+"),
    (
        "JAVASTACKTRACEPART",
        r"\s*at %{JAVACLASS:java.log.origin.class.name}\.%{JAVAMETHOD:log.origin.function}\(%{JAVAFILE:log.origin.file.name}(?::%{INT:log.origin.file.line:int})?\)",
    ),
];
