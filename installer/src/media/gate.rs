// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the kernel starts first from a medium: it goes on only if the initramfs was unpacked whole.
//!
//! The kernel goes on with what it could unpack of a damaged initramfs, and whatever is missing then fails somehow. The gate
//! stands before the rest, where it was unpacked before the damage, and a mark behind: without it, the gate says that the medium
//! is damaged, and waits. It is one small program without libraries, since any of those may be the damaged part.

use std::io::{self, Read, Write};

use cpio::newc::{Builder, ModeFileType, trailer};

/// The gate's path, for the kernel's argument `rdinit=`.
pub(super) const PATH: &str = "/landfall-gate";
/// What is there if all before it was unpacked. As long as the code has it.
const MARK: &str = "/landfall-whole";
/// What is said, on all terminals: the kernel's log takes the lines of its most urgent level to each.
const TEXT: &str = "<0>The medium is damaged: the installer on it is not what was written. Write it again, or use another one.\n";

/// Where the program stands in memory, and how long its headers are.
const ADDRESS: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;
/// The code for x86-64, at any address.
const CODE: [u8; 98] = [
    // access(MARK, F_OK), or go to `damaged`
    0xb8, 21, 0, 0, 0, // mov eax, 21
    0x48, 0x8d, 0x3d, 0x5a, 0, 0, 0, // lea rdi, [MARK]
    0x31, 0xf6, // xor esi, esi
    0x0f, 0x05, // syscall
    0x85, 0xc0, // test eax, eax
    0x78, 0x1c, // js damaged
    // execve("/init", the arguments, the environment)
    0xb8, 59, 0, 0, 0, // mov eax, 59
    0x48, 0x8d, 0x3d, 0x56, 0, 0, 0, // lea rdi, ["/init"]
    0x48, 0x8d, 0x74, 0x24, 8, // lea rsi, [rsp + 8]
    0x48, 0x8b, 0x0c, 0x24, // mov rcx, [rsp]
    0x48, 0x8d, 0x54, 0xce, 8, // lea rdx, [rsi + 8 * rcx + 8]
    0x0f, 0x05, // syscall
    // damaged: open("/dev/kmsg", O_WRONLY)
    0xb8, 2, 0, 0, 0, // mov eax, 2
    0x48, 0x8d, 0x3d, 0x40, 0, 0, 0, // lea rdi, ["/dev/kmsg"]
    0xbe, 1, 0, 0, 0, // mov esi, 1
    0x0f, 0x05, // syscall
    // write(it, TEXT, its length)
    0x89, 0xc7, // mov edi, eax
    0xb8, 1, 0, 0, 0, // mov eax, 1
    0x48, 0x8d, 0x35, 0x35, 0, 0, 0, // lea rsi, [TEXT]
    0x8b, 0x15, 0x0b, 0, 0, 0, // mov edx, [the length]
    0x0f, 0x05, // syscall
    // pause(), for ever: without a first process the kernel would panic over the message
    0xb8, 34, 0, 0, 0, // mov eax, 34
    0x0f, 0x05, // syscall
    0xeb, 0xf7, // jmp pause
];

/// The initramfs between gate and mark. Archives for the kernel may follow each other.
pub(super) fn enclose(initramfs: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut before = Vec::new();
    let program = program();
    add(
        &mut before,
        &PATH[1..],
        (ModeFileType::Regular, 0o755),
        &program,
    )?;
    add(&mut before, "dev", (ModeFileType::Directory, 0o755), &[])?;
    let log = Builder::new("dev/kmsg")
        .dev_major(0)
        .rdev_major(1)
        .rdev_minor(11)
        .nlink(1);
    let log = log.mode(0o600).set_mode_file_type(ModeFileType::Char);
    log.write(&mut before, 0).finish()?;
    trailer(&mut before)?;
    fill_up(&mut before);
    to.write_all(&before)?;
    let copied = io::copy(initramfs, to)?;
    // An archive that is not compressed begins at a multiple of four.
    let filled = copied.next_multiple_of(4) - copied;
    io::copy(&mut io::repeat(0).take(filled), to)?;
    let mut behind = Vec::new();
    add(
        &mut behind,
        &MARK[1..],
        (ModeFileType::Regular, 0o444),
        b"whole\n",
    )?;
    trailer(&mut behind)?;
    to.write_all(&behind)
}

fn add(
    archive: &mut Vec<u8>,
    path: &str,
    (kind, mode): (ModeFileType, u32),
    content: &[u8],
) -> io::Result<()> {
    let size = u32::try_from(content.len()).map_err(io::Error::other)?;
    let entry = Builder::new(path)
        .nlink(1)
        .mode(mode)
        .set_mode_file_type(kind);
    let mut writer = entry.write(archive, size);
    writer.write_all(content)?;
    writer.finish().map(drop)
}

fn fill_up(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// A program as the kernel loads it (elf(5)): its headers, the code, and behind it what the code has the distances of.
fn program() -> Vec<u8> {
    let mut body = CODE.to_vec();
    // The code takes four bytes of it.
    body.extend(&(TEXT.len() as u64).to_le_bytes()[..4]);
    for text in [MARK, "/init", "/dev/kmsg"] {
        body.extend(text.as_bytes());
        body.push(0);
    }
    body.extend(TEXT.as_bytes());
    let size = HEADERS + body.len() as u64;
    let mut program = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut put = |bytes: &[u8]| program.extend_from_slice(bytes);
    // An executable for x86-64; where it begins, and where its table is.
    put(&2u16.to_le_bytes());
    put(&62u16.to_le_bytes());
    put(&1u32.to_le_bytes());
    put(&(ADDRESS + HEADERS).to_le_bytes());
    put(&64u64.to_le_bytes());
    put(&0u64.to_le_bytes());
    put(&0u32.to_le_bytes());
    for half in [64u16, 56, 1, 0, 0, 0] {
        put(&half.to_le_bytes());
    }
    // One segment, to be read and run.
    put(&1u32.to_le_bytes());
    put(&5u32.to_le_bytes());
    for word in [0, ADDRESS, ADDRESS, size, size, 0x1000] {
        put(&word.to_le_bytes());
    }
    put(&body);
    program
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    /// Starts the gate in a root of its own, until it has said something; gives that.
    fn said(mark: bool) -> String {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path.trim_start_matches('/'));
        fs::create_dir(at("dev")).unwrap();
        fs::write(at("dev/kmsg"), "").unwrap();
        for (path, is_there) in [(PATH, true), ("/init", mark)] {
            if is_there {
                // A gate behind the gate tells that it was started by the mark that it misses.
                let text = if path == PATH { program() } else { moved() };
                fs::write(at(path), text).unwrap();
                fs::set_permissions(at(path), fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        if mark {
            fs::write(at(MARK), "").unwrap();
        }
        let mut child = Command::new("chroot")
            .arg(root.path())
            .arg(PATH)
            .spawn()
            .unwrap();
        let mut text = String::new();
        for _ in 0..200 {
            text = fs::read_to_string(at("dev/kmsg")).unwrap();
            if !text.is_empty() {
                break;
            }
            sleep(Duration::from_millis(50));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        text
    }

    /// The gate with another mark and another text.
    fn moved() -> Vec<u8> {
        let mut program = program();
        let find = |program: &[u8], text: &str| {
            let windows = program.windows(text.len());
            windows
                .into_iter()
                .position(|window| window == text.as_bytes())
                .unwrap()
        };
        let mark = find(&program, MARK);
        program[mark + 1] = b'X';
        let text = find(&program, "<0>The");
        program[text + 3..text + 6].copy_from_slice(b"Two");
        program
    }

    #[test]
    fn what_was_not_unpacked_whole_is_said_to_be_damaged() {
        assert_eq!(said(false), TEXT);
    }

    #[test]
    fn what_was_unpacked_whole_is_started() {
        assert_eq!(said(true), TEXT.replacen("The", "Two", 1));
    }

    #[test]
    fn the_parts_are_in_their_order_and_begin_where_the_kernel_looks() {
        let count = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches('z').count();
        let mut empty = Vec::new();
        enclose(&mut io::empty(), &mut empty).unwrap();
        for length in (0..5).chain([100_001]) {
            let initramfs = vec![b'z'; length];
            let mut whole = Vec::new();
            enclose(&mut initramfs.as_slice(), &mut whole).unwrap();
            assert_eq!(count(&whole), count(&empty) + length);
            let text = String::from_utf8_lossy(&whole);
            let second = text.rfind("070701").unwrap();
            assert!(text.starts_with("070701") && text.find("TRAILER!!!").unwrap() < second);
            let at = whole.windows(6).enumerate();
            let headers: Vec<_> = at
                .filter(|(_, word)| *word == b"070701")
                .map(|(at, _)| at)
                .collect();
            assert!(headers.iter().all(|at| at % 4 == 0), "{headers:?}");
            assert_eq!(headers.len(), 6);
        }
    }
}
