// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Import into a repository, and what the library finds in one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use ostree_ext::container::store::{
    ImageImporter, ImageProxyConfig, LayeredImageState, PrepareResult, list_images, query_image,
    query_image_commit,
};
use ostree_ext::container::{ImageReference, OstreeImageReference};
use ostree_ext::gio::{Cancellable, File};
use ostree_ext::ostree::{Repo, RepoMode, Sysroot};
use serde_json::{Value, json};

const NONE: Option<&Cancellable> = None;

/// Arguments of an import.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A `bare` repository.
    #[arg(long)]
    repo: PathBuf,
    /// The reference under which the image is stored, if not the one it comes from.
    #[arg(long, value_parser = reference)]
    target: Option<OstreeImageReference>,
    /// `oci:DIR`, `docker://NAME`, or with a signature policy before it.
    #[arg(value_parser = reference)]
    image: OstreeImageReference,
}

/// Arguments of a query.
#[derive(Debug, Args)]
#[group(required = true)]
pub(crate) struct Query {
    /// A repository.
    #[arg(long)]
    repo: Option<PathBuf>,
    /// The root of an installed system, with its `/boot` mounted.
    #[arg(long, conflicts_with = "repo")]
    sysroot: Option<PathBuf>,
    /// A commit to ask about, besides the images that have a reference.
    #[arg(long)]
    commit: Option<String>,
}

/// Reads a reference; without a signature policy, nothing is verified.
pub(crate) fn reference(text: &str) -> Result<OstreeImageReference> {
    if text.starts_with("ostree-") {
        OstreeImageReference::try_from(text)
    } else {
        OstreeImageReference::try_from(format!("ostree-unverified-image:{text}").as_str())
    }
}

impl Import {
    pub(crate) async fn run(&self) -> Result<Value> {
        let repo = Repo::new(&File::for_path(&self.repo));
        if self.repo.join("config").exists() {
            repo.open(NONE)?;
        } else {
            std::fs::create_dir_all(&self.repo)?;
            repo.create(RepoMode::Bare, NONE)?;
        }
        let fetched = pull(&repo, &self.image, self.target.as_ref()).await?;
        let mut answer = describe(&repo, &fetched.state)?;
        answer["fetched"] = fetched.layers.into();
        Ok(answer)
    }
}

/// An image that is in the repository now.
pub(crate) struct Fetched {
    pub(crate) state: Box<LayeredImageState>,
    /// Digests of the layers that were not there before.
    pub(crate) layers: Vec<String>,
}

/// Imports an image; nothing is fetched if it is there.
pub(crate) async fn pull(
    repo: &Repo,
    image: &OstreeImageReference,
    target: Option<&OstreeImageReference>,
) -> Result<Fetched> {
    let config = ImageProxyConfig::default();
    let mut importer = ImageImporter::new(repo, image, config).await?;
    // The libostree that is linked is a build machine's; what is asked is what a current one does with /var.
    importer.set_ostree_version(2025, 2);
    if let Some(target) = target {
        importer.set_target(target);
    }
    let prepared = match importer.prepare().await? {
        PrepareResult::AlreadyPresent(state) => {
            let layers = Vec::new();
            return Ok(Fetched { state, layers });
        }
        PrepareResult::Ready(prepared) => prepared,
    };
    let missing = prepared.all_layers().filter(|layer| layer.commit.is_none());
    let layers = missing
        .map(|layer| layer.layer().digest().to_string())
        .collect();
    let state = importer.import(prepared).await?;
    Ok(Fetched { state, layers })
}

impl Query {
    pub(crate) fn run(&self) -> Result<Value> {
        let (repo, deployments) = match (&self.repo, &self.sysroot) {
            (Some(repo), _) => (open(repo)?, Value::Null),
            (None, Some(root)) => {
                let sysroot = Sysroot::new(Some(&File::for_path(root)));
                sysroot.load(NONE)?;
                (sysroot.repo(), deployments(&sysroot)?)
            }
            (None, None) => anyhow::bail!("neither a repository nor a system is given"),
        };
        let mut images = serde_json::Map::new();
        for name in list_images(&repo)? {
            let image = ImageReference::try_from(name.as_str())?;
            let state = query_image(&repo, &image)?.context("finding a listed image")?;
            images.insert(name, describe(&repo, &state)?);
        }
        let commit = match &self.commit {
            Some(commit) => describe(&repo, &*query_image_commit(&repo, commit)?)?,
            None => Value::Null,
        };
        Ok(json!({ "images": images, "deployments": deployments, "commit": commit }))
    }
}

fn open(path: &Path) -> Result<Repo> {
    let repo = Repo::new(&File::for_path(path));
    repo.open(NONE)
        .with_context(|| format!("opening {}", path.display()))?;
    Ok(repo)
}

/// The deployments of a system, the first to be booted first, and what image each is of.
pub(crate) fn deployments(sysroot: &Sysroot) -> Result<Value> {
    let repo = sysroot.repo();
    let all = sysroot.deployments().into_iter().map(|deployment| {
        let origin = deployment.origin();
        let text = |group, key| Some(origin.as_ref()?.string(group, key).ok()?.to_string());
        let reference = text("origin", "container-image-reference");
        let parsed = reference.as_deref().map(OstreeImageReference::try_from);
        let commit = deployment.csum();
        let image = describe(&repo, &*query_image_commit(&repo, &commit)?)?;
        let boot = deployment.bootconfig();
        Ok(json!({
            "stateroot": deployment.osname().as_str(),
            "commit": commit.as_str(),
            "serial": deployment.deployserial(),
            "staged": deployment.is_staged(),
            "origin": reference,
            // What the library would print, from what it has read.
            "canonical_origin": parsed.transpose()?.map(|origin| origin.to_string()),
            "options": boot.and_then(|boot| boot.get("options")).map(|text| text.to_string()),
            "image": image,
        }))
    });
    Ok(Value::Array(all.collect::<Result<_>>()?))
}

/// An image as the library finds it, with the commit and tree of each layer that is there.
pub(crate) fn describe(repo: &Repo, state: &LayeredImageState) -> Result<Value> {
    let layers = state.manifest.layers().iter().map(|layer| {
        let digest = layer.digest().to_string();
        let name = ostree_ext::refescape::prefix_escape_for_ref("ostree/container/blob", &digest)?;
        let commit = repo.resolve_rev(&name, true)?;
        Ok(json!({ "digest": digest, "ref": name, "commit": commit.map(|commit| commit.to_string()) }))
    });
    Ok(json!({
        "commit": state.merge_commit,
        "tree": tree(repo, &state.merge_commit)?,
        "base": state.base_commit,
        "manifest_digest": state.manifest_digest.to_string(),
        "manifest": state.manifest,
        "config": state.configuration,
        "version": state.version(),
        "layers": layers.collect::<Result<Vec<Value>>>()?,
    }))
}

/// The checksum of a commit's root directory, content and metadata: `CONTENT.META`.
fn tree(repo: &Repo, commit: &str) -> Result<String> {
    let object = repo.load_commit(commit)?.0;
    let part = |index| {
        let bytes = object.child_value(index);
        let bytes = bytes.fixed_array::<u8>()?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    };
    let (content, meta): (Result<String>, Result<String>) = (part(6), part(7));
    Ok(format!("{}.{}", content?, meta?))
}
