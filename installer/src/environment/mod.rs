// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The installer environment: what runs between a medium's kernel and the installed system.
//!
//! A machine started from a medium of ours, or through the network, has nothing but this: it reads what its kernel was
//! started with ([`BootOptions`]), finds its kickstart ([`KickstartSource`]), installs, says how far it is, and ends as the
//! kickstart says. Modules, udev and the network are the environment's own (dracut); disks are the engine's.

mod kickstart_source;
mod options;

pub use kickstart_source::{Device, KickstartSource, Nfs};
pub use options::{BootOptions, KickstartOption, Syslog};
