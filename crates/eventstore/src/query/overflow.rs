//! Attributes beyond the cap on columns (`block::overflow`): read from the maps that hold them.

use model::{Attributes, Value, attributes};

use super::run::Halt;
use super::view::View;
use crate::block::Values;
use crate::schema::REST;

/// Calls `each` with every row that has such attributes, in rising order, and them.
pub(crate) fn each(view: &View<'_>, mut each: impl FnMut(usize, Attributes)) -> Result<(), Halt> {
    let Some(column) = view.column(REST)? else { return Ok(()) };
    if let Values::Binary(maps) = &column.values {
        for i in 0..view.rows() {
            let row = column.presence.row(i);
            if row >= view.rows() {
                break;
            }
            each(row, wire::otlp::read_map(maps.get(i)));
        }
    }
    Ok(())
}

/// Calls `each` with every row that has this attribute there, and its value.
pub(crate) fn each_value(view: &View<'_>, key: &str, mut row: impl FnMut(usize, &Value)) -> Result<(), Halt> {
    each(view, |at, rest| {
        if let Some(value) = attributes::get(&rest, key) {
            row(at, value);
        }
    })
}

/// Whether a row has this attribute, there or in a column.
pub(crate) fn has(view: &View<'_>, key: &str) -> Result<bool, Halt> {
    let mut found = view.attribute(key).next().is_some();
    if !found {
        each_value(view, key, |_, _| found = true)?;
    }
    Ok(found)
}
