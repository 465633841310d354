//! Rewrites a parsed template: field accesses become calls, values are shown by us, unknown functions are found.

use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos, SmolStr};

/// The functions that only this rewriting uses.
pub(crate) const CALL: &str = "__call";
pub(crate) const CALL_PIPED: &str = "__call_piped";
pub(crate) const SHOW: &str = "__show";
pub(crate) const EACH: &str = "__each";
pub(crate) const NUMBER: &str = "__number";

/// Go's own functions.
pub(crate) const BUILTINS: &[&str] = &[
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf",
    "println", "slice", "urlquery",
];

/// Functions whose results may be structs, times, durations or numbers: what else ends a pipeline is text already, and
/// `html` and `urlquery` must stay last for the escaping of HTML.
const MAKE_VALUES: &[&str] = &[
    "and",
    "append",
    "call",
    "dict",
    "first",
    "index",
    "list",
    "mustToDate",
    "now",
    "or",
    "since",
    "slice",
    "toDate",
    "tz",
    "value",
    "query",
    "toTime",
    "toDuration",
    "parseDuration",
    "sortByLabel",
    "stringSlice",
];

/// A line and what is wrong there.
pub(crate) type Wrong = (usize, String);

/// Rewrites a tree in place. `known` says which functions there are.
pub(crate) fn rewrite(tree: &mut ListNode, known: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
    tree.nodes.iter_mut().try_for_each(|node| self::node(node, known))
}

fn node(node: &mut Node, known: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
    match node {
        Node::List(list) => rewrite(list, known),
        Node::Action(action) => {
            pipe(&mut action.pipe, known)?;
            if action.pipe.decl.is_empty() && makes_value(&action.pipe) {
                append(&mut action.pipe, SHOW);
            }
            Ok(())
        }
        Node::If(branch) | Node::With(branch) => self::branch(branch, known),
        Node::Range(branch) => {
            self::branch(branch, known)?;
            append(&mut branch.pipe, EACH);
            Ok(())
        }
        Node::Template(template) => template.pipe.as_mut().map_or(Ok(()), |p| pipe(p, known)),
        Node::Define(define) => rewrite(&mut define.body, known),
        Node::Text(_) | Node::Break(_) | Node::Continue(_) => Ok(()),
    }
}

fn branch(branch: &mut BranchNode, known: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
    pipe(&mut branch.pipe, known)?;
    rewrite(&mut branch.body, known)?;
    branch.else_body.as_mut().map_or(Ok(()), |body| rewrite(body, known))
}

fn makes_value(pipe: &PipeNode) -> bool {
    let first = pipe.commands.last().and_then(|c| c.args.first());
    match first {
        Some(Expr::Identifier(_, name)) => name.starts_with(CALL) || MAKE_VALUES.contains(&name.as_str()),
        _ => true,
    }
}

fn append(pipe: &mut PipeNode, function: &str) {
    let pos = pipe.pos;
    pipe.commands.push(CommandNode { pos, args: vec![Expr::Identifier(pos, function.into())] });
}

fn pipe(pipe: &mut PipeNode, known: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
    let mut commands = Vec::with_capacity(pipe.commands.len());
    for (i, mut command) in std::mem::take(&mut pipe.commands).into_iter().enumerate() {
        for argument in command.args.iter_mut().skip(1) {
            operand(argument, known)?;
        }
        if command.args.is_empty() {
            continue;
        }
        let rest = command.args.split_off(1);
        let Some(first) = command.args.pop() else { continue };
        self::command(command.pos, first, rest, i > 0, &mut commands, known)?;
    }
    pipe.commands = commands;
    Ok(())
}

/// One command, whose arguments are rewritten already.
fn command(
    pos: Pos,
    mut first: Expr,
    mut rest: Vec<Expr>,
    piped: bool,
    out: &mut Vec<CommandNode>,
    known: &dyn Fn(&str) -> bool,
) -> Result<(), Wrong> {
    if let Expr::Chain(at, inner, names) = &first
        && let Expr::Identifier(_, name) = inner.as_ref()
    {
        // `function argument`, then the names on what it returns.
        check(*at, name, known)?;
        let mut args = vec![(**inner).clone()];
        args.extend(rest);
        out.push(CommandNode { pos, args });
        let mut args = vec![Expr::Identifier(*at, CALL_PIPED.into())];
        args.extend(place_and_names(*at, &shown(&first), names));
        out.push(CommandNode { pos, args });
        return Ok(());
    }
    let args = match &mut first {
        Expr::Identifier(at, name) => {
            check(*at, name, known)?;
            arguments(name, &mut rest);
            if piped && let Some(function) = prepared(name, &rest, rest.len()) {
                out.push(CommandNode { pos, args: vec![Expr::Identifier(pos, function.into())] });
            }
            vec![first]
        }
        _ => match access(&first, known)? {
            Some(args) => args,
            None => {
                operand(&mut first, known)?;
                if piped || !rest.is_empty() {
                    return Err((pos.line, format!("can't give argument to non-function {}", shown(&first))));
                }
                vec![first]
            }
        },
    };
    let args = args.into_iter().chain(rest).collect();
    out.push(CommandNode { pos, args });
    Ok(())
}

/// What an argument of one of Go's own functions goes through, because `gotmpl` knows no structs and durations.
fn prepared(function: &str, arguments: &[Expr], at: usize) -> Option<&'static str> {
    match function {
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => Some(NUMBER),
        "print" | "println" | "html" | "js" | "urlquery" => Some(SHOW),
        "printf" if at > 0 => {
            let verb = match arguments.first() {
                Some(Expr::String(_, format)) => verbs(format).get(at - 1).copied(),
                _ => None,
            };
            Some(if matches!(verb, Some('s' | 'v' | 'q') | None) { SHOW } else { NUMBER })
        }
        _ => None,
    }
}

fn arguments(function: &str, arguments: &mut [Expr]) {
    for i in 0..arguments.len() {
        let whole = matches!(arguments[i], Expr::Number(_, Number::Int(_) | Number::Uint(_)));
        let literal = whole || matches!(arguments[i], Expr::String(..) | Expr::Bool(..) | Expr::Nil(_));
        if let Some(through) = prepared(function, arguments, i)
            && !literal
        {
            let pos = arguments[i].pos();
            let args = vec![Expr::Identifier(pos, through.into()), arguments[i].clone()];
            let commands = vec![CommandNode { pos, args }];
            arguments[i] = Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false });
        }
    }
}

/// The verb of each argument of a format; a `*` counts as one.
fn verbs(format: &str) -> Vec<char> {
    let mut verbs = Vec::new();
    let mut characters = format.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            continue;
        }
        for c in characters.by_ref() {
            match c {
                '0'..='9' | '+' | '-' | '#' | ' ' | '.' => {}
                '*' => verbs.push('d'),
                '%' => break,
                verb => {
                    verbs.push(verb);
                    break;
                }
            }
        }
    }
    verbs
}

/// The call that a field access becomes; `None` for everything else.
fn access(expr: &Expr, known: &dyn Fn(&str) -> bool) -> Result<Option<Vec<Expr>>, Wrong> {
    let (at, base, names) = match expr {
        Expr::Field(at, names) => (*at, Expr::Dot(*at), names),
        Expr::Variable(at, name, names) if !names.is_empty() => {
            (*at, Expr::Variable(*at, name.clone(), Vec::new()), names)
        }
        Expr::Chain(at, inner, names) => {
            let mut inner = (**inner).clone();
            operand(&mut inner, known)?;
            (*at, inner, names)
        }
        _ => return Ok(None),
    };
    let mut args = vec![Expr::Identifier(at, CALL.into()), base];
    args.extend(place_and_names(at, &shown(expr), names));
    Ok(Some(args))
}

fn place_and_names(at: Pos, text: &str, names: &[SmolStr]) -> Vec<Expr> {
    let mut args = vec![
        Expr::String(at, format!("line {}: <{text}>", at.line).into()),
        Expr::Number(at, Number::Int(names.len() as i64)),
    ];
    args.extend(names.iter().map(|name| Expr::String(at, name.as_str().into())));
    args
}

/// An argument: a field access becomes a call in parentheses.
fn operand(expr: &mut Expr, known: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
    if let Some(args) = access(expr, known)? {
        let pos = expr.pos();
        let commands = vec![CommandNode { pos, args }];
        *expr = Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false });
        return Ok(());
    }
    match expr {
        Expr::Pipe(_, inner) => pipe(inner, known),
        Expr::Identifier(at, name) => check(*at, name, known),
        _ => Ok(()),
    }
}

fn check(at: Pos, name: &str, known: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
    if known(name) { Ok(()) } else { Err((at.line, format!("function {name:?} not defined"))) }
}

/// As it was written, near enough for an error message.
fn shown(expr: &Expr) -> String {
    let with =
        |start: &str, names: &[SmolStr]| names.iter().fold(start.to_owned(), |text, name| format!("{text}.{name}"));
    match expr {
        Expr::Field(_, names) => with("", names),
        Expr::Variable(_, name, names) => with(name, names),
        Expr::Chain(_, inner, names) => match inner.as_ref() {
            Expr::Identifier(_, name) => with(name, names),
            _ => with("(...)", names),
        },
        Expr::Identifier(_, name) => name.to_string(),
        Expr::Dot(_) => ".".into(),
        Expr::Nil(_) => "nil".into(),
        Expr::String(_, text) => format!("{text:?}"),
        Expr::Bool(_, value) => value.to_string(),
        Expr::Number(_, Number::Int(n)) => n.to_string(),
        Expr::Number(_, Number::Uint(n)) => n.to_string(),
        Expr::Number(_, Number::Float(n)) => n.to_string(),
        Expr::Pipe(..) => "(...)".into(),
    }
}
