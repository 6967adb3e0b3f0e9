// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules of the language and of the whole kickstart, one line each: what is said of a text, and at which word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kickstart_parser::{Includes, NoIncludes, Reading, Syntax, read};

/// Files by name
struct Files(&'static [(&'static str, &'static str)]);

impl Includes for Files {
    fn fetch(&self, path: &str, _: &str) -> std::io::Result<(String, String)> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        let (name, text) = found.ok_or(std::io::ErrorKind::NotFound)?;
        Ok(((*name).to_owned(), (*text).to_owned()))
    }
}

/// What stands at the places of what is said, each after its code; `-` for what has no place
fn said(reading: &Reading) -> Vec<String> {
    let word = |diagnostic: &kickstart_parser::Diagnostic| {
        let Some(at) = &diagnostic.location else {
            return "-".to_owned();
        };
        let source = reading.sources.iter().find(|s| s.name == at.file).unwrap();
        let line = source.text.lines().nth(at.line as usize - 1).unwrap();
        let length = (at.end_column - at.column) as usize;
        line.chars()
            .skip(at.column as usize - 1)
            .take(length)
            .collect()
    };
    let all = reading.diagnostics.iter();
    all.map(|diagnostic| format!("{} {}", diagnostic.code, word(diagnostic)))
        .collect()
}

/// The same of a text, without what Landfall says of commands and of a system without a place
fn found(text: &str) -> Vec<String> {
    found_in(Syntax::NEWEST, text)
}

fn found_in(syntax: Syntax, text: &str) -> Vec<String> {
    let mut said = said(&read("a.ks", text, Some(syntax), &NoIncludes));
    said.retain(|said| {
        !["LF0021", "LF0023", "LF0053"]
            .iter()
            .any(|code| said.starts_with(code))
    });
    said
}

fn messages(text: &str) -> Vec<String> {
    let reading = read("a.ks", text, Some(Syntax::Rhel9), &NoIncludes);
    let all = reading.diagnostics.into_iter();
    all.map(|diagnostic| diagnostic.message).collect()
}

#[test]
fn a_flag_with_a_value_is_not_said_to_lack_one_as_well() {
    assert_eq!(found("rootpw --iscrypted=x\n"), ["LF0033 x"]);
    assert_eq!(found("rootpw --plaintext=x\n"), ["LF0033 x"]);
    assert_eq!(found("rootpw\n"), ["LF0034 rootpw"]);
    assert_eq!(found("rootpw --allow-ssh\n"), ["LF0034 rootpw --allow-ssh"]);
}

/// Python's argparse drops the `--` of `--option=--`
#[test]
fn two_dashes_attached_to_an_option_are_no_value() {
    let reading = read(
        "a.ks",
        "part / --fstype=-- --size=-- --grow\nnetwork --device=a --onboot=--\nmount a /a --reformat=--\n",
        Some(Syntax::Rhel8),
        &NoIncludes,
    );
    let kickstart = &reading.kickstart;
    assert_eq!(
        (&kickstart.part[0].fstype, kickstart.part[0].size),
        (&None, None)
    );
    assert_eq!(kickstart.network[0].onboot, Some(false));
    assert!(kickstart.mount[0].reformat && kickstart.mount[0].format.is_none());
    assert_eq!(found("url --url=--\n"), ["LF0034 url --url=--"]);
    assert_eq!(found("autopart --type=--\n"), [""; 0]);
    let raid = "raid / --level=-- --device=a raid.1\npart raid.1 --size=1\n";
    assert_eq!(found(raid), ["LF0034 raid / --level=-- --device=a raid.1"]);
    assert_eq!(found("user --name=--\n"), ["LF0040 --name=--"]);
    assert_eq!(found("user --name --\n"), ["LF0032 --name", "LF0035 --"]);
}

#[test]
fn a_repeated_command_names_what_it_takes_back_unless_the_line_is_wrong() {
    let repeated = "lang a\nlang b\n";
    assert!(
        messages(repeated).contains(&"this `lang` takes back what line 1 says: `<lang>`".into())
    );
    for wrong in [
        "lang a\nlang b c\n",
        "lang a\nlang b 'c\n",
        "text\ncmdline --x\n",
    ] {
        assert!(
            found(wrong).iter().all(|said| !said.starts_with("LF0024")),
            "{wrong}"
        );
    }
    let files = Files(&[("b.ks", "lang a\n")]);
    let reading = read("a.ks", "%include b.ks\nlang b\n", None, &files);
    assert_eq!(
        reading.diagnostics[0].message,
        "this `lang` takes back what `b.ks` line 1 says: `<lang>`"
    );
}

#[test]
fn a_command_is_called_by_the_word_that_is_written() {
    let message = "`authconfig` is not carried out by this version of Landfall yet";
    assert!(messages("authconfig --x\n").contains(&message.into()));
}

#[test]
fn unused_members_are_said_in_the_order_of_the_files() {
    let files = Files(&[("b.ks", "text\ntext\npart pv.2 --size=1\n")]);
    let text = "%include b.ks\npart pv.1 --size=1\npart pv.1 --size=1\npart pv.0 --size=1\n";
    let mut said = said(&read("a.ks", text, None, &files));
    said.retain(|said| said.starts_with("LF0057"));
    assert_eq!(said, ["LF0057 pv.1", "LF0057 pv.0", "LF0057 pv.2"]);
}
