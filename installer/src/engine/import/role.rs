// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the layers of an image are for, by its label `ostree.final-diffid`. Pure.
//!
//! Takes an image; gives a role for each layer. Without the label all are layers of files. With it the layer it names
//! and those below it are an ostree commit, in objects (ostree-ext). It deliberately does not know what is in them.

use super::ImportError;
use crate::image::{Image, ImageError};

const LAST: &str = "ostree.final-diffid";

/// What a layer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Files, as in any container image.
    Files,
    /// An ostree commit with its directories, perhaps with its files.
    Commit,
    /// Files of that commit, as objects.
    Objects,
}

/// The role of each layer, lowest first.
pub(super) fn of_layers(image: &Image) -> Result<Vec<Role>, ImportError> {
    let diff_ids = image.diff_ids();
    let Some(last) = image.labels().get(LAST) else {
        return Ok(vec![Role::Files; diff_ids.len()]);
    };
    let last = diff_ids.iter().position(|id| id == last).ok_or_else(|| {
        let doing = format!("reading the configuration of `{}`", image.reference);
        ImageError::invalid(doing, format!("its label `{LAST}` names no layer of it"))
    })?;
    let role = |at| match at {
        0 => Role::Commit,
        at if at <= last => Role::Objects,
        _ => Role::Files,
    };
    Ok((0..diff_ids.len()).map(role).collect())
}
