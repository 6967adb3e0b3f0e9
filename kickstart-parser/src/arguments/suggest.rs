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
    if written.len() > 4 * LONGEST {
        return None;
    }
    let lower: Vec<char> = written.to_lowercase().chars().collect();
    let letters = lower.iter().filter(|c| c.is_alphanumeric()).count();
    if lower.len() > LONGEST || letters == 0 {
        return None;
    }
    let most = letters.div_ceil(3).min(letters - 1);
    let mut rows = Rows::default();
    let near = candidates.filter(|word| word.chars().count().abs_diff(lower.len()) <= most);
    let scored = near.map(|word| (rows.distance(&lower, word), word));
    let (changes, word) = scored.min_by_key(|(changes, _)| *changes)?;
    (changes <= most).then_some(word)
}

/// The last three rows of the table of distances, kept from word to word
#[derive(Default)]
struct Rows {
    word: Vec<char>,
    before: Vec<usize>,
    above: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `word`, in any case
    fn distance(&mut self, a: &[char], word: &str) -> usize {
        let b = &mut self.word;
        b.clear();
        b.extend(word.chars().flat_map(char::to_lowercase));
        self.above.clear();
        self.above.extend(0..=b.len());
        for i in 1..=a.len() {
            self.row.clear();
            self.row.push(i);
            for j in 1..=b.len() {
                let replaced = self.above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(self.above[j] + 1).min(self.row[j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(self.before[j - 2] + 1);
                }
                self.row.push(least);
            }
            std::mem::swap(&mut self.before, &mut self.above);
            std::mem::swap(&mut self.above, &mut self.row);
        }
        self.above[b.len()]
    }
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
        assert_eq!(meant("-"), None);
    }

    #[test]
    fn a_very_long_word_is_not_compared() {
        assert_eq!(nearest(&"a".repeat(10_000_000), ["part"].into_iter()), None);
    }
}
