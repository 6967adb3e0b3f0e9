// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The installer environment: what runs between a medium's kernel and the installed system.
//!
//! A machine started from a medium of ours, or through the network, has nothing but this: it reads what its kernel was
//! started with ([`BootOptions`]), finds its kickstart ([`KickstartSource`]), installs, says how far it is, and ends as the
//! kickstart says. Modules, udev and the network are the environment's own (dracut); disks are the engine's.

#[cfg(feature = "engine")]
mod child;
#[cfg(feature = "engine")]
mod download;
#[cfg(feature = "engine")]
mod ending;
#[cfg(feature = "engine")]
mod kickstart;
mod kickstart_source;
#[cfg(feature = "engine")]
mod machine;
#[cfg(feature = "engine")]
mod mounted;
#[cfg(feature = "engine")]
mod network;
mod options;
mod reference;
#[cfg(feature = "engine")]
mod reporter;
#[cfg(feature = "engine")]
mod run;
#[cfg(feature = "engine")]
mod sinks;
#[cfg(feature = "engine")]
mod spool;
#[cfg(feature = "engine")]
mod sshd;
#[cfg(feature = "engine")]
mod syslog;
#[cfg(feature = "engine")]
mod terminals;
#[cfg(feature = "engine")]
mod volume;

pub use kickstart_source::{Device, KickstartSource, Nfs};
#[cfg(feature = "engine")]
pub use network::complete as complete_network;
pub use options::{BootOptions, KickstartOption, Syslog};
pub use reference::boot_options_page;
#[cfg(feature = "engine")]
pub use run::run;
