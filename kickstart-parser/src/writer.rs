// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Puts the canonical form of a kickstart together: the form that pykickstart writes.
//!
//! Each command and section writes itself; here are the order, and the few shapes in which options are written. The
//! form quotes as pykickstart does, which is not always enough to read the same again.

use std::fmt::{self, Display, Write as _};

use crate::commands::all;
use crate::kickstart::Kickstart;
use crate::syntax::is_blank;
use crate::version::Syntax;

/// The text so far
#[derive(Debug)]
pub(crate) struct Writer {
    /// The version of the language that is written
    pub(crate) syntax: Syntax,
    text: String,
}

impl Kickstart {
    /// The canonical form in a version of the language, as `pykickstart` writes it: comments and order are lost,
    /// secrets are there. The `#version=` line is left to the caller.
    pub fn to_text(&self, syntax: Syntax) -> String {
        let mut writer = Writer {
            syntax,
            text: String::new(),
        };
        if let Some(platform) = &self.platform {
            writer.put(format_args!("#platform={platform}\n"));
        }
        let mut commands: Vec<_> = all().collect();
        commands.sort_by_key(|command| command.rank);
        for command in commands {
            let takes_part = command.versions.has(syntax)
                && !command.deprecated.has(syntax)
                && !command.removed.has(syntax);
            if takes_part {
                (command.write)(self, &mut writer);
            }
        }
        crate::sections::write(self, &mut writer);
        writer.text
    }
}

impl Writer {
    /// Adds a text as it is
    pub(crate) fn put(&mut self, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{text}");
    }

    /// Adds ` --name` if `given`
    pub(crate) fn flag(&mut self, name: &str, given: bool) {
        if given {
            self.put(format_args!(" {name}"));
        }
    }

    /// Adds ` --name=value` if there is a value
    pub(crate) fn value<T: Display>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(format_args!(" {name}={value}"));
        }
    }

    /// Adds ` --name="value"` if there is a value
    pub(crate) fn quoted<T: Display>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(format_args!(" {name}=\"{value}\""));
        }
    }

    /// Adds ` --name=N` if there is a number and it is not 0, which stands for none
    pub(crate) fn number(&mut self, name: &str, number: Option<i64>) {
        self.value(name, number.filter(|number| *number != 0));
    }

    /// Drops the blanks at the end
    pub(crate) fn trim_end(&mut self) {
        self.text
            .truncate(self.text.trim_end_matches(is_blank).len());
    }

    /// Adds ` --name=a,b` if there are items
    pub(crate) fn list(&mut self, name: &str, items: &[String]) {
        if !items.is_empty() {
            self.put(format_args!(" {name}={}", Joined(items, ",")));
        }
    }
}

/// Shows items with a separator between
pub(crate) struct Joined<'a>(pub(crate) &'a [String], pub(crate) &'a str);

impl Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, item) in self.0.iter().enumerate() {
            f.write_str(if n == 0 { "" } else { self.1 })?;
            f.write_str(item)?;
        }
        Ok(())
    }
}
