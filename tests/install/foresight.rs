// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An image at hand is looked into before anything is written: what it lacks leaves the disk as it was.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use landfall_harness::oci::{About, Compression, Layout};
use landfall_harness::variant;
use serde_json::Value;

use super::{Ended, Scratch, image_argument, install_from, landfall, layout, run, seed_kickstart};

/// The test image with one more layer of files, or of a device.
pub(crate) fn image_with(scratch: &Scratch, name: &str, files: &[(&str, &str)]) -> String {
    let upper = scratch.path(&format!("{name}-upper"));
    let mut image = Layout::create(&upper).unwrap();
    let mut layer = image.layer(Compression::Gzip, 1).unwrap();
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        if *path == "usr/device" {
            header.set_entry_type(tar::EntryType::Char);
        }
        layer
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    image.push(layer, "", "").unwrap();
    let about = About {
        labels: HashMap::new(),
        created: "2026-01-01T00:00:00Z".to_owned(),
        reference: "upper:1".to_owned(),
    };
    image.finish(&about).unwrap();
    let both = scratch.path(name);
    variant::stack(layout(), &upper, &both).unwrap();
    format!("oci:{}", both.display())
}

/// A disk image with something at its head and in its middle.
struct Full {
    path: PathBuf,
    before: (u64, i64, i64),
}

const MIDDLE: u64 = 3 << 30;
const CONTENT: &[u8] = b"what was there before";

impl Full {
    fn new(path: PathBuf) -> Self {
        let mut file = File::create(&path).unwrap();
        file.set_len(8 << 30).unwrap();
        for at in [0, MIDDLE] {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(CONTENT).unwrap();
        }
        file.sync_all().unwrap();
        let before = Self::state(&path);
        Self { path, before }
    }

    /// Blocks, and the time of the last write.
    fn state(path: &Path) -> (u64, i64, i64) {
        let about = fs::metadata(path).unwrap();
        (about.blocks(), about.mtime(), about.mtime_nsec())
    }

    /// Installs on it, which must end with `code` in the step `plan`, say the texts, and write nothing.
    #[track_caller]
    fn refuses(&self, scratch: &Scratch, (kickstart, image): (&str, &str), code: i32) -> Ended {
        let disk = self.path.to_str().unwrap();
        let ended = run(&mut install_from(scratch, kickstart, disk, image)).expect(code);
        assert!(ended.stderr.contains("plan: failed"), "{}", ended.stderr);
        assert_eq!(Self::state(&self.path), self.before, "it was written to");
        let mut file = File::open(&self.path).unwrap();
        for at in [0, MIDDLE] {
            file.seek(SeekFrom::Start(at)).unwrap();
            let mut found = [0; CONTENT.len()];
            file.read_exact(&mut found).unwrap();
            assert_eq!(found, CONTENT);
        }
        ended
    }
}

#[test]
fn an_image_that_cannot_be_installed_leaves_the_disk_as_it_was() {
    let scratch = Scratch::new();
    let full = Full::new(scratch.path("disk.img"));
    let cases: [(&str, &str, &[&str]); 5] = [
        (
            "bound",
            "usr/lib/bootc/bound-images.d/tools.container",
            &["LF1023", "logically bound images (`tools.container`)"],
        ),
        (
            "no-kernel",
            "usr/lib/.wh.modules",
            &["not bootable: no kernel"],
        ),
        (
            "no-boot-chain",
            "usr/lib/.wh.shim",
            &["LF1022", "no signed shim"],
        ),
        (
            "no-ostree",
            "usr/bin/.wh.ostree",
            &["LF1023", "has no `ostree`"],
        ),
        (
            "device",
            "usr/device",
            &["at `usr/device`: a character device"],
        ),
    ];
    for (name, path, texts) in cases {
        let image = image_with(&scratch, name, &[(path, "")]);
        let ended = full.refuses(&scratch, (&seed_kickstart(), &image), 5);
        for text in texts {
            assert!(ended.stderr.contains(text), "{name}: {}", ended.stderr);
        }
    }
}

#[test]
fn what_the_kickstart_asks_of_an_image_that_lacks_it_leaves_the_disk_as_it_was() {
    let scratch = Scratch::new();
    let full = Full::new(scratch.path("disk.img"));
    let unit = seed_kickstart().replace("--enabled=sshd", "--enabled=sshd,no-such-unit");
    let ended = full.refuses(&scratch, (&unit, &image_argument()), 1);
    for text in ["LF1020", "ks.cfg:14", "not in the image: `no-such-unit`"] {
        assert!(ended.stderr.contains(text), "{}", ended.stderr);
    }
    let image = image_with(&scratch, "no-chage", &[("usr/bin/.wh.chage", "")]);
    let ended = full.refuses(&scratch, (&seed_kickstart(), &image), 1);
    assert!(ended.stderr.contains("LF1021"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no `chage`"), "{}", ended.stderr);
}

#[test]
fn a_damaged_layer_at_hand_leaves_the_disk_as_it_was() {
    let scratch = Scratch::new();
    let full = Full::new(scratch.path("disk.img"));
    let damaged = variant::with_config(layout(), &scratch.path("damaged"), |_| {}).unwrap();
    variant::damage_layer(&damaged).unwrap();
    let image = format!("oci:{}", damaged.display());
    let ended = full.refuses(&scratch, (&seed_kickstart(), &image), 5);
    assert!(ended.stderr.contains("sha256:"), "{}", ended.stderr);
}

#[test]
fn the_plan_of_an_image_at_hand_has_its_target_half() {
    let scratch = Scratch::new();
    let kickstart = format!("{}\nlang cs_CZ.UTF-8\n", seed_kickstart());
    let kickstart = scratch.write("ks.cfg", &kickstart);
    let (_, size) = scratch.new_disk();
    let plan = |image: Option<&str>, json: bool| {
        let mut command = landfall(["plan", "--disk", &size, "--kickstart"]);
        command.arg(&kickstart).args(json.then_some("--json"));
        command.args(image.into_iter().flat_map(|image| ["--image", image]));
        run(&mut command).expect(0).stdout
    };
    let image = image_argument();
    let value: Value = serde_json::from_str(&plan(Some(&image), true)).unwrap();
    let kargs = value["target"]["kargs"].to_string();
    assert!(kargs.contains("root=UUID="), "{kargs}");
    assert_eq!(
        value["waits"].as_array().unwrap().len(),
        1,
        "{}",
        value["waits"]
    );
    let text = plan(Some(&image), false);
    for part in [
        "Kernel:   ",
        "Arguments: root=UUID=",
        "the locale `cs_CZ.UTF-8`",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // An image that would have to be fetched.
    let value: Value = serde_json::from_str(&plan(None, true)).unwrap();
    assert!(value["target"].is_null() && value["waits"].as_array().unwrap().len() > 2);
}
