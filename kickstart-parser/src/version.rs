// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The versions of the language, and sets of them: which distribution release has which command and option.
//!
//! A version is chosen by the caller or by the kickstart's own `#version=` line. What differs between versions is
//! data in the tables of commands and options; nothing else here depends on a version.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::syntax::lines;

/// A version of the Kickstart language, named after the distribution release that reads it
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Syntax {
    Rhel8,
    Rhel9,
    Rhel10,
    F40,
    F41,
    F42,
    F43,
    F44,
    #[default]
    F45,
}

impl Syntax {
    /// Every version, Red Hat Enterprise Linux first, the older before the newer
    pub const ALL: [Syntax; 9] = [
        Syntax::Rhel8,
        Syntax::Rhel9,
        Syntax::Rhel10,
        Syntax::F40,
        Syntax::F41,
        Syntax::F42,
        Syntax::F43,
        Syntax::F44,
        Syntax::F45,
    ];

    /// The version that is read where none is named
    pub const NEWEST: Syntax = Syntax::F45;

    /// The name as `#version=` and `--syntax` have it
    pub const fn as_str(self) -> &'static str {
        match self {
            Syntax::Rhel8 => "RHEL8",
            Syntax::Rhel9 => "RHEL9",
            Syntax::Rhel10 => "RHEL10",
            Syntax::F40 => "F40",
            Syntax::F41 => "F41",
            Syntax::F42 => "F42",
            Syntax::F43 => "F43",
            Syntax::F44 => "F44",
            Syntax::F45 => "F45",
        }
    }

    /// Whether it is a version of Red Hat Enterprise Linux
    pub const fn is_rhel(self) -> bool {
        Versions::RHEL.has(self)
    }

    /// What the first `#version=` line of a kickstart says; `Err` holds a value that names no version known here
    pub fn declared(text: &str) -> Option<Result<Syntax, &str>> {
        let (_, value) = declaration(text)?;
        Some(value.parse().map_err(|_| value))
    }
}

/// The number of the first `#version=` line, and its value
pub(crate) fn declaration(text: &str) -> Option<(u32, &str)> {
    let mut numbered = (1..).zip(lines(text));
    let (number, line) = numbered.find(|(_, line)| line.starts_with("#version="))?;
    Some((number, line["#version=".len()..].trim_end()))
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that stands for no version of the language known here
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSyntax;

impl fmt::Display for UnknownSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Syntax::ALL.iter().map(|syntax| syntax.as_str()).collect();
        write!(f, "the versions are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownSyntax {}

/// Reads `RHEL9`, `F45`, `FC45`, `Fedora 45`, `Red Hat Enterprise Linux 9.4` or `DEVEL`, in any case
impl FromStr for Syntax {
    type Err = UnknownSyntax;

    fn from_str(text: &str) -> Result<Self, UnknownSyntax> {
        let upper = text.trim().to_ascii_uppercase();
        if upper == "DEVEL" {
            return Ok(Syntax::NEWEST);
        }
        let long = |name: &str| {
            let number = upper.strip_prefix(name)?.rsplit(' ').next()?;
            number.split('.').next().map(str::to_owned)
        };
        let name = match (long("RED HAT ENTERPRISE LINUX "), long("FEDORA ")) {
            (Some(number), _) => format!("RHEL{number}"),
            (_, Some(number)) => format!("F{number}"),
            _ => upper.replacen("FC", "F", 1),
        };
        let found = Syntax::ALL
            .into_iter()
            .find(|syntax| syntax.as_str() == name);
        found.ok_or(UnknownSyntax)
    }
}

/// A set of versions
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions(u16);

impl Versions {
    /// No version
    pub const NONE: Versions = Versions(0);
    /// Every version
    pub const ALL: Versions = Versions((1 << Syntax::ALL.len()) - 1);
    /// Red Hat Enterprise Linux 8
    pub const RHEL8: Versions = Versions::of(Syntax::Rhel8);
    /// Red Hat Enterprise Linux 9
    pub const RHEL9: Versions = Versions::of(Syntax::Rhel9);
    /// Red Hat Enterprise Linux 10
    pub const RHEL10: Versions = Versions::of(Syntax::Rhel10);
    /// Every version of Red Hat Enterprise Linux
    pub const RHEL: Versions = Versions::RHEL8.or(Versions::RHEL9).or(Versions::RHEL10);
    /// Every version of Fedora
    pub const FEDORA: Versions = Versions::ALL.except(Versions::RHEL);
    /// Fedora 41 and later
    pub const SINCE_F41: Versions = Versions::FEDORA.except(Versions::of(Syntax::F40));
    /// Fedora 43 and later
    pub const SINCE_F43: Versions = Versions::SINCE_F41
        .except(Versions::of(Syntax::F41))
        .except(Versions::of(Syntax::F42));
    /// Fedora 45 and later
    pub const SINCE_F45: Versions = Versions::of(Syntax::F45);

    /// One version
    pub const fn of(syntax: Syntax) -> Self {
        Self(1 << syntax as u16)
    }

    /// The versions of both sets
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The versions of this set without those of the other
    #[must_use]
    pub const fn except(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `syntax` is one of them
    pub const fn has(self, syntax: Syntax) -> bool {
        self.0 & (1 << syntax as u16) != 0
    }

    /// Whether there is none
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The versions with the verb that suits their number: `F45 has`, `F43–F45 have`
    pub(crate) fn having(self) -> String {
        format!(
            "{self} {}",
            if self.0.is_power_of_two() {
                "has"
            } else {
                "have"
            }
        )
    }

    /// The versions, in the order of [`Syntax::ALL`]
    pub fn iter(self) -> impl Iterator<Item = Syntax> {
        Syntax::ALL
            .into_iter()
            .filter(move |syntax| self.has(*syntax))
    }
}

/// Shows ranges: `RHEL8–RHEL10, F43–F45`
impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(Syntax, Syntax)> = Vec::new();
        for syntax in self.iter() {
            match ranges.last_mut() {
                Some((_, last))
                    if *last as u16 + 1 == syntax as u16 && last.is_rhel() == syntax.is_rhel() =>
                {
                    *last = syntax;
                }
                _ => ranges.push((syntax, syntax)),
            }
        }
        for (n, (first, last)) in ranges.into_iter().enumerate() {
            f.write_str(if n == 0 { "" } else { ", " })?;
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first}–{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_spelling() {
        for (text, syntax) in [
            ("RHEL9", Syntax::Rhel9),
            ("rhel10", Syntax::Rhel10),
            ("F45", Syntax::F45),
            ("FC40", Syntax::F40),
            ("Fedora 43", Syntax::F43),
            ("Red Hat Enterprise Linux Server 8.6", Syntax::Rhel8),
            ("devel", Syntax::NEWEST),
        ] {
            assert_eq!(text.parse(), Ok(syntax), "{text}");
        }
        for wrong in ["", "RHEL", "RHEL7", "F39", "F46", "45", "fedora"] {
            assert_eq!(wrong.parse::<Syntax>(), Err(UnknownSyntax), "{wrong}");
        }
    }

    #[test]
    fn a_kickstart_declares_its_version_at_the_beginning_of_a_line() {
        assert_eq!(
            Syntax::declared("text\n#version=RHEL9 \n#version=F40\n"),
            Some(Ok(Syntax::Rhel9))
        );
        assert_eq!(Syntax::declared("#version=RHEL7\n"), Some(Err("RHEL7")));
        assert_eq!(Syntax::declared(" #version=RHEL9\n# version=F40\n"), None);
    }

    #[test]
    fn sets_are_shown_as_ranges() {
        assert_eq!(Versions::ALL.to_string(), "RHEL8–RHEL10, F40–F45");
        assert_eq!(
            Versions::RHEL10.or(Versions::SINCE_F43).to_string(),
            "RHEL10, F43–F45"
        );
        assert_eq!(
            Versions::RHEL8.or(Versions::RHEL10).to_string(),
            "RHEL8, RHEL10"
        );
        assert_eq!(Versions::NONE.to_string(), "");
    }
}
