// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Networks, while the machine is installed: what the kickstart asks for, and what systemd makes nothing of in the kernel's
//! command line.
//!
//! The command line goes first, as in Anaconda: the kickstart's network is used where the line says nothing of networks, and
//! the kickstart did not come by one.

use std::fs;
use std::path::Path;

use kickstart_parser::Kickstart;

use crate::engine::error::EngineError;
use crate::engine::tool::Tool;
use crate::inventory::probe;
use crate::plan;

/// Adds what systemd's generator has left out of the command line, before networkd starts.
///
/// # Errors
/// What reading and writing say.
pub fn complete() -> Result<(), EngineError> {
    let line = command_line()?;
    let failed = |e| EngineError::io("completing the network of the kernel's command line", e);
    for (path, text) in plan::network_additions(&line) {
        let made = Path::new(&path).parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, text)).map_err(failed)?;
    }
    if let Some(name) = plan::host_name_of_command_line(&line) {
        fs::write("/proc/sys/kernel/hostname", name).map_err(failed)?;
    }
    Ok(())
}

/// What the kernel was started with.
pub(super) fn command_line() -> Result<String, EngineError> {
    let path = "/proc/cmdline";
    fs::read_to_string(path).map_err(|e| EngineError::io(format!("reading `{path}`"), e))
}

/// Gives networkd what the `network` commands say. Nothing is changed if there are none.
pub(super) fn apply(kickstart: &Kickstart) -> Result<(), EngineError> {
    let files = plan::network_for_environment(kickstart, &probe::interfaces()?)
        .map_err(EngineError::Refused)?;
    if files.is_empty() {
        return Ok(());
    }
    let write = |(path, text): &(String, String)| fs::write(path, text);
    fs::create_dir_all("/etc/systemd/network")
        .and_then(|()| files.iter().try_for_each(write))
        .map_err(|e| EngineError::io("writing the kickstart's network for this installation", e))?;
    Tool::Networkctl.with(["reload"]).run()
}
