// SPDX-License-Identifier: Apache-2.0 OR MIT
//! GRUB for BIOS by bytes: the core image with its list of blocks, and the boot sector that starts it.
//!
//! Takes the images as GRUB's tools build them and the place on the disk, gives the bytes to write; the offsets are those
//! of GRUB's `boot.S` and `diskboot.S` (`grub/i386/pc/boot.h`), and what is put there is what `grub-bios-setup` puts there.
//! It guesses no device and knows no file system.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::error::EngineError;
use super::root::Root;
use crate::plan::BiosPlan;

const SECTOR: usize = 512;
/// Bytes of GRUB's images that are read; a core image with all modules has under 4 MiB.
const MAX_FILE: u64 = 16 << 20;

/// Where the boot sector has the sector number of the core image, 64 bits.
const KERNEL_SECTOR: usize = 0x5c;
/// Where it jumps over the correction of wrong drive numbers, which are those of hard disks.
const DRIVE_CHECK: usize = 0x66;
/// What belongs to the disk in its first sector: disk identifier and partition table.
const DISK_OWN: std::ops::Range<usize> = 0x1b8..0x1fe;
/// Where a boot sector has its signature.
const SIGNATURE: usize = 0x1fe;
/// Where the core image's first sector has the place of the rest: sector number of 64 bits, count of 16, segment of 16.
const BLOCK_LIST: usize = 0x1f4;

/// GRUB, ready to be written to its disk.
#[derive(Debug)]
pub(super) struct Grub {
    device: String,
    start_bytes: u64,
    core: Vec<u8>,
    boot_image: Vec<u8>,
}

impl Grub {
    /// Reads the images from the installed system, and checks whether they fit.
    pub(super) fn read(bios: &BiosPlan, root: &Root) -> Result<Self, EngineError> {
        let read = |path: &str| {
            let mut content = Vec::new();
            root.file(path)
                .and_then(|file| file.take(MAX_FILE).read_to_end(&mut content))
                .map_err(|e| EngineError::io(format!("reading `{path}` of the image"), e))?;
            Ok::<_, EngineError>(content)
        };
        let unusable =
            |why: &str| EngineError::Unusable(format!("the image's GRUB for BIOS: {why}"));
        let core = place_core(read(&bios.core_path)?, bios.core_start_bytes).map_err(unusable)?;
        if core.len() as u64 > bios.core_room_bytes {
            let why = format!(
                "its core image has {} bytes, and there is room for {}",
                core.len(),
                bios.core_room_bytes
            );
            return Err(unusable(&why));
        }
        let boot_image = read(&bios.boot_image)?;
        boot_sector(&boot_image, &[0; SECTOR], bios.core_start_bytes).map_err(unusable)?;
        Ok(Self {
            device: bios.device.clone(),
            start_bytes: bios.core_start_bytes,
            core,
            boot_image,
        })
    }

    /// Writes the core image, and then, when that is on the disk, the boot sector: from here on the disk starts.
    pub(super) fn write(&self) -> Result<(), EngineError> {
        let context = |e| EngineError::io(format!("writing GRUB to `{}`", self.device), e);
        let mut disk = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.device)
            .map_err(context)?;
        write_at(&mut disk, self.start_bytes, &self.core).map_err(context)?;
        let mut old = [0; SECTOR];
        disk.seek(SeekFrom::Start(0))
            .and_then(|_| disk.read_exact(&mut old))
            .map_err(context)?;
        let sector = boot_sector(&self.boot_image, &old, self.start_bytes)
            .map_err(|why| EngineError::Unusable(why.to_owned()))?;
        write_at(&mut disk, 0, &sector).map_err(context)
    }
}

fn write_at(disk: &mut File, start: u64, bytes: &[u8]) -> io::Result<()> {
    disk.seek(SeekFrom::Start(start))?;
    disk.write_all(bytes)?;
    disk.sync_all()
}

/// The core image in whole sectors, with the place of all sectors but the first in the first.
fn place_core(mut core: Vec<u8>, start_bytes: u64) -> Result<Vec<u8>, &'static str> {
    core.resize(core.len().next_multiple_of(SECTOR), 0);
    let sectors = core.len() / SECTOR;
    if sectors < 2 {
        return Err("its core image is cut off");
    }
    let list = &mut core[BLOCK_LIST..SECTOR];
    let count = u16::from_le_bytes([list[8], list[9]]);
    if usize::from(count) != sectors - 1 {
        return Err("the list of blocks of its core image is not as expected");
    }
    let second = start_bytes / SECTOR as u64 + 1;
    list[..8].copy_from_slice(&second.to_le_bytes());
    Ok(core)
}

/// The first sector of a disk that has `old` there: GRUB's code, the disk's own data.
fn boot_sector(
    image: &[u8],
    old: &[u8; SECTOR],
    start_bytes: u64,
) -> Result<[u8; SECTOR], &'static str> {
    let mut sector: [u8; SECTOR] = image
        .try_into()
        .map_err(|_| "its boot sector has not 512 bytes")?;
    if sector[SIGNATURE..] != [0x55, 0xaa] {
        return Err("its boot sector has no signature");
    }
    let first = start_bytes / SECTOR as u64;
    sector[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&first.to_le_bytes());
    // Two instructions that do nothing.
    sector[DRIVE_CHECK..DRIVE_CHECK + 2].copy_from_slice(&[0x90; 2]);
    sector[DISK_OWN].copy_from_slice(&old[DISK_OWN]);
    Ok(sector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Vec<u8> {
        let mut image = vec![0xee; SECTOR];
        image[SIGNATURE..].copy_from_slice(&[0x55, 0xaa]);
        image
    }

    fn core(bytes: usize, count: u16) -> Vec<u8> {
        let mut core = vec![0xcc; bytes];
        core[BLOCK_LIST..BLOCK_LIST + 8].copy_from_slice(&2u64.to_le_bytes());
        core[BLOCK_LIST + 8..BLOCK_LIST + 10].copy_from_slice(&count.to_le_bytes());
        core[BLOCK_LIST + 10..SECTOR].copy_from_slice(&0x820u16.to_le_bytes());
        core
    }

    #[test]
    fn the_boot_sector_keeps_the_disk_identifier_and_the_partition_table() {
        let old: [u8; SECTOR] = std::array::from_fn(|at| u8::try_from(at % 251).unwrap());
        let sector = boot_sector(&image(), &old, 34 * 512).unwrap();
        assert_eq!(sector[0x1b8..0x1fe], old[0x1b8..0x1fe]);
        assert_eq!(sector[0x5c..0x64], [34, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(sector[0x66..0x68], [0x90, 0x90]);
        let code = [0..0x5c, 0x64..0x66, 0x68..0x1b8];
        assert!(code.into_iter().flatten().all(|at| sector[at] == 0xee));
        assert_eq!(sector[0x1fe..], [0x55, 0xaa]);
    }

    #[test]
    fn the_core_image_says_where_its_second_sector_is() {
        let core = place_core(core(3 * SECTOR - 7, 2), 1 << 20).unwrap();
        assert_eq!(core.len(), 3 * SECTOR);
        assert_eq!(core[0x1f4..0x1fc], 2049u64.to_le_bytes());
        assert_eq!(core[0x1fc..0x200], [2, 0, 0x20, 0x08]);
        assert!(core[..0x1f4].iter().all(|byte| *byte == 0xcc));
        assert_eq!(core[3 * SECTOR - 7..], [0; 7]);
    }

    #[test]
    fn other_images_are_refused() {
        assert!(place_core(core(3 * SECTOR, 5), 512).is_err());
        assert!(place_core(vec![0; 100], 512).is_err());
        assert!(place_core(Vec::new(), 512).is_err());
        assert!(boot_sector(&image()[1..], &[0; SECTOR], 512).is_err());
        assert!(boot_sector(&[0; SECTOR], &[0; SECTOR], 512).is_err());
    }
}
