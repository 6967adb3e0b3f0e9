// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Registries with certificates of their own, and proxies.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::faults::open_with;
use super::fixture::{TestRegistry, access, run};
use super::server::{Answer, Server, served};
use super::*;

/// `docker-registry` with https; it wants a client certificate if `client` is true.
fn start(client: bool) -> (TestRegistry, tempfile::TempDir) {
    let certificates = tempfile::tempdir().unwrap();
    authority(certificates.path());
    let registry = TestRegistry::start_tls(certificates.path(), client);
    (registry, certificates)
}

/// An authority `ca.crt`, and `server` and `client` signed by it.
fn authority(directory: &Path) {
    let script = r#"
        set -e
        new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        $new -x509 -days 2 -subj "/CN=Landfall tests" -keyout ca.key -out ca.crt
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > ext
        for name in server client; do
            $new -subj "/CN=$name" -keyout $name.key -out $name.csr
            openssl x509 -req -days 2 -set_serial 2 -in $name.csr -CA ca.crt -CAkey ca.key \
                -extfile ext -out $name.crt
        done
    "#;
    run(
        Command::new("sh")
            .args(["-c", script])
            .current_dir(directory),
        "openssl",
    );
}

fn reason(error: &ImageError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

/// A machine that trusts what is copied to `directory` for the host.
fn machine(
    directory: &str,
    host: &str,
    files: &[(&Path, &str)],
) -> (tempfile::TempDir, OpenOptions) {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join(directory).join(host);
    fs::create_dir_all(&place).unwrap();
    for (from, name) in files {
        fs::copy(from, place.join(name)).unwrap();
    }
    let access = access(root.path());
    (
        root,
        OpenOptions {
            access,
            ..options()
        },
    )
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let (registry, certificates) = start(false);
    let layout = LayoutDir::of(&[layer(b"one")]);
    registry.push(&layout, "os:1", &[]);
    let ca = certificates.path().join("ca.crt");
    let host = &registry.host;
    for directory in ["etc/containers/certs.d", "etc/docker/certs.d"] {
        let (_root, options) = machine(directory, host, &[(&ca, "my.crt")]);
        let image = open_with(host, &options).unwrap();
        read(&image, 0).unwrap();
        let (_root, options) = machine(directory, "127.0.0.1", &[(&ca, "my.crt")]);
        assert!(
            open_with(host, &options).is_err(),
            "another host's authority is trusted"
        );
    }
    let (_root, mut options) = machine("none", host, &[]);
    let error = open_with(host, &options).unwrap_err();
    assert!(reason(&error).contains("UnknownIssuer"), "{error}");
    options.access.ca = Some(ca.clone());
    open_with(host, &options).unwrap();
    options.access.ca = None;
    let file = format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true\n");
    let (root, insecure) = machine("none", host, &[]);
    fs::create_dir_all(root.path().join("etc/containers")).unwrap();
    fs::write(root.path().join("etc/containers/registries.conf"), file).unwrap();
    open_with(host, &insecure).unwrap();
}

#[test]
fn a_client_certificate_is_shown() {
    let (registry, certificates) = start(true);
    let path = |name: &str| certificates.path().join(name);
    let (ca, certificate, key) = (path("ca.crt"), path("client.crt"), path("client.key"));
    let pair: [(&Path, &str); 3] = [(&ca, "ca.crt"), (&certificate, "me.cert"), (&key, "me.key")];
    let directory = "etc/containers/certs.d";
    let (_root, options) = machine(directory, &registry.host, &pair);
    let error = open_with(&registry.host, &options).unwrap_err();
    assert!(
        matches!(&error, ImageError::Refused { status: 404, .. }),
        "{error}"
    );
    let (_root, options) = machine(directory, &registry.host, &pair[..1]);
    let error = open_with(&registry.host, &options).unwrap_err();
    assert!(matches!(&error, ImageError::Unreachable { .. }), "{error}");
    for (files, reason) in [
        (&pair[..2], "me.key` beside it"),
        (
            &[(&*ca, "ca.crt"), (&*key, "me.key")][..],
            "me.cert` beside it",
        ),
        (&[(&*key, "ca.crt")][..], "holds no certificate"),
        (
            &[(&*key, "me.cert"), (&*key, "me.key")][..],
            "no client certificate",
        ),
    ] {
        let (_root, options) = machine(directory, &registry.host, files);
        let error = open_with(&registry.host, &options).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

/// Runs one test of this program again, with these variables.
fn again(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("image::tests::tls::{test}")]);
    run(
        command
            .envs(variables.iter().copied())
            .env("LANDFALL_TEST_INNER", "1"),
        "",
    );
}

#[test]
fn http_works_without_any_root_certificate() {
    let test = "http_works_without_any_root_certificate";
    if std::env::var_os("LANDFALL_TEST_INNER").is_none() {
        return again(
            test,
            &[
                ("SSL_CERT_FILE", "/dev/null"),
                ("SSL_CERT_DIR", "/nonexistent"),
            ],
        );
    }
    let layout = LayoutDir::of(&[layer(b"one")]);
    let path = layout.path().to_owned();
    let server = Server::start(move |asked, _| served(&path, asked));
    open_with(&server.host, &options()).unwrap();
    let mut https = options();
    https.access.plain_http = false;
    let error = open_with(&server.host, &https).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("preparing to talk https to `127"),
        "{error}"
    );
    assert!(reason(&error).contains("No CA certificates"), "{error}");
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let test = "the_proxy_of_the_environment_is_used";
    if std::env::var_os("LANDFALL_TEST_INNER").is_none() {
        let layout = LayoutDir::of(&[layer(b"one")]);
        let path = layout.path().to_owned();
        let proxy = Server::start(move |asked, _| {
            if asked.method == "CONNECT" || asked.header("proxy-authorization").is_none() {
                return Answer::new(407, "");
            }
            served(&path, asked)
        });
        let url = format!("http://me:hush@{}", proxy.host);
        let variables = [
            ("HTTP_PROXY", &*url),
            ("HTTPS_PROXY", &url),
            ("NO_PROXY", "127.0.0.1"),
        ];
        again(test, &variables);
        let asked: Vec<_> = proxy.asked().into_iter().map(|a| a.path).collect();
        assert!(
            asked.contains(&"http://r.test/v2/os/manifests/1".to_owned()),
            "{asked:?}"
        );
        assert!(asked.contains(&"r.test:443".to_owned()), "{asked:?}");
        return;
    }
    open_with("r.test", &options()).unwrap();
    let mut https = options();
    https.access.plain_http = false;
    let error = open_with("r.test", &https).unwrap_err();
    assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    let layout = LayoutDir::of(&[layer(b"one")]);
    let path = layout.path().to_owned();
    let direct = Server::start(move |asked, _| served(&path, asked));
    open_with(&direct.host, &options()).unwrap();
    assert_eq!(direct.asked().len(), 2);
}

/// A proxy that makes tunnels for those who give a login; it counts them.
fn tunnels() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || tunnel(stream, &count));
        }
    });
    (host, made)
}

fn tunnel(mut client: TcpStream, made: &AtomicUsize) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let to = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    // `me:hush`
    if !head.contains("Basic bWU6aHVzaA==") {
        let refusal = b"HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(refusal).ok();
    }
    let mut server = TcpStream::connect(to).ok()?;
    client.write_all(b"HTTP/1.1 200 X\r\n\r\n").ok()?;
    made.fetch_add(1, Ordering::SeqCst);
    let (mut from, mut into) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || io::copy(&mut from, &mut into));
    io::copy(&mut server, &mut client).ok().map(|_| ())
}

#[test]
fn https_goes_through_a_tunnel_of_the_proxy() {
    let test = "https_goes_through_a_tunnel_of_the_proxy";
    if std::env::var_os("LANDFALL_TEST_INNER").is_none() {
        let (registry, certificates) = start(false);
        let layout = LayoutDir::of(&[layer(b"one")]);
        registry.push(&layout, "os:1", &[]);
        let (proxy, made) = tunnels();
        let url = format!("http://me:hush@{proxy}");
        let ca = certificates.path().join("ca.crt");
        let variables = [
            ("HTTPS_PROXY", &*url),
            ("NO_PROXY", ""),
            ("LANDFALL_TEST_HOST", &registry.host),
            ("LANDFALL_TEST_CA", ca.to_str().unwrap()),
        ];
        again(test, &variables);
        assert!(made.load(Ordering::SeqCst) > 0, "the proxy was passed by");
        return;
    }
    let variable = |name: &str| std::env::var(name).unwrap();
    let mut options = options();
    options.access.plain_http = false;
    let host = variable("LANDFALL_TEST_HOST");
    // The certificate is checked through the tunnel as without.
    let error = open_with(&host, &options).unwrap_err();
    assert!(reason(&error).contains("UnknownIssuer"), "{error}");
    options.access.ca = Some(variable("LANDFALL_TEST_CA").into());
    let image = open_with(&host, &options).unwrap();
    read(&image, 0).unwrap();
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    // The only https server here is docker-registry, which does not redirect: the rule is asked itself.
    let url = |text: &str| reqwest::Url::parse(text).unwrap();
    let allowed = |from: &str, to: &str, verified| {
        super::registry::may_redirect(&[url(from)], &url(to), verified).is_ok()
    };
    assert!(allowed("https://a", "https://b", true));
    assert!(!allowed("https://a", "http://a", true));
    assert!(allowed("https://a", "http://a", false));
    assert!(allowed("http://a", "http://b", true));
    let many = vec![url("http://a"); 6];
    assert!(super::registry::may_redirect(&many, &url("http://a"), true).is_err());
}
