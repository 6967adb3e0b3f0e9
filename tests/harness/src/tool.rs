// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that the tests drive.
//!
//! Takes a program's name, gives a `Command` with a stable locale, and runs it: the argv goes to stderr, what the
//! program wrote to stderr goes into the error. A program that is not installed is an error that names the Debian
//! package it comes from, never a skipped test. Knows nothing of what the programs are used for.

use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Each program in use, and the Debian package that has it.
const PACKAGES: &[(&str, &str)] = &[
    ("apt-get", "apt"),
    ("blkid", "util-linux"),
    ("btrfs", "btrfs-progs"),
    ("chroot", "coreutils"),
    ("cmp", "diffutils"),
    ("cp", "coreutils"),
    ("docker-registry", "docker-registry"),
    ("dpkg-deb", "dpkg"),
    ("find", "findutils"),
    ("fsck.ext4", "e2fsprogs"),
    ("fsck.vfat", "dosfstools"),
    ("git", "git"),
    ("grub-script-check", "grub-common"),
    ("kill", "procps"),
    ("ldd", "libc-bin"),
    ("losetup", "mount"),
    ("matchpathcon", "selinux-utils"),
    ("lsattr", "e2fsprogs"),
    ("mdir", "mtools"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("mmdebstrap", "mmdebstrap"),
    ("mount", "mount"),
    ("mtype", "mtools"),
    ("openssl", "openssl"),
    ("ostree", "ostree"),
    ("partx", "util-linux"),
    ("pkg-config", "pkg-config"),
    ("prlimit", "util-linux"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("sfdisk", "fdisk"),
    ("sha256sum", "coreutils"),
    ("semodule", "policycoreutils"),
    ("setpriv", "util-linux"),
    ("swapoff", "mount"),
    ("swapon", "mount"),
    ("skopeo", "skopeo"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("tar", "tar"),
    ("umount", "mount"),
    ("xfs_repair", "xfsprogs"),
    ("xorriso", "xorriso"),
];

/// Where programs are looked for besides `PATH`: administrators' tools are not on every user's.
const SBIN: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// A command for `program`, with its full path, or an error that says which package is missing.
pub fn tool(program: &str) -> Result<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(SBIN.iter().map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file());
    let Some(found) = found else {
        let package = PACKAGES
            .iter()
            .find(|(name, _)| *name == program)
            .map_or(program, |(_, package)| package);
        bail!(
            "`{program}` is not installed: it is in the Debian package `{package}` (`make setup` installs it)"
        );
    };
    let mut command = Command::new(found);
    command.env("LC_ALL", "C");
    Ok(command)
}

/// A file that a Debian package installs, or an error that says which package is missing.
pub fn package_file(path: &str, package: &str) -> Result<PathBuf> {
    let file = PathBuf::from(path);
    if !file.is_file() {
        bail!(
            "`{path}` is missing: it is in the Debian package `{package}` (`make setup` installs it)"
        );
    }
    Ok(file)
}

/// Runs the command to its end and gives its standard output; any exit code but 0 is an error with its stderr.
pub fn run(command: &mut Command) -> Result<String> {
    log(&argv(command));
    quietly(command)
}

/// As [`run`], with a text on standard input.
pub fn feed(command: &mut Command, input: &str) -> Result<String> {
    log(&argv(command));
    let mut file = tempfile::tempfile().context("creating a file for standard input")?;
    file.write_all(input.as_bytes())?;
    file.rewind()?;
    finish(command.stdin(file))
}

/// As [`run`], for a caller that has said what it does.
pub fn quietly(command: &mut Command) -> Result<String> {
    finish(command.stdin(Stdio::null()))
}

/// As [`quietly`], with the standard input that the command has.
pub(crate) fn finish(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting `{}`", argv(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` ended with {}: {}",
            argv(command),
            output.status,
            stderr.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A child process that ends when this value does, and with the thread that started it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts the command in the background with its output in the file `log_file`.
    pub fn start(command: &Command, log_file: &Path) -> Result<Self> {
        let output = std::fs::File::create(log_file)
            .with_context(|| format!("creating {}", log_file.display()))?;
        let mut bound = tool("setpriv")?;
        bound
            .args(["--pdeathsig", "KILL", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            bound.env(name, value.unwrap_or_default());
        }
        log(&argv(command));
        let child = bound
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting `{}`", argv(command)))?;
        Ok(Self { child })
    }

    /// Whether the process has ended, and how.
    pub fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        Ok(self.child.try_wait()?)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of talk on stderr.
pub fn log(line: &str) {
    // Nobody to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "+ {line}");
}

/// The command as one would type it, for people.
fn argv(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = tool("no-such-program").unwrap_err().to_string();
        assert!(
            error.contains("Debian package `no-such-program`"),
            "{error}"
        );
    }

    #[test]
    fn a_failing_program_gives_its_stderr() {
        let error = run(tool("sh").unwrap().args(["-c", "echo broken >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("broken") && error.contains('3'), "{error}");
    }
}
