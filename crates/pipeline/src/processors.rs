//! The processor types there are: one file each, and one line here.

mod actions;
mod alias;
mod attributes;
mod batch;
mod cumulativetodelta;
mod deltatocumulative;
mod filter;
mod groupbyattrs;
mod groupbytrace;
mod memory_limiter;
mod probabilistic_sampler;
mod redaction;
mod resource;
mod resourcedetection;
pub(crate) mod scenes;
mod selection;
pub(crate) mod series;
mod span;
mod tail_sampling;
mod transform;
mod waiting;

use crate::component::ProcessorFactory;

/// Those that sample.
pub(crate) const SAMPLERS: &[ProcessorFactory] = &[probabilistic_sampler::FACTORY, tail_sampling::FACTORY];

/// Every processor type.
pub const ALL: &[ProcessorFactory] = &[
    alias::FACTORY,
    attributes::FACTORY,
    batch::FACTORY,
    cumulativetodelta::FACTORY,
    deltatocumulative::FACTORY,
    filter::FACTORY,
    groupbyattrs::FACTORY,
    groupbytrace::FACTORY,
    memory_limiter::FACTORY,
    probabilistic_sampler::FACTORY,
    redaction::FACTORY,
    resource::FACTORY,
    resourcedetection::FACTORY,
    span::FACTORY,
    tail_sampling::FACTORY,
    transform::FACTORY,
];

#[cfg(test)]
pub(crate) mod testing;
