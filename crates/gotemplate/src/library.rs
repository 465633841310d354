//! Sets of named templates, and templates that use them.
//!
//! A set grows file by file as in Go: a later definition replaces an earlier one, an empty one does not. A text is
//! compiled once against a set and then filled as often as wanted.

use std::collections::BTreeMap;
use std::fmt;

use gotmpl::parse::{ListNode, Node, Parser, is_empty_tree};
use gotmpl::{FuncMap, MissingKey, TemplateError, Value};

use crate::access::Methods;
use crate::builtins;
use crate::error::Error;
use crate::functions::Functions;
use crate::rewrite::{BUILTINS, rewrite};

/// More than any message: what does not fit is an error, not a full memory.
const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// Turns of `range` in one filling, nested ones counted each.
const RANGE_TURNS_MAX: u64 = 1_000_000;

/// The name under which the text that is compiled stands beside those of the set.
const MAIN: &str = "\u{0}main";

/// Whether what is filled in is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it is (`text/template`).
    Text,
    /// For the place in the document where it stands (`html/template`).
    Html,
}

/// Named templates and functions.
#[derive(Clone)]
pub struct Library {
    defines: BTreeMap<String, ListNode>,
    functions: FuncMap,
    text: gotmpl::Template,
    html: gotmpl::html::Template,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Library").field(&self.names().collect::<Vec<_>>()).finish()
    }
}

impl Library {
    /// An empty set with the given functions and methods.
    pub fn new(functions: Functions, methods: Methods) -> Self {
        let mut all = builtins::over(methods);
        all.extend(functions.into_map());
        let text = gotmpl::Template::new("")
            .funcs(all.clone())
            .missing_key(MissingKey::ZeroValue)
            .max_range_iters(RANGE_TURNS_MAX);
        let html = gotmpl::html::Template::new("")
            .funcs(all.clone())
            .missing_key(MissingKey::ZeroValue)
            .max_range_iters(RANGE_TURNS_MAX);
        Self { defines: BTreeMap::new(), functions: all, text, html }
    }

    /// Adds the definitions of a file; what stands outside of definitions becomes a template of the file's name.
    ///
    /// # Errors
    /// The file is not a template.
    pub fn add(&mut self, name: &str, source: &str) -> Result<(), Error> {
        let (main, defines) = self.parse(name, source, &|_| false)?;
        let empty = main.nodes.iter().all(is_empty_tree);
        let all = defines.into_iter().chain((!empty).then(|| (name.to_owned(), main)));
        for (name, tree) in all {
            if tree.nodes.iter().all(is_empty_tree) && self.defines.contains_key(&name) {
                continue;
            }
            self.text =
                std::mem::replace(&mut self.text, gotmpl::Template::new("")).add_parse_tree(&name, tree.clone());
            let html = std::mem::replace(&mut self.html, gotmpl::html::Template::new(""));
            self.html = html.add_parse_tree(&name, tree.clone()).map_err(|e| parse_error(&name, &e))?;
            self.defines.insert(name, tree);
        }
        Ok(())
    }

    /// The names that are defined, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.defines.keys().map(String::as_str)
    }

    /// Whether a name is defined.
    pub fn has(&self, name: &str) -> bool {
        self.defines.contains_key(name)
    }

    /// Compiles a text against the set as it is now. `name` is the setting, for errors.
    ///
    /// # Errors
    /// The text is not a template, or names a function that there is not.
    pub fn compile(&self, name: &str, source: &str, mode: Mode) -> Result<Template, Error> {
        self.compile_with(name, source, mode, &[])
    }

    /// The same, with names of functions that come with the filling ([`Template::fill_with`]).
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn compile_with(&self, name: &str, source: &str, mode: Mode, later: &[&str]) -> Result<Template, Error> {
        let (main, defines) = self.parse(name, source, &|function| later.contains(&function))?;
        let wrong = |e: &TemplateError| parse_error(name, e);
        let call = format!("{{{{template \"{MAIN}\" .}}}}");
        let compiled = match mode {
            Mode::Text => {
                let mut text = self.text.clone();
                for (name, tree) in defines {
                    text = text.add_parse_tree(&name, tree);
                }
                let text = text.add_parse_tree(MAIN, main).parse(&call).map_err(|e| wrong(&e))?;
                Compiled::Text(Box::new(text))
            }
            Mode::Html => {
                let mut html = self.html.clone();
                for (name, tree) in defines {
                    html = html.add_parse_tree(&name, tree).map_err(|e| wrong(&e))?;
                }
                let html = html.add_parse_tree(MAIN, main).map_err(|e| wrong(&e))?;
                Compiled::Html(Box::new(html.parse(&call).map_err(|e| wrong(&e))?))
            }
        };
        Ok(Template { name: name.to_owned(), source: source.to_owned(), compiled })
    }

    fn parse(
        &self,
        name: &str,
        source: &str,
        later: &dyn Fn(&str) -> bool,
    ) -> Result<(ListNode, Vec<(String, ListNode)>), Error> {
        let parsed = Parser::with_name(Some(name), source, "{{", "}}").and_then(Parser::parse);
        let (mut main, defines) = parsed.map_err(|e| parse_error(name, &e))?;
        let known =
            |function: &str| BUILTINS.contains(&function) || self.functions.contains_key(function) || later(function);
        let wrong = |(line, message)| Error::Parse { name: name.to_owned(), line, message };
        // What is defined in there is in `defines` as well.
        main.nodes.retain(|node| !matches!(node, Node::Define(_)));
        rewrite(&mut main, &known).map_err(wrong)?;
        let mut all: Vec<(String, ListNode)> = Vec::with_capacity(defines.len());
        for define in defines {
            let mut body = define.body;
            rewrite(&mut body, &known).map_err(wrong)?;
            let twice = all.iter().any(|(n, b)| *n == define.name.as_str() && !b.nodes.iter().all(is_empty_tree));
            if twice && !body.nodes.iter().all(is_empty_tree) {
                return Err(wrong((
                    define.pos.line,
                    format!("multiple definition of template {:?}", define.name.as_str()),
                )));
            }
            all.push((define.name.to_string(), body));
        }
        Ok((main, all))
    }
}

/// A text that was compiled against a set.
#[derive(Clone)]
pub struct Template {
    name: String,
    source: String,
    compiled: Compiled,
}

#[derive(Clone)]
enum Compiled {
    Text(Box<gotmpl::Template>),
    Html(Box<gotmpl::html::Template>),
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.name, self.source)
    }
}

impl Template {
    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Fills it.
    ///
    /// # Errors
    /// A field, a template or a variable is not there; a function refuses; the result is larger than 4 MiB.
    pub fn fill(&self, data: &Value) -> Result<String, Error> {
        let mut out = Bounded(String::new());
        let result = match &self.compiled {
            Compiled::Text(text) => text.execute_fmt(&mut out, data),
            Compiled::Html(html) => html.execute_fmt(&mut out, data),
        };
        self.finish(result, out)
    }

    /// Fills it with further functions, which replace those of the same name.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub fn fill_with(&self, data: &Value, functions: Functions) -> Result<String, Error> {
        let mut out = Bounded(String::new());
        let result = match &self.compiled {
            Compiled::Text(text) => text.as_ref().clone().funcs(functions.into_map()).execute_fmt(&mut out, data),
            Compiled::Html(html) => html.as_ref().clone().funcs(functions.into_map()).execute_fmt(&mut out, data),
        };
        self.finish(result, out)
    }

    fn finish(&self, result: crate::error::Result<()>, out: Bounded) -> Result<String, Error> {
        let message = match result {
            Ok(()) => return Ok(out.0),
            Err(TemplateError::Write) => format!("the result is larger than {OUTPUT_BYTES_MAX} bytes"),
            Err(TemplateError::UndefinedTemplate(name)) => format!("template {name:?} not defined"),
            Err(e) => e.to_string().trim_start_matches("execution error: ").to_owned(),
        };
        Err(Error::Execute { name: self.name.clone(), message })
    }
}

struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

fn parse_error(name: &str, error: &TemplateError) -> Error {
    let (line, message) = match error {
        TemplateError::Parse { line, message, .. } | TemplateError::Lex { line, message, .. } => {
            (*line, message.clone())
        }
        other => (0, other.to_string()),
    };
    Error::Parse { name: name.to_owned(), line, message }
}
