// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a mount point means for its partition: type GUID, name, and how early it must come on the disk.
//!
//! The GUIDs are those of the Discoverable Partitions Specification.

use uuid::{Uuid, uuid};

pub(super) const ESP: Uuid = uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
const XBOOTLDR: Uuid = uuid!("bc13c2ff-59e6-4262-a352-b275fd6f7172");
pub(super) const SWAP: Uuid = uuid!("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f");
const LINUX: Uuid = uuid!("0fc63daf-8483-4772-8e79-3d69d8477de4");

/// Order weight, type GUID (discoverable partitions specification) and name by mount point.
pub(super) fn traits(mount: &str, arch: &str) -> (u32, Uuid, &'static str) {
    match mount {
        "/boot/efi" => (5000, ESP, "EFI System Partition"),
        "/boot" => (2000, XBOOTLDR, "boot"),
        "/" => (0, root_kind(arch), "root"),
        "/home" => (0, uuid!("933ac7e1-2eb4-4f13-b844-0e14e2aef915"), "home"),
        "/srv" => (0, uuid!("3b8f8425-20e0-4f3b-907f-1a25a76f98e8"), "srv"),
        "/var" => (0, uuid!("4d21b016-b534-45c2-a9fb-5c16e091fd2d"), "var"),
        "/tmp" => (0, uuid!("7ec6f557-3bc5-4aca-b293-16ef5df639d1"), "tmp"),
        _ => (0, LINUX, "data"),
    }
}

fn root_kind(arch: &str) -> Uuid {
    match arch {
        "amd64" => uuid!("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
        "arm64" => uuid!("b921b045-1df0-41c3-af44-4c6f280d3fae"),
        "riscv64" => uuid!("72ec70a6-cf74-40e6-bd49-4bda08e8f224"),
        "ppc64le" => uuid!("c31c45e6-3f39-412e-80fb-4809c4980599"),
        "s390x" => uuid!("5eead9a9-fe09-4a1e-a1d7-520d00531306"),
        _ => LINUX,
    }
}
