//! A parsed template whose field accesses are calls, so that a label that is not there is the empty text.
//!
//! The engine gives `<no value>` for what a map does not have; Go's `map[string]string` gives "".

use std::collections::BTreeSet;

use gotmpl::parse::{CommandNode, DefineNode, Expr, ListNode, Node, Parser, PipeNode, SmolStr};
use gotmpl::{Template, TemplateError};

/// The name of the function that field accesses become.
pub(super) const FIELD: &str = "__field";
/// The name of the function through which goes what is printed: the engine prints large numbers otherwise than Go.
pub(super) const PRINTED: &str = "__printed";

/// A template and those that it defines.
pub(super) struct Parsed {
    main: ListNode,
    defined: Vec<DefineNode>,
}

pub(super) fn parse(name: &str, text: &str) -> Result<Parsed, TemplateError> {
    let (main, defined) = Parser::with_name(Some(name), text, "{{", "}}")?.parse()?;
    Ok(Parsed { main, defined })
}

impl Parsed {
    fn lists(&self) -> impl Iterator<Item = &ListNode> {
        std::iter::once(&self.main).chain(self.defined.iter().map(|d| &d.body))
    }

    fn expressions(&self) -> Vec<Expr> {
        let mut found = Vec::new();
        for list in self.lists() {
            let mut list = list.clone();
            each(&mut list, &mut |e| found.push(e.clone()));
        }
        found
    }

    /// The names of all functions that are called.
    pub(super) fn functions(&self) -> impl Iterator<Item = SmolStr> {
        self.expressions().into_iter().filter_map(|e| match e {
            Expr::Identifier(_, name) => Some(name),
            _ => None,
        })
    }

    /// The first call of a function that is not among `known`, and its line.
    pub(super) fn unknown_function(&self, known: &[&str]) -> Option<(SmolStr, usize)> {
        self.expressions().into_iter().find_map(|e| match e {
            Expr::Identifier(at, name) if !known.contains(&name.as_str()) => Some((name, at.line)),
            _ => None,
        })
    }

    /// The first variable that is declared nowhere, and its line.
    pub(super) fn unknown_variable(&self) -> Option<(SmolStr, usize)> {
        let mut declared: BTreeSet<SmolStr> = BTreeSet::from([SmolStr::from("$")]);
        for list in self.lists() {
            each_pipe(&mut list.clone(), &mut |pipe, _| declared.extend(pipe.decl.iter().cloned()));
        }
        self.expressions().into_iter().find_map(|e| match e {
            Expr::Variable(at, name, _) if !declared.contains(&name) => Some((name, at.line)),
            _ => None,
        })
    }

    /// The labels that are named, as `$labels.service` and `.Labels.service`.
    pub(super) fn labels(&self) -> BTreeSet<String> {
        let of = |fields: &[SmolStr]| match fields {
            [labels, name, ..] if labels == "Labels" => Some(name.to_string()),
            _ => None,
        };
        let named = |e: Expr| match e {
            Expr::Variable(_, variable, fields) if variable == "$labels" => Some(fields.first()?.to_string()),
            Expr::Variable(_, variable, fields) if variable == "$" => of(&fields),
            _ => None,
        };
        // `.Labels` inside of a `range` or `with` is that of a result of `query`.
        let mut found: BTreeSet<String> = self.expressions().into_iter().filter_map(named).collect();
        for node in &self.main.nodes {
            if let Node::Action(action) = node {
                let mut pipe = action.pipe.clone();
                of_pipe(&mut pipe, &mut |e| {
                    if let Expr::Field(_, fields) = e {
                        found.extend(of(fields));
                    }
                });
            }
        }
        found
    }

    /// The template with these trees, their field accesses being calls of [`FIELD`]; the main one is called `name`.
    pub(super) fn lay_into(mut self, name: &str, mut template: Template) -> Template {
        rewrite(&mut self.main);
        template = template.add_parse_tree(name, self.main);
        for mut d in self.defined {
            rewrite(&mut d.body);
            template = template.add_parse_tree(&d.name, d.body);
        }
        template
    }
}

fn rewrite(list: &mut ListNode) {
    each(list, &mut field_to_call);
    each_pipe(list, &mut |pipe, printed| {
        for command in &mut pipe.commands {
            if let Some((Expr::Identifier(_, name), args)) = command.args.split_first_mut()
                && (name == "print" || name == "println")
            {
                args.iter_mut().for_each(through_printed);
            }
        }
        if printed && pipe.decl.is_empty() {
            let pos = pipe.pos;
            pipe.commands.push(CommandNode { pos, args: vec![Expr::Identifier(pos, PRINTED.into())] });
        }
    });
}

/// `x` becomes `(__printed x)`.
fn through_printed(e: &mut Expr) {
    let pos = e.pos();
    let args = vec![Expr::Identifier(pos, PRINTED.into()), std::mem::replace(e, Expr::Nil(pos))];
    let commands = vec![CommandNode { pos, args }];
    *e = Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false });
}

/// Calls `found` for every pipeline of a node, and says whether its value is printed.
fn each_pipe(list: &mut ListNode, found: &mut impl FnMut(&mut PipeNode, bool)) {
    for node in &mut list.nodes {
        match node {
            Node::List(inner) => each_pipe(inner, found),
            Node::Action(action) => found(&mut action.pipe, true),
            Node::If(b) | Node::Range(b) | Node::With(b) => {
                found(&mut b.pipe, false);
                each_pipe(&mut b.body, found);
                if let Some(body) = &mut b.else_body {
                    each_pipe(body, found);
                }
            }
            Node::Template(t) => {
                if let Some(pipe) = &mut t.pipe {
                    found(pipe, false);
                }
            }
            Node::Define(d) => each_pipe(&mut d.body, found),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

/// `$a.b.c` becomes `(__field (__field $a "b") "c")`.
fn field_to_call(e: &mut Expr) {
    let (base, fields) = match e {
        Expr::Field(at, fields) => (Expr::Dot(*at), std::mem::take(fields)),
        Expr::Variable(at, name, fields) if !fields.is_empty() => {
            (Expr::Variable(*at, name.clone(), Vec::new()), std::mem::take(fields))
        }
        Expr::Chain(at, inner, fields) => (std::mem::replace(&mut **inner, Expr::Nil(*at)), std::mem::take(fields)),
        _ => return,
    };
    *e = fields.into_iter().fold(base, |base, field| {
        let pos = base.pos();
        let args = vec![Expr::Identifier(pos, FIELD.into()), base, Expr::String(pos, field.as_str().into())];
        let commands = vec![CommandNode { pos, args }];
        Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false })
    });
}

/// Calls `found` for every expression, inner ones first.
fn each(list: &mut ListNode, found: &mut impl FnMut(&mut Expr)) {
    for node in &mut list.nodes {
        match node {
            Node::List(inner) => each(inner, found),
            Node::Action(action) => of_pipe(&mut action.pipe, found),
            Node::If(b) | Node::Range(b) | Node::With(b) => {
                of_pipe(&mut b.pipe, found);
                each(&mut b.body, found);
                if let Some(body) = &mut b.else_body {
                    each(body, found);
                }
            }
            Node::Template(t) => {
                if let Some(pipe) = &mut t.pipe {
                    of_pipe(pipe, found);
                }
            }
            Node::Define(d) => each(&mut d.body, found),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

fn of_pipe(pipe: &mut PipeNode, found: &mut impl FnMut(&mut Expr)) {
    for e in pipe.commands.iter_mut().flat_map(|c| &mut c.args) {
        of_expr(e, found);
    }
}

fn of_expr(e: &mut Expr, found: &mut impl FnMut(&mut Expr)) {
    match e {
        Expr::Pipe(_, pipe) => of_pipe(pipe, found),
        Expr::Chain(_, inner, _) => of_expr(inner, found),
        _ => {}
    }
    found(e);
}
