// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Cuts a text into lines where Python's `str.splitlines` does, since that is how pykickstart counts them.
//!
//! Every line keeps its terminator, so the lines put together are the text.

/// The lines of `text` with their terminators
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = rest.split_at(line_length(rest));
        rest = after;
        Some(line)
    })
}

fn line_length(text: &str) -> usize {
    match text.char_indices().find(|(_, c)| ends_line(*c)) {
        Some((at, '\r')) if text[at + 1..].starts_with('\n') => at + 2,
        Some((at, c)) => at + c.len_utf8(),
        None => text.len(),
    }
}

fn ends_line(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Whether Python counts `c` as white space
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// The first word of a line between white space; empty if there is none
pub(crate) fn first_word(line: &str) -> &str {
    line.split(is_blank)
        .find(|word| !word.is_empty())
        .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        let text = "a\nb\r\nc\rd\u{b}e\u{c}f\u{1c}g\u{85}h\u{2028}\u{2029}i";
        let cut: Vec<_> = lines(text).collect();
        let expected = [
            "a\n",
            "b\r\n",
            "c\r",
            "d\u{b}",
            "e\u{c}",
            "f\u{1c}",
            "g\u{85}",
            "h\u{2028}",
            "\u{2029}",
            "i",
        ];
        assert_eq!(cut, expected);
        assert_eq!(cut.concat(), text);
    }

    #[test]
    fn an_empty_text_has_no_lines_and_a_last_terminator_starts_none() {
        assert_eq!(lines("").count(), 0);
        assert_eq!(lines("a\n").count(), 1);
        assert_eq!(lines("\n\n").count(), 2);
    }
}
