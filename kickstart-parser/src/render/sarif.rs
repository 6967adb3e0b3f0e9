// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Diagnostics as a SARIF 2.1.0 log: one run over all files, with every rule described.
//!
//! Columns are counted in Unicode code points and lines as pykickstart counts them; the run says both. The lines
//! themselves are not in the log, as they may hold secrets.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Sources, by_name, included_from};
use crate::diagnostic::{Class, Code, Diagnostic, Severity};
use crate::location::Location;
use crate::mask::shown_name;
use crate::reading::Reading;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Where a line ends
const LINE_ENDS: [&str; 11] = [
    "\r\n", "\n", "\r", "\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}",
    "\u{2029}",
];

/// The log of what was found in files, each with the name that it was given by; it names its maker Landfall
pub fn sarif(readings: &[(String, Reading)]) -> String {
    let results: Vec<_> = readings
        .iter()
        .flat_map(|(file, reading)| results(file, reading))
        .collect();
    let complete = !readings.iter().any(|(_, reading)| reading.is_unreadable());
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Landfall",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "invocations": [{ "executionSuccessful": complete }],
            "columnKind": "unicodeCodePoints",
            "newlineSequences": LINE_ENDS,
            "results": results,
        }],
    });
    // What is made of strings and numbers can be written.
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn rule(code: Code) -> Value {
    let (level, tag) = match code.class() {
        Class::Language if code.is_only_warned_of() => ("warning", "language"),
        Class::Language => ("error", "language"),
        Class::Consistency => ("warning", "consistency"),
        Class::ImageMode => ("warning", "image-mode"),
        Class::Style => ("warning", "style"),
    };
    json!({
        "id": code.as_str(),
        "name": format!("{code:?}"),
        "shortDescription": { "text": code.summary() },
        "fullDescription": { "text": code.meaning() },
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": level },
        "properties": { "tags": [tag] },
    })
}

fn results<'a>(file: &'a str, reading: &'a Reading) -> impl Iterator<Item = Value> + 'a {
    let sources = by_name(&reading.sources);
    reading
        .diagnostics
        .iter()
        .map(move |diagnostic| result(file, diagnostic, &sources))
}

fn result(file: &str, diagnostic: &Diagnostic, sources: &Sources<'_>) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Deprecation | Severity::Warning => "warning",
    };
    let help = diagnostic
        .help
        .as_ref()
        .map(|help| format!("\nhelp: {help}"));
    let text = format!("{}{}", diagnostic.message, help.unwrap_or_default());
    let mut result = json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == diagnostic.code),
        "level": level,
        "message": { "text": text },
    });
    let Some(at) = &diagnostic.location else {
        result["locations"] = json!([{ "physicalLocation": { "artifactLocation": { "uri": uri(&shown_name(file)) } } }]);
        return result;
    };
    result["locations"] = json!([{ "physicalLocation": place(at) }]);
    let chain = included_from(at, sources);
    if !chain.is_empty() {
        let included = |from| json!({ "physicalLocation": place(from), "message": { "text": "included from here" } });
        result["relatedLocations"] = chain.into_iter().map(included).collect();
    }
    result
}

fn place(at: &Location) -> Value {
    json!({
        "artifactLocation": { "uri": uri(&at.file) },
        "region": {
            "startLine": at.line,
            "startColumn": at.column,
            "endLine": at.end_line,
            "endColumn": at.end_column,
        },
    })
}

/// A file name as a URI, or as a reference relative to wherever the log is read
fn uri(name: &str) -> String {
    let is_url = name.contains("://");
    let mut uri = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.bytes() {
        let stands = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if stands || is_url && b":?#[]@!$&'()*+,;=%".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{NoIncludes, read};

    #[test]
    fn names_become_references() {
        for (name, reference) in [
            ("lab/a b.ks", "lab/a%20b.ks"),
            ("/srv/ü:1.ks", "file:///srv/%C3%BC%3A1.ks"),
            ("http://h:80/a?b=%20", "http://h:80/a?b=%20"),
            ("-", "-"),
        ] {
            assert_eq!(uri(name), reference);
        }
    }

    #[test]
    fn results_name_their_rules() {
        let reading = read("a.ks", "text\nfoo --x\n", None, &NoIncludes);
        let log: Value = serde_json::from_str(&sarif(&[("a.ks".into(), reading)])).unwrap();
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert!(!results.is_empty());
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(
                run["tool"]["driver"]["rules"][index]["id"],
                result["ruleId"]
            );
        }
        let region = &results[0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!(
            (
                &region["startLine"],
                &region["startColumn"],
                &region["endColumn"]
            ),
            (&json!(2), &json!(1), &json!(4))
        );
    }
}
