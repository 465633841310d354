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
mod tail_sampling;
pub(crate) mod threshold;
mod transform;
mod waiting;

use model::Signal;

use crate::component::{ProcessorFactory, Setup};
use crate::config::Collector;

/// Says what a sampler in front of the engines takes from what they derive of spans (docs/adr/0033-sampling-behind-the-log.md).
fn warn_of_sampling(setup: &mut Setup<'_>, signal: Signal) {
    if signal == Signal::Traces && setup.surroundings().engines {
        let message = "RED metrics, service graph and error groups of the engines count only spans that come to them";
        let fix = "put it into a pipeline to other back ends, and send every span to `bellrock` by one without it";
        setup.warning("", message, fix, Some(Collector::Accepts));
    }
}

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
    tail_sampling::FACTORY,
    transform::FACTORY,
];

#[cfg(test)]
pub(crate) mod testing;
