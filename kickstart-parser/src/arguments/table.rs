// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The shape of a command's description: its words, its options with their kinds and versions, its argument, what
//! Landfall does with it. Every file under `commands/` states one of these as a constant; the matcher, suggestions,
//! explanations, reference pages and completions all read that constant.
//!
//! Descriptions are data only; checking a line against them is `matcher`'s work.

use crate::arguments::Arguments;
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

/// What kind of value an option takes; the accepted spellings are pykickstart's
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No value: present or absent
    Flag,
    /// Any text
    Text,
    /// A text that is never shown
    Secret,
    /// A whole number, with optional sign and underscores between digits
    Int,
    /// `on yes true 1` or `off no false 0`, in any case
    Bool,
    /// Items separated by commas, blanks around them dropped, empty ones too
    List,
    /// One of the given words
    Choice(&'static [&'static str]),
    /// One of the given words, in any case
    Keyword(&'static [&'static str]),
    /// Any text, which may be left out with its `=`
    OptionalText,
}

/// One option of a command or section
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// Spellings, the first one is the documented one
    pub names: &'static [&'static str],
    /// What follows it
    pub kind: Kind,
    /// Versions that have it
    pub versions: Versions,
    /// Versions in which the command is wrong without it
    pub required: Versions,
    /// Versions that accept it only for old kickstarts
    pub deprecated: Versions,
    /// Whether a repeated command keeps the value when the later line does not give the option
    pub keeps: bool,
    /// What Landfall does with it where that differs from the command itself
    pub effect: Option<Effect>,
    /// One line for the reference page
    pub help: &'static str,
}

impl Opt {
    const fn new(names: &'static [&'static str], kind: Kind, help: &'static str) -> Self {
        Self {
            names,
            kind,
            versions: Versions::ALL,
            required: Versions::NONE,
            deprecated: Versions::NONE,
            keeps: !matches!(kind, Kind::Flag),
            effect: None,
            help,
        }
    }

    /// An option without a value
    pub const fn flag(names: &'static [&'static str], help: &'static str) -> Self {
        Self::new(names, Kind::Flag, help)
    }

    /// An option with a text
    pub const fn text(names: &'static [&'static str], help: &'static str) -> Self {
        Self::new(names, Kind::Text, help)
    }

    /// An option with a text that is never shown
    pub const fn secret(names: &'static [&'static str], help: &'static str) -> Self {
        Self::new(names, Kind::Secret, help)
    }

    /// An option with a whole number
    pub const fn int(names: &'static [&'static str], help: &'static str) -> Self {
        Self::new(names, Kind::Int, help)
    }

    /// An option with yes or no
    pub const fn bool(names: &'static [&'static str], help: &'static str) -> Self {
        Self::new(names, Kind::Bool, help)
    }

    /// An option with a comma-separated list
    pub const fn list(names: &'static [&'static str], help: &'static str) -> Self {
        Self::new(names, Kind::List, help)
    }

    /// An option with one of a few words
    pub const fn choice(
        names: &'static [&'static str],
        words: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self::new(names, Kind::Choice(words), help)
    }

    /// An option with one of a few words, in any case
    pub const fn keyword(
        names: &'static [&'static str],
        words: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self::new(names, Kind::Keyword(words), help)
    }

    /// An option with a text that may be left out
    pub const fn optional_text(names: &'static [&'static str], help: &'static str) -> Self {
        Self::new(names, Kind::OptionalText, help)
    }

    /// Only these versions have the option
    #[must_use]
    pub const fn only(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// The command is wrong without this option
    #[must_use]
    pub const fn required(self) -> Self {
        self.required_in(Versions::ALL)
    }

    /// In these versions the command is wrong without this option
    #[must_use]
    pub const fn required_in(mut self, versions: Versions) -> Self {
        self.required = versions;
        self
    }

    /// These versions accept the option with a deprecation
    #[must_use]
    pub const fn deprecated_in(mut self, versions: Versions) -> Self {
        self.deprecated = versions;
        self
    }

    /// The later of two lines of the same command resets this option when it does not give it
    #[must_use]
    pub const fn resets(mut self) -> Self {
        self.keeps = false;
        self
    }

    /// The later of two lines of the same command leaves this flag alone when it does not give it
    #[must_use]
    pub const fn keeps(mut self) -> Self {
        self.keeps = true;
        self
    }

    /// Landfall does not bring about yet what the option asks for
    #[must_use]
    pub const fn not_yet(mut self) -> Self {
        self.effect = Some(Effect::NotYet);
        self
    }

    /// The option changes nothing in Landfall, for this reason
    #[must_use]
    pub const fn without_effect(mut self, why: &'static str) -> Self {
        self.effect = Some(Effect::None(why));
        self
    }

    /// The documented spelling
    pub const fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Whether a value follows
    pub fn takes_value(&self) -> bool {
        self.kind != Kind::Flag
    }
}

/// How many words that are not options a command takes
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// One or none
    Optional,
    /// Exactly one
    One,
    /// Any number, the command itself says how many it needs
    Any,
}

/// The words of a command that are not options
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    /// What it is called in the documentation, like `<mntpoint>`
    pub name: &'static str,
    /// How many there can be
    pub arity: Arity,
    /// Whether it is never shown
    pub secret: bool,
    /// One line for the reference page
    pub help: &'static str,
}

impl Operand {
    /// An argument that must be there
    pub const fn one(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Arity::One, help)
    }

    /// An argument that may be there
    pub const fn optional(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Arity::Optional, help)
    }

    /// Any number of arguments
    pub const fn any(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Arity::Any, help)
    }

    /// The argument is never shown
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn new(name: &'static str, arity: Arity, help: &'static str) -> Self {
        Self {
            name,
            arity,
            secret: false,
            help,
        }
    }
}

/// What Landfall does with a command or an option
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is carried out
    CarriedOut,
    /// It asks for what Landfall always does
    Inherent,
    /// It has no effect when an image is installed, for this reason
    None(&'static str),
    /// It would have an effect, which this version does not bring about
    NotYet,
}

/// What a second line with the same command does
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes the one setting there is
    Changes,
    /// It adds one more
    Adds,
    /// It is an error
    Once,
}

/// How the words after the command are read
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Options and arguments
    Words,
    /// As they are written, up to the end of the line; quotes and `#` mean nothing
    Raw,
}

/// Commands that cannot stand before this one in the same kickstart
#[derive(Debug, Clone, Copy)]
pub struct Conflict {
    /// Their documented words
    pub with: &'static [&'static str],
    /// Versions that have the rule
    pub versions: Versions,
}

/// Turns the arguments of a command into its part of the kickstart
pub(crate) type Convert = fn(&Arguments<'_>, &mut Findings, &mut Kickstart);

/// Writes the command's part of the kickstart in its canonical form
pub(crate) type Write = fn(&Kickstart, &mut Writer);

/// The description of one kickstart command
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Spellings, the first one is the documented one
    pub words: &'static [&'static str],
    /// One line for the reference page
    pub summary: &'static str,
    /// Versions that know the words at all
    pub versions: Versions,
    /// Versions that accept the command, do not look into it, and do nothing
    pub deprecated: Versions,
    /// Versions in which every use is an error that says so
    pub removed: Versions,
    /// What to do instead where the command is deprecated or removed; empty if it just goes
    pub instead: &'static str,
    /// What Landfall does with it
    pub effect: Effect,
    /// What a second line does
    pub repeat: Repeat,
    /// How the words after it are read
    pub form: Form,
    /// Commands that cannot stand before it in the same kickstart
    pub conflicts: &'static [Conflict],
    /// Its options, in groups that commands may share
    pub options: &'static [&'static [Opt]],
    /// Its argument, if it takes one
    pub operand: Option<Operand>,
    /// Place in the canonical form: lower numbers come first, equal ones in the order of [`crate::commands::all`]
    pub rank: u8,
    pub(crate) convert: Convert,
    pub(crate) write: Write,
}

impl Command {
    /// What most commands have; a description begins with it and states what differs
    pub(crate) const BASE: Command = Command {
        words: &[],
        summary: "",
        versions: Versions::ALL,
        deprecated: Versions::NONE,
        removed: Versions::NONE,
        instead: "",
        effect: Effect::CarriedOut,
        repeat: Repeat::Changes,
        form: Form::Words,
        conflicts: &[],
        options: &[],
        operand: None,
        rank: 0,
        convert: |_, _, _| {},
        write: |_, _| {},
    };

    /// The documented word
    pub const fn word(&self) -> &'static str {
        self.words[0]
    }

    /// Every option, of whatever version
    pub fn all_options(&self) -> impl Iterator<Item = &'static Opt> + use<> {
        self.options.iter().flat_map(|group| group.iter())
    }
}
