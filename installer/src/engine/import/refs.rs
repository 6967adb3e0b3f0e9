// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names of the refs under which an image and its layers are kept in the repository. Pure.
//!
//! Takes digests and image references; gives ref names in the escaping that bootc and rpm-ostree
//! read (a ref name is a file name). It deliberately does not know whether a ref exists.

use std::fmt::Write as _;

const LAYER: &str = "ostree/container/blob/";
const IMAGE: &str = "ostree/container/image/";

/// The ref of a layer. `digest` is that of the blob as it is packed, `sha256:…`.
pub(super) fn layer(digest: &str) -> Option<String> {
    Some(format!("{LAYER}{}", escape(digest)?))
}

/// The ref of an image. `target` is its reference in transport form, `docker://host/repo:tag`.
pub(super) fn image(target: &str) -> Option<String> {
    Some(format!("{IMAGE}{}", escape(target)?))
}

/// ASCII letters and digits and `-` stay, `_` doubles, `/` stays between path components, and all else is
/// its code point in hexadecimal between `_`. Nothing can be made of an empty name or a NUL.
fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.contains('\0') {
        return None;
    }
    let mut out = String::with_capacity(name.len() * 2);
    let mut previous = None;
    let mut rest = name.chars().peekable();
    while let Some(each) = rest.next() {
        let separates = previous.is_some_and(|last: char| last.is_ascii_alphanumeric());
        match each {
            '-' => out.push(each),
            '_' => out.push_str("__"),
            '/' if separates && rest.peek().is_some() => out.push(each),
            _ if each.is_ascii_alphanumeric() => out.push(each),
            // Writing to a string cannot fail.
            _ => drop(write!(out, "_{:02X}_", u32::from(each))),
        }
        previous = Some(each);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_bootc_uses() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        let layer_ref = format!("ostree/container/blob/sha256_3A_{}", "0f".repeat(32));
        assert_eq!(layer(&digest), Some(layer_ref));
        assert_eq!(
            image("docker://quay.io/fedora/fedora-bootc:42").unwrap(),
            "ostree/container/image/docker_3A__2F__2F_quay_2E_io/fedora/fedora-bootc_3A_42"
        );
    }

    #[test]
    fn every_rule() {
        for (name, escaped) in [
            ("a", "a"),
            ("A9-z", "A9-z"),
            ("a_b", "a__b"),
            ("a/b", "a/b"),
            ("/a", "_2F_a"),
            ("a/", "a_2F_"),
            ("a//b", "a/_2F_b"),
            ("a-/b", "a-_2F_b"),
            ("a_/b", "a___2F_b"),
            ("a@b+c", "a_40_b_2B_c"),
            ("é/a", "_E9__2F_a"),
            ("\t", "_09_"),
            ("😀", "_1F600_"),
        ] {
            assert_eq!(escape(name).as_deref(), Some(escaped), "{name}");
        }
        assert_eq!(escape(""), None);
        assert_eq!(escape("a\0b"), None);
    }
}
