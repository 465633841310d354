//! Functions of a date: `hour()`, `day_of_week()` and so on, all UTC.
//!
//! Civil dates from days by H. Hinnant's "chrono-compatible low-level date
//! algorithms" (proleptic Gregorian calendar).

use std::sync::Arc;

use crate::ast::Expr;
use crate::eval::columns::{Row, Sink};
use crate::eval::{Eval, EvalError};

const DAY: i64 = 86_400;

/// The function of unix seconds with this name.
pub(super) fn function(name: &str) -> Option<fn(i64) -> i64> {
    Some(match name {
        "minute" => |t| t.rem_euclid(3600) / 60,
        "hour" => |t| t.rem_euclid(DAY) / 3600,
        // 1970-01-01 was a Thursday.
        "day_of_week" => |t| (t.div_euclid(DAY) + 4).rem_euclid(7),
        "day_of_month" => |t| civil(t).2,
        "day_of_year" => |t| t.div_euclid(DAY) - days_from_civil(civil(t).0, 1, 1) + 1,
        "days_in_month" => |t| {
            let (y, m, _) = civil(t);
            let (next_y, next_m) = if m == 12 { (y + 1, 1) } else { (y, m + 1) };
            days_from_civil(next_y, next_m, 1) - days_from_civil(y, m, 1)
        },
        "month" => |t| civil(t).1,
        "year" => |t| civil(t).0,
        _ => return None,
    })
}

/// Year, month and day of unix seconds.
fn civil(t: i64) -> (i64, i64, i64) {
    let z = t.div_euclid(DAY) + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Eval<'_> {
    /// Of the values of a vector, or of the evaluation time.
    pub(super) fn calendar(&self, e: Option<&Expr>, f: fn(i64) -> i64, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        // Beyond 10^14 s there is no calendar, and no overflow below.
        let of = |seconds: f64| f(seconds.clamp(-1e14, 1e14) as i64) as f64;
        match e {
            Some(e) => self.map(e, sink, of),
            None => {
                let steps = self.steps;
                let values: Vec<f64> = (0..steps.count).map(|s| of((steps.time(s) / 1000) as f64)).collect();
                sink(Row::floats(&Arc::default(), false, &values))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(951_782_400), (2000, 2, 29));
        assert_eq!(civil(-1), (1969, 12, 31));
        let f = |name: &str, t: i64| function(name).expect("known")(t);
        assert_eq!(f("days_in_month", 951_782_400), 29);
        assert_eq!(f("day_of_year", 978_220_800), 366);
        assert_eq!(f("day_of_week", 0), 4);
        assert_eq!(f("hour", -1), 23);
    }
}
