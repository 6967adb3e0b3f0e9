// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads kickstart files, and the files that they include, from disk, by http or from standard input.
//!
//! Nothing is read beyond the largest file that the parser takes. What a file says is the parser's to judge.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kickstart_parser::{Includes, LARGEST_FILE, Reading, Syntax, decode, read, render, shown_name};
use landfall_installer::exit::Exit;
use landfall_installer::plan::hex_sha256;

use crate::http;
use crate::terminal::{self, Problem, Stream};

/// Included files: relative to the working directory, else to the including file.
pub(crate) struct Files;

impl Includes for Files {
    fn fetch(&self, path: &str, from: &str) -> io::Result<(String, String)> {
        // Only the user says that standard input is meant.
        let name = if path == "-" {
            "./-".to_owned()
        } else {
            found(path, from)
        };
        let text = decode(&name, bytes(Path::new(&name))?).map_err(|reading| not_text(&reading))?;
        Ok((name, text))
    }
}

/// Included files as far as they are there: `%pre` may be about to write the others.
pub(crate) struct PresentFiles;

impl Includes for PresentFiles {
    fn fetch(&self, path: &str, from: &str) -> io::Result<(String, String)> {
        Files
            .fetch(path, from)
            .map_err(|_| io::ErrorKind::Unsupported.into())
    }
}

/// The file or address that an `%include` of `path` in `from` means
fn found(path: &str, from: &str) -> String {
    if is_url(path) || Path::new(path).exists() {
        return path.to_owned();
    }
    if is_url(from) {
        return http::beside(from, path).unwrap_or_else(|| path.to_owned());
    }
    let beside = Path::new(from).parent().map(|parent| parent.join(path));
    let beside = beside.filter(|beside| beside.exists());
    beside.map_or_else(|| path.to_owned(), |beside| beside.display().to_string())
}

fn is_url(name: &str) -> bool {
    name.contains("://")
}

/// Says in one sentence what a reading of no text says with a place
fn not_text(reading: &Reading) -> io::Error {
    let said = reading
        .diagnostics
        .iter()
        .map(|diagnostic| match &diagnostic.location {
            Some(at) => format!(
                "line {}, column {}: {}",
                at.line, at.column, diagnostic.message
            ),
            None => diagnostic.message.clone(),
        });
    io::Error::new(
        io::ErrorKind::InvalidData,
        said.collect::<Vec<_>>().join("; "),
    )
}

/// The bytes of a file, of an address, or of standard input for `-`; of larger files than are read only the beginning
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = LARGEST_FILE as u64 + 1;
    if path == Path::new("-") {
        io::stdin().take(most).read_to_end(&mut bytes)?;
    } else if let Some(url) = path.to_str().filter(|name| is_url(name)) {
        return http::get(url);
    } else {
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Reads a kickstart; if it cannot be read, the reading says why.
pub(crate) fn reading(path: &Path, syntax: Option<Syntax>, includes: &dyn Includes) -> Reading {
    let name = path.display().to_string();
    let text = match bytes(path) {
        Ok(bytes) => decode(&name, bytes),
        Err(error) => Err(Box::new(Reading::unreadable(&name, error))),
    };
    match text {
        Ok(text) => read(&name, &text, syntax, includes),
        Err(reading) => Reading {
            syntax: syntax.unwrap_or_default(),
            ..*reading
        },
    }
}

/// The text of a file; what keeps it from being read ends the command.
pub(crate) fn text(path: &Path) -> Result<String, Problem> {
    let name = path.display().to_string();
    let problem = |e| Problem::new(Exit::Usage, format!("reading `{}`: {e}", shown_name(&name)));
    decode(&name, bytes(path).map_err(problem)?).map_err(|reading| {
        show(&reading);
        Problem::new(
            Exit::Input,
            format!("`{}` cannot be read as a kickstart", shown_name(&name)),
        )
    })
}

/// Shows what is said of a kickstart, as talk.
pub(crate) fn show(reading: &Reading) {
    if !reading.diagnostics.is_empty() {
        let coloured = terminal::is_coloured(Stream::Talk);
        terminal::say(render::human(&reading.diagnostics, &reading.sources, coloured).trim_end());
    }
}

/// How a command ends after a reading.
pub(crate) fn exit(reading: &Reading) -> Exit {
    if reading.is_unreadable() {
        Exit::Usage
    } else if reading.has_errors() {
        Exit::Input
    } else {
        Exit::Done
    }
}

/// A kickstart that was read for an installation, with its hash.
pub(crate) struct Loaded {
    pub(crate) reading: Reading,
    /// SHA-256 over the texts of all files, in the order in which they were read.
    pub(crate) sha256: String,
}

impl Loaded {
    /// Reads a kickstart; `includes` says how included files are had.
    pub(crate) fn new(
        name: &Path,
        text: &str,
        syntax: Option<Syntax>,
        includes: &dyn Includes,
    ) -> Self {
        let reading = read(&name.display().to_string(), text, syntax, includes).for_installation();
        let all: String = reading
            .sources
            .iter()
            .map(|source| source.text.as_str())
            .collect();
        Self {
            sha256: hex_sha256(all.as_bytes()),
            reading,
        }
    }

    /// Shows the diagnostics; errors end the command.
    pub(crate) fn insist(self) -> Result<Self, Problem> {
        show(&self.reading);
        if self.reading.has_errors() {
            return Err(Problem::new(Exit::Input, "the kickstart has errors"));
        }
        Ok(self)
    }
}
