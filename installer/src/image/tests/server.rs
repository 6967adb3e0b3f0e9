// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A registry for tests that can do what real ones do only on bad days.
//!
//! Takes a function from request to answer; serves it on a loopback port, one request a connection, and keeps what
//! was asked. [`served`] answers as a good registry would, for functions that go wrong only here and there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request; names of headers in lower case.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Where the range begins that is asked for.
    pub(super) fn from(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}

/// An answer, of which less may be sent than it says.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Bytes of the body that are sent before the connection is cut.
    pub(super) cut: usize,
    /// Instead of being cut, the connection is left open.
    pub(super) stall: bool,
}

impl Answer {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            cut: usize::MAX,
            stall: false,
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn cut(mut self, at: usize) -> Self {
        self.cut = at;
        self
    }

    pub(super) fn stall(mut self, at: usize) -> Self {
        self.stall = true;
        self.cut(at)
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let length = ("Content-Length", self.body.len().to_string());
        let is_said = self.headers.iter().any(|(name, _)| *name == length.0);
        let length = (!is_said).then_some(&length);
        write!(
            stream,
            "HTTP/1.1 {} X\r\nConnection: close\r\n",
            self.status
        )?;
        for (name, value) in self.headers.iter().chain(length) {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"\r\n")?;
        stream.write_all(&self.body[..self.body.len().min(self.cut)])?;
        if self.stall {
            thread::sleep(Duration::from_secs(5));
        }
        Ok(())
    }
}

/// A running server; it serves until the process ends.
pub(super) struct Server {
    pub(super) host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// `answer` is given the request and how many with the same path came before it.
    pub(super) fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::<Asked>::new()));
        let (kept, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &kept, &*answer));
            }
        });
        Self { host, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often a path with this in it was asked for.
    pub(super) fn count(&self, part: &str) -> usize {
        self.asked()
            .iter()
            .filter(|a| a.path.contains(part))
            .count()
    }
}

fn serve(
    mut stream: TcpStream,
    kept: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked, usize) -> Answer,
) {
    let Some(asked) = read(&stream) else { return };
    let before = {
        let mut kept = kept.lock().unwrap();
        let before = kept.iter().filter(|a| a.path == asked.path).count();
        kept.push(asked.clone());
        before
    };
    let _ = answer(&asked, before).send(&mut stream);
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Asked {
        method,
        path,
        headers,
        body,
    })
}

/// What a good registry answers that has a layout with one image under every name.
pub(super) fn served(layout: &Path, asked: &Asked) -> Answer {
    let [name, kind, ..] = asked.path.rsplit('/').collect::<Vec<_>>()[..] else {
        return Answer::new(404, "");
    };
    let digest = if name.starts_with("sha256:") {
        name.to_owned()
    } else if kind == "manifests" {
        let index = fs::read(layout.join("index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    } else {
        return Answer::new(200, "{}");
    };
    match fs::read(layout.join("blobs/sha256").join(&digest["sha256:".len()..])) {
        Ok(blob) => part(blob, asked.from()),
        Err(_) => Answer::new(
            404,
            r#"{"errors":[{"code":"BLOB_UNKNOWN","message":"who?"}]}"#,
        ),
    }
}

fn part(blob: Vec<u8>, from: Option<usize>) -> Answer {
    let Some(from) = from else {
        return Answer::new(200, blob);
    };
    let range = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
    Answer::new(206, &blob[from..]).header("Content-Range", range)
}
