// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How diagnostics are shown: to people with the source line and the span underlined, to machines as JSON.
//!
//! Takes finished diagnostics; adds and judges nothing.

use std::collections::HashMap;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity};
use crate::location::{Location, Source};
use crate::mask::mask;
use crate::reading::Reading;
use crate::syntax::lines;

/// The version of the language that kickstarts are read by
pub const SYNTAX: &str = "F45";

/// Diagnostics for a terminal, one after the other with an empty line between; `color` adds ANSI colours.
/// Passwords and the like in the lines shown are masked.
pub fn human(diagnostics: &[Diagnostic], sources: &[Source], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let texts: HashMap<_, _> = sources
        .iter()
        .map(|source| {
            (
                source.name.as_str(),
                lines(&source.text).collect::<Vec<_>>(),
            )
        })
        .collect();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let separator = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(
            out,
            "{separator}{}",
            renderer.render(&[group(diagnostic, &texts)])
        );
    }
    out
}

fn group<'a>(diagnostic: &'a Diagnostic, texts: &HashMap<&str, Vec<&'a str>>) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Deprecation | Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(&diagnostic.message)
        .id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    if let Some(at) = &diagnostic.location {
        group = group.element(snippet(at, texts));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    group
}

fn snippet<'a>(
    at: &'a Location,
    texts: &HashMap<&str, Vec<&'a str>>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let line = texts
        .get(at.file.as_str())
        .and_then(|lines| lines.get((at.line as usize).checked_sub(1)?))
        .copied()
        .unwrap_or("");
    let text = mask(line.trim_end_matches(['\r', '\n']));
    let byte = |column: u32| {
        let before = text.chars().take(column.saturating_sub(1) as usize);
        before.map(char::len_utf8).sum::<usize>()
    };
    let span = byte(at.column)..byte(at.end_column.max(at.column));
    Snippet::source(text)
        .path(at.file.as_str())
        .line_start(at.line as usize)
        .annotation(AnnotationKind::Primary.span(span))
}

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
    let diagnostics = reading
        .diagnostics
        .iter()
        .map(|diagnostic| flat(file, diagnostic))
        .collect();
    let verdict = Verdict {
        file,
        syntax: SYNTAX,
        ok: !reading.has_errors(),
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
