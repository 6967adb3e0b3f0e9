// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Included files: from the disk and by http, and who follows them.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use crate::{codes, files, run};

/// Serves a few paths over http; gives the address
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        listener
            .incoming()
            .for_each(|stream| answer(stream.unwrap()));
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while reader
        .read_line(&mut request)
        .is_ok_and(|length| length > 2)
    {}
    let path = request.split(' ').nth(1).unwrap_or("/");
    let (status, body): (&str, &[u8]) = match path {
        "/lab/a.ks" => ("200 OK", b"%include parts/b.ks\n"),
        "/lab/parts/b.ks" => ("200 OK", b"part / --sise=1\n"),
        "/moved" => ("204 No Content", b""),
        "/latin" => ("200 OK", b"text\n\xe4"),
        "/endless" => return send_endlessly(stream),
        _ => ("404 Not Found", b""),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
}

fn send_endlessly(mut stream: TcpStream) {
    let piece = vec![b'#'; 1 << 20];
    let mut going = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while going.is_ok() {
        going = stream.write_all(&piece);
    }
}

#[test]
fn includes_are_followed_only_on_demand() {
    let directory = files(&[("a.ks", "%include b.ks\n"), ("b.ks", "frobnicate\n")]);
    let check = |args: &[&str]| {
        let outcome = run(
            directory.path(),
            &[&["check", "--format", "json"], args, &["a.ks"]].concat(),
        );
        (outcome.code, codes(&outcome.json()[0]).join(" "))
    };
    assert_eq!(check(&[]), (0, "LF0016".to_owned()));
    assert_eq!(check(&["-i"]), (1, "LF0020".to_owned()));
    assert_eq!(check(&["--follow-includes"]), (1, "LF0020".to_owned()));
}

#[test]
fn relative_paths_are_tried_here_and_then_beside_the_including_file() {
    let directory = files(&[
        (
            "lab/a.ks",
            "%include b.ks\n%include here.ks\n%include parts/c.ks\n",
        ),
        ("lab/b.ks", "beside\n"),
        ("lab/here.ks", "beside\n"),
        ("here.ks", "here\n"),
        ("lab/parts/c.ks", "%ksappend d.ks\n"),
        ("lab/parts/d.ks", "deep\n"),
    ]);
    let outcome = run(directory.path(), &["check", "-i", "lab/a.ks"]);
    for said in [
        "unknown command `beside`\n --> lab/b.ks:1:1",
        "unknown command `here`\n --> here.ks:1:1",
        "unknown command `deep`\n --> lab/parts/d.ks:1:1",
        "= note: included from `lab/parts/c.ks` line 1\n  = note: included from `lab/a.ks` line 3\n",
    ] {
        assert!(outcome.out.contains(said), "{said}: {}", outcome.out);
    }
}

#[test]
fn what_cannot_be_included_is_an_error_at_the_include() {
    let directory = files(&[
        ("a.ks", "text\n%include missing.ks\n%include sub\n"),
        ("sub/x", ""),
    ]);
    let outcome = run(
        directory.path(),
        &["check", "-i", "--format", "json", "a.ks"],
    );
    let verdict = &outcome.json()[0];
    assert_eq!(
        (outcome.code, codes(verdict)),
        (1, vec!["LF0014", "LF0014"])
    );
    assert_eq!(verdict["diagnostics"][0]["line"], 2);
}

#[test]
fn addresses_are_fetched_and_paths_in_them_are_relative_to_them() {
    let server = serve();
    let directory = files(&[("a.ks", &format!("%include {server}/lab/a.ks\n"))]);
    let outcome = run(directory.path(), &["check", "-i", "a.ks"]);
    for said in [
        format!(" --> {server}/lab/parts/b.ks:1:8"),
        format!("included from `{server}/lab/a.ks` line 1"),
        "included from `a.ks` line 1".to_owned(),
    ] {
        assert!(outcome.out.contains(&said), "{said}: {}", outcome.out);
    }
    let url = format!("{server}/lab/parts/b.ks");
    assert_eq!(
        run(directory.path(), &["check", &url]).code,
        1,
        "a kickstart itself may be an address"
    );
}

#[test]
fn what_a_server_does_not_give_is_said() {
    let server = serve();
    let secure = server.replace("http://", "https://");
    let text = ["missing", "moved", "latin", "endless"]
        .map(|path| format!("%include {server}/{path}\n"))
        .concat();
    let directory = files(&[("a.ks", &format!("{text}%include {secure}/lab/a.ks\n"))]);
    let outcome = run(
        directory.path(),
        &["check", "-i", "--format", "json", "a.ks"],
    );
    let verdict = &outcome.json()[0];
    assert_eq!(
        (outcome.code, codes(verdict)),
        (1, vec!["LF0014"; 5]),
        "{verdict}"
    );
    let said = |index: usize| verdict["diagnostics"][index]["message"].as_str().unwrap();
    assert!(
        said(0).ends_with("the server answers 404 Not Found"),
        "{}",
        said(0)
    );
    assert!(
        said(1).ends_with("the server answers 204 No Content"),
        "{}",
        said(1)
    );
    assert!(
        said(2).ends_with("line 2, column 1: the byte 0xe4 is not UTF-8"),
        "{}",
        said(2)
    );
    assert!(
        said(3).ends_with("the server sends more than 64 MiB"),
        "{}",
        said(3)
    );
}

#[test]
fn plan_follows_includes_and_refuses_what_it_cannot_carry_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inventory = root.join("installer/tests/data/inventories/virtio-blank.json");
    let inventory = inventory.to_str().unwrap();
    let directory = files(&[
        (
            "good.ks",
            "%include disks.ks\nostreecontainer --url=h.example/i:1\n",
        ),
        (
            "disks.ks",
            "zerombr\nclearpart --all --initlabel\nreqpart\npart / --grow\n",
        ),
        (
            "rootless.ks",
            "reqpart\npart /srv --grow\nostreecontainer --url=h.example/i:1\n",
        ),
        (
            "old.ks",
            "autostep\npart / --grow\nostreecontainer --url=h.example/i:1\n",
        ),
    ]);
    let plan = |args: &[&str]| {
        run(
            directory.path(),
            &[&["plan", "--inventory", inventory, "--kickstart"], args].concat(),
        )
    };
    let good = plan(&["good.ks"]);
    assert_eq!(good.code, 0, "{}", good.err);
    let rootless = plan(&["rootless.ks"]);
    assert!(
        rootless.code == 1 && rootless.err.contains("error[LF0053]"),
        "{}",
        rootless.err
    );
    assert!(plan(&["old.ks"]).err.contains("error[LF0022]"));
    assert!(
        !plan(&["old.ks", "--syntax", "RHEL8"])
            .err
            .contains("LF0022")
    );
    assert_eq!(
        run(directory.path(), &["check", "rootless.ks"]).code,
        0,
        "a warning of `check`"
    );
}

#[test]
fn an_include_with_a_password_is_followed_and_shown_without() {
    let address = serve().replace("http://", "http://user:hunter2@");
    let text = format!("%include {address}/lab/a.ks\n");
    let directory = files(&[("a.ks", &text)]);
    for args in [
        &["check", "-i"][..],
        &["check", "-i", "--format=json"][..],
        &["check", "-i", "--format=sarif"][..],
        &["kickstart", "dump", "--json"][..],
    ] {
        let outcome = run(directory.path(), &[args, &["a.ks"]].concat());
        let all = outcome.out + &outcome.err;
        assert!(all.contains("/lab/parts/b.ks"), "it was followed: {all}");
        assert!(!all.contains("hunter2"), "{all}");
    }
}
