// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rows for each rule. What they expect is what `matchpathcon` of libselinux 3.4 and 3.8.1 printed for the
//! same files, except where the module's text names the version.

mod expressions;

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn policy(base: &str) -> FileContexts {
    let base = base.as_bytes();
    let texts = Texts {
        base,
        ..Texts::default()
    };
    FileContexts::parse(&texts).unwrap()
}

/// Checks `PATH CONTEXT` for regular files; `-` is none.
#[track_caller]
fn check(policy: &FileContexts, rows: &str) {
    check_as(policy, FileKind::Regular, rows);
}

#[track_caller]
fn check_as(policy: &FileContexts, kind: FileKind, rows: &str) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (path, expected) = row.rsplit_once(' ').unwrap();
        let found = policy.label(path, kind).unwrap_or("-");
        assert_eq!(found, expected, "{path} as {kind:?}");
    }
}

fn fault(line: &str) -> Fault {
    let text = format!("# one\n\n/x all\n{line}\n");
    let texts = Texts {
        base: text.as_bytes(),
        ..Texts::default()
    };
    match FileContexts::parse(&texts) {
        Err(ContextsError::Line {
            file: ContextsFile::Base,
            line: 4,
            fault,
        }) => fault,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_line_has_two_or_three_words() {
    let policy = policy(
        "# no line\n  \t # no line \u{e9}\n  /a\tx\u{b}\n/b -- y and more \u{e9}\r\n/c <<none>>\n/d -d\n",
    );
    check(&policy, "/a x\n/b y\n/c -\n/d -d\n/e -");
    assert_eq!(fault("/x"), Fault::NoContext);
    assert_eq!(fault("/x -z x"), Fault::Kind("-z".into()));
    assert_eq!(fault("/x --- x"), Fault::Kind("---".into()));
    assert_eq!(fault("/\u{e9} x"), Fault::NotAscii);
    assert_eq!(fault("/x x\0y"), Fault::NotAscii);
}

#[test]
fn a_kind_is_a_condition() {
    let policy = policy(
        "/a(/.*)? all\n/a/.* -- file\n/a/.* -d dir\n/a/.* -l link\n/a/.* -b block\n/a/.* -c char\n/a/.* -p fifo\n/a/.* -s socket\n/b -d dir\n",
    );
    for (kind, expected) in [
        (FileKind::Regular, "file"),
        (FileKind::Directory, "dir"),
        (FileKind::Symlink, "link"),
        (FileKind::BlockDevice, "block"),
        (FileKind::CharacterDevice, "char"),
        (FileKind::Fifo, "fifo"),
        (FileKind::Socket, "socket"),
    ] {
        check_as(&policy, kind, &format!("/a all\n/a/x {expected}"));
    }
    check_as(&policy, FileKind::Directory, "/b dir");
    check(&policy, "/b -");
}

#[test]
fn a_mode_has_a_kind() {
    assert_eq!(FileKind::of_mode(0o100_644), Some(FileKind::Regular));
    assert_eq!(FileKind::of_mode(0o041_777), Some(FileKind::Directory));
    assert_eq!(FileKind::of_mode(0o120_777), Some(FileKind::Symlink));
    assert_eq!(FileKind::of_mode(0o060_600), Some(FileKind::BlockDevice));
    assert_eq!(
        FileKind::of_mode(0o020_600),
        Some(FileKind::CharacterDevice)
    );
    assert_eq!(FileKind::of_mode(0o010_600), Some(FileKind::Fifo));
    assert_eq!(FileKind::of_mode(0o140_600), Some(FileKind::Socket));
    assert_eq!(FileKind::of_mode(0o755), None);
}

#[test]
fn a_literal_wins_and_else_the_last() {
    let policy = policy(
        "/lit x\n/lit -d d\n/lit2 -d d\n/lit2 x\n/lit3 first\n/lit3 second\n/litre lit\n/litre.* re\n/n/m/.* <<none>>\n/n(/.*)? n\n/o(/.*)? o\n/o/m/.* <<none>>\n/n1 <<none>>\n/n1.* n1\n",
    );
    check(
        &policy,
        "/lit x\n/lit2 x\n/lit3 second\n/litre lit\n/litres re\n/n/m/k n\n/o/m/k -\n/o/m o\n/n1 -\n/n12 n1",
    );
    check_as(&policy, FileKind::Directory, "/lit d\n/lit2 x");
}

#[test]
fn a_later_file_wins() {
    let texts = Texts {
        base: b"/a base\n/a/.* base\n/b base\n/b/.* base\n/c/.* base\n/c/d base\n",
        home_directories: b"/a home\n/a/.* home\n/b home\n/b/.* home\n",
        local: b"/a local\n/a/.* local\n/c/.* local",
        ..Texts::default()
    };
    let policy = FileContexts::parse(&texts).unwrap();
    check(
        &policy,
        "/a local\n/a/x local\n/b home\n/b/x home\n/c/x local\n/c/d base",
    );
}

#[test]
fn a_path_is_cleaned() {
    let policy = policy("/.* all\n/ root\n/x(/.*)? x\n/x/y y\n");
    check(
        &policy,
        "/ root\n// root\n//// root\n/x/ x\n/x// x\n//x x\n/x//y/ y\n/x///y// y",
    );
    check(&policy, "x -\nx/y -\n/x/\u{e9}\u{65e5} x");
    assert_eq!(policy.label("", FileKind::Regular), None);
    assert_eq!(policy.label("/x/y\n", FileKind::Regular), Some("x"));
}

#[test]
fn substitutions_apply_once_each() {
    let texts = Texts {
        base: b"/.* all\n/x(/.*)? x\n/y(/.*)? y\n/z(/.*)? z\n/w(/.*)? w\n",
        substitutions: b"/a /x\n/a/b /y\n",
        distribution_substitutions:
            b"# c\n#/x /y\n/x /z\n  /r\t/x  junk \xff\n/x/s /w\n/sl /\n/e/ /w\n/f /y/\n/g x\n/h\n",
        ..Texts::default()
    };
    let policy = FileContexts::parse(&texts).unwrap();
    check(
        &policy,
        "/a z\n/a/c z\n/a/b z\n/ab all\n/x/d z\n/x/s z\n/r x\n/r/k x\n/sl all\n/sl/x/1 x\n/sl/y y\n\
         /e/f all\n/e//f all\n/f y\n/f/k y\n/g -\n/h all",
    );
}

#[test]
fn a_substitution_is_bounded() {
    let read = |text: &str| {
        let texts = Texts {
            substitutions: text.as_bytes(),
            ..Texts::default()
        };
        FileContexts::parse(&texts).unwrap_err()
    };
    let file = ContextsFile::Substitutions;
    let long = format!("/a /b\n/{} /b\n", "a".repeat(1022));
    let fault = Fault::TooLong { limit: 1022 };
    assert_eq!(
        read(&long),
        ContextsError::Line {
            file,
            line: 2,
            fault
        }
    );
    let fault = Fault::TooMany { limit: 1000 };
    let many = "/a /b\n".repeat(1001);
    assert_eq!(
        read(&many),
        ContextsError::Line {
            file,
            line: 1001,
            fault
        }
    );
    let fault = Fault::NotAscii;
    assert_eq!(
        read("/\u{e9} /b"),
        ContextsError::Line {
            file,
            line: 1,
            fault
        }
    );
}

#[test]
fn an_error_names_file_and_line() {
    let texts = Texts {
        base: b"/a x\n",
        local: b"/b x\n/c(?=d) x\n",
        ..Texts::default()
    };
    assert_eq!(
        FileContexts::parse(&texts).unwrap_err().to_string(),
        "reading line 2 of `file_contexts.local`: the expression `/c(?=d)` is not supported: a group that \
         begins with `?` and has `=`"
    );
}

#[test]
fn hostile_sizes_are_refused() {
    let long = format!("/{} x", "a".repeat(4096));
    assert_eq!(fault(&long), Fault::TooLong { limit: 4096 });
    let long = format!("/a {}", "a".repeat(4096));
    assert_eq!(fault(&long), Fault::TooLong { limit: 4095 });
    let read = |text: &str| {
        let texts = Texts {
            base: text.as_bytes(),
            ..Texts::default()
        };
        FileContexts::parse(&texts).unwrap_err()
    };
    assert!(matches!(
        read(&" ".repeat((16 << 20) + 1)),
        ContextsError::TooLarge { .. }
    ));
    let too_many = |error| {
        let ContextsError::Line { fault, .. } = error else {
            panic!("{error}");
        };
        assert!(matches!(fault, Fault::TooMany { .. }), "{fault}");
    };
    too_many(read(&"/a x\n".repeat(100_001)));
    too_many(read(&"/(a{19000}) x\n".repeat(300)));
}

#[test]
fn the_largest_patterns_compile() {
    for expression in [
        "/(a{19900})?.*",
        "/([a-cf-hk-mp-r]{4900})?.*",
        "/(([^/]{100}){90})?.*",
        "/((a?){9900})?.*",
        "/(((a|b)*){1000})?.*",
    ] {
        let policy = policy(&format!("{expression} x\n"));
        check(&policy, "/aaa x");
    }
}

/// Texts that are mostly lines as they should be.
fn line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/".to_owned()),
        Just("usr".to_owned()),
        Just("(/.*)?".to_owned()),
        "[]\\[a-c(){}*+?|^$.\\\\,:=!<>/&~_ 0-9i-]{1,6}",
        "\\PC{0,3}",
    ];
    let words = (
        proptest::collection::vec(piece, 0..8),
        proptest::option::of("-[-dlbcpsx]"),
        "[a-z:<>]{0,6}",
    );
    words.prop_map(|(pieces, kind, context)| {
        format!("{} {} {context}", pieces.concat(), kind.unwrap_or_default())
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        base in proptest::collection::vec(any::<u8>(), 0..200),
        lines in proptest::collection::vec(line(), 0..4),
        path in "(/|/usr|/\\PC{1,3}){1,4}",
    ) {
        let text = lines.join("\n");
        for texts in [
            Texts { base: &base, local: text.as_bytes(), ..Texts::default() },
            Texts { base: text.as_bytes(), substitutions: &base, ..Texts::default() },
            Texts { home_directories: text.as_bytes(), distribution_substitutions: text.as_bytes(), ..Texts::default() },
        ] {
            if let Ok(policy) = FileContexts::parse(&texts) {
                let _ = policy.label(&path, FileKind::Regular);
            }
        }
    }

    /// The index, which looks at few patterns, finds what trying all of them finds.
    #[test]
    fn no_pattern_is_overlooked(
        expressions in proptest::collection::vec("(/[ab](\\.|b\\?|a\\*|a\\{0,2\\}|\\(c\\)\\?|\\(/\\.\\*\\)\\?|\\|/)?){1,3}", 1..8),
        path in "(/[abc.]{1,2}){1,3}",
    ) {
        let lines = expressions.iter().zip(0..);
        let text = lines.clone().fold(String::new(), |mut text, (one, at)| {
            let _ = writeln!(text, "{one} {at}");
            text
        });
        let is_literal = |one: &str| !one.contains(['.', '?', '*', '(', '{', '|']);
        let matches = |one: &str| {
            let source = translate::translate(one).unwrap().source;
            let regex = regex::Regex::new(&source).unwrap();
            path.starts_with(stem(one)) && regex.is_match(&path)
        };
        let (literals, patterns): (Vec<_>, Vec<_>) = lines.partition(|(one, _)| is_literal(one));
        let last = |all: Vec<(&String, i32)>, fits: &dyn Fn(&str) -> bool| {
            let found = all.into_iter().rfind(|(one, _)| fits(one));
            found.map(|(_, at)| at.to_string())
        };
        let expected = last(literals, &|one| one == path).or_else(|| last(patterns, &matches));
        let policy = policy(&text);
        prop_assert_eq!(policy.label(&path, FileKind::Regular), expected.as_deref());
    }
}

/// The first directory with its slash, if it has no special character.
fn stem(expression: &str) -> &str {
    let end = expression[1..].find('/').map_or(0, |at| at + 2);
    let stem = &expression[..end];
    if stem.contains(['.', '?', '*', '(', '{', '|']) {
        ""
    } else {
        stem
    }
}
