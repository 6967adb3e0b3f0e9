// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Diagnostics for programs: the verdict on one file as one line of JSON.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity};
use crate::mask::shown_name;
use crate::reading::Reading;

/// The verdict on one file as it appears on one line of JSON
#[derive(Serialize)]
struct Verdict<'a> {
    file: &'a str,
    syntax: &'a str,
    ok: bool,
    diagnostics: Vec<Flat<'a>>,
}

/// A diagnostic with its place spread out; without a place, line and columns are null
#[derive(Serialize)]
struct Flat<'a> {
    severity: Severity,
    code: &'a str,
    message: &'a str,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    help: Option<&'a str>,
}

/// The verdict on `file` as one line of JSON without a line end; `ok` means that there are no errors
pub fn json_line(file: &str, reading: &Reading) -> String {
    json_verdict(file, reading, !reading.has_errors())
}

/// The same where the caller decides what is `ok`
pub fn json_verdict(file: &str, reading: &Reading, ok: bool) -> String {
    let file = &*shown_name(file);
    let diagnostics = reading
        .diagnostics
        .iter()
        .map(|diagnostic| flat(file, diagnostic))
        .collect();
    let verdict = Verdict {
        file,
        syntax: reading.syntax.as_str(),
        ok,
        diagnostics,
    };
    serde_json::to_string(&verdict).unwrap_or_default()
}

fn flat<'a>(file: &'a str, diagnostic: &'a Diagnostic) -> Flat<'a> {
    let at = diagnostic.location.as_ref();
    Flat {
        severity: diagnostic.severity,
        code: diagnostic.code.as_str(),
        message: &diagnostic.message,
        file: at.map_or(file, |at| &at.file),
        line: at.map(|at| at.line),
        column: at.map(|at| at.column),
        end_line: at.map(|at| at.end_line),
        end_column: at.map(|at| at.end_column),
        help: diagnostic.help.as_deref(),
    }
}
