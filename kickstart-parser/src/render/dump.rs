// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The typed kickstart: for people what was given, field by field, with its place, and all of it as JSON. Secrets are
//! masked in both.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::kickstart::Kickstart;
use crate::mask::{hidden, names_secret};
use crate::secret::MASK;

/// The typed form as JSON, `***` in place of secrets also in addresses, kernel arguments, scripts
pub fn dump_json(kickstart: &Kickstart) -> String {
    format!("{:#}\n", shown_fields(kickstart))
}

/// The typed form without secrets, an object
fn shown_fields(kickstart: &Kickstart) -> Value {
    // A kickstart always has a JSON form.
    let mut fields = serde_json::to_value(kickstart).unwrap_or_default();
    hide(&mut fields);
    fields
}

/// Hides secrets in every text but the names of files, which are hidden in places already
fn hide(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(shown) = hidden(text) {
                *text = shown;
            }
        }
        Value::Array(items) => {
            let mut follows = false;
            for item in items {
                let word = item.as_str().filter(|word| word.starts_with('-'));
                let next = word.is_some_and(|word| !word.contains('=') && names_secret(word));
                if follows && item.is_string() {
                    *item = MASK.into();
                }
                hide(item);
                follows = next;
            }
        }
        Value::Object(fields) => {
            let texts = fields.iter_mut().filter(|(name, _)| *name != "location");
            texts.for_each(|(_, value)| hide(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every command and section that was read, one block each; fields that were not given are left out
pub fn dump(kickstart: &Kickstart) -> String {
    let mut text = String::new();
    let Value::Object(fields) = shown_fields(kickstart) else {
        return text;
    };
    for (name, value) in &fields {
        match value {
            Value::Array(items) => items.iter().for_each(|item| block(&mut text, name, item)),
            other => block(&mut text, name, other),
        }
    }
    text
}

/// A command or section with its place
fn block(text: &mut String, name: &str, item: &Value) {
    if is_nothing(item) {
        return;
    }
    let Value::Object(item) = item else {
        let _ = writeln!(text, "{name}: {}", shown(item));
        return;
    };
    let place = item.get("location").and_then(place).unwrap_or_default();
    let _ = writeln!(text, "{name}{place}");
    match item.get("value") {
        Some(Value::Object(fields)) => write_fields(text, fields, 1),
        Some(value) => {
            let _ = writeln!(text, "  {}", shown(value));
        }
        None => write_fields(text, item, 1),
    }
}

fn write_fields(text: &mut String, fields: &Map<String, Value>, depth: usize) {
    let given = fields
        .iter()
        .filter(|(name, value)| *name != "location" && !is_nothing(value));
    for (name, value) in given {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(inner) => {
                let _ = writeln!(text, "{indent}{name}:");
                write_fields(text, inner, depth + 1);
            }
            value => {
                let _ = writeln!(text, "{indent}{name}: {}", shown(value));
            }
        }
    }
}

/// A value on one line
fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

/// ` (file:line)`
fn place(location: &Value) -> Option<String> {
    let (file, line) = (location.get("file")?.as_str()?, location.get("line")?);
    Some(format!(" ({}:{line})", file.escape_debug()))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{NoIncludes, read};

    #[test]
    fn what_was_given_is_shown_and_secrets_are_not() {
        let text = "lang de\nrootpw hunter2\nservices --enabled=a,b\n%post\nx\n%end\n";
        let shown = dump(&read("a.ks", text, None, &NoIncludes).kickstart);
        assert!(shown.contains("lang (a.ks:1)\n  lang: \"de\"\n"), "{shown}");
        assert!(shown.contains("enabled: \"a\", \"b\"\n"), "{shown}");
        assert!(shown.contains("scripts (a.ks:4)\n"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
