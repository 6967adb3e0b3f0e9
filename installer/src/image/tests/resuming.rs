// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Blobs whose connection is cut, stalls, or comes back with something else.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::faults::open;
use super::server::{Answer, Asked, Server, served};
use super::*;

const SIZE: usize = 300_000;

/// A layer that does not compress, and a layout with it.
fn layout() -> (Packed, LayoutDir) {
    let noise: Vec<u8> = (0..SIZE)
        .map(|n| n.wrapping_mul(n).to_le_bytes()[1])
        .collect();
    let layer = packed(
        &Tar::default().file("usr/a", 0o644, &noise).end(),
        Compression::None,
    );
    let layout = LayoutDir::of(std::slice::from_ref(&layer));
    (layer, layout)
}

/// Serves the layout; `spoil` may change what is answered for the layer.
fn spoiled(
    spoil: impl Fn(&Asked, usize, Answer) -> Answer + Send + Sync + 'static,
) -> (Packed, Server, Image) {
    let (layer, layout) = layout();
    let path = layout.path().to_owned();
    let digest = digest_of(&layer.blob);
    let of_layer = digest.clone();
    let server = Server::start(move |asked, before| {
        let answer = served(&path, asked);
        if asked.path.ends_with(&of_layer) {
            spoil(asked, before, answer)
        } else {
            answer
        }
    });
    let image = open(&server.host).unwrap();
    // The files are read at each request.
    std::mem::forget(layout);
    (layer, server, image)
}

fn reason(image: &Image) -> String {
    let error = from_io(read(image, 0).unwrap_err(), "");
    let source = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

#[test]
fn a_cut_blob_is_taken_up_where_it_ended() {
    let (layer, server, image) = spoiled(|_, before, answer| match before {
        0 => answer.cut(100_000),
        1 => answer.stall(150_000),
        2 => answer.cut(0),
        _ => answer,
    });
    assert_eq!(read(&image, 0).unwrap(), layer.blob);
    let asked = server.asked();
    let asked = asked
        .iter()
        .filter(|a| a.path.contains(&image.layers[0].digest));
    let from: Vec<_> = asked.map(Asked::from).collect();
    assert_eq!(from, [None, Some(100_000), Some(250_000), Some(250_000)]);
}

#[test]
fn a_server_without_ranges_is_skipped_forward() {
    let whole = Answer::new(200, layout().0.blob);
    let (layer, _, image) = spoiled(move |_, before, _| match before {
        0 => whole.clone().cut(100_000),
        _ => whole.clone(),
    });
    assert_eq!(read(&image, 0).unwrap(), layer.blob);
}

#[test]
fn connections_without_progress_are_bounded() {
    let (_, server, image) = spoiled(|_, before, answer| match before {
        0 => answer.cut(100_000),
        _ => answer.cut(1),
    });
    let reason = reason(&image);
    assert!(reason.contains("of `127.0.0.1"), "{reason}");
    assert!(
        reason.contains(&format!(" of {} bytes", image.layers[0].size)),
        "{reason}"
    );
    assert!(server.count(&image.layers[0].digest) <= 5);
}

#[test]
fn progress_renews_patience() {
    let (layer, server, image) = spoiled(|_, _, answer| answer.cut(70_000));
    assert_eq!(read(&image, 0).unwrap(), layer.blob);
    assert_eq!(server.count(&image.layers[0].digest), 5);
}

#[test]
fn a_wrong_range_is_refused() {
    for (range, cut) in [
        ("bytes 0-9/300000", 100_000),
        ("bytes 99999-302591/302592", 100_000),
        ("", 100_000),
        ("octets 100000-302591/302592", 100_000),
    ] {
        let (_, _, image) = spoiled(move |_, before, mut answer| {
            if before == 0 {
                return answer.cut(cut);
            }
            answer.headers.retain(|(name, _)| *name != "Content-Range");
            answer.header("Content-Range", range)
        });
        let reason = reason(&image);
        assert!(
            reason.contains("asked for the bytes from 100000 of"),
            "{reason}"
        );
    }
}

#[test]
fn other_content_after_a_cut_is_found_by_the_digest() {
    let (_, _, image) = spoiled(|_, before, mut answer| {
        if before == 0 {
            return answer.cut(100_000);
        }
        answer.body[0] ^= 1;
        answer
    });
    assert!(reason(&image).contains("has the digest"));
}

#[test]
fn a_blob_of_another_size_is_refused_at_once() {
    let (_, server, image) = spoiled(|_, _, mut answer| {
        answer.body.push(0);
        answer
    });
    assert!(reason(&image).contains("its descriptor says"));
    assert_eq!(server.count(&image.layers[0].digest), 1);
}

#[test]
fn a_blob_that_is_gone_says_so() {
    let (_, _, image) = spoiled(|_, _, _| Answer::new(404, "gone"));
    let reason = reason(&image);
    assert!(reason.starts_with("fetching the blob `sha256:"), "{reason}");
    assert!(reason.contains("answered 404 (gone)"), "{reason}");
}

#[test]
fn nothing_more_is_fetched_for_a_reader_that_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (layer, layout) = layout();
    let image = {
        let path = layout.path().to_owned();
        let server = Server::start(move |asked, _| {
            let path = path.clone();
            if asked.path.contains("/blobs/") && asked.path.contains(&digest_of(&layer.blob)) {
                let place = format!("http://{host}/endless");
                return Answer::new(307, "").header("Location", place);
            }
            served(&path, asked)
        });
        open(&server.host).unwrap()
    };
    let endless = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        write_until_closed(stream, image_size());
    });
    let mut reader = image.blob(&image.layers[0]).unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    drop(reader);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !endless.is_finished() {
        assert!(Instant::now() < deadline, "the download goes on");
        thread::sleep(Duration::from_millis(20));
    }
}

fn image_size() -> usize {
    layout().0.blob.len()
}

/// Sends a piece of a body at a time, until nobody takes it.
fn write_until_closed(mut stream: TcpStream, size: usize) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(head.as_bytes());
    while stream.write_all(&[0; 100]).is_ok() {
        thread::sleep(Duration::from_millis(5));
    }
}
