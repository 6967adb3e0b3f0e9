// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart fmt`: spacing and quotes in order. The text is the user's own: secrets stay as they are.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use std::process;

use kickstart_parser::parse;
use landfall_installer::exit::Exit;

use crate::cli::FmtArgs;
use crate::input;
use crate::terminal::{self, Problem};

pub(crate) fn run(args: &FmtArgs) -> Result<Exit, Problem> {
    let mut exit = Exit::Done;
    for file in &args.files {
        let text = input::text(file)?;
        let formatted = parse(&file.display().to_string(), &text).format();
        let differs = formatted != text;
        if args.check && differs {
            exit = Exit::Input;
            terminal::data(&format!("{} is not in order\n", file.display()));
        } else if args.write {
            write(file, &formatted, differs)?;
        } else if !args.check {
            terminal::data(&formatted);
        }
    }
    Ok(exit)
}

fn write(file: &Path, formatted: &str, differs: bool) -> Result<(), Problem> {
    if file == Path::new("-") {
        return Err(
            Problem::new(Exit::Usage, "standard input cannot be written")
                .hint("without `--write` the result is printed"),
        );
    }
    if !differs {
        return Ok(());
    }
    let problem = |e| Problem::new(Exit::Usage, format!("writing `{}`: {e}", file.display()));
    replace(file, formatted).map_err(problem)
}

/// Gives a file another text, all of it or none, whenever the machine stops: the text is written beside the file and
/// renamed over it. A symbolic link stays one; owner and mode stay.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let old = fs::metadata(&file)?;
    let (Some(directory), Some(name), true) = (file.parent(), file.file_name(), old.is_file())
    else {
        return Err(io::Error::other("it is no file"));
    };
    let unfinished = format!(".{}.{}", name.display(), process::id());
    let unfinished = directory.join(unfinished);
    let written = write_new(&unfinished, text, &old).and_then(|()| fs::rename(&unfinished, &file));
    if written.is_err() {
        // What is said is why it could not be written; there may be nothing to remove.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    File::open(directory)?.sync_all()
}

/// Writes a file that is not there yet, with the owner and mode of another
fn write_new(path: &Path, text: &str, like: &Metadata) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut new = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    new.write_all(text.as_bytes())?;
    let owner = new.metadata()?;
    if (owner.uid(), owner.gid()) != (like.uid(), like.gid()) {
        fchown(&new, Some(like.uid()), Some(like.gid()))?;
    }
    new.set_permissions(like.permissions())?;
    new.sync_all()
}
