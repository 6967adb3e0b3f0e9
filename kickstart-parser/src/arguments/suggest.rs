// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the word that was probably meant: the nearest known one by edit distance, if it is near enough.
//!
//! Knows nothing of commands or options; it is given words.

/// The candidate nearest to `written`, if at most a third of it would have to change
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let lower: Vec<char> = written.to_lowercase().chars().take(LONGEST + 1).collect();
    if lower.len() > LONGEST {
        return None;
    }
    let scored = candidates.map(|word| {
        (
            distance(&lower, &word.to_lowercase().chars().collect::<Vec<_>>()),
            word,
        )
    });
    let (changes, word) = scored.min_by_key(|(changes, _)| *changes)?;
    let letters = lower.iter().filter(|c| c.is_alphanumeric()).count();
    (changes <= letters.div_ceil(3) && changes < letters.max(1)).then_some(word)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["part", "lang", "network", "reboot"];
        let meant = |written| nearest(written, words.into_iter());
        assert_eq!(meant("prat"), Some("part"));
        assert_eq!(meant("PART"), Some("part"));
        assert_eq!(meant("netwrok"), Some("network"));
        assert_eq!(meant("rebot"), Some("reboot"));
        assert_eq!(meant("frobnicate"), None);
        assert_eq!(meant("x"), None);
    }

    #[test]
    fn a_very_long_word_is_not_compared() {
        assert_eq!(nearest(&"a".repeat(10_000_000), ["part"].into_iter()), None);
    }
}
