// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Documents that nobody means well with: sizes, counts, digests, nesting, cycles.

use super::faults::open;
use super::server::{Answer, Server};
use super::*;

/// What is said of an image with this manifest.
fn said(change: impl Fn(&mut Value)) -> String {
    open_changed(change).unwrap_err().to_string()
}

/// What is said of a layout with this `index.json`.
fn said_of_index(index: &[u8]) -> String {
    let layout = LayoutDir::of(&[layer(b"one")]);
    fs::write(layout.path().join("index.json"), index).unwrap();
    layout.open().unwrap_err().to_string()
}

#[test]
fn absurd_sizes_of_layers() {
    for size in [json!(u64::MAX), json!(1_u64 << 63)] {
        let error = said(|manifest| manifest["layers"][0]["size"] = size.clone());
        assert!(error.contains("its size is absurd"), "{error}");
    }
    for size in [json!(-1), json!("1"), json!(1.5), json!(null), json!(1e30)] {
        let error = said(|manifest| manifest["layers"][0]["size"] = size.clone());
        assert!(
            error.starts_with("reading the manifest `sha256:"),
            "{error}"
        );
    }
    // Sizes that their sum cannot hold are no overflow.
    let layers = [layer(b"one"), layer(b"two"), layer(b"three")];
    let layout = LayoutDir::of(&layers);
    let mut manifest: Value = serde_json::from_str(&layout.open().unwrap().manifest).unwrap();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        layer["size"] = json!(i64::MAX);
    }
    layout.index(&[layout.manifest(&manifest)]);
    let image = layout.open().unwrap();
    assert_eq!(image.total_bytes(), u64::MAX);
    assert!(
        read(&image, 0)
            .unwrap_err()
            .to_string()
            .contains("it ends after")
    );
}

#[test]
fn absurd_counts_of_layers() {
    let error = said(|manifest| {
        let one = manifest["layers"][0].clone();
        manifest["layers"] = json!(vec![one; 1001]);
    });
    assert!(error.ends_with("it has 1001 layers"), "{error}");
    let error = said(|manifest| {
        let one = manifest["layers"][0].clone();
        manifest["layers"] = json!(vec![one; 1000]);
    });
    assert!(
        error.ends_with("it lists 1 diff_ids for 1000 layers"),
        "{error}"
    );
}

#[test]
fn digests_of_other_algorithms_and_shapes() {
    let hex = "0".repeat(64);
    for (digest, reason) in [
        (format!("sha512:{}", "0".repeat(128)), "other than SHA-256"),
        (format!("sha256:{}", "A".repeat(64)), "non-hexadecimal"),
        (format!("sha256:{}", "0".repeat(63)), ""),
        (format!("md5:{}", "0".repeat(32)), ""),
        (format!("sha256:../{hex}"), ""),
        (hex, ""),
        (String::new(), ""),
    ] {
        let error = said(|manifest| manifest["layers"][0]["digest"] = json!(digest));
        assert!(error.contains(reason), "{error}");
        let error = said(|manifest| manifest["config"]["digest"] = json!(digest));
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn wrong_sizes_of_documents() {
    let error = said(|manifest| manifest["config"]["size"] = json!(1));
    assert!(error.contains("longer than 1 bytes"), "{error}");
    let error = said(|manifest| manifest["config"]["size"] = json!(1_000_000));
    assert!(error.contains("of 1000000 bytes"), "{error}");
}

#[test]
fn documents_that_are_not_what_they_should_be() {
    let deep = |open: &str, close: &str| {
        [open.repeat(100_000), close.repeat(100_000)]
            .concat()
            .into_bytes()
    };
    for (text, reason) in [
        (deep("[", "]"), "invalid type"),
        (deep("{\"schemaVersion\":", "}"), "invalid type"),
        (
            [&br#"{"schemaVersion":2,"manifests":"#[..], &deep("[", "]")].concat(),
            "invalid type",
        ),
        (
            [&br#"{"schemaVersion":2,"x":"#[..], &deep("[", "]")].concat(),
            "EOF while parsing",
        ),
        (
            b"{\"schemaVersion\":2,\"manifests\":[],\"x\":\"\xff\"}".to_vec(),
            "",
        ),
        (b"\xff\xfe{\0}\0".to_vec(), "expected value"),
        (
            br#"{"schemaVersion":2,"schemaVersion":2,"manifests":[]}"#.to_vec(),
            "duplicate field",
        ),
        (
            br#"{"schemaVersion":99999999999,"manifests":[]}"#.to_vec(),
            "invalid value",
        ),
        (
            br#"{"schemaVersion":2,"manifests":[]}"#.to_vec(),
            "it lists no image",
        ),
        (Vec::new(), "EOF"),
    ] {
        let error = said_of_index(&text);
        assert!(
            error.starts_with("reading `/") && error.contains(reason),
            "{reason}: {error}"
        );
        let server = Server::start(move |_, _| Answer::new(200, text.clone()));
        assert!(matches!(
            open(&server.host),
            Err(ImageError::Invalid { .. } | ImageError::WrongArchitecture { .. })
        ));
    }
}

#[test]
fn configurations_that_are_not_what_they_should_be() {
    type Change = (fn(&mut Value), &'static str);
    let layers = [layer(b"one")];
    let changes: [Change; 6] = [
        (
            |config| config["os"] = json!("windows"),
            "operating system `windows`",
        ),
        (
            |config| config["rootfs"] = json!(null),
            "reading the configuration `sha256:",
        ),
        (
            |config| config["rootfs"]["diff_ids"] = json!([]),
            "0 diff_ids for 1 layers",
        ),
        (
            |config| config["rootfs"]["diff_ids"] = json!(["sha512:00"]),
            "other than SHA-256",
        ),
        (
            |config| config["config"]["Labels"] = json!({"containers.bootc": 1}),
            "invalid type",
        ),
        (
            |config| *config = json!([]),
            "reading the configuration `sha256:",
        ),
    ];
    for (change, reason) in changes {
        let layout = LayoutDir::new();
        let mut config = config(&layers, "amd64");
        change(&mut config);
        layout.index(&[layout.image(&layers, &config)]);
        let error = layout.open().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn an_index_that_serves_itself_ends() {
    // By tag each answer is another index, by digest none can be forged.
    let entry = json!({
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": format!("sha256:{}", "0".repeat(64)),
        "size": 1,
    });
    let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
    let server = Server::start(move |_, _| Answer::new(200, index.clone()));
    let error = open(&server.host).unwrap_err().to_string();
    assert!(error.contains("longer than 1 bytes"), "{error}");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_huge_index_is_bounded_by_its_bytes() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let entry = json!({"mediaType": "a/b", "digest": digest, "size": 1});
    let index = json!({"schemaVersion": 2, "manifests": vec![entry; 30_000]}).to_string();
    assert!(index.len() < 4 << 20);
    let error = said_of_index(index.as_bytes());
    assert!(error.contains("it lists several images"), "{error}");
}

#[test]
fn variants_of_an_architecture() {
    let layers = [layer(b"one")];
    let layout = LayoutDir::new();
    let image = |name: &str| {
        let mut config = config(&layers, "arm64");
        config["author"] = json!(name);
        layout.image(&layers, &config)
    };
    let entry = |variant: Option<&str>| {
        let mut entry = platform(image(variant.unwrap_or("none")), "arm64");
        if let Some(variant) = variant {
            entry["platform"]["variant"] = json!(variant);
        }
        entry
    };
    let arm64 = OpenOptions {
        arch: "arm64".to_owned(),
        ..options()
    };
    for (listed, chosen) in [
        (vec![Some("v9"), Some("v8")], Some("v8")),
        (vec![Some("v9"), None], None),
        (vec![Some("v9"), Some("v8.2")], Some("v8.2")),
    ] {
        let index = listed.into_iter().map(entry).collect::<Vec<_>>();
        layout.index(&index);
        let opened = Image::open(&layout.reference(), &arm64).unwrap();
        assert_eq!(opened.digest, entry(chosen)["digest"]);
    }
}
