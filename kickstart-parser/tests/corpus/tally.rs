// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Counts of what agrees, per version and per kind of row, as a table, and the shares that must be reached.
//!
//! Takes comparisons, gives lines of text and the sentences about what is missed. A verdict that is a defect of the
//! reference is counted apart and in no share of verdicts.

use std::collections::BTreeMap;

use crate::compare::{Aspect, Comparison, Wrong};
use crate::rows::Row;

/// Agreement on accept or reject, by one version, in percent
const VERDICT_BY_VERSION: f64 = 99.5;
/// The same by one kind of row, over all versions
const VERDICT_BY_KIND: f64 = 98.0;
/// Agreement on everything else, by one version
const OTHERS_BY_VERSION: f64 = 99.0;

/// How often something was compared and how often it agreed
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    of: usize,
    agree: usize,
}

impl Share {
    fn count(&mut self, agrees: Option<bool>) {
        self.of += usize::from(agrees.is_some());
        self.agree += usize::from(agrees == Some(true));
    }

    /// In percent; all of nothing is everything
    fn percent(self) -> f64 {
        if self.of == 0 {
            return 100.0;
        }
        #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let (agree, of) = (self.agree as f64, self.of as f64);
        100.0 * agree / of
    }

    /// The percentage, cut and not rounded so that 100 means all, and how many do not agree
    fn shown(self) -> String {
        let cut = (self.percent() * 100.0).floor() / 100.0;
        format!("{cut:>6.2} % -{}", self.of - self.agree)
    }
}

/// The counts of one group of comparisons
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    rows: usize,
    /// In the order of [`Aspect::ALL`]
    shares: [Share; 4],
    any_line: Share,
    internal: Share,
    false_accepts: usize,
    false_rejects: usize,
    panics: usize,
}

impl Counts {
    fn add(&mut self, comparison: &Comparison) {
        self.rows += 1;
        for aspect in Aspect::ALL {
            let apart = aspect == Aspect::Verdict && comparison.internal;
            let share = if apart {
                &mut self.internal
            } else {
                &mut self.shares[aspect as usize]
            };
            share.count(comparison.agrees(aspect));
        }
        self.any_line.count(comparison.any_line);
        if !comparison.internal {
            self.false_accepts += usize::from(comparison.wrong == Some(Wrong::Accept));
            self.false_rejects += usize::from(comparison.wrong == Some(Wrong::Reject));
        }
        self.panics += usize::from(comparison.panic.is_some());
    }

    fn shown(&self, name: &str) -> String {
        let [verdict, outcome, line, canonical] = self.shares.map(Share::shown);
        let (accepts, rejects, internal) = (
            self.false_accepts,
            self.false_rejects,
            self.internal.of - self.internal.agree,
        );
        let any_line = self.any_line.shown();
        format!(
            "{name:<25} {:>6}  {verdict:<15} {accepts:>7} {rejects:>7} {internal:>8}  {outcome:<15} \
             {line:<15} {any_line:<15} {canonical}",
            self.rows,
        )
    }
}

/// The counts of all comparisons
#[derive(Debug, Default)]
pub(crate) struct Tally {
    all: Counts,
    by_version: BTreeMap<String, Counts>,
    by_kind: BTreeMap<String, Counts>,
}

impl Tally {
    pub(crate) fn of(rows: &[Row], comparisons: &[Comparison]) -> Tally {
        let mut tally = Tally::default();
        for comparison in comparisons {
            tally.all.add(comparison);
            let version = comparison.syntax.to_string();
            tally.by_version.entry(version).or_default().add(comparison);
            let kind = rows[comparison.row].kind.clone();
            tally.by_kind.entry(kind).or_default().add(comparison);
        }
        tally
    }

    /// The table: a line for every version, for all of them and for every kind; `-5` counts what does not agree
    pub(crate) fn to_lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<25} {:>6}  {:<15} {:>7} {:>7} {:>8}  {:<15} {:<15} {:<15} canonical",
            "", "rows", "verdict", "accepts", "rejects", "defects", "outcome", "line", "any line",
        )];
        // The versions' names sort RHEL10 before RHEL8; that is of no matter here.
        lines.extend(
            self.by_version
                .iter()
                .map(|(name, counts)| counts.shown(name)),
        );
        lines.push(self.all.shown("all versions"));
        lines.extend(self.by_kind.iter().map(|(name, counts)| counts.shown(name)));
        lines
    }

    /// The shares that are too small
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for (version, counts) in &self.by_version {
            for aspect in Aspect::ALL {
                let at_least = match aspect {
                    Aspect::Verdict => VERDICT_BY_VERSION,
                    Aspect::Outcome | Aspect::Line | Aspect::Canonical => OTHERS_BY_VERSION,
                };
                missed.extend(too_small(version, aspect, counts, at_least));
            }
        }
        for (kind, counts) in &self.by_kind {
            missed.extend(too_small(kind, Aspect::Verdict, counts, VERDICT_BY_KIND));
        }
        if self.all.panics > 0 {
            missed.push(format!("the parser panicked {} times", self.all.panics));
        }
        missed
    }
}

fn too_small(name: &str, aspect: Aspect, counts: &Counts, at_least: f64) -> Option<String> {
    let percent = counts.shares[aspect as usize].percent();
    let aspect = aspect.as_str();
    (percent < at_least)
        .then(|| format!("{name}: {percent:.3} % agree on the {aspect}, {at_least} % are expected"))
}

/// Disagreements that look alike: how often, by which aspect, what about, and the rows of two of them
pub(crate) fn clusters(rows: &[Row], comparisons: &[Comparison]) -> Vec<String> {
    let mut like: BTreeMap<_, (usize, Vec<&str>)> = BTreeMap::new();
    for comparison in comparisons {
        for found in &comparison.disagreements {
            let key = (found.aspect, &found.subject, &found.what);
            let (count, ids) = like.entry(key).or_default();
            *count += 1;
            let id = rows[comparison.row].id.as_str();
            if ids.len() < 2 && !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let mut like: Vec<_> = like.into_iter().collect();
    like.sort_by_key(|((aspect, ..), (count, _))| (*aspect, std::cmp::Reverse(*count)));
    like.iter()
        .map(|((aspect, subject, what), (count, ids))| {
            let (aspect, ids) = (aspect.as_str(), ids.join(" "));
            format!("{count:>5}  {aspect:<9}  {subject:<16}  {what}  ({ids})")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_cut_and_missed_where_they_are_too_small() {
        let share = |of, agree| Share { of, agree };
        assert_eq!(share(100_000, 99_999).shown(), " 99.99 % -1");
        assert_eq!(share(0, 0).shown(), "100.00 % -0");
        let mut counts = Counts::default();
        counts.shares[0] = share(1000, 995);
        assert_eq!(too_small("RHEL9", Aspect::Verdict, &counts, 99.5), None);
        counts.shares[0] = share(1000, 994);
        assert!(too_small("RHEL9", Aspect::Verdict, &counts, 99.5).is_some());
    }
}
