// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lines of `file_contexts`: `EXPRESSION [KIND] CONTEXT`.
//!
//! Takes the text of such a file; gives its specifications in their order. It deliberately does not know
//! which of several applies.

use super::expression::Expression;
use super::{ContextsError, ContextsFile, Fault};

/// Bytes of a file. Fedora's is 0.5 MB.
const LARGEST: usize = 16 << 20;
/// Specifications of a policy. Fedora has 7000.
const MOST: usize = 100_000;
/// Bytes of a context: the kernel refuses more than a page.
const LONGEST_CONTEXT: usize = 4095;
/// What all expressions of a policy may add up to, in the unit of [`Expression::cost`].
const MOST_COST: usize = 4_000_000;

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `--`
    Regular,
    /// `-d`
    Directory,
    /// `-l`
    Symlink,
    /// `-b`
    BlockDevice,
    /// `-c`
    CharacterDevice,
    /// `-p`
    Fifo,
    /// `-s`
    Socket,
}

impl FileKind {
    /// The kind that `mode` (`st_mode`, with or without permissions) says.
    pub fn of_mode(mode: u32) -> Option<Self> {
        match mode & 0o170_000 {
            0o100_000 => Some(Self::Regular),
            0o040_000 => Some(Self::Directory),
            0o120_000 => Some(Self::Symlink),
            0o060_000 => Some(Self::BlockDevice),
            0o020_000 => Some(Self::CharacterDevice),
            0o010_000 => Some(Self::Fifo),
            0o140_000 => Some(Self::Socket),
            _ => None,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        match word {
            "--" => Some(Self::Regular),
            "-d" => Some(Self::Directory),
            "-l" => Some(Self::Symlink),
            "-b" => Some(Self::BlockDevice),
            "-c" => Some(Self::CharacterDevice),
            "-p" => Some(Self::Fifo),
            "-s" => Some(Self::Socket),
            _ => None,
        }
    }
}

/// What a specification gives to which kind of file.
#[derive(Debug)]
pub(super) struct Assignment {
    /// Every kind if `None`.
    pub(super) kind: Option<FileKind>,
    /// `None` for `<<none>>`.
    pub(super) context: Option<Box<str>>,
}

/// One line.
#[derive(Debug)]
pub(super) struct Specification {
    pub(super) expression: Expression,
    pub(super) assignment: Assignment,
}

impl Assignment {
    pub(super) fn is_for(&self, kind: FileKind) -> bool {
        self.kind.is_none_or(|own| own == kind)
    }
}

impl Specification {
    /// Adds the specifications of `text` to those of the files before it.
    pub(super) fn read(
        file: ContextsFile,
        text: &[u8],
        all: &mut Vec<Self>,
    ) -> Result<(), ContextsError> {
        let mut cost: usize = all.iter().map(|one| one.expression.cost()).sum();
        for (line, text) in lines(file, text)? {
            let failed = |fault| ContextsError::Line { file, line, fault };
            let Some(one) = Self::of_line(text).map_err(failed)? else {
                continue;
            };
            cost += one.expression.cost();
            if all.len() == MOST || cost > MOST_COST {
                return Err(failed(Fault::TooMany { limit: all.len() }));
            }
            all.push(one);
        }
        Ok(())
    }

    /// `None` for an empty line or a comment. Whatever follows the third word means nothing.
    fn of_line(line: &[u8]) -> Result<Option<Self>, Fault> {
        let mut words = words(line);
        let first = words.next().unwrap_or_default();
        if matches!(first.first(), None | Some(b'#')) {
            return Ok(None);
        }
        let mut ascii = Vec::with_capacity(3);
        for word in [first].into_iter().chain(words.take(2)) {
            match str::from_utf8(word) {
                Ok(word) if word.is_ascii() && !word.contains('\0') => ascii.push(word),
                _ => return Err(Fault::NotAscii),
            }
        }
        let (expression, kind, context) = match ascii[..] {
            [expression, context] => (expression, None, context),
            [expression, word, context] => match FileKind::of_word(word) {
                Some(kind) => (expression, Some(kind), context),
                None => return Err(Fault::Kind(word.to_owned())),
            },
            _ => return Err(Fault::NoContext),
        };
        if context.len() > LONGEST_CONTEXT {
            let limit = LONGEST_CONTEXT;
            return Err(Fault::TooLong { limit });
        }
        let context = (context != "<<none>>").then(|| context.into());
        Ok(Some(Self {
            expression: Expression::parse(expression)?,
            assignment: Assignment { kind, context },
        }))
    }
}

/// The lines of `text` with their numbers.
pub(super) fn lines(
    file: ContextsFile,
    text: &[u8],
) -> Result<impl Iterator<Item = (usize, &[u8])>, ContextsError> {
    if text.len() > LARGEST {
        let limit = LARGEST;
        return Err(ContextsError::TooLarge { file, limit });
    }
    Ok((1..).zip(text.split(|&byte| byte == b'\n')))
}

/// The words of a line, between what C's `isspace` takes for white space.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_space = |&byte: &u8| byte == 0x0b || byte.is_ascii_whitespace();
    line.split(is_space).filter(|word| !word.is_empty())
}
