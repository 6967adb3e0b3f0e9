// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A container registry, read as a source of manifests and blobs. The only asynchronous code.
//!
//! Takes a registry reference; gives manifests as bytes and blobs as blocking readers. Each request
//! runs on a thread of its own with a current-thread runtime; a bounded channel hands chunks over,
//! so that a slow reader slows the download, and dropping the reader ends the thread. It deliberately does not
//! verify (the caller wraps) and does not know credentials: access is anonymous.

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use tokio::io::AsyncWrite;
use tokio::runtime::Builder;

use super::{ImageError, RegistryRef};

/// Chunks in flight between the network and the reader.
const CHUNKS: usize = 16;
/// Name of the threads that download.
pub(super) const THREAD: &str = "download";
/// Bytes of an error message of a registry that are shown.
const MESSAGE: usize = 200;
const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// One repository of a registry.
#[derive(Debug, Clone)]
pub(super) struct Registry {
    name: String,
    reference: Reference,
    plain_http: bool,
}

impl Registry {
    pub(super) fn new(reference: &RegistryRef, plain_http: bool) -> Self {
        let name = reference.name().to_owned();
        Self {
            name,
            reference: reference.parsed().clone(),
            plain_http,
        }
    }

    /// The manifest or index that the reference names, or that `digest` names in the same
    /// repository. Its digest is checked where one was given.
    pub(super) fn manifest(&self, digest: Option<&str>) -> Result<Vec<u8>, ImageError> {
        let doing = match digest {
            Some(digest) => format!("fetching the manifest `{digest}` of `{}`", self.name),
            None => format!("fetching the manifest of `{}`", self.name),
        };
        let reference = match digest {
            Some(digest) => self.reference.clone_with_digest(digest.to_owned()),
            None => self.reference.clone(),
        };
        let this = self.clone();
        let fetch = move || this.fetch_manifest(&reference);
        match thread::spawn(fetch).join() {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(failure)) => Err(failure.explain(doing)),
            Err(_) => Err(ImageError::invalid(doing, "the registry client failed")),
        }
    }

    fn fetch_manifest(&self, reference: &Reference) -> Result<Vec<u8>, Failure> {
        let client = self.client()?;
        let request =
            client.pull_manifest_raw(reference, &RegistryAuth::Anonymous, &MANIFEST_TYPES);
        let (bytes, _) = runtime()?.block_on(request)?;
        Ok(bytes.into())
    }

    /// A blob as it comes, not verified by us yet.
    pub(super) fn blob(&self, digest: &str) -> io::Result<BlobReader> {
        let (sender, receiver) = sync_channel(CHUNKS);
        let (this, digest) = (self.clone(), digest.to_owned());
        let doing = format!("fetching the blob `{digest}` of `{}`", self.name);
        let download = move || {
            if let Err(failure) = this.fetch_blob(&digest, &sender) {
                let error = io::Error::other(failure.explain(doing));
                // The reader may be gone: then nobody wants to know.
                let _ = sender.send(Err(error));
            }
        };
        thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(download)?;
        Ok(BlobReader {
            receiver,
            chunk: Vec::new(),
            at: 0,
        })
    }

    fn fetch_blob(&self, digest: &str, sender: &SyncSender<Chunk>) -> Result<(), Failure> {
        let client = self.client()?;
        let out = ChunkWriter {
            sender: sender.clone(),
        };
        runtime()?.block_on(async {
            let registry = self.reference.resolve_registry();
            client
                .store_auth_if_needed(registry, &RegistryAuth::Anonymous)
                .await;
            client.pull_blob(&self.reference, digest, out).await
        })?;
        Ok(())
    }

    fn client(&self) -> Result<Client, OciDistributionError> {
        let protocol = if self.plain_http {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        };
        Client::try_from(ClientConfig {
            protocol,
            connect_timeout: Some(Duration::from_secs(20)),
            read_timeout: Some(Duration::from_secs(60)),
            user_agent: concat!("landfall/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        })
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    Builder::new_current_thread().enable_all().build()
}

type Chunk = io::Result<Vec<u8>>;

/// Hands what the client writes to the reader's thread. It blocks when the reader is behind, which
/// is harmless: the runtime has nothing else to do.
struct ChunkWriter {
    sender: SyncSender<Chunk>,
}

impl AsyncWrite for ChunkWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = self.sender.send(Ok(bytes.to_vec()));
        Poll::Ready(
            sent.map(|()| bytes.len())
                .map_err(|_| io::ErrorKind::BrokenPipe.into()),
        )
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The blocking end of a download.
pub(super) struct BlobReader {
    receiver: Receiver<Chunk>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.receiver.recv() {
                Ok(chunk) => (self.chunk, self.at) = (chunk?, 0),
                Err(_) => return Ok(0),
            }
        }
        let count = (&self.chunk[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

/// What a request can end with, before it is known what was being done.
enum Failure {
    Client(Box<OciDistributionError>),
    Runtime(io::Error),
}

impl From<OciDistributionError> for Failure {
    fn from(error: OciDistributionError) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Runtime(error)
    }
}

impl Failure {
    fn explain(self, doing: String) -> ImageError {
        match self {
            Self::Client(error) => explain(doing, *error),
            Self::Runtime(error) => ImageError::unreachable(doing, error),
        }
    }
}

fn explain(doing: String, error: OciDistributionError) -> ImageError {
    use OciDistributionError as Oci;
    let refused = |doing, status, message: &str| ImageError::Refused {
        doing,
        status,
        message: shorten(message),
    };
    match error {
        Oci::UnauthorizedError { .. } => refused(doing, 401, "authentication required"),
        Oci::AuthenticationFailure(message) => refused(doing, 401, &message),
        Oci::ImageManifestNotFoundError(message) => refused(doing, 404, &message),
        Oci::ServerError { code, message, .. } => refused(doing, code, &message),
        Oci::RegistryError { envelope, .. } => {
            let status = envelope
                .errors
                .first()
                .map_or(400, |first| status_of(&first.code));
            let words: Vec<_> = envelope
                .errors
                .iter()
                .map(|each| each.message.as_str())
                .collect();
            refused(doing, status, &words.join("; "))
        }
        Oci::RequestError(error) => ImageError::unreachable(doing, error),
        Oci::IoError(error) => ImageError::unreachable(doing, error),
        other => ImageError::invalid(doing, shorten(&other.to_string())),
    }
}

/// The status that goes with an error code of the OCI distribution specification: the client keeps
/// only the code. It names the class of the answer; registries differ in the exact number.
fn status_of(code: &OciErrorCode) -> u16 {
    match code {
        OciErrorCode::Unauthorized => 401,
        OciErrorCode::Denied => 403,
        OciErrorCode::BlobUnknown
        | OciErrorCode::ManifestUnknown
        | OciErrorCode::ManifestBlobUnknown
        | OciErrorCode::NameUnknown
        | OciErrorCode::NotFound => 404,
        OciErrorCode::Toomanyrequests => 429,
        _ => 400,
    }
}

/// A registry's words, made fit for one line.
fn shorten(message: &str) -> String {
    let line: String = message
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each })
        .take(MESSAGE)
        .collect();
    let line = line.trim();
    if line.is_empty() {
        "no reason given".to_owned()
    } else {
        line.to_owned()
    }
}
