//! Rules: expressions that are evaluated at intervals, and what becomes of their results.
//!
//! A file ([`file`]) has groups of rules. The [`Engine`] evaluates a group's rules one after another at its interval: recording
//! rules make series, alerting rules make alerts. What a rule asks, where its series go and who hears of its alerts are the
//! traits in [`doors`]; the time comes from foundation's clock, so that a test plays a week in a second.
//!
//! The contract is Prometheus (`rules/` of 3.x and the alert generator specification of prometheus/compliance); what goes beyond
//! it is in [`spec`].

pub mod alertmanager;
pub mod backtest;
pub mod book;
pub mod doors;
mod element;
mod engine;
pub mod file;
mod group;
mod jump;
pub mod memory;
mod restore;
mod schedule;
pub mod spec;
mod state;
mod template;
pub mod unit_test;
mod view;

pub use book::{BookError, FileFindings, Imported, Rulebook};
pub use doors::{AlertSink, QueryError, RuleAppender, RuleQuery};
pub use engine::{Engine, Health, Placed, Times};
pub use group::{Options, Surroundings};
pub use state::{AlertState, Instance};
pub use template::External;
pub use view::{EvaluationView, GroupView, RuleView};
