// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The programs of the installing machine that Landfall drives, and the one way to run them.
//!
//! Argument vectors only, never a shell; `LC_ALL=C`; what a program says on stderr goes into the
//! error. Which programs an installation needs is known before anything is changed. Programs of
//! the image are run by [`super::system`], through [`Tool::Chroot`].

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use super::error::EngineError;
use super::printed::Printed;
use super::process;

/// How often somebody is asked whether a program may go on.
const INTERVAL: Duration = Duration::from_millis(50);

macro_rules! tools {
    ($($name:ident = $program:literal from $package:literal,)*) => {
        /// Every external program of the installing machine.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Tool { $(#[doc = concat!("`", $program, "`")] $name,)* }

        impl Tool {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The program's name.
            pub const fn program(self) -> &'static str {
                match self { $(Self::$name => $program,)* }
            }

            /// The Debian package that has it; other distributions name theirs alike.
            pub const fn package(self) -> &'static str {
                match self { $(Self::$name => $package,)* }
            }

            /// The tool with this program name.
            pub fn by_program(program: &str) -> Option<Self> {
                match program { $($program => Some(Self::$name),)* _ => None }
            }
        }
    };
}

tools! {
    Blkid = "blkid" from "util-linux",
    Btrfs = "btrfs" from "btrfs-progs",
    CdromId = "cdrom_id" from "udev",
    Chroot = "chroot" from "coreutils",
    Cp = "cp" from "coreutils",
    Curl = "curl" from "curl",
    Dumpe2fs = "dumpe2fs" from "e2fsprogs",
    E2fsck = "e2fsck" from "e2fsprogs",
    Efibootmgr = "efibootmgr" from "efibootmgr",
    Fstrim = "fstrim" from "util-linux",
    Kexec = "kexec" from "kexec-tools",
    Losetup = "losetup" from "mount",
    Lsblk = "lsblk" from "util-linux",
    Mcopy = "mcopy" from "mtools",
    MkfsBtrfs = "mkfs.btrfs" from "btrfs-progs",
    MkfsExt4 = "mkfs.ext4" from "e2fsprogs",
    MkfsVfat = "mkfs.vfat" from "dosfstools",
    MkfsXfs = "mkfs.xfs" from "xfsprogs",
    Mkswap = "mkswap" from "util-linux",
    Mmd = "mmd" from "mtools",
    Mount = "mount" from "mount",
    Mren = "mren" from "mtools",
    Networkctl = "networkctl" from "systemd",
    Partx = "partx" from "util-linux",
    Resize2fs = "resize2fs" from "e2fsprogs",
    Sfdisk = "sfdisk" from "fdisk",
    Sshd = "sshd" from "openssh-server",
    SshKeygen = "ssh-keygen" from "openssh-client",
    Systemctl = "systemctl" from "systemd",
    Udevadm = "udevadm" from "udev",
    Umount = "umount" from "mount",
    XfsGrowfs = "xfs_growfs" from "xfsprogs",
    Xorriso = "xorriso" from "xorriso",
}

/// A program with its arguments, ready to run.
#[derive(Debug)]
pub struct Run {
    command: Command,
    line: String,
    tolerate: Vec<i32>,
    outlives: bool,
}

impl Tool {
    /// The program's path: administrators' directories are not on every user's search path.
    fn path(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
        std::env::split_paths(&path)
            .chain(more)
            .map(|directory| directory.join(self.program()))
            .find(|candidate| candidate.is_file())
    }

    /// Whether this machine has the program.
    pub fn is_present(self) -> bool {
        self.path().is_some()
    }

    /// An error that names those of `tools` that this machine lacks.
    pub fn require(tools: &[Self]) -> Result<(), EngineError> {
        let missing: Vec<Self> = tools
            .iter()
            .copied()
            .filter(|tool| !tool.is_present())
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(EngineError::Missing(missing))
        }
    }

    /// The program with arguments.
    pub fn with<S: AsRef<OsStr>>(self, args: impl IntoIterator<Item = S>) -> Run {
        let program = self.path().unwrap_or_else(|| self.program().into());
        let mut command = Command::new(program);
        command.args(args).env("LC_ALL", "C").stdin(Stdio::null());
        // A terminal sends its signals to whole process groups: who is ended when is Landfall's to say.
        command.process_group(0);
        if self == Self::Chroot {
            // A directory of this machine, which the image need not have.
            command.env_remove("TMPDIR");
        }
        let line = describe(self, &command);
        Run {
            command,
            line,
            tolerate: Vec::new(),
            outlives: false,
        }
    }
}

impl Run {
    /// Exit statuses besides 0 that are no failure.
    #[must_use]
    pub fn tolerate(mut self, statuses: &[i32]) -> Self {
        self.tolerate.extend_from_slice(statuses);
        self
    }

    /// Comes to its end even if Landfall is killed meanwhile.
    #[must_use]
    pub const fn outliving(mut self) -> Self {
        self.outlives = true;
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The command line, for logs.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Runs it to its end and gives what it printed on stdout.
    pub fn output(self) -> Result<String, EngineError> {
        self.finish(None)
    }

    /// Runs it to its end, with `input` on its stdin.
    pub fn feed(self, input: &[u8]) -> Result<String, EngineError> {
        self.finish(Some(input))
    }

    /// Runs it to its end.
    pub fn run(self) -> Result<(), EngineError> {
        self.finish(None).map(drop)
    }

    /// Runs it to its end, or kills it when it is `given_up`.
    pub(crate) fn run_unless(self, given_up: &AtomicBool) -> Result<(), EngineError> {
        self.finish_by(|command| {
            run_to_end(command, None, |child| {
                loop {
                    if let Some(status) = child.try_wait()? {
                        return Ok(status);
                    }
                    if given_up.load(Ordering::Relaxed) {
                        child.kill()?;
                        return child.wait();
                    }
                    sleep(INTERVAL);
                }
            })
        })
        .map(drop)
    }

    fn finish(self, input: Option<&[u8]>) -> Result<String, EngineError> {
        self.finish_by(|command| run_to_end(command, input, Child::wait))
    }

    fn finish_by(
        mut self,
        run: impl FnOnce(&mut Command) -> io::Result<Ended>,
    ) -> Result<String, EngineError> {
        if !self.outlives {
            process::end_with_this(&mut self.command);
        }
        let ended = run(&mut self.command)
            .map_err(|e| EngineError::io(format!("running `{}`", self.line), e))?;
        let code = ended.status.code();
        if ended.status.success() || code.is_some_and(|code| self.tolerate.contains(&code)) {
            return Ok(ended.stdout);
        }
        Err(EngineError::Tool {
            command: self.line,
            status: ended.status.to_string(),
            stderr: ended.stderr.trim().to_owned(),
        })
    }
}

/// How a program ended, and what it printed; of stderr only the end, and without secrets.
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// What is printed goes to memory and not to pipes: those would break under a program that outlives Landfall.
fn run_to_end(
    command: &mut Command,
    input: Option<&[u8]>,
    wait: impl FnOnce(&mut Child) -> io::Result<ExitStatus>,
) -> io::Result<Ended> {
    let (stdout, stderr) = (Printed::in_memory()?, Printed::in_memory()?);
    command.stdout(stdout.stream()?).stderr(stderr.stream()?);
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn()?;
    if let (Some(text), Some(mut pipe)) = (input, child.stdin.take()) {
        // A program that does not read its input tells why by its exit status.
        let _ = pipe.write_all(text);
    }
    Ok(Ended {
        status: wait(&mut child)?,
        stdout: stdout.all()?,
        stderr: stderr.end()?,
    })
}

fn describe(tool: Tool, command: &Command) -> String {
    std::iter::once(tool.program().to_owned())
        .chain(
            command
                .get_args()
                .map(|word| quote(&word.to_string_lossy())),
        )
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a shell would have to be given it; for people, not for a shell.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
