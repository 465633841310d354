//! Data set.
