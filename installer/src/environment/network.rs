// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The network that the kickstart asks for, while the machine is installed.
//!
//! Only where the kernel's command line says nothing of networks, and the kickstart did not come by one: it is the command
//! line's first (Anaconda), and dracut's `ip=` and its like have been carried out by now.

use std::fs;

use kickstart_parser::Kickstart;

use crate::engine::error::EngineError;
use crate::engine::tool::Tool;
use crate::inventory::probe;
use crate::plan;

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
