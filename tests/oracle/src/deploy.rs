// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `bootc upgrade` does to a system: pull, then deploy.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ostree_ext::container::OstreeImageReference;
use ostree_ext::container::deploy::{DeployOpts, deploy, remove_undeployed_images};
use ostree_ext::gio::{Cancellable, File};
use ostree_ext::ostree::Sysroot;
use ostree_ext::sysroot::SysrootLock;
use serde_json::{Value, json};

use crate::kargs;
use crate::store;

const NONE: Option<&Cancellable> = None;

/// Arguments of `deploy`.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The root of the system.
    #[arg(long, default_value = "/")]
    sysroot: PathBuf,
    #[arg(long, default_value = "default")]
    stateroot: String,
    /// The reference that the system follows from now on, if not the one that the image comes from.
    #[arg(long, value_parser = store::reference)]
    target: Option<OstreeImageReference>,
    /// `docker://NAME`, or with a signature policy before it.
    #[arg(value_parser = store::reference)]
    image: OstreeImageReference,
}

impl Deploy {
    pub(crate) async fn run(&self) -> Result<Value> {
        let sysroot = Sysroot::new(Some(&File::for_path(&self.sysroot)));
        // Without it a read-only /sysroot cannot be written to.
        sysroot.set_mount_namespace_in_use();
        sysroot.load(NONE)?;
        let lock = SysrootLock::new_from_sysroot(&sysroot).await?;
        let target = self.target.as_ref();
        let fetched = store::pull(&lock.repo(), &self.image, target).await?;
        let kargs = kargs::next(&lock, &self.stateroot, &fetched.state.merge_commit)?;
        let kargs: Vec<&str> = kargs.iter().map(String::as_str).collect();
        let mut options = DeployOpts::default();
        options.target_imgref = target;
        options.kargs = Some(&kargs);
        let state = deploy(&lock, &self.stateroot, &self.image, Some(options)).await?;
        lock.load(NONE)?;
        remove_undeployed_images(&lock)?;
        Ok(json!({
            "image": store::describe(&lock.repo(), &state)?,
            "fetched": fetched.layers,
            "deployments": store::deployments(&lock)?,
        }))
    }
}
