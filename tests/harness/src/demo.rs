// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The demonstration: from a kickstart to a machine at its serial console.
//!
//! Takes the `landfall` executable, a case and a directory; installs the case's kickstart and boots the disk with the
//! console on this terminal, after saying how to log in and how to leave. Does not check anything: that is the tests'.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::case::{Case, Place};
use crate::channel::Channel;
use crate::guest::Serial;
use crate::registry::free_port;
use crate::ssh::{Key, Login};

/// Installs and boots; returns when the guest has powered off or its user has left.
pub fn run(landfall: &Path, case: &Case, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    let dir = dir.canonicalize()?;
    let disk = dir.join("disk.img");
    if disk.exists() {
        fs::remove_file(&disk).with_context(|| format!("removing {}", disk.display()))?;
    }
    let key = Key::create(&dir)?;
    say("Landfall installs a test image on a disk image file, by the kickstart of the tutorial.")?;
    // Until the guest ends, which may want to be updated.
    let channel = Channel::open(&case.expectation.image)?;
    let place = Place {
        dir: &dir,
        key: &key,
        log: None,
    };
    let machine = case.install(landfall, &place, &channel)?;
    let port = free_port()?;
    let mut qemu = machine.command(port, Serial::Terminal)?;
    say(&instructions(&Login::new(key, port), &disk))?;
    let status = qemu.status().context("starting QEMU")?;
    ensure!(status.success(), "QEMU ended with {status}");
    Ok(())
}

fn instructions(login: &Login, disk: &Path) -> String {
    let leave = if std::io::stdin().is_terminal() {
        "To leave, press Ctrl-A and then X."
    } else {
        "This ends when the guest powers off."
    };
    format!(
        "The disk is {}. It boots now, in about a minute, with its serial console here.\n\
         To log in, in another terminal:\n\n    {}\n\n\
         The kickstart locks root's password, so the key is the only way in. {leave}",
        disk.display(),
        login.command_line()
    )
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "\n{text}\n")?)
}
