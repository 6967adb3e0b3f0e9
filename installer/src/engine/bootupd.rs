// SPDX-License-Identifier: Apache-2.0 OR MIT
//! bootupd's record of what is installed, `bootupd-state.json`.
//!
//! Takes the planned record and the files that were read for the ESP; adds their sizes and digests, and writes it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::bootloader::EspFile;
use super::error::EngineError;
use super::root::Root;
use crate::hex::hex;
use crate::plan::BootupdPlan;

/// The system may read it, as bootupd has it.
const MODE: u32 = 0o644;

/// Writes the record into the installed system.
pub(super) fn record(
    plan: &BootupdPlan,
    chain: &[EspFile],
    root: &Root,
) -> Result<(), EngineError> {
    let mut state = plan.state.clone();
    let components = state.get_mut("installed").and_then(Value::as_object_mut);
    for component in components.into_iter().flat_map(|all| all.values_mut()) {
        let files = component.pointer_mut("/filetree/children");
        for (path, about) in files.and_then(Value::as_object_mut).into_iter().flatten() {
            complete(path, about, chain)?;
        }
    }
    root.write(&plan.path, MODE, &state.to_string())
        .map_err(|e| EngineError::io(format!("writing `{}`", plan.path), e))
}

/// Adds what is known of a file, by its path below `EFI`.
fn complete(path: &str, about: &mut Value, chain: &[EspFile]) -> Result<(), EngineError> {
    let place = format!("EFI/{path}");
    let file = chain.iter().find(|file| file.path == place);
    let (Some(file), Some(about)) = (file, about.as_object_mut()) else {
        let message = format!("bootupd's record has `{place}`, which is not of the boot chain");
        return Err(EngineError::Refused(message));
    };
    let digest = hex(&Sha512::digest(&file.content));
    about.insert("size".to_owned(), json!(file.content.len()));
    about.insert("sha512".to_owned(), json!(format!("sha512:{digest}")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(state: Value, chain: &[EspFile]) -> Result<Value, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("boot")).unwrap();
        let root = Root::open(dir.path()).unwrap();
        let plan = BootupdPlan {
            path: "/boot/state.json".to_owned(),
            state,
        };
        record(&plan, chain, &root).map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string(dir.path().join("boot/state.json")).unwrap();
        Ok(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn the_record_tells_what_is_in_the_files() {
        let file = |path: &str, content: &str| EspFile {
            path: path.to_owned(),
            content: content.into(),
        };
        let chain = [file("EFI/BOOT/BOOTX64.EFI", "abc"), file("EFI/a/other", "")];
        let of = |tree: Value| json!({"installed": {"EFI": {"meta": {"version": "1"}, "filetree": tree}}});
        let planned = json!({"children": {"BOOT/BOOTX64.EFI": {"source": "shim"}}});
        // `sha512sum` of `abc`.
        let digest = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                      2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        let complete = json!({"source": "shim", "size": 3, "sha512": digest});
        assert_eq!(
            written(of(planned), &chain).unwrap(),
            of(json!({"children": {"BOOT/BOOTX64.EFI": complete}}))
        );
        // Of BIOS it has no files.
        assert_eq!(written(of(Value::Null), &[]).unwrap(), of(Value::Null));
    }

    #[test]
    fn a_record_of_other_files_is_refused() {
        for about in [json!({"source": "shim"}), json!(1)] {
            let tree = json!({"children": {"BOOT/missing": about}});
            let error = written(json!({"installed": {"EFI": {"filetree": tree}}}), &[]);
            assert_eq!(
                error.unwrap_err(),
                "bootupd's record has `EFI/BOOT/missing`, which is not of the boot chain"
            );
        }
    }
}
