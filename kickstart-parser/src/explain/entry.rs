// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What there is to say about a command or a section, in the same shape for both, before it is laid out.

use crate::arguments::{Arity, Command, Effect, Form, Kind, Operand, Opt, Repeat};
use crate::sections::SectionType;
use crate::version::Versions;

/// A command or a section
#[derive(Debug)]
pub(super) struct Entry {
    /// Spellings, the documented one first
    pub(super) words: Vec<&'static str>,
    pub(super) summary: &'static str,
    /// Versions in which it is alive
    pub(super) versions: Versions,
    pub(super) effect: Effect,
    /// What else there is to say, each with what it is about
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) operand: Option<Operand>,
    pub(super) options: Vec<&'static Opt>,
}

impl From<&'static Command> for Entry {
    fn from(command: &'static Command) -> Self {
        let versions = command
            .versions
            .except(command.removed)
            .except(command.deprecated);
        let mut facts = ages(
            command.deprecated.except(command.removed),
            command.removed,
            command.instead,
        );
        let effect = if versions.is_empty() {
            Effect::None("nothing reads it any more")
        } else {
            command.effect
        };
        let repeated = match command.repeat {
            Repeat::Adds => "each line adds one more",
            Repeat::Changes => "the later line goes before the earlier one",
            Repeat::Once => "a second line is an error",
        };
        facts.push(("Repeated", repeated.to_owned()));
        if command.form == Form::Raw {
            facts.push((
                "Words",
                "the rest of the line is taken as it is written".to_owned(),
            ));
        }
        for conflict in command.conflicts {
            let others: Vec<_> = conflict
                .with
                .iter()
                .map(|word| format!("`{word}`"))
                .collect();
            facts.push((
                "Excludes",
                format!(
                    "{}{}",
                    others.join(", "),
                    restriction(conflict.versions, command.versions)
                ),
            ));
        }
        Self {
            words: command.words.to_vec(),
            summary: command.summary,
            versions,
            effect,
            facts,
            operand: command.operand,
            options: command.all_options().collect(),
        }
    }
}

impl From<&'static SectionType> for Entry {
    fn from(section: &'static SectionType) -> Self {
        let mut facts = Vec::new();
        if !section.deprecated.is_empty() {
            facts.push((
                "Deprecated",
                format!("in {}; {}", section.deprecated, section.instead),
            ));
        }
        Self {
            words: vec![section.word],
            summary: section.summary,
            versions: Versions::ALL,
            effect: section.effect,
            facts,
            operand: None,
            options: section.all_options().collect(),
        }
    }
}

impl Entry {
    /// Commands in the order of their words
    pub(super) fn commands() -> Vec<Entry> {
        let mut entries: Vec<Entry> = crate::commands::all().map(Entry::from).collect();
        entries.sort_by_key(|entry| entry.words[0]);
        entries
    }

    pub(super) fn sections() -> Vec<Entry> {
        crate::sections::all().map(Entry::from).collect()
    }

    /// The versions that have it, in words
    pub(super) fn living(&self) -> String {
        if self.versions.is_empty() {
            "none any more".to_owned()
        } else {
            self.versions.to_string()
        }
    }

    /// What Landfall does with an option
    pub(super) fn effect_of(&self, option: &Opt) -> Effect {
        option.effect.unwrap_or(self.effect)
    }

    /// The versions that have an option
    pub(super) fn versions_of(&self, option: &Opt) -> Versions {
        let shared = self.versions.except(self.versions.except(option.versions));
        if shared.is_empty() {
            option.versions
        } else {
            shared
        }
    }

    /// What else there is to say about an option: required, only in some versions, deprecated
    pub(super) fn notes(&self, option: &Opt) -> Vec<String> {
        let mut notes = Vec::new();
        if !option.required.is_empty() {
            notes.push(format!(
                "required{}",
                restriction(option.required, option.versions)
            ));
        }
        if !self.versions.except(option.versions).is_empty() {
            notes.push(format!("only {}", self.versions_of(option)));
        }
        if !option.deprecated.is_empty() {
            notes.push(format!("deprecated in {}", option.deprecated));
        }
        notes
    }
}

/// In which versions a command is deprecated or removed, and what to do instead
fn ages(deprecated: Versions, removed: Versions, instead: &str) -> Vec<(&'static str, String)> {
    let advice = if instead.is_empty() {
        "leave it out"
    } else {
        instead
    };
    let mut facts = Vec::new();
    if !deprecated.is_empty() {
        facts.push((
            "Deprecated",
            format!("in {deprecated}, which accept it and do nothing; {advice}"),
        ));
    }
    if !removed.is_empty() {
        facts.push(("Removed", format!("from {removed}; {advice}")));
    }
    facts
}

/// ` in …` where that is less than everywhere
fn restriction(versions: Versions, everywhere: Versions) -> String {
    if everywhere.except(versions).is_empty() {
        String::new()
    } else {
        format!(" in {versions}")
    }
}

/// How an option is written: all spellings, and what follows
pub(super) fn form(option: &Opt) -> String {
    let value = match option.kind {
        Kind::Flag => String::new(),
        Kind::Text => "=TEXT".to_owned(),
        Kind::OptionalText => "[=TEXT]".to_owned(),
        Kind::Secret => "=SECRET".to_owned(),
        Kind::Int => "=NUMBER".to_owned(),
        Kind::Bool => "=yes|no".to_owned(),
        Kind::List => "=LIST".to_owned(),
        Kind::Choice(words) | Kind::Keyword(words) => format!("={}", words.join("|")),
    };
    let names: Vec<_> = option
        .names
        .iter()
        .map(|name| format!("{name}{value}"))
        .collect();
    names.join(", ")
}

/// How often an argument is given
pub(super) fn arity(operand: Operand) -> &'static str {
    match operand.arity {
        Arity::One => "required",
        Arity::Optional => "optional",
        Arity::Any => "any number",
    }
}

/// What Landfall does with something when it installs an image
pub(super) fn effect(effect: Effect) -> String {
    match effect {
        Effect::CarriedOut => "carried out".to_owned(),
        Effect::Inherent => "asks for what Landfall always does".to_owned(),
        Effect::None(why) => format!("no effect: {why}"),
        Effect::NotYet => "not carried out yet, refused by `plan` and `install`".to_owned(),
    }
}

/// The same in a word or two
pub(super) fn short_effect(effect: Effect) -> &'static str {
    match effect {
        Effect::CarriedOut => "carried out",
        Effect::Inherent => "always so",
        Effect::None(_) => "no effect",
        Effect::NotYet => "not yet",
    }
}
