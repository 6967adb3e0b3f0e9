// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Diagnostics for people: the source line, the span underlined, where the file is included, what to do.

use std::collections::HashMap;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Sources, by_name, included_from};
use crate::diagnostic::{Diagnostic, Severity, quote};
use crate::location::{Location, Source};
use crate::mask::mask;
use crate::syntax::lines;

/// Diagnostics for a terminal, one after the other with an empty line between; `color` adds ANSI colours.
/// Passwords and the like in the lines shown are masked.
pub fn human(diagnostics: &[Diagnostic], sources: &[Source], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = String::new();
    if diagnostics.is_empty() {
        return out;
    }
    let numbered = sources
        .iter()
        .map(|source| (&*source.name, lines(&source.text).collect()));
    let files = Files {
        texts: numbered.collect(),
        sources: by_name(sources),
    };
    for diagnostic in diagnostics {
        let separator = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(
            out,
            "{separator}{}",
            renderer.render(&[group(diagnostic, &files)])
        );
    }
    out
}

/// The files that were read, and their lines
struct Files<'a> {
    texts: HashMap<&'a str, Vec<&'a str>>,
    sources: Sources<'a>,
}

fn group<'a>(diagnostic: &'a Diagnostic, files: &Files<'a>) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Deprecation | Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(&diagnostic.message)
        .id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    if let Some(at) = &diagnostic.location {
        group = group.element(snippet(at, &files.texts));
        for from in included_from(at, &files.sources) {
            let link = format!("included from {} line {}", quote(&from.file), from.line);
            group = group.element(Level::NOTE.message(link));
        }
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
        .get(&*at.file)
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
        .path(&*at.file)
        .line_start(at.line as usize)
        .annotation(AnnotationKind::Primary.span(span))
}
