// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why the files of a policy cannot be followed.
//!
//! Takes a file, a line and what is wrong there; gives one-line messages. It deliberately does not know
//! where the policy lies.

use super::ContextsFile;

/// Why the files of a policy cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextsError {
    /// A line is wrong.
    #[error("reading line {line} of `{}`: {fault}", .file.name())]
    Line {
        /// The file.
        file: ContextsFile,
        /// The first line is 1.
        line: usize,
        /// What is wrong.
        fault: Fault,
    },
    /// A file is larger than any policy's.
    #[error("reading `{}`: it is larger than {limit} bytes", .file.name())]
    TooLarge {
        /// The file.
        file: ContextsFile,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// `SELINUXTYPE` of `/etc/selinux/config` is not the name of a directory.
    #[error("reading `selinux/config`: `{name}` is no name of a policy")]
    Name {
        /// What it is.
        name: String,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is an expression and nothing else.
    #[error("the context is missing")]
    NoContext,
    /// The second word of three is none of `--`, `-d`, `-l`, `-b`, `-c`, `-p`, `-s`.
    #[error("`{0}` is no kind of file")]
    Kind(String),
    /// Bytes that are no text.
    #[error("it has characters that are not ASCII")]
    NotAscii,
    /// A word or the whole line is longer than it may be.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// The line is one too many.
    #[error("there are more than {limit} entries")]
    TooMany {
        /// The most that are read.
        limit: usize,
    },
    /// The expression is wrong, too large, or not a regular one.
    #[error("the expression `{expression}` is not supported: {reason}")]
    Expression {
        /// The first word of the line.
        expression: String,
        /// What is not supported.
        reason: String,
    },
}
