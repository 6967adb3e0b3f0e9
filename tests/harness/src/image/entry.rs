// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes what a recipe says of single files into a layer.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tar::{EntryType, Header};

use super::recipe::Entry;
use super::split::Part;

/// Adds the entry, and before it the directories above it that the layer does not have, root's with mode 0755.
pub(super) fn add(part: &mut Part, entry: &Entry, time: u64) -> Result<()> {
    let parents: Vec<&Path> = entry.path.ancestors().skip(1).collect();
    for dir in parents.into_iter().rev() {
        if !dir.as_os_str().is_empty() && !part.dirs.iter().any(|known| known == dir) {
            part.tar.append_data(
                &mut header(EntryType::Directory, 0o755, time),
                dir,
                std::io::empty(),
            )?;
            part.dirs.push(dir.to_owned());
        }
    }
    write(part, entry, time).with_context(|| format!("writing {}", entry.path.display()))
}

fn write(part: &mut Part, entry: &Entry, time: u64) -> Result<()> {
    let attributes = attributes(entry)?;
    let pairs = attributes.iter();
    part.tar
        .append_pax_extensions(pairs.map(|(name, value)| (name.as_str(), value.as_slice())))?;
    let path = &entry.path;
    let (kind, mode) = match entry {
        Entry {
            directory: true, ..
        } => (EntryType::Directory, 0o755),
        Entry { link: Some(_), .. } => (EntryType::Symlink, 0o777),
        Entry {
            hard_link: Some(_), ..
        } => (EntryType::Link, 0o644),
        _ => (EntryType::Regular, 0o644),
    };
    let mut header = header(kind, entry.mode.unwrap_or(mode), time);
    header.set_uid(entry.owner.0);
    header.set_gid(entry.owner.1);
    match (&entry.link, &entry.hard_link) {
        (Some(target), _) | (None, Some(target)) => {
            part.tar.append_link(&mut header, path, target)?;
        }
        _ if entry.directory => {
            part.dirs.push(PathBuf::from(path));
            part.tar.append_data(&mut header, path, std::io::empty())?;
        }
        _ if entry.hole > 0 => sparse(part, entry, header)?,
        _ => {
            header.set_size(entry.text.len() as u64);
            part.tar
                .append_data(&mut header, path, entry.text.as_bytes())?;
        }
    }
    Ok(())
}

/// A file that begins with a hole, as GNU tar has them: where the data is, then only the data.
fn sparse(part: &mut Part, entry: &Entry, mut header: Header) -> Result<()> {
    ensure!(entry.text.len() <= 512, "more data than one block");
    let end = entry.hole + entry.text.len() as u64;
    // Data begins where a block begins.
    let data = entry.hole / 512 * 512;
    let mut block = vec![0; usize::try_from(entry.hole - data)?];
    Cursor::new(&entry.text).read_to_end(&mut block)?;
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(block.len() as u64);
    let gnu = header.as_gnu_mut().context("a header that is not GNU's")?;
    let octal = |number: u64| format!("{number:011o}\0").into_bytes();
    gnu.realsize.copy_from_slice(&octal(end));
    gnu.sparse[0].offset.copy_from_slice(&octal(data));
    gnu.sparse[0].numbytes.copy_from_slice(&octal(end - data));
    part.tar
        .append_data(&mut header, &entry.path, block.as_slice())?;
    Ok(())
}

fn header(kind: EntryType, mode: u32, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(time);
    header.set_size(0);
    header
}

fn attributes(entry: &Entry) -> Result<Vec<(String, Vec<u8>)>> {
    let decoded = entry.xattrs.iter().map(|(name, digits)| {
        ensure!(
            digits.len() % 2 == 0 && digits.is_ascii(),
            "`{digits}` is not hexadecimal"
        );
        let bytes = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        let value = bytes
            .collect::<Result<_, _>>()
            .with_context(|| format!("reading `{digits}`"))?;
        Ok((format!("SCHILY.xattr.{name}"), value))
    });
    decoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Compression, Layout};

    #[derive(serde::Deserialize)]
    struct Entries {
        entry: Vec<Entry>,
    }

    #[test]
    fn gnu_tar_reads_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut layout = Layout::create(dir.path()).unwrap();
        let mut part = Part {
            tar: layout.layer(Compression::None, 0).unwrap(),
            dirs: Vec::new(),
        };
        let text = r#"
            [[entry]]
            path = "usr/sparse"
            hole = 1073741830
            text = "end"
            [[entry]]
            path = "usr/marked"
            mode = 0o4711
            owner = [7, 8]
            xattrs = { "user.a" = "00ff" }
        "#;
        let entries: Entries = toml::from_str(text).unwrap();
        for entry in &entries.entry {
            add(&mut part, entry, 1).unwrap();
        }
        layout.push(part.tar, "", "2026-01-01T00:00:00Z").unwrap();
        let mut blobs = std::fs::read_dir(dir.path().join("blobs/sha256")).unwrap();
        let mut list = crate::tool::tool("tar").unwrap();
        list.args(["--numeric-owner", "--xattrs", "-tvvf"])
            .arg(blobs.next().unwrap().unwrap().path());
        let listed = crate::tool::run(&mut list).unwrap();
        for part in [
            "1073741833 ",
            "-rws--x--x* 7/8",
            "x: 2 user.a",
            "drwxr-xr-x  0/0",
        ] {
            assert!(listed.contains(part), "{part}\n{listed}");
        }
    }
}
