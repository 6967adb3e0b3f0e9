// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Explains the language to people: commands, sections, options, codes, versions, and what differs between versions.
//!
//! Everything said here is made from the tables of commands, sections and codes; nothing is stated a second time. The
//! reference pages of the documentation come from the same entries as the answers on a terminal.

mod answer;
mod difference;
mod entry;
mod reference;

pub use answer::{Unknown, explain};
pub use difference::{Difference, OptionDifference, difference};
pub use reference::{diagnostics_page, kickstart_page};
