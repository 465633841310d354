//! The frame of a stack trace where an exception was raised, without what changes with every build.
//!
//! Stack traces are texts of many languages. Most name the newest frame first
//! (Java, JavaScript, .NET, Go, Rust); Python names it last. Line and column
//! numbers and addresses are left out: a group outlives a release.

/// The frame as `function (file)`, as far as the language says; empty when no line looks like a frame.
pub(super) fn top(stacktrace: &str) -> String {
    if stacktrace.contains("Traceback (most recent call last)") {
        return stacktrace.lines().rev().find_map(python).unwrap_or_default();
    }
    let mut lines = stacktrace.lines().map(str::trim).filter(|l| !l.is_empty()).peekable();
    // Rust numbers its frames, and writes below each the file that it is `at`.
    if lines.peek().is_some_and(|line| numbered(line).is_some()) {
        return lines.find_map(rust).unwrap_or_default();
    }
    lines.find_map(|line| at(line).or_else(|| go(line))).unwrap_or_default()
}

/// `File "/app/x.py", line 10, in handler`
fn python(line: &str) -> Option<String> {
    let (file, rest) = line.trim().strip_prefix("File \"")?.split_once('"')?;
    let function = rest.split_once(", in ")?.1;
    Some(format!("{function} ({})", base(file)))
}

/// `at com.example.Service.run(Service.java:10)`, `at run (/app/x.js:10:3)`, `at Ns.Class.Run() in /src/X.cs:line 5`
fn at(line: &str) -> Option<String> {
    let frame = line.strip_prefix("at ")?;
    if let Some((function, place)) = frame.split_once(" in ") {
        return Some(format!("{} ({})", function.trim(), base(place)));
    }
    match frame.rsplit_once('(') {
        Some((function, place)) => Some(format!("{} ({})", function.trim(), base(place.trim_end_matches(')')))),
        None => Some(base(frame).to_owned()),
    }
}

/// `main.handler(0xc000010000, 0x1)`, or without arguments as errors with a stack print it; `goroutine 1 [running]:`
/// and the lines of files are none.
fn go(line: &str) -> Option<String> {
    let function = match line.strip_suffix(')').and_then(|l| l.rsplit_once('(')) {
        Some((function, _)) => function,
        None => line,
    };
    // The machinery of a panic is not where it was raised.
    let named = function.contains('.') && !function.contains([' ', ':']);
    (named && !function.starts_with(['/', '.']) && !function.starts_with("runtime")).then(|| function.to_owned())
}

/// `3: app::handler`, `3: 0x55d0 - app::handler::h0123456789abcdef`
fn rust(line: &str) -> Option<String> {
    let rest = numbered(line)?;
    let function = rest.rsplit_once(" - ").map_or(rest, |(_, f)| f).trim();
    let function = match function.rsplit_once("::h") {
        Some((f, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => f,
        _ => function,
    };
    let machinery = ["std::", "core::", "rust_begin_unwind", "<std::", "<core::"];
    (!machinery.iter().any(|m| function.starts_with(m))).then(|| function.to_owned())
}

/// What follows the number of a frame.
fn numbered(line: &str) -> Option<&str> {
    let (number, rest) = line.split_once(": ")?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}

/// The name of a file without folders, query, line and column.
fn base(place: &str) -> &str {
    let name = place.rsplit(['/', '\\']).next().unwrap_or(place);
    let name = name.split(['?', ':']).next().unwrap_or(name);
    name.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_that_raised_it() {
        for (trace, expected) in [
            ("", ""),
            ("no frames here", ""),
            (
                "java.lang.IllegalStateException: x\n\tat com.example.Service.run(Service.java:10)\n\tat b.C.d(C.java:1)",
                "com.example.Service.run (Service.java)",
            ),
            ("TypeError: x\n    at run (/app/src/x.js:10:3)\n    at main (/app/y.js:1:1)", "run (x.js)"),
            ("Error\n    at file:///app/x.mjs:3:7", "x.mjs"),
            ("Error\n    at https://example.org/assets/index-abc.js?v=1:2:30", "index-abc.js"),
            (
                "System.Exception: x\n   at Shop.Cart.Add(Item i) in /src/Cart.cs:line 51",
                "Shop.Cart.Add(Item i) (Cart.cs)",
            ),
            (
                "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    run()\n  File \"/app/lib/db.py\", line 9, in connect\n    raise X\nX: no",
                "connect (db.py)",
            ),
            (
                "goroutine 7 [running]:\nruntime/debug.Stack()\n\t/go/debug/stack.go:24 +0x5e\nmain.(*Bot).Handle(0xc0001, 0x2)\n\t/app/bot.go:88 +0x1d",
                "main.(*Bot).Handle",
            ),
            (
                "example.org/bot/handlers.(*Router).Dispatch\n\t/src/router.go:87",
                "example.org/bot/handlers.(*Router).Dispatch",
            ),
            (
                "   0: std::panicking::begin\n             at /rustc/x\n   1: app::handler::h0123456789abcdef\n             at ./src/main.rs:4",
                "app::handler",
            ),
        ] {
            assert_eq!(top(trace), expected, "{trace}");
        }
    }
}
