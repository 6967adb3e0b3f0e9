// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Commands as they come: looked up, matched with their options, merged with an earlier line of the same command,
//! converted.
//!
//! What a command's options mean stands in the command's file; here is only what all commands have in common.

use std::collections::HashMap;
use std::rc::Rc;

use super::section::Script;
use crate::arguments::suggest::nearest;
use crate::arguments::{Arguments, Command, Effect, Repeat, match_words};
use crate::commands::{all, find};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Location, Place, Span};
use crate::syntax::Token;

/// The commands of a kickstart so far
#[derive(Debug, Default)]
pub(super) struct Statements {
    kickstart: Kickstart,
    /// Where each command was met first, by its documented word
    seen: HashMap<&'static str, Location>,
    /// What the lines of a command for one setting amount to
    merged: HashMap<&'static str, Arguments>,
}

impl Statements {
    /// Takes the next command line
    pub(super) fn add(&mut self, tokens: &[Token], place: &Rc<Place>, findings: &mut Findings) {
        let Some(first) = tokens.first() else { return };
        let at = place.at(first.span);
        let Some(command) = find(&first.text) else {
            report_unknown(first, at, findings);
            return;
        };
        self.check_conflicts(command, &first.text, &at, findings);
        self.seen
            .entry(command.word())
            .or_insert_with(|| at.clone());
        if report_effect(command, &first.text, at, findings) {
            let arguments =
                match_words(command.options, command.operand, (tokens, place), findings);
            self.convert(command, arguments, findings);
        }
    }

    /// Takes the next script
    pub(super) fn add_script(&mut self, script: Script) {
        self.kickstart.scripts.push(script);
    }

    pub(super) fn kickstart(&self) -> &Kickstart {
        &self.kickstart
    }

    /// Whether any of the commands was met
    pub(super) fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.seen.contains_key(word))
    }

    pub(super) fn into_kickstart(self) -> Kickstart {
        self.kickstart
    }

    fn convert(
        &mut self,
        command: &'static Command,
        mut arguments: Arguments,
        findings: &mut Findings,
    ) {
        if command.repeat == Repeat::Changes {
            if let Some(earlier) = self.merged.get(command.word()) {
                let written = arguments;
                arguments = written.clone().over(earlier);
                report_overruled(earlier, &written, &arguments, findings);
            }
            self.merged.insert(command.word(), arguments.clone());
        }
        (command.convert)(&arguments, findings, &mut self.kickstart);
    }

    fn check_conflicts(
        &self,
        command: &Command,
        word: &str,
        at: &Location,
        findings: &mut Findings,
    ) {
        for other in command.conflicts {
            if let Some(earlier) = self.seen.get(other) {
                let message = format!("`{word}` and `{other}` exclude each other");
                let help = format!(
                    "`{other}` is in {} line {}",
                    quote(&earlier.file),
                    earlier.line
                );
                findings
                    .error(Code::CommandConflict, at.clone(), message)
                    .help(help);
            }
        }
    }
}

/// Says what a command without options to look into amounts to; tells whether to look into them
fn report_effect(command: &Command, word: &str, at: Location, findings: &mut Findings) -> bool {
    match command.effect {
        Effect::CarriedOut | Effect::Inherent => return true,
        Effect::None(why) => {
            let message = format!("`{word}` has no effect: {why}");
            findings.warning(Code::CommandWithoutEffect, at, message);
        }
        Effect::NotYet => {
            let message =
                format!("`{word}` is known but not supported by this version of Landfall yet");
            findings.error(Code::CommandNotYet, at, message);
        }
        Effect::Removed => {
            let message = format!("`{word}` is no longer a kickstart command");
            findings
                .error(Code::CommandRemoved, at, message)
                .help(command.summary);
        }
    }
    false
}

fn report_unknown(first: &Token, at: Location, findings: &mut Findings) {
    if first.text.is_empty() {
        findings.error(
            Code::EmptyCommand,
            at,
            "an empty word stands where a command should be",
        );
        return;
    }
    let words = all().flat_map(|command| command.words.iter().copied());
    let sections = ["pre", "post", "packages", "end", "include"];
    let message = format!("unknown command {}", quote(&first.text));
    let help = if first.text.starts_with('\u{feff}') {
        Some("the file begins with a byte order mark; save it as UTF-8 without one".to_owned())
    } else if first.text.starts_with("--") {
        Some("options stand on the line of their command".to_owned())
    } else if sections.contains(&first.text.as_str()) {
        Some(format!("did you mean `%{}`?", first.text))
    } else {
        nearest(&first.text, words).map(|word| format!("did you mean `{word}`?"))
    };
    findings.error(Code::UnknownCommand, at, message).help = help;
}

/// Warns when a later line takes back what an earlier line of the same command says
fn report_overruled(
    earlier: &Arguments,
    written: &Arguments,
    merged: &Arguments,
    findings: &mut Findings,
) {
    let stays = |span: Span, line: u32| {
        merged
            .given
            .iter()
            .any(|now| now.at.span == span && now.at.place.line == line)
    };
    let lost = earlier
        .given
        .iter()
        .filter(|given| !stays(given.at.span, given.at.place.line));
    let mut lost: Vec<_> = lost
        .map(|given| format!("`{}`", given.option.name()))
        .collect();
    lost.dedup();
    if !earlier.operands.is_empty() && !written.operands.is_empty() {
        lost.insert(0, "argument".to_owned());
    }
    let line = earlier.location().line;
    let message = if earlier.word() != written.word() {
        format!(
            "{} overrules {} in line {line}",
            quote(written.word()),
            quote(earlier.word())
        )
    } else if lost.is_empty() {
        return;
    } else {
        format!(
            "this {} takes back what line {line} says: {}",
            quote(written.word()),
            lost.join(", ")
        )
    };
    findings
        .warning(Code::CommandRepeated, written.location(), message)
        .help("say it all on one line");
}
