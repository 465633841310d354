//! The receiver types there are: one file each, and one line here.

mod address;
mod datagrams;
mod entries;
mod filelog;
mod jaeger;
mod json_lines;
mod loki;
mod syslog;
#[cfg(test)]
mod testing;
mod unary;
mod web;
mod zipkin;

use crate::component::ReceiverFactory;

/// Every receiver type.
pub const ALL: &[ReceiverFactory] =
    &[filelog::FACTORY, jaeger::FACTORY, json_lines::FACTORY, loki::FACTORY, syslog::FACTORY, zipkin::FACTORY];
