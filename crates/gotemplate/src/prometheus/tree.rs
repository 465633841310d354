//! What a template mentions: the labels and functions in its tree.

use std::collections::BTreeSet;

use gotmpl::TemplateError;
use gotmpl::parse::{DefineNode, Expr, ListNode, Node, Parser, PipeNode, SmolStr};

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

    fn expressions(&self) -> Vec<&Expr> {
        let mut found = Vec::new();
        self.lists().for_each(|list| each_pipe(list, &mut |pipe| of_pipe(pipe, &mut found)));
        found
    }

    /// The names of all functions that are called.
    pub(super) fn functions(&self) -> BTreeSet<String> {
        let name = |e: &Expr| match e {
            Expr::Identifier(_, name) => Some(name.to_string()),
            _ => None,
        };
        self.expressions().into_iter().filter_map(name).collect()
    }

    /// The first variable that is declared nowhere, and its line.
    pub(super) fn unknown_variable(&self) -> Option<(SmolStr, usize)> {
        let mut declared: BTreeSet<SmolStr> = BTreeSet::from([SmolStr::from("$")]);
        self.lists().for_each(|list| each_pipe(list, &mut |pipe| declared.extend(pipe.decl.iter().cloned())));
        self.expressions().into_iter().find_map(|e| match e {
            Expr::Variable(at, name, _) if !declared.contains(name) => Some((name.clone(), at.line)),
            _ => None,
        })
    }

    /// The labels that are named, as `$labels.service` and, outside of `range` and `with`, `.Labels.service`.
    pub(super) fn labels(&self) -> BTreeSet<String> {
        let of = |fields: &[SmolStr]| match fields {
            [labels, name, ..] if labels == "Labels" => Some(name.to_string()),
            _ => None,
        };
        let mut found: BTreeSet<String> = BTreeSet::new();
        for e in self.expressions() {
            match e {
                Expr::Variable(_, variable, fields) if variable == "$labels" => {
                    found.extend(fields.first().map(ToString::to_string));
                }
                Expr::Variable(_, variable, fields) if variable == "$" => found.extend(of(fields)),
                _ => {}
            }
        }
        for node in &self.main.nodes {
            if let Node::Action(action) = node {
                let mut outside = Vec::new();
                of_pipe(&action.pipe, &mut outside);
                found.extend(outside.into_iter().filter_map(|e| match e {
                    Expr::Field(_, fields) => of(fields),
                    _ => None,
                }));
            }
        }
        found
    }
}

/// Calls `found` for every pipeline of a tree.
fn each_pipe<'t>(list: &'t ListNode, found: &mut impl FnMut(&'t PipeNode)) {
    for node in &list.nodes {
        match node {
            Node::List(inner) => each_pipe(inner, found),
            Node::Action(action) => found(&action.pipe),
            Node::If(b) | Node::Range(b) | Node::With(b) => {
                found(&b.pipe);
                each_pipe(&b.body, found);
                if let Some(body) = &b.else_body {
                    each_pipe(body, found);
                }
            }
            Node::Template(t) => t.pipe.iter().for_each(&mut *found),
            Node::Define(d) => each_pipe(&d.body, found),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

/// All expressions of a pipeline, inner ones too.
fn of_pipe<'t>(pipe: &'t PipeNode, found: &mut Vec<&'t Expr>) {
    for e in pipe.commands.iter().flat_map(|c| &c.args) {
        of_expr(e, found);
    }
}

fn of_expr<'t>(e: &'t Expr, found: &mut Vec<&'t Expr>) {
    match e {
        Expr::Pipe(_, pipe) => of_pipe(pipe, found),
        Expr::Chain(_, inner, _) => of_expr(inner, found),
        _ => {}
    }
    found.push(e);
}
