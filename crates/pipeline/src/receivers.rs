//! The receiver types there are: one file each, and one line here.

mod asking;
mod datagrams;
#[cfg(test)]
mod encrypted;
mod entries;
mod filelog;
mod hostmetrics;
mod jaeger;
mod json_lines;
mod loki;
mod measures;
mod nginx;
mod nginx_access;
mod otlp;
mod postgresql;
mod prometheus;
mod redis;
mod scraper;
mod syslog;
#[cfg(test)]
mod testing;
mod unary;
mod web;
mod zipkin;

use crate::component::ReceiverFactory;

/// Every receiver type.
pub const ALL: &[ReceiverFactory] = &[
    filelog::FACTORY,
    hostmetrics::FACTORY,
    jaeger::FACTORY,
    json_lines::FACTORY,
    loki::FACTORY,
    nginx::FACTORY,
    nginx_access::FACTORY,
    otlp::FACTORY,
    postgresql::FACTORY,
    prometheus::FACTORY,
    redis::FACTORY,
    syslog::FACTORY,
    zipkin::FACTORY,
];
