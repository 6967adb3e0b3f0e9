// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How two texts differ, line by line: a longest common subsequence, for showing and not for applying.
//!
//! Takes two texts, gives lines marked `-` for the first only, `+` for the second only, and some of the lines around.

/// Common lines shown on either side of a difference
const AROUND: usize = 2;

/// The lines of both texts where they first differ; `None` where one has ended
pub(crate) fn first_difference<'a>(
    one: &'a str,
    other: &'a str,
) -> (Option<&'a str>, Option<&'a str>) {
    let (mut one, mut other) = (one.split('\n'), other.split('\n'));
    loop {
        match (one.next(), other.next()) {
            (Some(a), Some(b)) if a == b => {}
            different => return different,
        }
    }
}

/// The difference in lines to show, with what is invisible made visible
pub(crate) fn lines(one: &str, other: &str) -> Vec<String> {
    let (one, other): (Vec<_>, Vec<_>) = (one.split('\n').collect(), other.split('\n').collect());
    let marked = marked(&one, &other);
    let near = |at: usize| {
        let window = at.saturating_sub(AROUND)..marked.len().min(at + AROUND + 1);
        marked[window].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut shown = Vec::new();
    for (at, (mark, line)) in marked.iter().enumerate() {
        if near(at) {
            shown.push(format!("{mark} {}", visible(line)));
        } else if at > 0 && near(at - 1) {
            shown.push("  …".to_owned());
        }
    }
    shown
}

/// Every line with ` `, `-` or `+`
fn marked<'a>(one: &[&'a str], other: &[&'a str]) -> Vec<(char, &'a str)> {
    // common[i][j]: the length of the longest common subsequence of one[i..] and other[j..]
    let mut common = vec![vec![0_usize; other.len() + 1]; one.len() + 1];
    for i in (0..one.len()).rev() {
        for j in (0..other.len()).rev() {
            common[i][j] = if one[i] == other[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut marked = Vec::new();
    while i < one.len() || j < other.len() {
        if i < one.len() && j < other.len() && one[i] == other[j] {
            marked.push((' ', one[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == other.len() || i < one.len() && common[i + 1][j] >= common[i][j + 1] {
            marked.push(('-', one[i]));
            i += 1;
        } else {
            marked.push(('+', other[j]));
            j += 1;
        }
    }
    marked
}

/// A line with control characters escaped and white space at its end as dots
pub(crate) fn visible(line: &str) -> String {
    let kept = line.trim_end_matches(' ');
    let mut out = String::new();
    for c in kept.chars() {
        if c.is_control() || (c.is_whitespace() && c != ' ') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.extend(std::iter::repeat_n('·', line.len() - kept.len()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_shown_with_lines_around() {
        assert_eq!(
            lines("a\nb\nc\nd\ne \nf", "a\nb\nc\nd\nx\nf"),
            ["  …", "  c", "  d", "- e·", "+ x", "  f"][1..]
        );
        assert_eq!(lines("a\n", "a\nb\n"), ["  a", "+ b", "  "]);
        assert_eq!(lines("same", "same"), [""; 0]);
    }

    #[test]
    fn the_first_difference_may_be_an_end() {
        assert_eq!(first_difference("a\nb", "a"), (Some("b"), None));
        assert_eq!(first_difference("a\nb", "a\nc\nd"), (Some("b"), Some("c")));
    }
}
