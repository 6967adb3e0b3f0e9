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
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = bytes[from..]
        .iter()
        .position(|byte| ENDS[usize::from(*byte)])
    {
        let at = from + found;
        let length = match (bytes[at], &bytes[at + 1..]) {
            (b'\r', [b'\n', ..]) | (0xc2, [0x85, ..]) => 2,
            (0xe2, [0x80, 0xa8 | 0xa9, ..]) => 3,
            (0xc2 | 0xe2, _) => 0,
            _ => 1,
        };
        if length > 0 {
            return at + length;
        }
        from = at + 1;
    }
    text.len()
}

/// Which bytes end a line or begin a character that does: U+0085, U+2028, U+2029
const ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        ends[byte] = matches!(byte, 0x0a..=0x0d | 0x1c..=0x1e | 0xc2 | 0xe2);
        byte += 1;
    }
    ends
};

/// `line` without what ends it
pub(crate) fn without_end(line: &str) -> &str {
    let length = match line.as_bytes() {
        [.., b'\r', b'\n'] | [.., 0xc2, 0x85] => 2,
        [.., b'\n'..=b'\r' | 0x1c..=0x1e] => 1,
        [.., 0xe2, 0x80, 0xa8 | 0xa9] => 3,
        _ => 0,
    };
    &line[..line.len() - length]
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
