// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The page of every code: what it calls wrong breaks the rule, what it calls right does not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io;

use kickstart_parser::{Code, Includes, NoIncludes, Reading, decode, read};

/// The name that an example goes by
const NAME: &str = "example.ks";

/// Codes about files as a whole, and one that no section has today: their pages have no kickstarts
const WITHOUT_EXAMPLES: [Code; 5] = [
    Code::SectionNotYet,
    Code::TooLarge,
    Code::Unreadable,
    Code::NotText,
    Code::EmptyKickstart,
];

/// The files that examples include: themselves, and one that makes a partition
struct Files<'a>(&'a str);

impl Includes for Files<'_> {
    fn fetch(&self, path: &str, _: &str) -> io::Result<(String, String)> {
        match path {
            NAME => Ok((NAME.to_owned(), self.0.to_owned())),
            "disks.ks" => Ok((path.to_owned(), "part / --size=8192\n".to_owned())),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        }
    }
}

/// The indented block that follows a line of the page
fn example(page: &str, title: &str) -> Option<String> {
    let (_, after) = page.split_once(&format!("\n{title}\n\n"))?;
    let lines = after
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    let lines: Vec<_> = lines.map(|line| line.get(4..).unwrap_or("")).collect();
    Some(lines.join("\n").trim_end_matches('\n').to_owned())
}

fn breaks(code: Code, text: &str) -> bool {
    let follows: &dyn Includes = &Files(text);
    let includes = if code == Code::IncludeSkipped {
        &NoIncludes
    } else {
        follows
    };
    has(code, &read(NAME, text, None, includes))
}

fn has(code: Code, reading: &Reading) -> bool {
    reading
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.code == code)
}

#[test]
fn every_page_has_a_kickstart_that_breaks_the_rule_and_one_that_keeps_it() {
    for code in Code::ALL
        .iter()
        .copied()
        .filter(|code| !WITHOUT_EXAMPLES.contains(code))
    {
        let wrong =
            example(code.page(), "Wrong:").unwrap_or_else(|| panic!("{code} has no wrong example"));
        let right =
            example(code.page(), "Right:").unwrap_or_else(|| panic!("{code} has no right example"));
        assert!(breaks(code, &wrong), "{code} is not said of {wrong:?}");
        assert!(!breaks(code, &right), "{code} is said of {right:?}");
    }
}

#[test]
fn what_is_right_has_no_errors() {
    for code in Code::ALL {
        let Some(right) = example(code.page(), "Right:") else {
            continue;
        };
        let reading = read(NAME, &right, None, &Files(&right));
        assert!(!reading.has_errors(), "{code}: {:?}", reading.diagnostics);
    }
}

#[test]
fn rules_about_whole_files_are_broken_without_examples() {
    let large = vec![b'#'; kickstart_parser::LARGEST_FILE + 1];
    assert!(has(Code::TooLarge, &decode(NAME, large).unwrap_err()));
    assert!(has(Code::NotText, &decode(NAME, vec![0xff]).unwrap_err()));
    assert!(has(
        Code::Unreadable,
        &Reading::unreadable(NAME, "no such file")
    ));
    let empty = read(NAME, " \n\n", None, &NoIncludes);
    assert!(has(Code::EmptyKickstart, &empty) && !empty.has_errors() && !empty.is_strictly_valid());
}

#[test]
fn pages_begin_with_a_paragraph_and_end_with_a_line_end() {
    for code in Code::ALL {
        let page = code.page();
        assert!(
            code.meaning().ends_with('.') && page.ends_with('\n') && !page.ends_with("\n\n"),
            "{code}"
        );
        assert!(
            page.lines().all(|line| line.chars().count() <= 125),
            "{code} has long lines"
        );
    }
}
