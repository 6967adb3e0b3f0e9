// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reserved areas of a medium: files of a fixed size whose content can be changed in place.

use crate::engine::error::EngineError;

/// Bytes for a kickstart.
pub(super) const KICKSTART: usize = 256 << 10;
/// Bytes for kernel arguments, in the boot menu.
pub(super) const KERNEL_ARGUMENTS: usize = 4 << 10;
/// What the area of kernel arguments begins with.
pub(super) const ARGUMENTS: &str = "set kargs='";
/// Bytes for one more initramfs.
pub(super) const EXTRA: usize = 1 << 20;

/// A kickstart in its area: lines without anything follow it.
pub(super) fn kickstart(text: &[u8]) -> Result<Vec<u8>, EngineError> {
    let mut area = text.to_vec();
    if area.last().is_some_and(|last| *last != b'\n') {
        area.push(b'\n');
    }
    if area.len() > KICKSTART {
        return Err(too_large("kickstart", KICKSTART));
    }
    area.resize(KICKSTART, b'\n');
    Ok(area)
}

/// Whether it can be said in GRUB's script: what would end the quotation, or the line, cannot. Quotation marks and backslashes
/// would reach the kernel with a backslash before each (GRUB, `grub_create_loader_cmdline`).
pub(super) fn is_argument(text: &str) -> bool {
    !text.contains(|c: char| "'\"\\".contains(c) || c.is_control())
}

/// Kernel arguments in their area: a line of GRUB's script, and a comment.
pub(super) fn kernel_arguments(arguments: &str) -> Result<Vec<u8>, EngineError> {
    if !is_argument(arguments) {
        return Err(EngineError::Refused(
            "a kernel argument has a `'`, a `\"`, a `\\` or a control character in it".to_owned(),
        ));
    }
    let line = format!("{ARGUMENTS}{arguments}'\n#");
    let mut area = line.into_bytes();
    if area.len() >= KERNEL_ARGUMENTS {
        return Err(too_large("list of kernel arguments", KERNEL_ARGUMENTS));
    }
    area.resize(KERNEL_ARGUMENTS - 1, b'#');
    area.push(b'\n');
    Ok(area)
}

pub(super) fn too_large(what: &str, room: usize) -> EngineError {
    EngineError::Refused(format!(
        "the {what} does not fit: a medium has {} KiB for it",
        room >> 10
    ))
}

/// The kickstart in its area.
pub(super) fn content(area: &[u8]) -> &[u8] {
    let end = area.iter().rposition(|byte| *byte != b'\n');
    match end {
        // The newline of the last line.
        Some(end) => &area[..(end + 2).min(area.len())],
        None => &[],
    }
}

/// The kernel arguments in their area.
pub(super) fn arguments(area: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(area).ok()?;
    let rest = text.strip_prefix(ARGUMENTS)?;
    Some(rest.split('\'').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_have_their_size_whatever_is_in_them() {
        for text in ["", "a", "a\n"] {
            let area = kickstart(text.as_bytes()).unwrap();
            assert_eq!(area.len(), KICKSTART);
            assert_eq!(
                content(&area),
                text.as_bytes()
                    .trim_ascii_end()
                    .to_vec()
                    .iter()
                    .chain(b"\n".iter().filter(|_| !text.is_empty()))
                    .copied()
                    .collect::<Vec<_>>()
            );
        }
        for arguments in ["", "a b=c"] {
            let area = kernel_arguments(arguments).unwrap();
            assert_eq!(area.len(), KERNEL_ARGUMENTS);
            assert_eq!(super::arguments(&area).unwrap(), arguments);
            let text = String::from_utf8(area).unwrap();
            assert!(text.starts_with(&format!("set kargs='{arguments}'\n#")));
            assert!(text.ends_with("#\n"));
        }
    }

    #[test]
    fn what_is_larger_than_its_area_has_none() {
        let said = |made: Result<_, EngineError>| made.unwrap_err().to_string();
        assert_eq!(
            said(kickstart(&vec![b'a'; KICKSTART])),
            "the kickstart does not fit: a medium has 256 KiB for it"
        );
        assert!(kickstart(&vec![b'a'; KICKSTART - 1]).is_ok());
        let room = KERNEL_ARGUMENTS - ARGUMENTS.len() - "'\n#\n".len();
        assert_eq!(
            said(kernel_arguments(&"a".repeat(room + 1))),
            "the list of kernel arguments does not fit: a medium has 4 KiB for it"
        );
        assert_eq!(
            kernel_arguments(&"a".repeat(room)).unwrap().len(),
            KERNEL_ARGUMENTS
        );
    }

    #[test]
    fn what_grub_would_change_is_no_argument() {
        for text in ["a='b'", "a=\"b c\"", "a=b\\c", "a\nb"] {
            assert!(!is_argument(text), "{text}");
            assert!(
                kernel_arguments(text)
                    .unwrap_err()
                    .to_string()
                    .starts_with("a kernel argument has a `'`, a `\"`")
            );
        }
        assert!(is_argument("ip=[fe80::1]:eth0 a=$b;c#d"));
    }
}
