// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot server's parts, as a library.
//!
//! Today it holds the receiving half of the event interface, [`installs`]; DHCP, TFTP, HTTP and
//! the registry will be modules beside it. It depends on the installer's pure half only, so it
//! builds without libostree.

pub mod installs;
