// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The files that a kickstart includes, put into it: a machine that starts from a medium has no others. Pure.
//!
//! Takes a text and a way to have files; gives the text with the files in place of the lines that include them. Addresses stay:
//! the machine reads them. So does what a `%pre` is about to write, though a file of that name may be here, too. It deliberately
//! does not know what commands mean.

use std::io;
use std::sync::Arc;

use kickstart_parser::{Document, Includes, LineKind, ScriptKind, parse, read};

/// How deep files are put into each other; the parser has refused what is deeper.
const DEEPEST: usize = 32;

/// Files that are here and will be the same on the machine.
pub(super) struct Present<'i> {
    includes: &'i dyn Includes,
    /// The texts of all `%pre`.
    scripts: String,
}

impl<'i> Present<'i> {
    /// Those for a kickstart with this name and text.
    pub(super) fn of((name, text): (&str, &str), includes: &'i dyn Includes) -> Self {
        let scripts = read(name, text, None, includes).kickstart.scripts;
        let scripts = scripts.into_iter();
        let pre = scripts.filter(|script| script.kind == ScriptKind::Pre);
        Self {
            includes,
            scripts: pre.map(|script| script.body).collect(),
        }
    }

    /// A script that writes a file names it; the directory may stand elsewhere.
    fn is_written(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.scripts.contains(name)
    }
}

impl Includes for Present<'_> {
    fn fetch(&self, path: &str, from: &str) -> io::Result<(String, String)> {
        if self.is_written(path) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.includes.fetch(path, from)
    }
}

/// A line, and the file that it is from.
type Line = (Arc<str>, String);

/// The text with what it includes; files that cannot be had stay included.
pub(super) fn flattened((name, text): (&str, &str), includes: &dyn Includes) -> String {
    let from: Arc<str> = name.into();
    let mut lines = lines(&from, text);
    for _ in 0..DEEPEST {
        let text = whole(&lines);
        let put = put_in(&parse(name, &text), &lines, includes);
        if put.len() == lines.len() && whole(&put) == text {
            return text;
        }
        lines = put;
    }
    whole(&lines)
}

fn whole(lines: &[Line]) -> String {
    lines.iter().map(|(_, text)| text.as_str()).collect()
}

fn lines(from: &Arc<str>, text: &str) -> Vec<Line> {
    let document = parse("", text);
    let lines = document.lines.iter();
    lines
        .map(|line| (Arc::clone(from), line.text.to_owned()))
        .collect()
}

/// One level of files.
fn put_in(document: &Document<'_>, before: &[Line], includes: &dyn Includes) -> Vec<Line> {
    let mut after = Vec::new();
    for (line, (from, text)) in document.lines.iter().zip(before) {
        let is_include = matches!(line.kind, LineKind::Include | LineKind::Append);
        let path = line.tokens.get(1).filter(|_| is_include);
        let path = path.filter(|path| !path.text.contains("://"));
        match path.map(|path| includes.fetch(&path.text, from)) {
            Some(Ok((name, text))) => after.extend(included(&name.into(), text)),
            _ => after.push((Arc::clone(from), text.clone())),
        }
    }
    after
}

/// The lines of a file, which end, and do not say what language the whole is in.
fn included(name: &Arc<str>, mut text: String) -> Vec<Line> {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let mut lines = lines(name, &text);
    lines.retain(|(_, text)| !text.starts_with("#version="));
    lines
}
