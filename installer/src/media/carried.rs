// SPDX-License-Identifier: Apache-2.0 OR MIT
//! This very executable, with what it needs to start in any root: its dynamic loader and its libraries.
//!
//! Takes what the kernel has mapped for this process; gives the files, to be put together into one directory. There a
//! loader is told to look in that directory first, so that the C library of the root does not matter.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the files are in an installer environment.
pub(super) const PREFIX: &str = "usr/lib/landfall";

/// The files that make an executable start anywhere.
#[derive(Debug)]
pub(super) struct Carried {
    executable: PathBuf,
    /// None of an executable that is linked statically.
    loader: Option<PathBuf>,
    libraries: Vec<PathBuf>,
}

impl Carried {
    /// What this process runs.
    pub(super) fn this_executable() -> io::Result<Self> {
        let executable = fs::read_link("/proc/self/exe")?;
        let maps = fs::read_to_string("/proc/self/maps")?;
        Ok(Self::of(executable, &maps))
    }

    fn of(executable: PathBuf, maps: &str) -> Self {
        let paths: BTreeSet<&str> = maps.lines().filter_map(executable_file).collect();
        let others = paths.into_iter().map(PathBuf::from);
        let (loaders, libraries): (Vec<_>, Vec<_>) = others
            .filter(|path| *path != executable)
            .partition(|path| is_loader(path));
        Self {
            executable,
            loader: loaders.into_iter().next(),
            libraries,
        }
    }

    /// All of them, in one order.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let others = self.libraries.iter().chain(&self.loader);
        [&self.executable]
            .into_iter()
            .chain(others)
            .map(PathBuf::as_path)
    }

    /// Copies the files to where they are in a root, and writes the command `landfall` that starts them.
    pub(super) fn put_into(&self, root: &Path) -> io::Result<()> {
        let prefix = root.join(PREFIX);
        fs::create_dir_all(&prefix)?;
        fs::copy(&self.executable, prefix.join("landfall"))?;
        for path in self.libraries.iter().chain(&self.loader) {
            if let Some(name) = path.file_name() {
                fs::copy(path, prefix.join(name))?;
            }
        }
        let command = root.join("usr/bin/landfall");
        write_executable(&command, &self.starter())
    }

    fn starter(&self) -> String {
        let name = self.loader.as_deref().and_then(Path::file_name);
        let through = name.map_or(String::new(), |name| {
            let name = name.to_string_lossy();
            format!("/{PREFIX}/{name} --library-path /{PREFIX} ")
        });
        format!("#!/bin/sh\nexec {through}/{PREFIX}/landfall \"$@\"\n")
    }
}

/// Writes a file that can be run.
pub(super) fn write_executable(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// The file of a line of `/proc/PID/maps` if code is run from it (`proc_pid_maps(5)`).
fn executable_file(line: &str) -> Option<&str> {
    let mut words = line.split_ascii_whitespace();
    let permissions = words.nth(1)?;
    let path = line.find('/').map(|at| &line[at..])?;
    permissions.contains('x').then_some(path)
}

fn is_loader(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("ld-linux") || name.starts_with("ld-musl") || name.starts_with("ld64.so")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d000000000-55d000001000 r--p 00000000 fe:00 11 /usr/bin/landfall
55d000001000-55d000002000 r-xp 00001000 fe:00 11 /usr/bin/landfall
7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 /lib/x86_64-linux-gnu/libc.so.6
7f0000001000-7f0000002000 r--p 00000000 fe:00 14 /usr/lib/locale/C.utf8/LC_CTYPE
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
7f0000003000-7f0000004000 r-xp 00000000 fe:00 13 /lib64/ld-linux-x86-64.so.2
7f0000005000-7f0000006000 r-xp 00000000 00:00 0 [vdso]
";

    #[test]
    fn code_that_is_mapped_is_carried() {
        let carried = Carried::of("/usr/bin/landfall".into(), MAPS);
        assert_eq!(
            carried.libraries,
            [Path::new("/lib/x86_64-linux-gnu/libc.so.6")]
        );
        assert_eq!(carried.loader, Some("/lib64/ld-linux-x86-64.so.2".into()));
        assert_eq!(
            carried.starter(),
            "#!/bin/sh\nexec /usr/lib/landfall/ld-linux-x86-64.so.2 --library-path /usr/lib/landfall \
             /usr/lib/landfall/landfall \"$@\"\n"
        );
    }

    #[test]
    fn a_static_executable_starts_by_itself() {
        let maps = MAPS.lines().take(2).collect::<Vec<_>>().join("\n");
        let carried = Carried::of("/usr/bin/landfall".into(), &maps);
        assert_eq!(
            carried.starter(),
            "#!/bin/sh\nexec /usr/lib/landfall/landfall \"$@\"\n"
        );
    }

    /// Starts this very test program in a root that has another C library.
    fn starts_in(suite: &str, packages: &str, links: &[(&str, &str)]) {
        let kept = landfall_harness::root::root(suite, packages).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        let mut copy = landfall_harness::tool::tool("cp").unwrap();
        landfall_harness::tool::run(copy.arg("-a").arg(&kept).arg(&root)).unwrap();
        for (path, target) in links {
            std::os::unix::fs::symlink(target, root.join(path)).unwrap();
        }
        Carried::this_executable().unwrap().put_into(&root).unwrap();
        let mut chroot = landfall_harness::tool::tool("chroot").unwrap();
        chroot.arg(&root).args(["/usr/bin/landfall", "--list"]);
        let listed = landfall_harness::tool::run(&mut chroot).unwrap();
        assert!(listed.contains("what_is_carried_starts_in"), "{listed}");
    }

    #[test]
    fn what_is_carried_starts_in_debian_11() {
        starts_in("bullseye", "dash", &[]);
    }

    #[test]
    fn what_is_carried_starts_in_a_musl_root() {
        starts_in("bookworm", "musl,busybox-static", &[("bin/sh", "busybox")]);
    }
}
