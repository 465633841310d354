//! Which pairs of windows watch a budget, for any period.
//!
//! A pair tells when its share of the budget would be gone within its long window; the short one makes the alert end
//! soon after the cause did. For 30 days this is the table of the SRE workbook ("Alerting on SLOs", 6) with the pair
//! of a day that Sloth adds. Other periods get the same shares of their budget.

use std::time::Duration;

use foundation::units::format_duration;

/// How soon somebody must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Now.
    Page,
    /// In working hours.
    Ticket,
}

impl Urgency {
    /// `page` or `ticket`, as Sloth says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A pair of windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tier {
    /// How soon somebody must act.
    pub urgency: Urgency,
    /// The budget must burn in it.
    pub long: Duration,
    /// And still in this one.
    pub short: Duration,
    /// How many times faster than allowed.
    pub factor: f64,
}

/// A pair that cannot work, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// Of a tier like [`Tier`].
    pub tier: Tier,
    /// For people.
    pub reason: String,
}

/// Urgency, share of the budget, and the long window as a divisor of the period.
const TABLE: [(Urgency, f64, u32); 4] =
    [(Urgency::Page, 0.02, 720), (Urgency::Page, 0.05, 120), (Urgency::Ticket, 0.10, 30), (Urgency::Ticket, 0.10, 10)];

/// Fewer minutes than this say nothing about a rate.
const LONG_MIN: Duration = Duration::from_secs(5 * 60);
/// Two evaluations at least.
const SHORT_MIN: Duration = Duration::from_secs(60);
/// The short window is this part of the long one.
const SHORT_PART: u32 = 12;

/// The pairs for `period` and a promise of `objective`, from the fastest to the slowest, and those left out.
pub fn tiers(period: Duration, objective: f64) -> (Vec<Tier>, Vec<Dropped>) {
    let made = TABLE.map(|(urgency, share, part)| {
        let long = whole_minutes(period / part).max(LONG_MIN);
        let short = whole_minutes(long / SHORT_PART).max(SHORT_MIN);
        Tier { urgency, long, short, factor: share * period.as_secs_f64() / long.as_secs_f64() }
    });
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for (i, tier) in made.into_iter().enumerate() {
        match reason_against(&tier, made.get(i + 1..).unwrap_or_default(), objective) {
            Some(reason) => dropped.push(Dropped { tier, reason }),
            None => kept.push(tier),
        }
    }
    (kept, dropped)
}

fn reason_against(tier: &Tier, slower: &[Tier], objective: f64) -> Option<String> {
    let errors = tier.factor * (1.0 - objective);
    // Exactly 100 % would have to be exceeded.
    if errors >= 1.0 {
        return Some(format!(
            "{:.1} times the budget of {}% is {:.0}% of all events, which cannot be exceeded",
            tier.factor,
            percent(1.0 - objective),
            errors * 100.0
        ));
    }
    let covering = slower.iter().find(|s| s.long <= tier.long || s.factor >= tier.factor)?;
    Some(format!(
        "its long window cannot be shorter than {}, and then the pair of {} asks for no less",
        format_duration(LONG_MIN),
        format_duration(covering.long)
    ))
}

/// Windows are made of whole minutes.
fn whole_minutes(d: Duration) -> Duration {
    Duration::from_secs(d.as_secs().div_ceil(60) * 60)
}

/// Without the noise of binary fractions.
pub(super) fn percent(ratio: f64) -> f64 {
    (ratio * 100.0 * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(days: f64, objective: f64) -> Vec<String> {
        let (kept, dropped) = tiers(Duration::from_secs_f64(days * 86_400.0), objective);
        let line = |t: &Tier| {
            format!("{} {}/{} {:.1}x", t.urgency.name(), format_duration(t.long), format_duration(t.short), t.factor)
        };
        let kept = kept.iter().map(line);
        kept.chain(dropped.iter().map(|d| format!("no {}: {}", line(&d.tier), d.reason))).collect()
    }

    #[test]
    fn thirty_days_is_the_table_of_the_workbook() {
        assert_eq!(
            shown(30.0, 0.999),
            ["page 1h/5m 14.4x", "page 6h/30m 6.0x", "ticket 1d/2h 3.0x", "ticket 3d/6h 1.0x"]
        );
    }

    #[test]
    fn a_pair_that_can_never_tell_is_left_out_and_said() {
        assert_eq!(
            shown(30.0, 0.9)[3],
            "no page 1h/5m 14.4x: 14.4 times the budget of 10% is 144% of all events, which cannot be exceeded"
        );
        assert_eq!(
            shown(7.0, 0.95).iter().filter(|l| l.starts_with("no ")).count(),
            0,
            "0.72 of all events can be bad"
        );
    }

    #[test]
    fn a_day_has_no_room_for_the_fastest_pair() {
        assert_eq!(
            shown(1.0, 0.99),
            [
                "page 12m/1m 6.0x",
                "ticket 48m/4m 3.0x",
                "ticket 2h24m/12m 1.0x",
                "no page 5m/1m 5.8x: its long window cannot be shorter than 5m, and then the pair of 12m asks for no less"
            ]
        );
    }

    proptest! {
        #[test]
        fn pairs_get_slower_and_can_all_tell(hours in 1u64..9000, nines in 0.5f64..0.99999) {
            let (kept, dropped) = tiers(Duration::from_secs(hours * 3600), nines);
            prop_assert_eq!(kept.len() + dropped.len(), TABLE.len());
            for pair in kept.windows(2) {
                prop_assert!(pair[0].long < pair[1].long && pair[0].factor > pair[1].factor);
            }
            for tier in kept {
                prop_assert!(tier.factor * (1.0 - nines) < 1.0);
                prop_assert!(tier.short < tier.long && tier.long <= Duration::from_secs(hours * 3600));
            }
        }
    }
}
