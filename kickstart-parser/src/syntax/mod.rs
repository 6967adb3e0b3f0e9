// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The form of a kickstart: lines, words, sections. Takes text, gives a lossless [`Document`].
//!
//! Nothing here knows which commands exist or what they take; sections are known by name only, since a section's
//! name decides where it ends. Every text has a document; what is wrong with it is said beside it.

mod document;
mod lexer;
mod lines;
mod machine;

pub(crate) use document::line_words;
pub use document::{Document, Line, LineKind, parse};
pub use lexer::Token;
pub(crate) use lexer::{Hash, add_words, words};
pub(crate) use lines::{is_blank, lines, without_end};
pub(crate) use machine::{Machine, Section, Step};
