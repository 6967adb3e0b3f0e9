// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The shape of a command's description: its words, its options with their kinds, its argument, what Landfall does
//! with it. Every file under `commands/` states one of these as a constant; the matcher, suggestions, reference
//! pages and completions all read that constant.
//!
//! Descriptions are data only; checking a line against them is `matcher`'s work.

use crate::arguments::Arguments;
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

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
}

/// One option of a command or section
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// Spellings, the first one is the documented one
    pub names: &'static [&'static str],
    /// What follows it
    pub kind: Kind,
    /// Whether the command is wrong without it
    pub required: bool,
    /// Whether it is accepted only for old kickstarts
    pub deprecated: bool,
    /// Whether a repeated command keeps the value when the later line does not give the option
    pub keeps: bool,
    /// One line for the reference page
    pub help: &'static str,
}

impl Opt {
    const fn new(names: &'static [&'static str], kind: Kind, help: &'static str) -> Self {
        Self {
            names,
            kind,
            required: false,
            deprecated: false,
            keeps: !matches!(kind, Kind::Flag),
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

    /// The command is wrong without this option
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The option is accepted with a deprecation
    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.deprecated = true;
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

    /// The documented spelling
    pub const fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Whether a value follows
    pub fn takes_value(&self) -> bool {
        self.kind != Kind::Flag
    }
}

/// The words of a command that are not options
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    /// What it is called in the documentation, like `<mntpoint>`
    pub name: &'static str,
    /// Whether the command is wrong without it
    pub required: bool,
    /// Whether it is never shown
    pub secret: bool,
    /// One line for the reference page
    pub help: &'static str,
}

/// What Landfall does with a command
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
    /// It is no longer in the language
    Removed,
}

/// What a second line with the same command does
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes the one setting there is
    Changes,
    /// It adds one more
    Adds,
}

/// Turns the arguments of a command into its part of the kickstart
pub(crate) type Convert = fn(&Arguments, &mut Findings, &mut Kickstart);

/// The description of one kickstart command
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Spellings, the first one is the documented one
    pub words: &'static [&'static str],
    /// One line for the reference page
    pub summary: &'static str,
    /// What Landfall does with it
    pub effect: Effect,
    /// What a second line does
    pub repeat: Repeat,
    /// Documented words of the commands that cannot stand before it in the same kickstart
    pub conflicts: &'static [&'static str],
    /// Its options
    pub options: &'static [Opt],
    /// Its argument, if it takes one
    pub operand: Option<Operand>,
    pub(crate) convert: Convert,
}

impl Command {
    /// A command that is recognised and not looked into
    pub(crate) const fn recognised(
        words: &'static [&'static str],
        effect: Effect,
        summary: &'static str,
    ) -> Self {
        Self {
            words,
            summary,
            effect,
            repeat: Repeat::Adds,
            conflicts: &[],
            options: &[],
            operand: None,
            convert: |_, _, _| {},
        }
    }

    /// The documented word
    pub const fn word(&self) -> &'static str {
        self.words[0]
    }
}
