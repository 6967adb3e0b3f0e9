// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which SELinux label the policy of an image gives to a path. Pure.
//!
//! Takes the texts under `contexts/files` of a policy's directory; gives what `matchpathcon` prints for a
//! path and a kind of file. It deliberately does not know where the texts come from, whether the running
//! system has SELinux, or the compiled `.bin` files beside the texts, which hold the same.
//!
//! The rules are those of libselinux (`selabel_file(5)`, `label_file.c` of 3.4 and 3.8): a literal
//! specification wins over expressions, a later one over an earlier one, `file_contexts.local` over
//! `.homedirs` over `file_contexts`. A path is substituted by `.subs` first, then by `.subs_dist`, once each.
//!
//! Where versions of libselinux disagree, which no policy that `semodule` builds brings up:
//! - of two substitutions that fit, the first of the file counts, as since 3.8;
//! - of two literals for one path and kind in one file, the last counts, as before 3.8;
//! - `<<none>>` has no precedence over what comes after it, as before 3.8;
//! - `\-`, `\_` and `\,` in a first directory are these characters, as since 3.8.

mod error;
mod expression;
mod index;
mod policy;
mod spec;
mod substitution;
#[cfg(test)]
mod tests;
mod translate;

use std::borrow::Cow;

pub use error::{ContextsError, Fault};
use index::Index;
pub use policy::{PolicyName, labelled_as, policy_name};
pub use spec::FileKind;
use spec::Specification;
use substitution::Substitutions;

/// The files under `contexts/files` of a policy's directory, in libselinux's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContextsFile {
    /// `file_contexts`; a policy has it.
    Base,
    /// `file_contexts.homedirs`.
    HomeDirectories,
    /// `file_contexts.local`: what `semanage fcontext` wrote.
    Local,
    /// `file_contexts.subs`: what `semanage fcontext -e` wrote.
    Substitutions,
    /// `file_contexts.subs_dist`.
    DistributionSubstitutions,
}

impl ContextsFile {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::Base,
        Self::HomeDirectories,
        Self::Local,
        Self::Substitutions,
        Self::DistributionSubstitutions,
    ];

    /// The file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "file_contexts",
            Self::HomeDirectories => "file_contexts.homedirs",
            Self::Local => "file_contexts.local",
            Self::Substitutions => "file_contexts.subs",
            Self::DistributionSubstitutions => "file_contexts.subs_dist",
        }
    }
}

/// Content of the files of a policy; one that the policy lacks is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts<'a> {
    /// [`ContextsFile::Base`].
    pub base: &'a [u8],
    /// [`ContextsFile::HomeDirectories`].
    pub home_directories: &'a [u8],
    /// [`ContextsFile::Local`].
    pub local: &'a [u8],
    /// [`ContextsFile::Substitutions`].
    pub substitutions: &'a [u8],
    /// [`ContextsFile::DistributionSubstitutions`].
    pub distribution_substitutions: &'a [u8],
}

/// The labels of a policy for all paths.
#[derive(Debug)]
pub struct FileContexts {
    index: Index,
    substitutions: Substitutions,
    distribution_substitutions: Substitutions,
}

impl FileContexts {
    /// Reads a policy's files.
    ///
    /// # Errors
    /// The first line that libselinux would refuse, too, or that says more than can be followed here: an
    /// expression that is no regular one (a look-ahead, a back reference), files, lines or expressions of
    /// absurd size.
    pub fn parse(texts: &Texts<'_>) -> Result<Self, ContextsError> {
        let mut specifications = Vec::new();
        for (file, text) in [
            (ContextsFile::Base, texts.base),
            (ContextsFile::HomeDirectories, texts.home_directories),
            (ContextsFile::Local, texts.local),
        ] {
            Specification::read(file, text, &mut specifications)?;
        }
        Ok(Self {
            index: Index::new(specifications),
            substitutions: Substitutions::read(ContextsFile::Substitutions, texts.substitutions)?,
            distribution_substitutions: Substitutions::read(
                ContextsFile::DistributionSubstitutions,
                texts.distribution_substitutions,
            )?,
        })
    }

    /// The label of the absolute path `path`; `None` if the policy has none for it, or says `<<none>>`.
    pub fn label(&self, path: &str, kind: FileKind) -> Option<&str> {
        let path = normalised(path)?;
        let local = self.substitutions.apply(&path);
        let asked = local.as_deref().unwrap_or(&path);
        let distribution = self.distribution_substitutions.apply(asked);
        let asked = distribution.as_deref().unwrap_or(asked);
        self.index.find(asked, kind)
    }
}

/// The path without repeated and trailing slashes; `None` for the empty one, which has no label.
fn normalised(path: &str) -> Option<Cow<'_, str>> {
    if path.is_empty() {
        return None;
    }
    if path == "/" || !(path.ends_with('/') || path.contains("//")) {
        return Some(Cow::Borrowed(path));
    }
    let mut clean = String::with_capacity(path.len());
    for char in path.chars() {
        if char != '/' || !clean.ends_with('/') {
            clean.push(char);
        }
    }
    if clean.len() > 1 && clean.ends_with('/') {
        clean.pop();
    }
    Some(Cow::Owned(clean))
}
