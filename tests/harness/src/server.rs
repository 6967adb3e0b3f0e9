// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A web server with one file, for guests that fetch their kickstart.
//!
//! Takes the file; gives its address as guests have it, and the requests that came. Plain HTTP/1.1 on a loopback port of its
//! own, one request a connection. It ends with the process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::guest::HOST;

/// The longest head of a request.
const MAX_HEAD: u64 = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server.
#[derive(Debug)]
pub struct Server {
    port: u16,
    /// Heads of requests.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves `content` at `path`.
    pub fn start(path: &str, content: Vec<u8>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("listening for requests")?;
        let port = listener.local_addr()?.port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, path) = (Arc::clone(&requests), path.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that went away asks again, or its machine says so.
                if let Ok(head) = answer(&stream, &path, &content) {
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(head);
                }
            }
        });
        Ok(Self { port, requests })
    }

    /// Host and port, for a guest.
    pub fn address_in_guest(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// The heads of all requests so far, as they came.
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Gives the head of the request.
fn answer(mut stream: &TcpStream, path: &str, content: &[u8]) -> Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = String::new();
    let mut reader = BufReader::new(stream.take(MAX_HEAD));
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let is_known = head.starts_with(&format!("GET {path} "));
    let (status, body) = if is_known {
        ("200 OK", content)
    } else {
        ("404 Not Found", &b""[..])
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(server: &Server, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nX-Serial: 7\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_file_is_served_and_nothing_else_is_and_requests_are_kept() {
        let server = Server::start("/ks.cfg", b"reboot\n".to_vec()).unwrap();
        assert!(get(&server, "/ks.cfg").ends_with("\r\n\r\nreboot\n"));
        assert!(get(&server, "/other").starts_with("HTTP/1.1 404 "));
        let requests = server.requests();
        assert!(requests.iter().any(|head| head.contains("X-Serial: 7")));
    }
}
