// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads Anaconda Kickstart files.
//!
//! Text becomes a lossless [`Document`] of lines and words ([`parse`]), or, with its includes, a typed [`Kickstart`]
//! beside [`Diagnostic`]s that say where and why ([`read`]). Nothing here fails and nothing here does I/O: includes
//! come through [`Includes`], and what an error stops is the caller's decision. The language is the one that
//! pykickstart accepts for the versions in [`Syntax`], described in the Kickstart documentation of pykickstart; disks,
//! images and the state of a machine are not known here.

mod arguments;
pub mod commands;
mod diagnostic;
pub mod explain;
mod format;
mod kickstart;
mod location;
mod mask;
mod reading;
pub mod render;
mod secret;
pub mod sections;
mod syntax;
mod version;
mod writer;

pub use diagnostic::{Class, Code, Diagnostic, Severity};
pub use kickstart::Kickstart;
pub use location::{Located, Location, Source, Span};
pub use mask::{hidden, secret_lines, shown_name};
pub use reading::{Includes, LARGEST_FILE, NoIncludes, Reading, decode, read};
pub use render::{json_line, json_verdict};
pub use secret::{MASK, Secret};
pub use sections::{Script, ScriptKind};
pub use syntax::{Document, Line, LineKind, Token, parse};
pub use version::{Syntax, UnknownSyntax, Versions};
