// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads kickstart files, and the files that they include, from disk or standard input.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kickstart_parser::{Includes, Reading, read, render};
use landfall_installer::exit::Exit;
use landfall_installer::plan::hex_sha256;

use crate::terminal::{self, Problem, Stream};

/// A kickstart that was read, with its hash.
pub(crate) struct Loaded {
    pub(crate) reading: Reading,
    /// SHA-256 over the texts of all files, in the order in which they were read.
    pub sha256: String,
}

/// Files on disk: relative to the working directory, else to the including file.
struct Files;

impl Includes for Files {
    fn fetch(&self, path: &str, from: &str) -> io::Result<(String, String)> {
        if path.contains("://") {
            return Err(io::Error::other("including a URL is not supported yet"));
        }
        let beside = Path::new(from).parent().map(|parent| parent.join(path));
        let candidates = [Some(PathBuf::from(path)), beside];
        let found = candidates
            .into_iter()
            .flatten()
            .find(|candidate| candidate.is_file());
        let found = found.unwrap_or_else(|| PathBuf::from(path));
        Ok((
            found.display().to_string(),
            std::fs::read_to_string(&found)?,
        ))
    }
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let outcome = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|content| text = content)
    };
    let problem = |e| Problem::new(Exit::Usage, format!("reading `{}`: {e}", path.display()));
    outcome.map(|()| text).map_err(problem)
}

/// Reads a kickstart with the files that it includes.
pub(crate) fn load(name: &Path, text: &str) -> Loaded {
    with_includes(name, text, &Files)
}

/// Reads a kickstart; `includes` says how included files are had.
pub(crate) fn with_includes(name: &Path, text: &str, includes: &dyn Includes) -> Loaded {
    let reading = read(&name.display().to_string(), text, includes);
    let all: String = reading
        .sources
        .iter()
        .map(|source| source.text.as_str())
        .collect();
    Loaded {
        sha256: hex_sha256(all.as_bytes()),
        reading,
    }
}

/// Shows the diagnostics; errors end the command.
pub(crate) fn insist(loaded: Loaded) -> Result<Loaded, Problem> {
    let reading = &loaded.reading;
    if !reading.diagnostics.is_empty() {
        terminal::say(
            render::human(
                &reading.diagnostics,
                &reading.sources,
                terminal::is_coloured(Stream::Talk),
            )
            .trim_end(),
        );
    }
    if reading.has_errors() {
        return Err(Problem::new(Exit::Input, "the kickstart has errors"));
    }
    Ok(loaded)
}
