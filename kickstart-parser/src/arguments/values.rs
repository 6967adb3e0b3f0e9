// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The small grammars inside values: numbers, yes and no, comma lists, `name(gid)`, `port:protocol`, team devices,
//! mount points.
//!
//! Each function takes the text of one value and gives what it means, or nothing if it is no such value. The
//! accepted forms are those of pykickstart's option types.

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_until, take_while1};
use nom::character::complete::{char, digit1, one_of, space0};
use nom::combinator::{all_consuming, map, opt, recognize, rest};
use nom::multi::{separated_list0, separated_list1};
use nom::sequence::{delimited, pair, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

/// A whole number in Python's spelling: blanks around it, a sign, underscores between digits
pub(crate) fn int(text: &str) -> Option<i64> {
    let trimmed = text.trim();
    let digits = recognize(separated_list1(
        char('_'),
        digit1::<&str, nom::error::Error<&str>>,
    ));
    let (_, number) = all_consuming(recognize(pair(opt(one_of("+-")), digits)))
        .parse(trimmed)
        .ok()?;
    number.replace('_', "").parse().ok()
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

/// A group as `name` or `name(gid)`
pub(crate) fn group(text: &str) -> Option<(String, Option<u32>)> {
    let gid = delimited(
        pair(char('('), space0),
        nom::character::complete::u32,
        pair(space0, char(')')),
    );
    let name = take_while1(|c: char| !"()".contains(c));
    let mut group = all_consuming((name, opt(gid)));
    let result: IResult<&str, (&str, Option<u32>)> = group.parse(text.trim());
    let (_, (name, gid)) = result.ok()?;
    Some((name.trim().to_owned(), gid)).filter(|(name, _)| !name.is_empty())
}

/// A port as `port:protocol`, where the protocol may be left out
pub(crate) fn port(text: &str) -> Option<(String, String)> {
    let word = || take_while1(|c: char| c != ':' && !c.is_whitespace());
    let mut port = all_consuming(alt((
        separated_pair(word(), char(':'), word()),
        map(word(), |port| (port, "tcp")),
    )));
    let result: IResult<&str, (&str, &str)> = port.parse(text);
    let (_, (port, protocol)) = result.ok()?;
    Some((port.to_owned(), protocol.to_owned()))
}

/// Whether a text is `key=value` with one `=` and both sides filled
pub(crate) fn is_key_value(text: &str) -> bool {
    let word = || take_while1::<_, _, nom::error::Error<&str>>(|c: char| c != '=');
    all_consuming(separated_pair(word(), char('='), word()))
        .parse(text)
        .is_ok()
}

/// Devices of a team separated by commas, each with an optional configuration in single quotes
pub(crate) fn team_slaves(text: &str) -> Option<Vec<(String, Option<String>)>> {
    let config = delimited(char('\''), take_until("'"), char('\''));
    let device = (
        preceded(space0, take_while1(|c: char| c != ',' && c != '\'')),
        opt(config),
    );
    let mut slaves = all_consuming(separated_list1(char(','), terminated(device, space0)));
    let result: IResult<&str, Vec<(&str, Option<&str>)>> = slaves.parse(text);
    let (_, slaves) = result.ok()?;
    Some(
        slaves
            .into_iter()
            .map(|(device, config)| (device.trim().to_owned(), config.map(str::to_owned)))
            .collect(),
    )
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
        assert_eq!(int(" 7 "), Some(7));
        assert_eq!(int("+1_000"), Some(1000));
        assert_eq!(int("-5"), Some(-5));
        for wrong in [
            "",
            "1__0",
            "_1",
            "1_",
            "10G",
            "0x10",
            "1.5",
            "--1",
            "99999999999999999999",
        ] {
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
    fn groups_may_have_a_number() {
        assert_eq!(group("wheel"), Some(("wheel".into(), None)));
        assert_eq!(group("lab (1001)"), Some(("lab".into(), Some(1001))));
        for wrong in ["", "a(b)", "a(1", "(1)", "a(-1)", "a(1)b", "a(5000000000)"] {
            assert_eq!(group(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ports_default_to_tcp() {
        assert_eq!(port("443"), Some(("443".into(), "tcp".into())));
        assert_eq!(
            port("1000-1010:udp"),
            Some(("1000-1010".into(), "udp".into()))
        );
        for wrong in ["", ":tcp", "1:", "1:tcp:2"] {
            assert_eq!(port(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn team_slaves_carry_their_configuration() {
        let slaves = team_slaves("p1'{\"prio\": -10, \"sticky\": true}',p2").unwrap();
        assert_eq!(
            slaves,
            [
                (
                    "p1".into(),
                    Some("{\"prio\": -10, \"sticky\": true}".into())
                ),
                ("p2".into(), None)
            ]
        );
        assert_eq!(team_slaves("p1'{"), None);
    }

    #[test]
    fn key_values_have_one_equals_sign() {
        assert!(is_key_value("priority=1"));
        assert!(
            !is_key_value("priority=")
                && !is_key_value("=1")
                && !is_key_value("a=b=c")
                && !is_key_value("a")
        );
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
