// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reserved areas of a medium: files of a fixed size whose content can be changed in place.

/// Bytes for a kickstart.
pub(super) const KICKSTART: usize = 256 << 10;
/// Bytes for kernel arguments, in the boot menu.
pub(super) const KERNEL_ARGUMENTS: usize = 4 << 10;
/// What the area of kernel arguments begins with.
pub(super) const ARGUMENTS: &str = "set kargs='";
/// Bytes for one more initramfs.
pub(super) const EXTRA: usize = 1 << 20;

/// A kickstart in its area: lines without anything follow it.
pub(super) fn kickstart(text: &[u8]) -> Option<Vec<u8>> {
    let mut area = text.to_vec();
    if area.last().is_some_and(|last| *last != b'\n') {
        area.push(b'\n');
    }
    padded(area, KICKSTART)
}

/// Whether it can be said in GRUB's script: what would end the quotation, or the line, cannot.
pub(super) fn is_argument(text: &str) -> bool {
    !text.contains(|c: char| c == '\'' || c.is_control())
}

/// Kernel arguments in their area: a line of GRUB's script, and a comment.
pub(super) fn kernel_arguments(arguments: &str) -> Option<Vec<u8>> {
    if !is_argument(arguments) {
        return None;
    }
    let line = format!("{ARGUMENTS}{arguments}'\n#");
    let mut area = line.into_bytes();
    let room = (KERNEL_ARGUMENTS - 1).checked_sub(area.len())?;
    area.extend(std::iter::repeat_n(b'#', room));
    area.push(b'\n');
    Some(area)
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

fn padded(mut area: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    if area.len() > size {
        return None;
    }
    area.resize(size, b'\n');
    Some(area)
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
        assert_eq!(kickstart(&vec![b'a'; KICKSTART]), None);
        assert!(kickstart(&vec![b'a'; KICKSTART - 1]).is_some());
        assert_eq!(kernel_arguments(&"a".repeat(KERNEL_ARGUMENTS)), None);
    }
}
