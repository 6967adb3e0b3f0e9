// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What differs between two versions of the language: commands and options that went, that are going, that came.

use std::fmt;

use serde::Serialize;

use crate::arguments::{Command, Opt};
use crate::commands::all;
use crate::sections;
use crate::version::Syntax;

/// What changed on the way from one version to another
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The version that is left
    pub from: Syntax,
    /// The version that is reached
    pub to: Syntax,
    /// Commands that are there no more
    pub removed: Vec<&'static str>,
    /// Commands that still may be written and do nothing any more
    pub deprecated: Vec<&'static str>,
    /// Commands that are new
    pub added: Vec<&'static str>,
    /// Commands and sections that both versions have and whose options differ
    pub options: Vec<OptionDifference>,
}

/// What changed in the options of one command or section
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionDifference {
    /// The command, or the section
    pub command: &'static str,
    /// Options that are there no more
    pub removed: Vec<&'static str>,
    /// Options that still work and are going to disappear
    pub deprecated: Vec<&'static str>,
    /// Options that are new
    pub added: Vec<&'static str>,
}

/// Compares two versions, in either direction
pub fn difference(from: Syntax, to: Syntax) -> Difference {
    let has =
        |command: &Command, syntax| command.versions.has(syntax) && !command.removed.has(syntax);
    let words = |changed: &dyn Fn(&Command) -> bool| {
        let changed = all().filter(|command| changed(command));
        let mut words: Vec<_> = changed
            .flat_map(|command| command.words.iter().copied())
            .collect();
        words.sort_unstable();
        words
    };
    let in_both = |command: &&Command| has(command, from) && has(command, to);
    let commands = all()
        .filter(in_both)
        .map(|command| (command.word(), options(command.all_options(), from, to)));
    let sections =
        sections::all().map(|section| (section.word, options(section.all_options(), from, to)));
    let mut options: Vec<_> = commands
        .chain(sections)
        .filter_map(|(word, changed)| named(word, changed))
        .collect();
    options.sort_by_key(|changed| changed.command);
    Difference {
        from,
        to,
        removed: words(&|command| has(command, from) && !has(command, to)),
        deprecated: words(&|command| {
            has(command, from)
                && has(command, to)
                && command.deprecated.has(to)
                && !command.deprecated.has(from)
        }),
        added: words(&|command| !has(command, from) && has(command, to)),
        options,
    }
}

type Names = Vec<&'static str>;

/// Options removed, deprecated, added; by their documented names
fn options(options: impl Iterator<Item = &'static Opt>, from: Syntax, to: Syntax) -> [Names; 3] {
    let options: Vec<_> = options.collect();
    let names = |syntax: Syntax, deprecated: bool| -> Names {
        let having = options.iter().filter(|option| option.versions.has(syntax));
        let having = having.filter(|option| !deprecated || option.deprecated.has(syntax));
        having.map(|option| option.name()).collect()
    };
    let (before, after) = (names(from, false), names(to, false));
    let without = |these: &[&'static str], those: &[&'static str]| -> Names {
        let mut left: Names = these
            .iter()
            .copied()
            .filter(|name| !those.contains(name))
            .collect();
        left.sort_unstable();
        left
    };
    let deprecated = without(&names(to, true), &names(from, true));
    [
        without(&before, &after),
        deprecated,
        without(&after, &before),
    ]
}

fn named(
    command: &'static str,
    [removed, deprecated, added]: [Names; 3],
) -> Option<OptionDifference> {
    let differs = !(removed.is_empty() && deprecated.is_empty() && added.is_empty());
    differs.then_some(OptionDifference {
        command,
        removed,
        deprecated,
        added,
    })
}

/// A line for each list, empty ones left out
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = self.to;
        let mut line = |what: String, words: &[&str]| {
            if words.is_empty() {
                Ok(())
            } else {
                writeln!(f, "{what}: {}", words.join(", "))
            }
        };
        line(format!("commands removed in {to}"), &self.removed)?;
        line(format!("commands deprecated in {to}"), &self.deprecated)?;
        line(format!("commands added in {to}"), &self.added)?;
        for changed in &self.options {
            let command = changed.command;
            line(format!("`{command}`, options removed"), &changed.removed)?;
            line(
                format!("`{command}`, options deprecated"),
                &changed.deprecated,
            )?;
            line(format!("`{command}`, options added"), &changed.added)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_one_way_goes_the_other() {
        let there = difference(Syntax::Rhel9, Syntax::Rhel10);
        let back = difference(Syntax::Rhel10, Syntax::Rhel9);
        assert_eq!((&there.added, &there.removed), (&back.removed, &back.added));
        assert!(there.added.contains(&"rdp") && there.deprecated.contains(&"vnc"));
        let timezone = there
            .options
            .iter()
            .find(|changed| changed.command == "timezone")
            .unwrap();
        assert_eq!(timezone.removed, ["--isUtc", "--nontp", "--ntpservers"]);
        assert!(
            there
                .to_string()
                .contains("`autopart`, options added: --hibernation\n")
        );
    }

    #[test]
    fn a_version_does_not_differ_from_itself() {
        for syntax in Syntax::ALL {
            assert_eq!(difference(syntax, syntax).to_string(), "");
        }
    }
}
