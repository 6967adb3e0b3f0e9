// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `%packages`: what a package-based installation installs.
//!
//! Takes header and body, gives [`Packages`], to which every further section adds: a line takes back what an earlier
//! one says of the same name. A line of the body is one item; quotes mean nothing in it. Whether there are such
//! packages and groups is not known here.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Class, Opt, Takes, classify};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Location, Place, Span};
use crate::syntax::is_blank;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const OPTIONS: &[&[Opt]] = &[&[
    Opt::flag(&["--excludedocs"], "Leave out documentation"),
    Opt::flag(&["--ignoremissing"], "Go on when a package is missing"),
    Opt::flag(
        &["--ignorebroken"],
        "Go on when packages contradict each other",
    )
    .only(Versions::FEDORA),
    Opt::flag(&["--default"], "Install the default environment"),
    Opt::flag(&["--multilib"], "Install packages of all architectures"),
    Opt::flag(&["--nocore"], "Leave out the core group"),
    Opt::int(&["--timeout"], "Seconds that a connection may take"),
    Opt::int(&["--retries"], "How often a download is tried again"),
    Opt::text(
        &["--inst-langs"],
        "Languages to install, separated by colons",
    )
    .only(WITH_HYPHENS),
    Opt::text(
        &["--instLangs"],
        "Languages to install, separated by colons",
    )
    .only(WITH_CAPITALS)
    .deprecated_in(WITH_CAPITALS.except(Versions::RHEL8)),
    Opt::flag(
        &["--exclude-weakdeps"],
        "Leave out packages that are only recommended",
    )
    .only(WITH_HYPHENS),
    Opt::flag(
        &["--excludeWeakdeps"],
        "Leave out packages that are only recommended",
    )
    .only(WITH_CAPITALS)
    .deprecated_in(WITH_CAPITALS.except(Versions::RHEL8)),
]];

/// Versions that write two of the options with a hyphen
const WITH_HYPHENS: Versions = Versions::ALL.except(Versions::RHEL8);

/// Versions that write them with a capital letter, or may
const WITH_CAPITALS: Versions = Versions::ALL.except(Versions::RHEL10);

/// Options of a group in the body
const GROUP_OPTIONS: &[&[Opt]] = &[&[
    Opt::flag(
        &["--nodefaults"],
        "Install only the mandatory packages of the group",
    ),
    Opt::flag(
        &["--optional"],
        "Install the optional packages of the group, too",
    ),
]];

/// The packages to install
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Packages {
    /// The environment, a set of groups
    pub environment: Option<String>,
    /// The groups by their names
    pub groups: BTreeMap<String, GroupMembers>,
    /// The packages: names, globs, paths, or anything else that the package manager understands
    pub packages: BTreeSet<String>,
    /// Groups that are left out, in the order written; one that is named twice is here twice
    pub excluded_groups: Vec<String>,
    /// Packages that are left out
    pub excluded_packages: BTreeSet<String>,
    /// The default environment is installed, whatever `environment` says
    pub default: bool,
    /// The core group is left out
    pub nocore: bool,
    /// Documentation is left out
    pub excludedocs: bool,
    /// A missing package is no reason to stop
    pub ignoremissing: bool,
    /// Packages that contradict each other are no reason to stop
    pub ignorebroken: bool,
    /// Packages of all architectures are installed
    pub multilib: bool,
    /// Packages that are only recommended are left out
    pub exclude_weakdeps: bool,
    /// Languages to install, separated by colons; all if it is not given
    pub inst_langs: Option<String>,
    /// Seconds that a connection may take
    pub timeout: Option<i64>,
    /// How often a download is tried again
    pub retries: Option<i64>,
}

/// Which packages of a group are installed
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupMembers {
    /// The mandatory ones and the default ones
    #[default]
    Default,
    /// Only the mandatory ones
    Mandatory,
    /// All of them
    All,
}

/// A `%packages` whose end has not come yet
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    given: Arguments<'a>,
    items: Vec<Item<'a>>,
}

/// What one line of the body says
#[derive(Debug)]
enum Item<'a> {
    Environment(&'a str),
    Group(String, GroupMembers),
    Package(&'a str),
    /// Everything after the `-`
    Without(&'a str),
}

impl<'a> Pending<'a> {
    pub(super) fn begin(given: Arguments<'a>, findings: &mut Findings) -> Self {
        if given.flag("--default") && given.flag("--nocore") {
            given.exclude("--default", "--nocore", findings);
        }
        Self {
            given,
            items: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, place: Place<'a>, findings: &mut Findings) {
        let text = place
            .text
            .split('#')
            .next()
            .unwrap_or("")
            .trim_matches(is_blank);
        let item = if let Some(environment) = text.strip_prefix("@^") {
            Item::Environment(environment)
        } else if let Some(group) = text.strip_prefix('@') {
            let takes = Takes {
                options: GROUP_OPTIONS,
                operand: None,
                syntax: self.given.syntax,
            };
            read_group(group, takes, place, findings)
        } else if let Some(rest) = text.strip_prefix('-') {
            if rest.is_empty() {
                let message = "the `-` does not say what to leave out";
                findings.error(Code::MissingArgument, place.whole(), message);
                return;
            }
            Item::Without(rest)
        } else if text.is_empty() {
            return;
        } else {
            Item::Package(text)
        };
        self.items.push(item);
    }

    pub(super) fn end(self, kickstart: &mut Kickstart, _: &mut Findings) {
        let packages = kickstart.packages.get_or_insert_default();
        packages.configure(&self.given);
        for item in self.items {
            packages.add(item);
        }
    }
}

/// Reads what follows the `@` of a group: the words of its name, with options between them
fn read_group<'a>(
    text: &'a str,
    takes: Takes,
    place: Place<'a>,
    findings: &mut Findings,
) -> Item<'a> {
    let mut name: Vec<&str> = Vec::new();
    let mut members = GroupMembers::Default;
    let mut words = text.split(is_blank).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match classify(word, takes) {
            Class::Option(option) => {
                report_value(option, word, place, findings);
                let asked = if option.name() == "--optional" {
                    GroupMembers::All
                } else {
                    GroupMembers::Mandatory
                };
                if !matches!(members, GroupMembers::Default) && members != asked {
                    let message = "`--nodefaults` and `--optional` exclude each other";
                    findings.error(Code::OptionConflict, place_of(word, place), message);
                }
                members = asked;
            }
            Class::Ambiguous(_) => {
                let message = format!("{} could be `--nodefaults`, `--optional`", quote(word));
                findings.error(Code::AmbiguousOption, place_of(word, place), message);
            }
            Class::Stop => {
                name.push(word);
                name.extend(words.by_ref());
            }
            Class::Operand | Class::Unknown => name.push(word),
        }
    }
    Item::Group(name.join(" "), members)
}

fn report_value(option: &Opt, word: &str, place: Place<'_>, findings: &mut Findings) {
    if word.contains('=') {
        let message = format!("`{}` takes no value", option.name());
        findings.error(Code::UnexpectedValue, place_of(word, place), message);
    }
}

/// Where a piece of a line is
fn place_of(piece: &str, place: Place<'_>) -> Location {
    let start = piece.as_ptr().addr() - place.text.as_ptr().addr();
    place.at(Span {
        start,
        end: start + piece.len(),
    })
}

impl Packages {
    /// Takes over what a header says; all but two options count for the last section alone
    fn configure(&mut self, given: &Arguments<'_>) {
        let langs = given
            .last_of(&["--inst-langs", "--instLangs"])
            .and_then(|name| given.raw(name));
        self.inst_langs = langs.map(str::to_owned).or(self.inst_langs.take());
        self.default |= given.flag("--default");
        self.nocore = given.flag("--nocore");
        self.excludedocs = given.flag("--excludedocs");
        self.ignoremissing = given.flag("--ignoremissing");
        self.ignorebroken = given.flag("--ignorebroken");
        self.multilib = given.flag("--multilib");
        self.exclude_weakdeps = given.flag("--exclude-weakdeps") || given.flag("--excludeWeakdeps");
        self.timeout = given.int("--timeout");
        self.retries = given.int("--retries");
    }

    fn add(&mut self, item: Item<'_>) {
        match item {
            Item::Environment(name) => self.environment = Some(name.to_owned()),
            Item::Group(name, members) => {
                self.groups.entry(name).or_insert(members);
            }
            Item::Package(name) => {
                self.excluded_packages.remove(name);
                self.packages.insert(name.to_owned());
            }
            Item::Without(name) => self.leave_out(name),
        }
    }

    fn leave_out(&mut self, name: &str) {
        let environment = name.strip_prefix("@^");
        if environment.is_some() && environment == self.environment.as_deref() {
            self.environment = None;
        } else if let Some(group) = name.strip_prefix('@') {
            self.groups.remove(group);
            self.excluded_groups.push(group.to_owned());
        } else {
            self.packages.remove(name);
            self.excluded_packages.insert(name.to_owned());
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.put("\n%packages");
        self.write_options(writer);
        writer.put("\n");
        let environment = self.environment.as_ref();
        if let Some(name) = environment.filter(|name| !self.default && !name.is_empty()) {
            writer.put(format_args!("@^{name}\n"));
        }
        for (name, members) in &self.groups {
            writer.put(format_args!("@{name}{}\n", members.option()));
        }
        for name in &self.packages {
            writer.put(format_args!("{name}\n"));
        }
        let mut groups: Vec<_> = self.excluded_groups.iter().collect();
        groups.sort();
        for name in groups {
            writer.put(format_args!("-@{name}\n"));
        }
        for name in &self.excluded_packages {
            writer.put(format_args!("-{name}\n"));
        }
        writer.put("\n%end\n");
    }

    fn write_options(&self, writer: &mut Writer) {
        let hyphens = WITH_HYPHENS.has(writer.syntax);
        writer.flag("--default", self.default);
        writer.flag("--excludedocs", self.excludedocs);
        writer.flag("--nocore", self.nocore);
        writer.flag("--ignoremissing", self.ignoremissing);
        writer.flag("--ignorebroken", self.ignorebroken);
        writer.value(
            if hyphens {
                "--inst-langs"
            } else {
                "--instLangs"
            },
            self.inst_langs.as_ref(),
        );
        writer.flag("--multilib", self.multilib);
        writer.flag(
            if hyphens {
                "--exclude-weakdeps"
            } else {
                "--excludeWeakdeps"
            },
            self.exclude_weakdeps,
        );
        writer.value("--timeout", self.timeout);
        writer.value("--retries", self.retries);
    }
}

impl GroupMembers {
    /// What asks for them after the name of a group
    fn option(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Mandatory => " --nodefaults",
            Self::All => " --optional",
        }
    }
}
