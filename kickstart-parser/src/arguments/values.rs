// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The small grammars inside values: numbers, yes and no, comma lists, mount points.
//!
//! Each function takes the text of one value and gives what it means, or nothing if it is no such value. The
//! accepted forms are those of pykickstart's option types.

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while1};
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{all_consuming, map, opt, recognize, rest};
use nom::multi::{separated_list0, separated_list1};
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use crate::syntax::is_blank;

/// A whole number in Python's spelling: blanks around it, a sign, underscores between digits, digits of any script;
/// `Err` is the number nearest to one that is too large
pub(crate) fn int(text: &str) -> Option<Result<i64, i64>> {
    let trimmed = text.trim_matches(is_blank);
    if let Ok(number) = trimmed.parse() {
        return Some(Ok(number));
    }
    let digit = |c: char| digit_value(c).is_some();
    let digits = recognize(separated_list1(
        char('_'),
        take_while1::<_, &str, nom::error::Error<&str>>(digit),
    ));
    let (_, (sign, digits)) = all_consuming(pair(opt(one_of("+-")), digits))
        .parse(trimmed)
        .ok()?;
    let negative = sign == Some('-');
    let mut value: i64 = 0;
    for digit in digits.chars().filter_map(digit_value) {
        let digit = if negative { -digit } else { digit };
        let Some(next) = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(digit))
        else {
            return Some(Err(if negative { i64::MIN } else { i64::MAX }));
        };
        value = next;
    }
    Some(Ok(value))
}

/// What a decimal digit of any script is worth: in every script the ten digits follow each other
fn digit_value(c: char) -> Option<i64> {
    /// The zeros of the scripts, from the Unicode data's general category `Nd`
    const ZEROS: [u32; 37] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
        0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
        0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
        0xff10,
    ];
    let code = u32::from(c);
    let zero = ZEROS.iter().rev().find(|zero| **zero <= code)?;
    (code - zero < 10).then(|| i64::from(code - zero))
}

/// Whether argparse takes a word that begins with `-` for a number
pub(crate) fn is_negative_number(text: &str) -> bool {
    let number = alt((
        recognize((opt(digit1), char('.'), digit1)),
        recognize(digit1::<&str, nom::error::Error<&str>>),
    ));
    all_consuming(preceded(char('-'), number))
        .parse(text)
        .is_ok()
}

/// Yes or no, in any case
pub(crate) fn bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Some(true),
        "off" | "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// The items between commas, blanks around them dropped, empty ones too
pub(crate) fn list(text: &str) -> Vec<String> {
    let item = map(
        opt(is_not::<_, _, nom::error::Error<&str>>(",")),
        |item: Option<&str>| item.unwrap_or("").trim(),
    );
    let Ok((_, items)) = separated_list0(char(','), item).parse(text) else {
        return Vec::new();
    };
    items
        .into_iter()
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A mount point; a path is brought to its shortest form as by Python's `os.path.normpath`, any other word stays
pub(crate) fn mount_point(text: &str) -> String {
    let root: IResult<&str, &str> = recognize(tag("/")).parse(text);
    if root.is_err() {
        return text.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    // POSIX leaves the meaning of exactly two leading slashes to the system, so Python keeps them.
    let two: IResult<&str, &str> = preceded(tag("//"), rest).parse(text);
    let lead = if two.is_ok_and(|(_, after)| !after.starts_with('/')) {
        "//"
    } else {
        "/"
    };
    format!("{lead}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_pythons() {
        assert_eq!(int(" 7 "), Some(Ok(7)));
        assert_eq!(int("+1_000"), Some(Ok(1000)));
        assert_eq!(int("-5"), Some(Ok(-5)));
        assert_eq!(int("-1_٣५"), Some(Ok(-135)));
        assert_eq!(int("99999999999999999999"), Some(Err(i64::MAX)));
        assert_eq!(int("-9223372036854775809"), Some(Err(i64::MIN)));
        for wrong in ["", "1__0", "_1", "1_", "10G", "0x10", "1.5", "--1", "²"] {
            assert_eq!(int(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn negative_numbers_are_no_options() {
        for (text, is) in [
            ("-5", true),
            ("-.5", true),
            ("-1.5", true),
            ("-x", false),
            ("-1x", false),
            ("--5", false),
        ] {
            assert_eq!(is_negative_number(text), is, "{text}");
        }
    }

    #[test]
    fn booleans_have_eight_spellings() {
        assert_eq!(bool("Yes"), Some(true));
        assert_eq!(bool("0"), Some(false));
        assert_eq!(bool("maybe"), None);
    }

    #[test]
    fn lists_drop_what_is_empty() {
        assert_eq!(list("sda, sdb,,sdc ,"), ["sda", "sdb", "sdc"]);
        assert!(list(",,").is_empty());
        assert!(list("").is_empty());
    }

    #[test]
    fn mount_points_are_normalised_like_paths() {
        for (written, meant) in [
            ("/", "/"),
            ("//", "//"),
            ("///a", "/a"),
            ("//a/", "//a"),
            ("/boot/", "/boot"),
            ("/a/./b/../c", "/a/c"),
            ("/..", "/"),
            ("swap", "swap"),
            ("pv.01", "pv.01"),
            ("home/", "home/"),
            ("", ""),
        ] {
            assert_eq!(mount_point(written), meant, "{written}");
        }
    }
}
