// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images in tar archives: `oci-archive:` is a layout in a [`TarFile`], `docker-archive:` a [`DockerArchive`].

mod docker;
mod tar_file;

pub(super) use docker::DockerArchive;
pub(super) use tar_file::TarFile;
