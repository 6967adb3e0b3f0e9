// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The EFI System Partition, written in user space by mtools.
//!
//! The installing kernel may have no vfat, and nothing needs to be mounted this way. A file gets
//! its name only when it is complete.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::EngineError;
use super::tool::Tool;

/// Programs that writing an ESP needs.
pub(crate) const TOOLS: [Tool; 3] = [Tool::Mcopy, Tool::Mmd, Tool::Mren];

/// An ESP that is being written.
#[derive(Debug)]
pub(crate) struct Esp {
    node: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Esp {
    /// The ESP on the partition's node.
    pub(crate) fn on(node: &Path) -> Self {
        Self {
            node: node.to_owned(),
            variables: Vec::new(),
        }
    }

    /// The same, by programs that get these environment variables.
    pub(crate) fn with_variables(self, variables: &[(&'static str, String)]) -> Self {
        Self {
            variables: variables.to_vec(),
            ..self
        }
    }

    /// Makes the directories that the files at `paths` will stand in.
    pub(crate) fn make_directories<'p>(
        &self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<(), EngineError> {
        let mut directories = BTreeSet::new();
        for path in paths {
            let ends = path.match_indices('/').map(|(end, _)| &path[..end]);
            directories.extend(ends.filter(|directory| !directory.is_empty()));
        }
        // Sorted, a directory comes before those in it.
        let names: Vec<String> = directories
            .into_iter()
            .map(|name| format!("::/{name}"))
            .collect();
        self.mtool(Tool::Mmd, names.iter().map(AsRef::as_ref)).run()
    }

    /// Writes a new file.
    pub(crate) fn write(&self, path: &str, content: &[u8]) -> Result<(), EngineError> {
        let (directory, _) = path.rsplit_once('/').unwrap_or(("", path));
        let unfinished = format!("::/{directory}/landfall.new");
        self.mtool(Tool::Mcopy, ["-".as_ref(), unfinished.as_ref()])
            .feed(content)?;
        self.mtool(
            Tool::Mren,
            [unfinished.as_ref(), format!("::/{path}").as_ref()],
        )
        .run()
    }

    fn mtool<'s>(
        &'s self,
        tool: Tool,
        args: impl IntoIterator<Item = &'s OsStr>,
    ) -> super::tool::Run {
        let image = ["-i".as_ref(), self.node.as_os_str()];
        // mtools compares sizes with the geometry of floppy disks unless it is told not to.
        let run = tool
            .with(image.into_iter().chain(args))
            .env("MTOOLS_SKIP_CHECK", "1");
        let variables = self.variables.iter();
        variables.fold(run, |run, (name, value)| run.env(name, value))
    }

    /// Writes everything to the disk.
    pub(crate) fn flush(&self) -> Result<(), EngineError> {
        let flushed = File::open(&self.node).and_then(|file| file.sync_all());
        flushed.map_err(|e| EngineError::io(format!("flushing `{}`", self.node.display()), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::FileSystem;

    /// Runs a program that only this test needs.
    fn run(program: &str, package: &str, args: &[&str]) -> String {
        let output = std::process::Command::new(program).args(args).output();
        let output = output.unwrap_or_else(|_| panic!("{program} is missing: install {package}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{program}: {text}");
        text
    }

    #[test]
    fn the_file_system_is_clean_and_holds_what_was_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(64 << 20).unwrap();
        let path = file.path().to_str().unwrap();
        let argv = FileSystem::Vfat
            .mkfs("12AB-CD34", Some("EFI-SYSTEM"))
            .unwrap()
            .argv;
        Tool::by_program(&argv[0])
            .unwrap()
            .with(argv[1..].iter().map(String::as_str).chain([path]))
            .run()
            .unwrap();
        let esp = Esp::on(file.path());
        let files = ["EFI/BOOT/BOOTX64.EFI", "EFI/debian/grub.cfg"];
        esp.make_directories(files.into_iter()).unwrap();
        let content = vec![7; 3 << 20];
        esp.write(files[0], &content).unwrap();
        esp.write(files[1], b"menu").unwrap();
        esp.flush().unwrap();
        let serial = Tool::Blkid
            .with(["-p", "-o", "value", "-s", "UUID", path])
            .output()
            .unwrap();
        assert_eq!(serial.trim(), "12AB-CD34");
        run("fsck.vfat", "dosfstools", &["-n", path]);
        let listed = run("mdir", "mtools", &["-i", path, "-b", "-/"]);
        assert_eq!(
            listed.lines().filter(|line| !line.ends_with('/')).count(),
            2,
            "{listed}"
        );
        let back = std::process::Command::new("mcopy")
            .args(["-i", path, "::/EFI/BOOT/BOOTX64.EFI", "-"])
            .output();
        assert_eq!(back.unwrap().stdout, content);
    }
}
