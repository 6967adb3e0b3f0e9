// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The list of diagnostic codes. A code names one rule for ever: a rule that goes away takes its number with it,
//! and new rules get numbers that were never used. Codes are written `LF` and four digits.
//!
//! What a diagnostic says in a given case is decided where it is found, not here.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// A rule of the checker, shown as `LF0001`
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)+
        }

        impl Code {
            /// Every code, in the order of the numbers
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The code as it is printed
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)+
                }
            }

            /// Its page in Markdown: what it means, a kickstart that breaks it, the same without the fault
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("pages/", $text, ".md")),)+
                }
            }

            /// What the rule is about, one sentence
            pub fn summary(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// A quote is opened and not closed on the same line
    UnclosedQuote = "LF0001",
    /// The file ends with a backslash that escapes nothing
    DanglingBackslash = "LF0002",
    /// A backslash ends a line, which does not continue the line in a kickstart
    NoContinuation = "LF0003",
    /// A line begins with an empty quoted word where a command should be
    EmptyCommand = "LF0004",
    /// A file or a line that is too large to be read
    TooLarge = "LF0005",
    /// A `#version=` that names no version known here
    UnknownVersion = "LF0006",
    /// A section that is going to disappear from the language
    SectionDeprecated = "LF0007",
    /// A file that cannot be read
    Unreadable = "LF0008",
    /// A file that is not text in UTF-8
    NotText = "LF0009",
    /// A `%word` that begins no section
    UnknownSection = "LF0010",
    /// An `%end` without a section to end
    StrayEnd = "LF0011",
    /// A section without its `%end`
    UnterminatedSection = "LF0012",
    /// An `%include` that does not say what
    IncludeWithoutPath = "LF0013",
    /// An included file that cannot be read
    IncludeUnreadable = "LF0014",
    /// A file that includes itself, or includes nested too deep
    IncludeLoop = "LF0015",
    /// An `%include` that was not followed
    IncludeSkipped = "LF0016",
    /// Words after `%end`, `%include` or a section's options that nobody reads
    IgnoredWords = "LF0017",
    /// A section that has no effect when an image is installed
    SectionWithoutEffect = "LF0018",
    /// A section or directive that is known and not supported yet
    SectionNotYet = "LF0019",
    /// A word that is no command
    UnknownCommand = "LF0020",
    /// A command that is known and not supported yet
    CommandNotYet = "LF0021",
    /// A command that is no longer in the language
    CommandRemoved = "LF0022",
    /// A command that has no effect when an image is installed
    CommandWithoutEffect = "LF0023",
    /// A command for one setting that is given more than once
    CommandRepeated = "LF0024",
    /// Two commands that exclude each other
    CommandConflict = "LF0025",
    /// A command that is accepted and does nothing any more
    CommandDeprecated = "LF0026",
    /// A kickstart without a word in it
    EmptyKickstart = "LF0027",
    /// An option that the command does not have
    UnknownOption = "LF0030",
    /// A shortened option that could be several
    AmbiguousOption = "LF0031",
    /// An option without the value that it needs
    MissingValue = "LF0032",
    /// A value given to an option that takes none
    UnexpectedValue = "LF0033",
    /// A command without an option or argument that it needs
    MissingArgument = "LF0034",
    /// An argument that the command does not take
    UnexpectedArgument = "LF0035",
    /// A value of the wrong form
    InvalidValue = "LF0036",
    /// An option that is going to disappear from the language
    OptionDeprecated = "LF0037",
    /// Options that exclude each other
    OptionConflict = "LF0038",
    /// An option that needs another one
    OptionNeeds = "LF0039",
    /// An empty value where one is needed, so that the command does nothing
    EmptyValue = "LF0040",
    /// A number beyond the largest that is read
    NumberTooLarge = "LF0041",
    /// The same thing defined twice
    Duplicate = "LF0050",
    /// An ssh key for a user that the kickstart does not create
    KeyWithoutUser = "LF0051",
    /// `reqpart` without any partition to go with it
    ReqpartAlone = "LF0052",
    /// No partition for `/`
    NoRoot = "LF0053",
    /// A mount point in two lines of the same command
    MountPointTwice = "LF0054",
    /// A mount point in lines of different commands
    MountPointShared = "LF0055",
    /// A member of a volume group, RAID or btrfs volume that no line defines
    MemberUndefined = "LF0056",
    /// A partition that is meant as a member of something and that nothing uses
    MemberUnused = "LF0057",
    /// A volume group or pool that no line defines
    GroupUndefined = "LF0058",
    /// An encrypted device without a passphrase
    PassphraseMissing = "LF0059",
    /// Two commands that say which system is installed
    TwoSources = "LF0060",
}

/// Where a rule comes from, which says how much it weighs
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The language itself: pykickstart has the rule too
    Language,
    /// The kickstart as a whole makes no sense; warned of by `check`, an error of `plan`
    Consistency,
    /// What Landfall does with it when it installs an image
    ImageMode,
    /// Something that means less than it seems to
    Style,
}

impl Code {
    /// What the rule means, in a few sentences on one line
    pub fn meaning(self) -> String {
        let first = self.page().split("\n\n").next().unwrap_or("");
        first.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where the rule comes from
    pub fn class(self) -> Class {
        use Code::{
            CommandNotYet, CommandRepeated, CommandWithoutEffect, EmptyKickstart, EmptyValue,
            GroupUndefined, IgnoredWords, IncludeSkipped, KeyWithoutUser, MemberUndefined,
            MemberUnused, MountPointShared, NoContinuation, NoRoot, NumberTooLarge,
            PassphraseMissing, ReqpartAlone, SectionNotYet, SectionWithoutEffect, TwoSources,
            UnknownVersion,
        };
        match self {
            KeyWithoutUser | ReqpartAlone | NoRoot | MountPointShared | MemberUndefined
            | MemberUnused | GroupUndefined | PassphraseMissing | TwoSources => Class::Consistency,
            CommandNotYet | CommandWithoutEffect | SectionNotYet | SectionWithoutEffect => {
                Class::ImageMode
            }
            NoContinuation | IgnoredWords | IncludeSkipped | CommandRepeated | EmptyKickstart
            | EmptyValue | NumberTooLarge | UnknownVersion => Class::Style,
            _ => Class::Language,
        }
    }

    /// Whether pykickstart accepts what breaks this rule of the language, with a deprecation or a warning
    pub fn is_only_warned_of(self) -> bool {
        use Code::{
            CommandDeprecated, Duplicate, MountPointTwice, OptionDeprecated, SectionDeprecated,
        };
        let warned = [
            CommandDeprecated,
            Duplicate,
            MountPointTwice,
            OptionDeprecated,
            SectionDeprecated,
        ];
        warned.contains(&self)
    }

    /// Whether a kickstart with such a finding is not installed, though its language is in order
    pub fn stops_installation(self) -> bool {
        use Code::{CommandNotYet, EmptyKickstart, MountPointTwice, SectionNotYet};
        let by_itself = [
            CommandNotYet,
            EmptyKickstart,
            MountPointTwice,
            SectionNotYet,
        ];
        self.class() == Class::Consistency || by_itself.contains(&self)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_serialise_as_printed() {
        assert!(
            Code::ALL
                .windows(2)
                .all(|pair| pair[0].as_str() < pair[1].as_str())
        );
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
            assert!(!code.summary().is_empty());
        }
    }
}
