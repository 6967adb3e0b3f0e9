// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Those who import, and one run of one of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use landfall_installer::engine::import;
use landfall_installer::image::{Access, Image, ImageRef, OpenOptions};

use super::disk::{Disk, run};
use super::floor;
use super::image::{self, Made};

/// The first argument of a process that imports and is measured.
pub(super) const CHILD: &str = "--child";

pub(super) enum Contender {
    Landfall,
    Floor,
    Ostree,
    Reference { program: PathBuf, layout: PathBuf },
}

/// What a run took.
pub(super) struct Run {
    /// Seconds from start to stable storage.
    pub(super) wall: f64,
    /// Seconds of all processors, of all its processes.
    pub(super) cpu: f64,
    /// The most memory that was resident, in bytes.
    pub(super) peak: Option<u64>,
}

impl Contender {
    /// The reference importer, with an image for it in `directory`.
    pub(super) fn reference(program: &Path, image: &Made, directory: &Path) -> Self {
        let base = directory.join("import.base");
        let _ = fs::remove_dir_all(&base);
        let conf = base.join("tree/usr/lib/ostree/prepare-root.conf");
        fs::create_dir_all(conf.parent().unwrap()).unwrap();
        // Else what is not in `/usr` would be left out.
        fs::write(conf, "[composefs]\nenabled=yes\n").unwrap();
        if let Some(policy) = &image.policy {
            // It labels by the policy of the commit below.
            let etc = base.join("tree/usr/etc");
            fs::create_dir_all(&etc).unwrap();
            run(Command::new("cp")
                .arg("-r")
                .args([&policy.join("etc/selinux"), &etc]));
        }
        let repo = format!("--repo={}", base.join("repo").display());
        run(Command::new("ostree").args([&repo, "init", "--mode=bare"]));
        let mut commit = Command::new("ostree");
        commit.args([
            "commit",
            &repo,
            "--branch=base",
            "--add-metadata=ostree.bootable=true",
        ]);
        commit.args(["--owner-uid=0", "--owner-gid=0"]);
        run(commit.arg(format!("--tree=dir={}", base.join("tree").display())));
        let layout = base.join("image");
        let name = format!("oci:{}", layout.display());
        run(Command::new(program).args(["encapsulate", &repo, "base", &name]));
        image::on_base(image, &layout);
        Self::Reference {
            program: program.to_owned(),
            layout,
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Landfall => "**Landfall**",
            Self::Floor => "floor",
            Self::Ostree => "`ostree commit`, archive not packed",
            Self::Reference { .. } => "reference importer",
        }
    }

    /// Imports into a fresh file system.
    pub(super) fn run(&self, image: &Made, disk: &Disk) -> Run {
        for layer in &image.layers {
            for file in [&layer.blob, &layer.archive] {
                io::copy(&mut fs::File::open(file).unwrap(), &mut io::sink()).unwrap();
            }
        }
        let mounted = disk.fresh();
        let repo = mounted.path.join("repo");
        let mut command = self.command(image, &repo);
        let (start, cpu) = (Instant::now(), cpu_of_children());
        let said = run(&mut command);
        mounted.sync();
        Run {
            wall: start.elapsed().as_secs_f64(),
            cpu: cpu_of_children() - cpu,
            peak: said
                .trim()
                .strip_prefix("peak ")
                .and_then(|peak| peak.parse().ok()),
        }
    }

    fn command(&self, image: &Made, repo: &Path) -> Command {
        let child = |what| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args([CHILD, what]).arg(&image.layout).arg(repo);
            command
        };
        let of_repo = format!("--repo={}", repo.display());
        let without_sync = || {
            run(Command::new("ostree").args([&of_repo, "init", "--mode=bare"]));
            run(Command::new("ostree").args([&of_repo, "config", "set", "core.fsync", "false"]));
        };
        match self {
            Self::Landfall => child("landfall"),
            Self::Floor => child("floor"),
            Self::Ostree => {
                without_sync();
                let mut command = Command::new("ostree");
                command.args(["commit", &of_repo, "--branch=image", "--fsync=no"]);
                command.arg("--tar-autocreate-parents");
                command.arg(format!("--tree=tar={}", image.layers[0].archive.display()));
                command
            }
            Self::Reference { program, layout } => {
                without_sync();
                let mut command = Command::new(program);
                command.args(["import", &of_repo, &format!("oci:{}", layout.display())]);
                command
            }
        }
    }
}

/// Seconds that processes took which have ended.
fn cpu_of_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields
        .split(' ')
        .skip(13)
        .take(2)
        .map(|text| text.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

/// What a process that is measured does.
pub(super) fn child(what: &str, layout: &Path, repo: &Path) {
    let reference: ImageRef = format!("oci:{}", layout.display()).parse().unwrap();
    let options = OpenOptions {
        arch: std::env::consts::ARCH
            .replace("x86_64", "amd64")
            .replace("aarch64", "arm64"),
        access: Access::default(),
    };
    let image = Image::open(&reference, &options).unwrap();
    if what == "landfall" {
        import::into_directory(repo, &image, "docker://localhost/image:1").unwrap();
    } else {
        let blob = |digest: &str| layout.join("blobs").join(digest.replace(':', "/"));
        let layers: Vec<_> = image
            .layers
            .iter()
            .map(|layer| (blob(&layer.digest), layer.media_type.ends_with("gzip")))
            .collect();
        floor::import(&layers, repo);
    }
    println!("peak {}", peak());
}

/// The most memory that was resident, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib << 10
}
