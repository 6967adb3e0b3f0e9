// SPDX-License-Identifier: Apache-2.0 OR MIT
//! bootupd's record of what is installed, as `bootupctl` of the installed system reads it.
//!
//! Takes what the image says about a component and the boot chain, gives the record but for sizes and digests: those are
//! known when the files are read.

use serde_json::{Map, Value, json};

use super::chain::Chain;
use super::{BootupdPlan, Component, OTHERS};
use crate::plan::issue::{Code, Issues};

const PATH: &str = "/boot/bootupd-state.json";

/// What the image says about a component, without what it says about other boot loaders than GRUB.
pub(super) fn metadata(component: &Component<'_>, issues: &mut Issues) -> Option<Value> {
    let name = component.name;
    let mut refuse = |why: &str| {
        let message = format!("bootupd of the image cannot install `{name}`: {why}");
        issues.error(Code::BootLoaderMissing, message);
        None
    };
    let Ok(Value::Object(mut metadata)) = serde_json::from_str(component.metadata) else {
        return refuse("its metadata are not as expected");
    };
    let default = metadata.get("default-bootloader").and_then(Value::as_str);
    if let Some(other) = default.filter(|name| *name != "Grub") {
        return refuse(&format!("its boot loader is {other}, not GRUB"));
    }
    let is_timed = metadata.get("timestamp").is_some_and(Value::is_string);
    let Some(version) = metadata
        .get("version")
        .and_then(Value::as_str)
        .filter(|_| is_timed)
    else {
        return refuse("its metadata have no version, or no time");
    };
    let is_other = |package: &str| OTHERS.iter().any(|other| package.starts_with(other));
    let version: Vec<&str> = version.split(',').filter(|one| !is_other(one)).collect();
    let version = version.join(",");
    metadata.insert("version".to_owned(), version.into());
    if let Some(Value::Array(versions)) = metadata.get_mut("versions") {
        versions.retain(|one| {
            !one["name"]
                .as_str()
                .is_some_and(|name| OTHERS.contains(&name))
        });
    }
    Some(metadata.into())
}

/// The record of a component; for BIOS it has no files.
pub(super) fn record(
    component: &Component<'_>,
    metadata: &Value,
    chain: Option<&Chain>,
) -> BootupdPlan {
    let state = json!({
        "installed": {
            component.name: { "meta": metadata, "filetree": chain.map(files), "adopted-from": null },
        },
        "pending": null,
        // Who has put the menu there; bootupd has its own version here, and the time of its own file.
        "static-configs": {
            "timestamp": metadata["timestamp"],
            "version": "landfall",
            "versions": null,
            "default-bootloader": null,
        },
    });
    BootupdPlan {
        path: PATH.to_owned(),
        state,
    }
}

/// Where each file comes from, by its path below `EFI`.
fn files(chain: &Chain) -> Value {
    let file = |file: &super::chain::File| (file.to.clone(), json!({ "source": file.source }));
    let children: Map<String, Value> = chain.files.iter().map(file).collect();
    json!({ "children": children })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BootupdPayload, ImageFacts};

    #[test]
    fn other_boot_loaders_are_not_in_the_record() {
        let text = json!({
            "timestamp": "2026-01-01T00:00:00Z",
            "version": "grub-cc-1,grub2-1:2.12-9,shim-16",
            "versions": [{"name": "grub-cc", "rpm_evr": "1"}, {"name": "shim", "rpm_evr": "16"}],
        });
        let (facts, payload) = (ImageFacts::default(), BootupdPayload::default());
        let of = |metadata: &str| {
            let component = Component {
                facts: &facts,
                payload: &payload,
                name: "EFI",
                metadata,
            };
            let mut issues = Issues::default();
            let found = super::metadata(&component, &mut issues);
            found.ok_or_else(|| issues.0[0].message.clone())
        };
        let metadata = of(&text.to_string()).unwrap();
        assert_eq!(metadata["version"], "grub2-1:2.12-9,shim-16");
        assert_eq!(
            metadata["versions"],
            json!([{"name": "shim", "rpm_evr": "16"}])
        );
        for (text, why) in [
            ("[]", "not as expected"),
            ("{", "not as expected"),
            (r#"{"version": "1"}"#, "no version, or no time"),
            (
                r#"{"timestamp": "x", "version": "1", "default-bootloader": "Systemd"}"#,
                "is Systemd, not GRUB",
            ),
        ] {
            let message = of(text).unwrap_err();
            assert!(message.contains(why), "{message}");
        }
    }
}
