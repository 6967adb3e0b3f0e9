// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where a path of a layer goes in the ostree tree. Pure.
//!
//! Takes the raw name of a tar entry or of a hard link's target; gives the place it has in the
//! commit, or says why it has none: `/etc` becomes `/usr/etc`, what the running system mounts over (`/run`,
//! `/proc` and so on) keeps only its mount point. Hostile names are refused here, nowhere else.
//! It deliberately does not know what kind of entry carries the name.

/// Directories that are mount points on the running system.
const MOUNT_POINTS: [&str; 5] = ["run", "tmp", "proc", "sys", "dev"];
/// `PATH_MAX` less its NUL.
pub(super) const MAX_PATH: usize = 4095;
/// `NAME_MAX`.
const MAX_NAME: usize = 255;
/// Deeper than any real tree, shallow enough to recurse into.
pub(super) const MAX_DEPTH: usize = 256;

/// The place of an entry in the tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the root directory itself.
    Root,
    /// It is not in the tree.
    Dropped,
    /// Components joined by `/`, without a leading one.
    At(String),
}

/// Finds the place of an entry called `raw`.
pub(super) fn place(raw: &[u8]) -> Result<Place, String> {
    let text = text(raw)?;
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("a path with `..`".to_owned()),
            _ => parts.push(checked(part)?),
        }
    }
    if parts.len() > MAX_DEPTH {
        return Err(format!("a path deeper than {MAX_DEPTH} directories"));
    }
    Ok(match parts.as_slice() {
        [] => Place::Root,
        [top, _, ..] if MOUNT_POINTS.contains(top) => Place::Dropped,
        ["etc", rest @ ..] => Place::At([&["usr", "etc"], rest].concat().join("/")),
        _ => Place::At(parts.join("/")),
    })
}

/// A name or symlink target that can be stored: UTF-8, not longer than the kernel takes.
pub(super) fn text(raw: &[u8]) -> Result<&str, String> {
    if raw.len() > MAX_PATH {
        return Err(format!("a name longer than {MAX_PATH} bytes"));
    }
    let text = std::str::from_utf8(raw).map_err(|_| "a name that is not UTF-8".to_owned())?;
    if text.contains('\0') {
        return Err("a name with a NUL".to_owned());
    }
    Ok(text)
}

fn checked(part: &str) -> Result<&str, String> {
    if part.len() > MAX_NAME {
        return Err(format!("a name longer than {MAX_NAME} bytes"));
    }
    if matches!(part, ".wh." | ".wh.." | ".wh...") {
        return Err("a whiteout of nothing".to_owned());
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Place {
        Place::At(path.to_owned())
    }

    #[test]
    fn ordinary_paths_are_normalised() {
        for raw in [
            "usr/bin/true",
            "./usr/bin/true",
            "/usr//bin/./true",
            "usr/bin/true/",
        ] {
            assert_eq!(place(raw.as_bytes()).unwrap(), at("usr/bin/true"), "{raw}");
        }
        for raw in ["", "/", ".", "./", "././/"] {
            assert_eq!(place(raw.as_bytes()).unwrap(), Place::Root, "{raw}");
        }
    }

    #[test]
    fn etc_moves_and_only_etc() {
        for (raw, mapped) in [
            ("etc", "usr/etc"),
            ("./etc/passwd", "usr/etc/passwd"),
            ("etc/.wh.foo", "usr/etc/.wh.foo"),
            ("usr/etc/a", "usr/etc/a"),
            ("etcetera/a", "etcetera/a"),
            ("usr/share/etc", "usr/share/etc"),
            ("var/lib/a", "var/lib/a"),
            ("boot/a", "boot/a"),
        ] {
            assert_eq!(place(raw.as_bytes()).unwrap(), at(mapped), "{raw}");
        }
    }

    #[test]
    fn mount_points_keep_no_children() {
        for top in MOUNT_POINTS {
            assert_eq!(place(top.as_bytes()).unwrap(), at(top));
            assert_eq!(place(format!("./{top}/").as_bytes()).unwrap(), at(top));
            assert_eq!(
                place(format!("{top}/null").as_bytes()).unwrap(),
                Place::Dropped
            );
            assert_eq!(
                place(format!("{top}/.wh.x").as_bytes()).unwrap(),
                Place::Dropped
            );
        }
        assert_eq!(place(b"usr/dev/null").unwrap(), at("usr/dev/null"));
    }

    #[test]
    fn hostile_paths_are_refused() {
        let long = "a/".repeat(3000);
        let deep = "a/".repeat(MAX_DEPTH + 1);
        let name = "a".repeat(256);
        for (raw, word) in [
            (&b"../etc/shadow"[..], "`..`"),
            (b"usr/../../x", "`..`"),
            (b"dev/../x", "`..`"),
            (b"usr/\xff", "UTF-8"),
            (b"usr/a\0b", "NUL"),
            (b"usr/.wh.", "whiteout"),
            (b"usr/.wh..", "whiteout"),
            (b".wh.../a", "whiteout"),
            (long.as_bytes(), "longer than 4095"),
            (deep.as_bytes(), "deeper"),
            (name.as_bytes(), "longer than 255"),
        ] {
            let reason = place(raw).unwrap_err();
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn limits_are_inclusive() {
        let name = "a".repeat(255);
        assert_eq!(place(name.as_bytes()).unwrap(), at(&name));
        let deep = vec!["a"; MAX_DEPTH].join("/");
        assert_eq!(place(deep.as_bytes()).unwrap(), at(&deep));
    }
}
