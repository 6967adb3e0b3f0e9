// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sections of the language as data: words, options, what Landfall does with them.
//!
//! The reader, explanations and the reference page read this table.

use super::{certificate, packages, script};
use crate::arguments::{Effect, Opt};
use crate::syntax::Section;
use crate::version::Versions;

/// The description of one section; every version knows its word
#[derive(Debug, Clone, Copy)]
pub struct SectionType {
    /// The word that begins it
    pub word: &'static str,
    /// One line for the reference page
    pub summary: &'static str,
    /// Versions that accept it with a deprecation
    pub deprecated: Versions,
    /// What to do instead where it is deprecated
    pub instead: &'static str,
    /// What Landfall does with it
    pub effect: Effect,
    /// The options of its header, in groups that sections may share
    pub options: &'static [&'static [Opt]],
    section: Section,
}

impl SectionType {
    const fn new(section: Section, word: &'static str, summary: &'static str) -> Self {
        Self {
            word,
            summary,
            deprecated: Versions::NONE,
            instead: "",
            effect: Effect::CarriedOut,
            options: script::OPTIONS,
            section,
        }
    }

    /// Every option, of whatever version
    pub fn all_options(&self) -> impl Iterator<Item = &'static Opt> + use<> {
        self.options.iter().flat_map(|group| group.iter())
    }
}

/// Every section
static SECTIONS: [SectionType; 9] = [
    SectionType::new(
        Section::Pre,
        "%pre",
        "A script that runs before the installation is planned",
    ),
    SectionType::new(
        Section::PreInstall,
        "%pre-install",
        "A script that runs when the new file systems are mounted and nothing is installed yet",
    ),
    SectionType {
        options: script::POST_OPTIONS,
        ..SectionType::new(
            Section::Post,
            "%post",
            "A script that runs in the installed system, at the end",
        )
    },
    SectionType::new(
        Section::OnError,
        "%onerror",
        "A script that runs when the installation fails",
    ),
    SectionType {
        deprecated: script::WITH_ONERROR,
        instead: "use `%onerror`",
        ..SectionType::new(
            Section::Traceback,
            "%traceback",
            "A script that runs when the installer itself fails",
        )
    },
    SectionType {
        options: packages::OPTIONS,
        effect: Effect::None("the image decides what is installed"),
        ..SectionType::new(
            Section::Packages,
            "%packages",
            "What a package-based installation installs",
        )
    },
    SectionType {
        options: certificate::OPTIONS,
        ..SectionType::new(
            Section::Certificate,
            "%certificate",
            "A certificate to trust",
        )
    },
    SectionType {
        options: &[],
        ..SectionType::new(
            Section::Addon,
            "%addon",
            "Data for an add-on of Anaconda; `com_redhat_kdump` is carried out, others have no effect",
        )
    },
    SectionType {
        options: &[],
        effect: Effect::None("the installer is not Anaconda"),
        ..SectionType::new(
            Section::Anaconda,
            "%anaconda",
            "Settings of Anaconda itself",
        )
    },
];

/// Every section of the language
pub fn all() -> impl Iterator<Item = &'static SectionType> + Clone {
    SECTIONS.iter()
}

/// The section that `word` begins
pub fn find(word: &str) -> Option<&'static SectionType> {
    all().find(|section| section.word == word)
}

/// The description of a section
pub(crate) fn of(section: Section) -> &'static SectionType {
    let mut found = SECTIONS
        .iter()
        .filter(|described| described.section == section);
    // A test sees to it that every section is described.
    found.next().unwrap_or(&SECTIONS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_described() {
        for (word, section) in Section::ALL {
            assert_eq!((of(section).word, of(section).section), (word, section));
        }
        assert_eq!(SECTIONS.len(), Section::ALL.len());
    }
}
