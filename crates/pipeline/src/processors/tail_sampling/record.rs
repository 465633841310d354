//! What the log of `tail_sampling` holds: requests with their number, and what of them was passed on.
//!
//! Numbers rise over all folders of a component, so that a request keeps its number when a later instance takes it over, and one that
//! a crash left in two folders is known again. Format: `docs/formats/tail-sampling.md`.

use rustc_hash::{FxHashMap, FxHashSet};
use wire::otlp::tree::Traces;

use super::pool::{Decision, Id};

/// No request begins with it: in protobuf there is no field 0.
const OURS: u8 = 0;
const REQUEST: u8 = 1;
const PASSED: u8 = 2;

/// A trace whose spans, as far as they came with these requests, were passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) trace: Id,
    pub(super) decision: Decision,
    pub(super) requests: Vec<u64>,
}

/// A record of a request.
pub(super) fn of_request(number: u64, request: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(request.len() + 10);
    out.extend([OURS, REQUEST]);
    out.extend(number.to_le_bytes());
    out.extend_from_slice(request);
    out
}

/// A record of what was passed on.
pub(super) fn of_passed(all: &[Passed]) -> Vec<u8> {
    let mut out = vec![OURS, PASSED];
    for p in all {
        out.extend(p.trace);
        // Thresholds are below 2^56.
        let decision = match p.decision {
            Decision::Rejected => u64::MAX,
            Decision::Kept(None) => u64::MAX - 1,
            Decision::Kept(Some(threshold)) => threshold,
        };
        out.extend(decision.to_le_bytes());
        out.extend((p.requests.len() as u32).to_le_bytes());
        p.requests.iter().for_each(|n| out.extend(n.to_le_bytes()));
    }
    out
}

/// What the records of one folder say, put together.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Requests of which something may be left, in the order of their records.
    requests: Vec<(u64, Vec<u8>)>,
    passed: FxHashSet<(Id, u64)>,
    /// Requests of which something was passed on.
    touched: FxHashSet<u64>,
    pub(super) decisions: FxHashMap<Id, Decision>,
}

impl Read {
    /// Takes a record; what is damaged says so.
    pub(super) fn record(&mut self, record: &[u8]) -> Result<(), &'static str> {
        match record {
            [OURS, REQUEST, rest @ ..] => {
                let (number, request) = rest.split_first_chunk::<8>().ok_or("a request without its number")?;
                self.requests.push((u64::from_le_bytes(*number), request.to_vec()));
                Ok(())
            }
            [OURS, PASSED, rest @ ..] => self.read_passed(rest).ok_or("a list of traces that is cut off"),
            [OURS, ..] => Err("a record of a newer version"),
            // From before there were numbers: none is ever named again.
            request => {
                self.requests.push((0, request.to_vec()));
                Ok(())
            }
        }
    }

    fn read_passed(&mut self, mut rest: &[u8]) -> Option<()> {
        while !rest.is_empty() {
            let (trace, after) = rest.split_first_chunk::<16>()?;
            let (decision, after) = after.split_first_chunk::<8>()?;
            let (count, mut after) = after.split_first_chunk::<4>()?;
            for _ in 0..u32::from_le_bytes(*count) {
                let (number, further) = after.split_first_chunk::<8>()?;
                let number = u64::from_le_bytes(*number);
                self.passed.insert((*trace, number));
                self.touched.insert(number);
                after = further;
            }
            let decision = match u64::from_le_bytes(*decision) {
                u64::MAX => Decision::Rejected,
                n if n == u64::MAX - 1 => Decision::Kept(None),
                threshold => Decision::Kept(Some(threshold)),
            };
            self.decisions.insert(*trace, decision);
            rest = after;
        }
        Some(())
    }

    /// The requests without what was passed on; those of which nothing is left are not among them, nor those in `known`, which grows.
    pub(super) fn left(&mut self, known: &mut FxHashSet<u64>) -> Vec<(u64, Vec<u8>)> {
        let mut out = Vec::new();
        for (number, request) in std::mem::take(&mut self.requests) {
            if number != 0 && !known.insert(number) {
                continue;
            }
            if !self.touched.contains(&number) {
                out.push((number, request));
                continue;
            }
            // What was taken was a request then.
            let Ok(mut traces) = Traces::decode(&request) else { continue };
            traces.retain(|_, _, span| span.trace_id.valid().is_some_and(|id| !self.passed.contains(&(*id, number))));
            if !traces.is_empty() {
                out.push((number, traces.encode().to_vec()));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{of_service, span};
    use super::*;

    #[test]
    fn what_was_passed_on_is_not_left() {
        let request = of_service("s", vec![span(1, 1, "a"), span(2, 1, "b")]).encode();
        let mut read = Read::default();
        read.record(&of_request(7, &request)).unwrap();
        read.record(&of_request(8, &request)).unwrap();
        read.record(&request).unwrap();
        let passed = |trace: u8, decision, requests: &[u64]| Passed {
            trace: [trace; 16],
            decision,
            requests: requests.to_vec(),
        };
        let all = [passed(1, Decision::Kept(Some(5)), &[7, 8]), passed(2, Decision::Rejected, &[8])];
        read.record(&of_passed(&all)).unwrap();
        read.record(&of_passed(&[passed(3, Decision::Kept(None), &[])])).unwrap();
        assert!(read.record(&of_passed(&all)[..20]).is_err() && read.record(&[OURS, 9]).is_err());
        assert_eq!(read.decisions[&[1; 16]], Decision::Kept(Some(5)));
        assert_eq!((read.decisions[&[2; 16]], read.decisions[&[3; 16]]), (Decision::Rejected, Decision::Kept(None)));
        let mut known = FxHashSet::default();
        let left = read.left(&mut known);
        let numbers: Vec<u64> = left.iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, [7, 0], "of 8 nothing is left");
        let spans = Traces::decode(&left[0].1).unwrap();
        assert_eq!(spans.records().map(|s| s.name.to_string()).collect::<Vec<_>>(), ["b"]);
        let mut again = Read::default();
        again.record(&of_request(7, &request)).unwrap();
        assert!(again.left(&mut known).is_empty(), "the folder before has it");
    }
}
