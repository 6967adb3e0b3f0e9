// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The EFI System Partition: FAT32 made and written in user space.
//!
//! The installing kernel may have no vfat, and an image file's partitions need no mount this way.
//! A file appears under its name only when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};

use super::error::EngineError;

/// Makes an empty FAT32 with the serial `1234-ABCD` on the partition's node.
pub(super) fn format(node: &Path, size_bytes: u64, serial: &str) -> Result<(), EngineError> {
    let context = || format!("making the FAT file system on `{}`", node.display());
    let failed = |e| EngineError::io(context(), e);
    let id = u32::from_str_radix(&serial.replace('-', ""), 16)
        .map_err(|_| EngineError::Refused(format!("`{serial}` is not a FAT serial number")))?;
    let sectors = u32::try_from(size_bytes / 512)
        .map_err(|_| EngineError::Refused("the EFI System Partition is too large".to_owned()))?;
    let mut file = open(node).map_err(failed)?;
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat32)
        .total_sectors(sectors)
        .volume_id(id)
        .volume_label(*b"EFI-SYSTEM ");
    fatfs::format_volume(&mut file, options).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn open(node: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(node)
}

/// An ESP that is being written.
pub(super) struct Esp {
    fat: FileSystem<File>,
    node: String,
}

impl Esp {
    /// Opens the file system on the partition's node.
    pub(super) fn open(node: &Path) -> Result<Self, EngineError> {
        let name = node.display().to_string();
        let fat = open(node)
            .and_then(|file| FileSystem::new(file, FsOptions::new()))
            .map_err(|e| EngineError::io(format!("opening the FAT file system on `{name}`"), e))?;
        Ok(Self { fat, node: name })
    }

    /// Writes a file, making its directories; it replaces a file of that name.
    pub(super) fn write(&self, path: &str, content: &mut dyn Read) -> Result<(), EngineError> {
        self.put(path, content).map_err(|e| {
            EngineError::io(
                format!(
                    "writing `{path}` to the EFI System Partition on `{}`",
                    self.node
                ),
                e,
            )
        })
    }

    fn put(&self, path: &str, content: &mut dyn Read) -> io::Result<()> {
        let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut directory = self.fat.root_dir();
        for part in directories.split('/').filter(|part| !part.is_empty()) {
            directory = directory.create_dir(part)?;
        }
        let unfinished = "landfall.new";
        let mut file = directory.create_file(unfinished)?;
        file.truncate()?;
        io::copy(content, &mut file)?;
        file.flush()?;
        drop(file);
        if directory
            .iter()
            .filter_map(Result::ok)
            .any(|entry| entry.file_name().eq_ignore_ascii_case(name))
        {
            directory.remove(name)?;
        }
        directory.rename(unfinished, &directory, name)
    }

    /// Writes what is still in memory.
    pub(super) fn finish(self) -> Result<(), EngineError> {
        let node = self.node;
        let context = || format!("finishing the FAT file system on `{node}`");
        self.fat
            .unmount()
            .map_err(|e| EngineError::io(context(), e))?;
        // The file system keeps its file for itself; a second handle flushes the device.
        let mut file = open(Path::new(&node)).map_err(|e| EngineError::io(context(), e))?;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.sync_all())
            .map_err(|e| EngineError::io(context(), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tool::Tool;

    #[test]
    fn written_files_are_read_back_and_the_file_system_is_clean() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let size = 64 << 20;
        file.as_file().set_len(size).unwrap();
        format(file.path(), size, "12AB-CD34").unwrap();
        let esp = Esp::open(file.path()).unwrap();
        esp.write("EFI/BOOT/BOOTX64.EFI", &mut &b"first"[..])
            .unwrap();
        esp.write("EFI/BOOT/BOOTX64.EFI", &mut &vec![7; 3 << 20][..])
            .unwrap();
        esp.finish().unwrap();
        let path = file.path().to_str().unwrap();
        let found = Tool::Blkid
            .with(["-p", "-o", "value", "-s", "UUID", path])
            .output()
            .unwrap();
        assert_eq!(found.trim(), "12AB-CD34");
        let check = std::process::Command::new("fsck.vfat")
            .args(["-n", path])
            .output();
        let check = check.expect("fsck.vfat is missing: install the package dosfstools");
        assert!(
            check.status.success(),
            "{}",
            String::from_utf8_lossy(&check.stdout)
        );
        let listed = std::process::Command::new("mdir")
            .args(["-i", path, "-b", "-/"])
            .output();
        let listed = listed.expect("mdir is missing: install the package mtools");
        assert_eq!(
            String::from_utf8_lossy(&listed.stdout)
                .matches("BOOTX64.EFI")
                .count(),
            1
        );
    }
}
