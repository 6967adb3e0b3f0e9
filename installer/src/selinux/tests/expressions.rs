// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What expressions mean: what they mean to PCRE2, or an error.

use super::*;

/// `EXPRESSION PATH`: the expression is for the path.
const FITTING: &[&str] = &[
    r"/a.b /a/b",
    r"/a..b /aéb",
    r"/a[^/]+b /aéb",
    r"/a\.b /a.b",
    r"/(x)\.b /x.b",
    r"/esc3\d /esc35",
    r"/x\-y/.* /x-y/k",
    r"/(x)\-\_\,\@\#y /x-_,@#y",
    r"/(x)<\<>\> /x<<>>",
    r"/a{ /a{",
    r"/(x)a{ /xa{",
    r"/(x)a{2} /xaa",
    r"/(x)a{2,} /xaaa",
    r"/(x)a{b} /xa{b}",
    r"/(x)a} /xa}",
    r"/(x)a] /xa]",
    r"/a] /a]",
    r"/[a[b] /[",
    r"/[]x]y /]y",
    r"/[^]x]y /zy",
    r"/[a-]z /-z",
    r"/[-a]z /-z",
    r"/[\w-]q /-q",
    r"/[\w-.]q /-q",
    r"/[a&&b]q /&q",
    r"/[a~~b]q /~q",
    r"/[+--]q /,q",
    r"/[a-c-e]q /-q",
    r"/[[:alpha:][:digit:]]q /5q",
    r"/[\d\]\\]q /]q",
    r"/[\x41-C]q /Bq",
    r"/(?i)ab /AB",
    r"/(a(?i)b|c) /C",
    r"/x(?i:y)z /xYz",
    r"/a+?b /aab",
    r"/a.*\sb /a b",
    r"/(a$|b) /a",
    r"/(^/a|b) /b",
    r"(/^x)?/a /a",
    r"[/]x /x",
    r"/q/lib/? /q/lib",
    r"/usr/lib6?4 /usr/lib4",
    r"/usr/lib6*4 /usr/lib4",
    r"/usr/lib6{0}4 /usr/lib4",
    r"/usr/lib(64)? /usr/lib",
    r"/alt/a|/beta/b /alt/a",
    r"/alt/a|/beta/b /alt/abc",
    r"/alt/a|/beta/b /alt/z/beta/b",
    r"/a|/b /b",
];

/// `EXPRESSION PATH`: the expression is not for the path.
const OTHERS: &[&str] = &[
    r"/a.b /aéb",
    r"/a[^/]b /aéb",
    r"/a\.b /axb",
    r"/(x)a{1,2} /xaaa",
    r"/[a-c-e]q /dq",
    r"/[[:^alpha:]]q /aq",
    r"/x(?i:y)z /XYz",
    r"/q/? /q",
    r"/q/? /q/x",
    r"/usr/lib6+4 /usr/lib4",
    r"/alt/a|/beta/b /foo/beta/b",
    r"/alt/a|/beta/b /beta/b",
];

/// Expressions, and a part of what is said of them.
const REFUSED: &[(&str, &str)] = &[
    (r"/x(", "unclosed group"),
    (r"/x)", "a group is not open"),
    (r"/x[a", "a `[` is not closed"),
    (r"/x[]", "a `[` is not closed"),
    (
        r"/x[b-a]",
        "invalid character class range, the start must be <= the end",
    ),
    (r"/x[a-\d]", "a range that ends with a class"),
    (r"/x[[.a.]]", "`[.` or `[=` in brackets"),
    (r"/x[[:nope:]]", "`[:nope:]`"),
    (r"/x[[:a]", "`[:` in brackets"),
    (r"/x\", "it ends with a backslash"),
    (r"/x(a)\1", r"`\1`"),
    (r"/x\Q.\E", r"`\Q`"),
    (r"/x\x4", r"`\x` without two digits"),
    (r"/x(?=a)", "a group that begins with `?` and has `=`"),
    (r"/x(?!a)", "a group that begins with `?` and has `!`"),
    (r"/x(?<n>a)", "a group that begins with `?` and has `<`"),
    (r"/x(?m)a", "a group that begins with `?` and has `m`"),
    (r"/x(*FAIL)", "`(*`"),
    (r"/xa++", "a possessive quantifier"),
    (r"/xa**", "a quantifier of a quantifier"),
    (r"/xa{,2}", "`{,`"),
    (r"(/x|*)", "repetition operator missing expression"),
    (r"/x(a{1000}){1000}", "it is too large"),
    (r"/x(a|){30000}", "it is too large"),
];

#[test]
fn expressions_mean_what_they_mean_to_pcre() {
    let fits = |row: &&&str| {
        let (expression, path) = row.split_once(' ').unwrap();
        let policy = policy(&format!("{expression} found\n"));
        policy.label(path, FileKind::Regular).is_some()
    };
    let missed: Vec<_> = FITTING.iter().filter(|row| !fits(row)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    let wrong: Vec<_> = OTHERS.iter().filter(fits).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_line_feed_may_end_what_a_pattern_is_for() {
    let policy = policy("/(x)a re\n/lit lit\n");
    assert_eq!(policy.label("/xa\n", FileKind::Regular), Some("re"));
    assert_eq!(policy.label("/lit\n", FileKind::Regular), None);
}

#[test]
fn an_expression_that_cannot_be_followed_is_an_error() {
    for (expression, expected) in REFUSED {
        let Fault::Expression { reason, .. } = fault(&format!("{expression} x")) else {
            panic!("{expression}");
        };
        assert!(reason.contains(expected), "{expression}: {reason}");
    }
    let deep = format!("/x{}a{} x", "(".repeat(60), ")".repeat(60));
    assert!(matches!(fault(&deep), Fault::Expression { .. }));
}
