// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Answers for a terminal: a word of the language, or a code, explained.

use std::fmt::{self, Write as _};

use super::entry::{Entry, arity, effect, form};
use crate::arguments::Opt;
use crate::arguments::suggest::nearest;
use crate::diagnostic::{Code, quote};
use crate::version::Syntax;
use crate::{commands, sections};

/// A word that stands for nothing in the language
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What is unknown
    pub message: String,
    /// What was probably meant
    pub help: Option<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unknown {}

/// The lists that can be asked for
const TOPICS: [Topic; 4] = [
    ("commands", command_list),
    ("sections", section_list),
    ("versions", version_list),
    ("codes", code_list),
];

type Topic = (&'static str, fn() -> String);

/// The lines that are neither commands nor sections
const DIRECTIVES: [(&str, &str); 3] = [
    ("%end", "ends a section; words after it are not read"),
    (
        "%include",
        "puts the file of this path or address in place of the line, also inside a section; relative paths are looked \
         for in the working directory, then beside the including file",
    ),
    (
        "%ksappend",
        "puts the file of this path or address in place of the line; a `%ksappend` in that file is not followed",
    ),
];

/// Explains a command, a section, an option of one of them, a code, or gives one of the lists `commands`, `sections`,
/// `versions`, `codes`. The answer ends with a line end.
///
/// # Errors
///
/// The word is unknown; what comes back says so and what was probably meant.
pub fn explain(word: &str, option: Option<&str>) -> Result<String, Unknown> {
    let Some(entry) = find(word) else {
        return match option {
            None => topic(word).ok_or_else(|| unknown_word(word)),
            Some(_) => Err(unknown_word(word)),
        };
    };
    let Some(written) = option else {
        return Ok(whole(&entry));
    };
    let named = |option: &&&Opt| {
        let names = &mut option.names.iter();
        names.any(|name| name.trim_start_matches('-') == written.trim_start_matches('-'))
    };
    let mut text = String::new();
    for option in entry.options.iter().filter(named) {
        let _ = writeln!(text, "{} {}", entry.words[0], form(option));
        details(&mut text, &entry, option);
        let _ = writeln!(text, "\nVersions    {}", entry.versions_of(option));
        let _ = writeln!(text, "Landfall    {}", effect(entry.effect_of(option)));
    }
    if text.is_empty() {
        Err(unknown_option(&entry, written))
    } else {
        Ok(text)
    }
}

fn find(word: &str) -> Option<Entry> {
    let command = commands::find(word).map(Entry::from);
    command.or_else(|| sections::find(word).map(Entry::from))
}

fn topic(word: &str) -> Option<String> {
    let is_code = |code: &&Code| code.as_str().eq_ignore_ascii_case(word);
    if let Some(code) = Code::ALL.iter().find(is_code) {
        return Some(format!("{code}: {}\n\n{}", code.summary(), code.page()));
    }
    if let Some((word, text)) = DIRECTIVES.iter().find(|(directive, _)| *directive == word) {
        return Some(format!("{word} {text}\n"));
    }
    let (_, list) = TOPICS.iter().find(|(topic, _)| *topic == word)?;
    Some(list())
}

fn unknown_word(word: &str) -> Unknown {
    let commands = commands::all().flat_map(|command| command.words.iter().copied());
    let sections = sections::all().map(|section| section.word);
    let directives = DIRECTIVES.iter().map(|(word, _)| *word);
    let meant = nearest(word, commands.chain(sections).chain(directives));
    let help = meant.map_or_else(
        || {
            "`landfall explain commands`, `sections`, `versions` and `codes` list what there is"
                .to_owned()
        },
        |meant| format!("did you mean `{meant}`?"),
    );
    Unknown {
        message: format!("{} is no command, section or code", quote(word)),
        help: Some(help),
    }
}

fn unknown_option(entry: &Entry, written: &str) -> Unknown {
    let names = entry
        .options
        .iter()
        .flat_map(|option| option.names.iter().copied());
    let dashed = format!("--{}", written.trim_start_matches('-'));
    let help = nearest(&dashed, names).map(|meant| format!("did you mean `{meant}`?"));
    Unknown {
        message: format!(
            "`{}` has no option {} in any version",
            entry.words[0],
            quote(written)
        ),
        help,
    }
}

/// All that there is to say about a command or section
fn whole(entry: &Entry) -> String {
    let mut text = format!("{}: {}\n\n", entry.words.join(", "), entry.summary);
    let _ = writeln!(text, "{:<12}{}", "Versions", entry.living());
    let _ = writeln!(text, "{:<12}{}", "Landfall", effect(entry.effect));
    for (what, fact) in &entry.facts {
        let _ = writeln!(text, "{what:<12}{fact}");
    }
    if let Some(operand) = entry.operand {
        let _ = writeln!(
            text,
            "\nArgument:\n  {} ({})\n      {}",
            operand.name,
            arity(operand),
            operand.help
        );
    }
    if !entry.options.is_empty() {
        text.push_str("\nOptions:\n");
    }
    for option in &entry.options {
        let _ = writeln!(text, "  {}", form(option));
        details(&mut text, entry, option);
    }
    text
}

/// What stands below an option
fn details(text: &mut String, entry: &Entry, option: &Opt) {
    let _ = writeln!(text, "      {}", option.help);
    let mut notes = entry.notes(option);
    if entry.effect_of(option) != entry.effect {
        notes.push(effect(entry.effect_of(option)));
    }
    if !notes.is_empty() {
        let _ = writeln!(text, "      ({})", notes.join("; "));
    }
}

fn command_list() -> String {
    list(
        Entry::commands()
            .iter()
            .map(|entry| (entry.words[0], entry.summary)),
    )
}

fn section_list() -> String {
    list(sections::all().map(|section| (section.word, section.summary)))
}

fn code_list() -> String {
    list(Code::ALL.iter().map(|code| (code.as_str(), code.summary())))
}

fn version_list() -> String {
    list(Syntax::ALL.iter().map(|syntax| (syntax.as_str(), "")))
}

fn list<'a>(items: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (word, summary) in items {
        let line = format!("{word:<16}  {summary}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_sections_options_and_codes_are_explained() {
        let part = explain("partition", None).unwrap();
        assert!(part.starts_with("part, partition: "), "{part}");
        assert!(
            part.contains("  --size=NUMBER\n      Size in MiB"),
            "{part}"
        );
        assert!(
            explain("part", Some("size"))
                .unwrap()
                .starts_with("part --size=NUMBER\n")
        );
        assert!(explain("%packages", None).unwrap().contains("no effect"));
        assert!(explain("lf0020", None).unwrap().starts_with("LF0020: "));
        for (topic, _) in TOPICS {
            assert!(
                explain(topic, None).unwrap().lines().count() >= 9,
                "{topic}"
            );
        }
    }

    #[test]
    fn unknown_words_are_answered_with_what_was_meant() {
        let help = |word, option| explain(word, option).unwrap_err().help.unwrap();
        assert_eq!(help("netwrok", None), "did you mean `network`?");
        assert_eq!(help("%pakcages", None), "did you mean `%packages`?");
        assert_eq!(help("part", Some("--sise")), "did you mean `--size`?");
        assert!(help("frobnicate", None).contains("explain commands"));
    }
}
