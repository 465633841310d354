//! Every error and warning of a configuration with its line, and graphs that run.

mod findings;
mod mistakes;
mod running;
