// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes an OCI image layout.
//!
//! Takes tar entries layer by layer, gives a directory with `oci-layout`, `index.json` and `blobs/sha256`. Layers are
//! compressed as each asks for. Knows the image format only: what is in a layer, and what a bootable image needs, is the
//! caller's. The same entries give the same digests.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use oci_spec::image::{
    Arch, Config, ConfigBuilder, Descriptor, DescriptorBuilder, Digest, History, HistoryBuilder,
    ImageConfigurationBuilder, ImageIndexBuilder, ImageManifestBuilder, MediaType,
    OciLayoutBuilder, Os, RootFsBuilder, Sha256Digest,
};
use sha2::{Digest as _, Sha256};

/// An image layout that is being written.
#[derive(Debug)]
pub struct Layout {
    dir: PathBuf,
    layers: Vec<Descriptor>,
    diff_ids: Vec<String>,
    history: Vec<History>,
}

/// What an image says about itself besides its layers.
#[derive(Debug, Clone)]
pub struct About {
    /// Labels of the image's configuration, also annotations of its manifest.
    pub labels: HashMap<String, String>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// The reference it has in the layout's index.
    pub reference: String,
}

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// As most images are.
    Gzip,
    /// One frame.
    Zstd,
    /// Many frames, and a table of contents where readers of whole layers find frames to skip.
    #[serde(rename = "zstd:chunked")]
    ZstdChunked,
}

/// A layer that is being written: a tar stream on its way through two hashes and a compressor.
pub type Layer = tar::Builder<Compressed>;

impl Layout {
    /// Starts a layout in the existing directory `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir.join("blobs/sha256"))
            .with_context(|| format!("creating {}", dir.display()))?;
        let version = OciLayoutBuilder::default()
            .image_layout_version("1.0.0")
            .build()?;
        fs::write(dir.join("oci-layout"), version.to_string()?)?;
        Ok(Self {
            dir: dir.to_owned(),
            layers: Vec::new(),
            diff_ids: Vec::new(),
            history: Vec::new(),
        })
    }

    /// A new layer, not part of the image before [`Layout::push`]; `level` is the compressor's.
    pub fn layer(&self, compression: Compression, level: i32) -> Result<Layer> {
        let mut layer = tar::Builder::new(self.stream(compression, level)?);
        layer.mode(tar::HeaderMode::Complete);
        Ok(layer)
    }

    /// As [`Layout::layer`], for a tar stream that there is already; [`Compressed::finish`] ends it.
    pub(crate) fn stream(&self, compression: Compression, level: i32) -> Result<Compressed> {
        let blob = Blob::create(&self.dir)?;
        let compressor = match compression {
            Compression::None => Compressor::None(blob),
            Compression::Gzip => {
                let level = flate2::Compression::new(level.clamp(1, 9).unsigned_abs());
                Compressor::Gzip(flate2::write::GzEncoder::new(blob, level))
            }
            Compression::Zstd => {
                let mut zstd = zstd::Encoder::new(blob, level)?;
                zstd.include_checksum(true)?;
                Compressor::Zstd(zstd)
            }
            Compression::ZstdChunked => Compressor::Chunked(Chunked {
                blob,
                level,
                frame: Vec::new(),
            }),
        };
        Ok(Compressed {
            compressor,
            hash: Sha256::new(),
        })
    }

    /// Ends the layer and puts it on top of those before it.
    pub fn push(&mut self, layer: Layer, comment: &str, created: &str) -> Result<()> {
        let (layer, diff_id) = layer.into_inner().context("ending a layer")?.finish()?;
        self.layers.push(layer);
        self.diff_ids.push(diff_id);
        self.history.push(
            HistoryBuilder::default()
                .created(created)
                .created_by(comment)
                .build()?,
        );
        Ok(())
    }

    /// Writes configuration, manifest and index; gives the manifest's digest.
    pub fn finish(self, about: &About) -> Result<String> {
        let root = RootFsBuilder::default()
            .typ("layers")
            .diff_ids(self.diff_ids.clone())
            .build()?;
        let config = ImageConfigurationBuilder::default()
            .created(&about.created)
            .architecture(Arch::Amd64)
            .os(Os::Linux)
            .config(config(&about.labels)?)
            .rootfs(root)
            .history(self.history.clone())
            .build()?;
        let config = self.blob(config.to_string()?.as_bytes(), MediaType::ImageConfig)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2u32)
            .media_type(MediaType::ImageManifest)
            .config(config)
            .layers(self.layers.clone())
            .annotations(about.labels.clone())
            .build()?;
        let mut manifest = self.blob(manifest.to_string()?.as_bytes(), MediaType::ImageManifest)?;
        let digest = manifest.digest().to_string();
        let name = (
            "org.opencontainers.image.ref.name".to_owned(),
            about.reference.clone(),
        );
        manifest.set_annotations(Some(HashMap::from([name])));
        let index = ImageIndexBuilder::default()
            .schema_version(2u32)
            .media_type(MediaType::ImageIndex)
            .manifests(vec![manifest])
            .build()?;
        fs::write(self.dir.join("index.json"), index.to_string()?)?;
        Ok(digest)
    }

    fn blob(&self, bytes: &[u8], media_type: MediaType) -> Result<Descriptor> {
        let mut blob = Blob::create(&self.dir)?;
        blob.write_all(bytes)?;
        blob.finish(media_type)
    }
}

fn config(labels: &HashMap<String, String>) -> Result<Config> {
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin".to_owned();
    Ok(ConfigBuilder::default()
        .env(vec![path])
        .cmd(vec!["/sbin/init".to_owned()])
        .labels(labels.clone())
        .build()?)
}

/// A blob on its way to disk, hashed as it goes.
#[derive(Debug)]
struct Blob {
    file: BufWriter<tempfile::NamedTempFile>,
    dir: PathBuf,
    hash: Sha256,
    size: u64,
}

impl Blob {
    fn create(layout: &Path) -> Result<Self> {
        let dir = layout.join("blobs/sha256");
        let file = BufWriter::new(tempfile::NamedTempFile::new_in(&dir)?);
        Ok(Self {
            file,
            dir,
            hash: Sha256::new(),
            size: 0,
        })
    }

    fn finish(self, media_type: MediaType) -> Result<Descriptor> {
        let digest = hex(&self.hash.finalize());
        let file = self.file.into_inner().context("writing a blob")?;
        let file: File = file.persist(self.dir.join(&digest))?;
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        let digest: Digest = digest.parse::<Sha256Digest>()?.into();
        Ok(DescriptorBuilder::default()
            .media_type(media_type)
            .size(self.size)
            .digest(digest)
            .build()?)
    }
}

impl Write for Blob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

enum Compressor {
    None(Blob),
    Gzip(flate2::write::GzEncoder<Blob>),
    Zstd(zstd::Encoder<'static, Blob>),
    Chunked(Chunked),
}

/// zstd:chunked, as far as one sees who reads the layer from one end to the other: the table is empty.
struct Chunked {
    blob: Blob,
    level: i32,
    /// What goes into the next frame.
    frame: Vec<u8>,
}

impl Chunked {
    /// Bytes in a frame; the format has one for each piece of a file.
    const FRAME: usize = 1 << 18;
    /// The first of the magic numbers of frames that are skipped.
    const SKIPPED: u32 = 0x184D_2A50;

    fn end_frame(&mut self) -> io::Result<()> {
        let frame = zstd::encode_all(self.frame.as_slice(), self.level)?;
        self.frame.clear();
        self.blob.write_all(&frame)
    }

    fn skipped(&mut self, content: &[u8]) -> Result<()> {
        self.blob.write_all(&Self::SKIPPED.to_le_bytes())?;
        let length = u32::try_from(content.len())?;
        self.blob.write_all(&length.to_le_bytes())?;
        Ok(self.blob.write_all(content)?)
    }

    fn finish(mut self) -> Result<Descriptor> {
        self.end_frame()?;
        let table = br#"{"version":1,"entries":[]}"#;
        let packed = zstd::encode_all(table.as_slice(), self.level)?;
        let (at, length) = (self.blob.size + 8, packed.len() as u64);
        self.skipped(&packed)?;
        let footer = [at, length, table.len() as u64, 1];
        let mut footer: Vec<u8> = footer.iter().flat_map(|n| n.to_le_bytes()).collect();
        footer.extend([0; 24]);
        footer.extend(b"GNUlInUx");
        self.skipped(&footer)?;
        let key = |name| format!("io.github.containers.zstd-chunked.{name}");
        let position = format!("{at}:{length}:{}:1", table.len());
        let checksum = format!("sha256:{}", hex(&Sha256::digest(&packed)));
        let mut descriptor = self.blob.finish(MediaType::ImageLayerZstd)?;
        descriptor.set_annotations(Some(HashMap::from([
            (key("manifest-position"), position),
            (key("manifest-checksum"), checksum),
        ])));
        Ok(descriptor)
    }
}

impl Write for Chunked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        if self.frame.len() >= Self::FRAME {
            self.end_frame()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Compressor {
    fn finish(self) -> Result<Descriptor> {
        match self {
            Self::None(blob) => blob.finish(MediaType::ImageLayer),
            Self::Gzip(gzip) => gzip.finish()?.finish(MediaType::ImageLayerGzip),
            Self::Zstd(zstd) => zstd.finish()?.finish(MediaType::ImageLayerZstd),
            Self::Chunked(chunked) => chunked.finish(),
        }
    }

    fn stream(&mut self) -> &mut dyn Write {
        match self {
            Self::None(blob) => blob,
            Self::Gzip(gzip) => gzip,
            Self::Zstd(zstd) => zstd,
            Self::Chunked(chunked) => chunked,
        }
    }
}

/// Hashes what goes in and compresses it into a blob.
pub struct Compressed {
    compressor: Compressor,
    hash: Sha256,
}

impl Compressed {
    /// The descriptor of the blob, and the digest of what went in.
    pub(crate) fn finish(self) -> Result<(Descriptor, String)> {
        let diff_id = format!("sha256:{}", hex(&self.hash.finalize()));
        Ok((self.compressor.finish()?, diff_id))
    }
}

impl std::fmt::Debug for Compressed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Compressed").finish_non_exhaustive()
    }
}

impl Write for Compressed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.compressor.stream().write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.compressor.stream().flush()
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small_image(dir: &Path) -> String {
        let mut layout = Layout::create(dir).unwrap();
        let mut layer = layout.layer(Compression::Zstd, 3).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        layer
            .append_data(&mut header, "usr/file", &b"hello"[..])
            .unwrap();
        layout
            .push(layer, "one file", "2026-01-01T00:00:00Z")
            .unwrap();
        let about = About {
            labels: HashMap::from([("containers.bootc".to_owned(), "1".to_owned())]),
            created: "2026-01-01T00:00:00Z".to_owned(),
            reference: "small:1".to_owned(),
        };
        layout.finish(&about).unwrap()
    }

    #[test]
    fn the_same_entries_give_the_same_digest_and_every_blob_has_its_own() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let digests = dirs.each_ref().map(|dir| small_image(dir.path()));
        assert_eq!(digests[0], digests[1]);
        let blobs: Vec<_> = fs::read_dir(dirs[0].path().join("blobs/sha256"))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(blobs.len(), 3, "layer, configuration, manifest");
        for blob in blobs {
            let content = fs::read(blob.path()).unwrap();
            assert_eq!(
                blob.file_name().to_str().unwrap(),
                hex(&Sha256::digest(content))
            );
        }
    }
}
