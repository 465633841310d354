//! The exporter types there are: one file each, and one line here.

use crate::component::ExporterFactory;

/// Every exporter type.
pub const ALL: &[ExporterFactory] = &[];
