// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Day 2 of an installed system: the reference importer in a guest.
//!
//! Takes root's login and the channel that the guest follows; carries `tests/oracle` and `skopeo` there, has them update
//! the system as `bootc upgrade` would, and judges what was fetched by two witnesses, the importer and the registry.
//! The importer uses the guest's own libostree; `skopeo`, which no test image has, brings all of its libraries.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::channel::Channel;
use crate::oracle;
use crate::ssh::Login;
use crate::tool::{self, tool};

/// Where the guest has the programs; `/var` is the same for all deployments.
const PROGRAMS: &str = "/var/tmp/reference";

/// Publishes `image` under the name that the guest follows, and has the guest pull and deploy it.
pub fn upgrade(login: &Login, channel: &mut Channel, image: &str) -> Result<()> {
    let followed = followed(login)?;
    channel.publish(image)?;
    let before = channel.served()?.len();
    // Without a namespace of its own, it would make the machine's /sysroot writable for good.
    let answer = ask(login, "unshare --mount", &format!("deploy '{followed}'"))?;
    let expected: BTreeSet<String> = channel.new_layers().into_iter().collect();
    ensure!(
        strings(&answer["fetched"]) == expected,
        "it fetched {}, and what the machine had not is {expected:?}",
        answer["fetched"]
    );
    let parts = channel.parts(image)?;
    let mut sent: BTreeSet<String> = channel.served()?.split_off(before).into_iter().collect();
    sent.remove(&parts.config);
    ensure!(
        sent == expected,
        "the registry sent {sent:?}, and what the machine had not is {expected:?}"
    );
    let next = &answer["deployments"][0];
    ensure!(
        next["staged"] == true && next["image"]["manifest_digest"] == parts.manifest.as_str(),
        "it staged something else: {next:#}"
    );
    Ok(())
}

/// What the deployment that is booted next names as its origin.
fn followed(login: &Login) -> Result<String> {
    let found = ask(login, "", "query --sysroot /")?;
    let origin = found["deployments"][0]["origin"].as_str();
    Ok(origin.context("a deployment without an image")?.to_owned())
}

/// Checks that the guest has deployments of these images, in this order and no others, with all that is needed to
/// update any of them.
pub fn check_deployments(login: &Login, channel: &Channel, images: &[String]) -> Result<()> {
    let found = ask(login, "", "query --sysroot /")?;
    let all = found["deployments"].as_array().context("no deployments")?;
    ensure!(all.len() == images.len(), "not {images:?}: {found:#}");
    let origin = format!(
        "ostree-unverified-registry:{}",
        channel.reference_in_guest()
    );
    for (deployment, image) in all.iter().zip(images) {
        let (parts, found) = (channel.parts(image)?, &deployment["image"]);
        let layers: Vec<&str> = found["layers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|layer| layer["commit"].is_string())
            .filter_map(|layer| layer["digest"].as_str())
            .collect();
        ensure!(
            found["manifest_digest"] == parts.manifest.as_str()
                && layers == parts.layers
                && deployment["origin"] == origin.as_str()
                && deployment["staged"] == false,
            "no deployment of `{image}`: {deployment:#}"
        );
    }
    Ok(())
}

/// Asks the importer in the guest, started by the program `by` if that is not empty.
fn ask(login: &Login, by: &str, question: &str) -> Result<Value> {
    if login.try_run(&format!("test -d {PROGRAMS}"))?.is_none() {
        let bundle = bundle()?;
        login.send(bundle.path(), PROGRAMS)?;
    }
    let path = format!("PATH={PROGRAMS}:$PATH");
    let answer = login.run(&format!("{path} {by} {PROGRAMS}/oracle {question}"))?;
    serde_json::from_str(&answer).context("reading the oracle's answer")
}

/// A directory with the importer, and a `skopeo` that runs on any system with a shell.
fn bundle() -> Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    let place = |from: &Path, to: &str| -> Result<()> {
        let to = dir.path().join(to);
        fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
        Ok(())
    };
    place(&oracle::oracle()?, "oracle")?;
    let skopeo = PathBuf::from(tool("skopeo")?.get_program());
    fs::create_dir(dir.path().join("private"))?;
    place(&skopeo, "private/skopeo")?;
    for library in libraries(&skopeo)? {
        let name = library.file_name().context("a library without a name")?;
        place(&library, &format!("private/{}", name.display()))?;
    }
    let script = dir.path().join("skopeo");
    let private = format!("{PROGRAMS}/private");
    let start = format!(
        "#!/bin/sh\nexec {private}/{LOADER} --library-path {private} {private}/skopeo --insecure-policy \"$@\"\n"
    );
    fs::write(&script, start)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(dir)
}

/// The dynamic loader's name on amd64.
const LOADER: &str = "ld-linux-x86-64.so.2";

/// The libraries of a program, the dynamic loader among them.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let listed = tool::run(tool("ldd")?.arg(program))?;
    let words = listed.split_whitespace();
    Ok(words
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect())
}

fn strings(list: &Value) -> BTreeSet<String> {
    let words = list.as_array().into_iter().flatten();
    words
        .filter_map(|word| Some(word.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_comes_with_its_loader_and_libc() {
        let skopeo = PathBuf::from(tool("skopeo").unwrap().get_program());
        let names: Vec<_> = libraries(&skopeo).unwrap();
        for expected in [LOADER, "libc.so.6"] {
            assert!(
                names.iter().any(|name| name.ends_with(expected)),
                "{names:?}"
            );
        }
    }
}
