//! `Format`: `%s`, `%v`, `%d`, `%q`, `%f`, `%x`, `%t`, `%%`, and widths such as `%04d`.

use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::Getter;
use crate::ottl::value::Val;

/// A width above it is a mistake.
const WIDTH_MAX: usize = 64;

enum Piece {
    Text(String),
    Verb { verb: u8, width: usize, zeroes: bool },
}

pub(super) fn format(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (format, values) = (a.text(0)?, a.values(1)?);
    let Some(pieces) = pieces(&format) else {
        return Err(a.problem(0, "has a verb that is none of %s %v %d %q %f %x %t %%"));
    };
    if pieces.iter().filter(|v| matches!(v, Piece::Verb { .. })).count() != values.len() {
        return Err(a.problem(0, "must have as many verbs as there are values"));
    }
    Ok(Getter::computed(move |s| {
        let (mut out, mut values) = (String::new(), values.iter());
        for piece in &pieces {
            match piece {
                Piece::Text(t) => out.push_str(t),
                Piece::Verb { verb, width, zeroes } => {
                    let Some(v) = values.next() else { break };
                    let t = written(*verb, &v.get(s)?);
                    out.push_str(&if *zeroes { format!("{t:0>width$}") } else { format!("{t:>width$}") });
                }
            }
        }
        Ok(out.into())
    }))
}

fn pieces(format: &str) -> Option<Vec<Piece>> {
    let (mut out, mut rest) = (Vec::new(), format);
    while let Some(at) = rest.find('%') {
        out.push(Piece::Text(rest[..at].to_owned()));
        let body = &rest[at + 1..];
        let len = body.bytes().take_while(u8::is_ascii_digit).count();
        let width = if len == 0 { 0 } else { body[..len].parse().ok().filter(|w| *w <= WIDTH_MAX)? };
        match body.as_bytes().get(len)? {
            b'%' if len == 0 => out.push(Piece::Text("%".to_owned())),
            verb @ (b's' | b'v' | b'd' | b'q' | b'f' | b'x' | b't') => {
                out.push(Piece::Verb { verb: *verb, width, zeroes: body.starts_with('0') });
            }
            _ => return None,
        }
        rest = &body[len + 1..];
    }
    out.push(Piece::Text(rest.to_owned()));
    Some(out)
}

fn written(verb: u8, v: &Val) -> String {
    match (verb, v.as_int(), v.as_f64()) {
        (b'q', ..) => format!("{:?}", v.to_text().as_str()),
        (b'x', Some(i), _) => format!("{i:x}"),
        (b'f', _, Some(d)) => format!("{d:.6}"),
        _ => v.to_text().to_string(),
    }
}
