// SPDX-License-Identifier: Apache-2.0 OR MIT
//! This very executable, with what it needs to start in any root: its dynamic loader and its libraries.
//!
//! Takes what the kernel has mapped for this process; gives the files, to be put together into one directory. There a
//! loader is told to look in that directory first, so that the C library of the root does not matter.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::root::Root;

/// Where the files are in an installer environment.
const PREFIX: &str = "usr/lib/landfall";
/// The command that starts the executable.
const COMMAND: &str = "usr/bin/landfall";
/// Mode of a file that can be run.
pub(super) const EXECUTABLE: u32 = 0o755;

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
    pub(super) fn put_into(&self, root: &Root) -> io::Result<()> {
        let put = |from: &Path, name: &str| {
            let to = format!("{PREFIX}/{name}");
            root.copy(&mut File::open(from)?, &to, EXECUTABLE)
        };
        put(&self.executable, "landfall")?;
        for path in self.libraries.iter().chain(&self.loader) {
            if let Some(name) = path.file_name() {
                put(path, &name.to_string_lossy())?;
            }
        }
        root.write(COMMAND, EXECUTABLE, &self.starter())
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
    use std::os::unix::fs::symlink;

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

    #[test]
    fn links_of_the_image_do_not_lead_what_is_carried_out_of_it() {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().join(path);
        fs::create_dir_all(at("bait")).unwrap();
        fs::write(at("bait/landfall"), "bait").unwrap();
        fs::write(at("executable"), "program").unwrap();
        fs::create_dir_all(at("root/usr/bin")).unwrap();
        fs::create_dir_all(at("root/opt")).unwrap();
        symlink(at("bait/landfall"), at("root/usr/bin/landfall")).unwrap();
        symlink("/opt", at("root/usr/lib")).unwrap();
        let carried = Carried::of(at("executable"), "");
        let root = Root::open(&at("root")).unwrap();
        carried.put_into(&root).unwrap();
        let text = |path: &str| fs::read_to_string(at(path)).unwrap();
        assert_eq!(text("bait/landfall"), "bait");
        assert_eq!(text("root/usr/bin/landfall"), carried.starter());
        assert_eq!(text("root/opt/landfall/landfall"), "program");
        fs::remove_file(at("root/usr/lib")).unwrap();
        symlink(at("bait"), at("root/usr/lib")).unwrap();
        carried.put_into(&root).unwrap_err();
        assert_eq!(fs::read_dir(at("bait")).unwrap().count(), 1);
    }

    /// Starts this very test program in a root that has another C library.
    fn starts_in(suite: &str, packages: &str, links: &[(&str, &str)]) {
        let kept = landfall_harness::root::root(suite, packages).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        let mut copy = landfall_harness::tool::tool("cp").unwrap();
        landfall_harness::tool::run(copy.arg("-a").arg(&kept).arg(&root)).unwrap();
        for (path, target) in links {
            symlink(target, root.join(path)).unwrap();
        }
        let opened = Root::open(&root).unwrap();
        Carried::this_executable()
            .unwrap()
            .put_into(&opened)
            .unwrap();
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
