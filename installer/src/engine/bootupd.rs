// SPDX-License-Identifier: Apache-2.0 OR MIT
//! bootupd's record of what is installed, `bootupd-state.json`.
//!
//! Takes the planned record and the files that it speaks of; adds their sizes and digests, and writes it.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use super::bootloader::read;
use super::error::EngineError;
use super::root::Root;
use crate::hex::hex;
use crate::plan::{BootupdPlan, Copy};

/// The system may read it, as bootupd has it.
const MODE: u32 = 0o644;

/// Writes the record into the installed system.
pub(super) fn record(plan: &BootupdPlan, root: &Root) -> Result<(), EngineError> {
    let mut state = plan.state.clone();
    if !plan.files.is_empty() {
        let tree = json!({ "children": children(plan, root)? });
        state["installed"][&plan.component]["filetree"] = tree;
    }
    root.write(&plan.path, MODE, &state.to_string())
        .map_err(|e| EngineError::io(format!("writing `{}`", plan.path), e))
}

/// What is known of each file, by its path below `EFI`.
fn children(plan: &BootupdPlan, root: &Root) -> Result<Map<String, Value>, EngineError> {
    let child = |file: &crate::plan::BootupdFile| {
        let copy = Copy {
            from: file.from.clone(),
            to: file.to.clone(),
        };
        let content = read(root, &copy)?.content;
        let digest = hex(&Sha512::digest(&content));
        let about = json!({
            "source": file.source,
            "size": content.len(),
            "sha512": format!("sha512:{digest}"),
        });
        Ok((file.to.clone(), about))
    };
    plan.files.iter().map(child).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::BootupdFile;

    #[test]
    fn the_record_tells_what_is_in_the_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("boot")).unwrap();
        std::fs::create_dir(dir.path().join("efi")).unwrap();
        std::fs::write(dir.path().join("efi/shim"), "abc").unwrap();
        let root = Root::open(dir.path()).unwrap();
        let mut plan = BootupdPlan {
            path: "/boot/state.json".to_owned(),
            state: json!({"installed": {"EFI": {"meta": {"version": "1"}, "filetree": null}}}),
            component: "EFI".to_owned(),
            files: vec![BootupdFile {
                from: "efi/shim".to_owned(),
                source: "shim".to_owned(),
                to: "BOOT/BOOTX64.EFI".to_owned(),
            }],
        };
        record(&plan, &root).unwrap();
        let written = || {
            let text = std::fs::read_to_string(dir.path().join("boot/state.json")).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let efi = &written()["installed"]["EFI"];
        assert_eq!(efi["meta"]["version"], "1");
        let file = &efi["filetree"]["children"]["BOOT/BOOTX64.EFI"];
        assert_eq!(file["size"], 3);
        assert_eq!(file["source"], "shim");
        // `sha512sum` of `abc`.
        let digest = file["sha512"].as_str().unwrap();
        assert!(digest.starts_with("sha512:ddaf35a193617abacc417349ae204131"));
        assert_eq!(digest.len(), 7 + 128);
        plan.files.clear();
        record(&plan, &root).unwrap();
        assert!(written()["installed"]["EFI"]["filetree"].is_null());
        plan.files.push(BootupdFile {
            from: "efi/missing".to_owned(),
            source: String::new(),
            to: String::new(),
        });
        let error = record(&plan, &root).unwrap_err();
        assert!(error.to_string().contains("efi/missing"), "{error}");
    }
}
