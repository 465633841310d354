//! Receivers: how a notification becomes a message of a service, one file per service.
//!
//! A setting is compiled once, when the file is read ([`Text`](text::Text)); a message is made of the filled settings within
//! the limits of its service; [`http`] and [`email`] send it and say each step. Formats are those that the services document;
//! settings are those of Alertmanager 0.34, Google Chat's are ours.
//! *Invariant:* knows neither routes nor the alert manager: one notification in, one [`Delivery`] out. A template that fails
//! never loses a notification: a text of our own is sent and says so.
//!
//! [`Delivery`]: crate::notification::Delivery

mod attempt;
mod building;
mod card;
mod data;
mod discord;
mod email;
mod global;
mod googlechat;
mod http;
mod limit;
mod mattermost;
mod memory;
mod msteams;
mod msteamsv2;
mod opsgenie;
mod pagerduty;
mod receivers;
mod rendering;
mod slack;
mod telegram;
mod templates;
mod text;
mod tree;
mod webhook;

pub use receivers::Receivers;
pub use templates::default_templates;

#[cfg(test)]
mod tests;
