// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Measures the import of images, from an OCI layout to a committed repository on stable storage, beside others.
//!
//! `make bench` calls it, as root, with `DIRECTORY CACHE [REFERENCE]`: where the disk and the report go, where the images
//! are kept, and the reference importer (`tests/oracle`). Landfall, the floor (`floor.rs`), `ostree commit` and the
//! reference take turns. Each is a process of its own with a fresh XFS file system, its input is in the page cache, and
//! its time runs until one `syncfs` after it has returned. Every figure is a median; no figure is judged here.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement may panic, and says what it found"
)]

mod contender;
mod disk;
mod floor;
mod image;

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use contender::{Contender, Run};
use disk::Disk;
use image::{Kind, Made, Packing, Share};

/// How often the contenders take turns.
const ROUNDS: usize = 5;

fn main() {
    // Cargo adds an option of its own.
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        [contender::CHILD, what, layout, at] => {
            contender::child(what, layout.as_ref(), at.as_ref());
        }
        [directory, cache, rest @ ..] => {
            let bench = Bench {
                disk: Disk::new(Path::new(directory)),
                cache: Path::new(cache).join("bench"),
                reference: rest.first().map(PathBuf::from),
            };
            bench.report();
        }
        _ => println!("usage: import DIRECTORY CACHE [REFERENCE] (`make bench`)"),
    }
}

struct Bench {
    disk: Disk,
    cache: PathBuf,
    reference: Option<PathBuf>,
}

impl Bench {
    /// Adds to the report; what is measured is told at once.
    fn tell(&self, text: &str) {
        let path = self.disk.directory().join("import.md");
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
        print!("{text}");
    }

    fn report(&self) {
        let whole = |packing| image::make(&self.cache, Kind::Mixed, Share::All, packing);
        let variants = [
            ("one layer, gzip", whole(Packing::Gzip)),
            ("one layer, zstd", whole(Packing::Zstd)),
            ("three layers, gzip", whole(Packing::ThreeGzip)),
            (
                "one layer, gzip, with a policy",
                whole(Packing::GzipLabelled),
            ),
        ];
        let growth = [
            ("both", Kind::Mixed),
            ("files: only those up to 16 KiB", Kind::Small),
            ("bytes: only those over 256 KiB", Kind::Large),
        ]
        .map(|(name, kind)| {
            let of = |share| image::make(&self.cache, kind, share, Packing::Gzip);
            (name, of(Share::Half), of(Share::All))
        });
        let _ = fs::remove_file(self.disk.directory().join("import.md"));
        self.tell(&machine());
        self.beside(&variants);
        self.growing(&growth);
    }

    /// Everybody, image by image.
    fn beside(&self, variants: &[(&str, Made)]) {
        self.tell(
            "\n| image | | wall s | range | CPU s | peak MiB | ratio |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for (name, image) in variants {
            let mut contenders = vec![Contender::Landfall, Contender::Floor];
            if image.layers.len() == 1 {
                contenders.push(Contender::Ostree);
            }
            if let Some(program) = &self.reference {
                contenders.push(Contender::reference(program, image, self.disk.directory()));
            }
            let results = self.turns(&contenders.iter().map(|it| (it, image)).collect::<Vec<_>>());
            let ours = median(&results[0], |run| run.wall);
            let mut out = String::new();
            for (contender, runs) in contenders.iter().zip(&results) {
                let wall = median(runs, |run| run.wall);
                let ratio = match contender {
                    Contender::Landfall => String::new(),
                    Contender::Floor => format!("Landfall takes {:.2} of it", ours / wall),
                    _ => format!("{:.1} times Landfall", wall / ours),
                };
                let _ = writeln!(
                    out,
                    "| {} | {} | {wall:.2} | {} | {:.2} | {} | {ratio} |",
                    if matches!(contender, Contender::Landfall) {
                        name
                    } else {
                        ""
                    },
                    contender.name(),
                    range(runs),
                    median(runs, |run| run.cpu),
                    peak(runs),
                );
            }
            self.tell(&out);
        }
        let first = &variants[0].1;
        self.tell(&format!(
            "\nThe image: {} files and links, {} MB unpacked, {} MB as gzip, {} MB as zstd.\n",
            first.files,
            first.bytes / 1_000_000,
            first.packed_bytes() / 1_000_000,
            variants[1].1.packed_bytes() / 1_000_000,
        ));
    }

    /// Landfall with half of an image, and with all of it.
    fn growing(&self, pairs: &[(&str, Made, Made)]) {
        self.tell(
            "\n| Landfall, growing in | files | MB | wall s | range | CPU s | peak MiB | µs a file | MB/s |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for (name, half, all) in pairs {
            let results = self.turns(&[(&Contender::Landfall, half), (&Contender::Landfall, all)]);
            for (image, runs) in [half, all].into_iter().zip(&results) {
                let mut out = String::new();
                let wall = median(runs, |run| run.wall);
                let _ = writeln!(
                    out,
                    "| {name} | {} | {} | {wall:.2} | {} | {:.2} | {} | {:.0} | {:.0} |",
                    image.files,
                    image.bytes / 1_000_000,
                    range(runs),
                    median(runs, |run| run.cpu),
                    peak(runs),
                    wall * 1e6 / image.files as f64,
                    image.bytes as f64 / 1e6 / wall,
                );
                self.tell(&out);
            }
        }
    }

    /// Lets each import its image in turn, [`ROUNDS`] times.
    fn turns(&self, all: &[(&Contender, &Made)]) -> Vec<Vec<Run>> {
        let mut results: Vec<Vec<Run>> = all.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for ((contender, image), runs) in all.iter().zip(&mut results) {
                runs.push(contender.run(image, &self.disk));
            }
        }
        results
    }
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut values: Vec<_> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn range(runs: &[Run]) -> String {
    let walls = || runs.iter().map(|run| run.wall);
    let (least, most) = (
        walls().fold(f64::MAX, f64::min),
        walls().fold(0.0, f64::max),
    );
    format!("{least:.2}-{most:.2}")
}

/// The most of all runs: a median would hide what memory it takes.
fn peak(runs: &[Run]) -> String {
    let peak = runs.iter().filter_map(|run| run.peak).max();
    peak.map_or(String::new(), |bytes| (bytes >> 20).to_string())
}

/// What the figures were measured on.
fn machine() -> String {
    let proc = |name: &str| fs::read_to_string(Path::new("/proc").join(name)).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or("?".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let version = |program: &str| {
        let output = Command::new(program).arg("--version").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().take(2).map(str::trim);
        lines.collect::<Vec<_>>().join(" ")
    };
    format!(
        "{} x {}, {} memory, Linux {}, load {} at the start; {}; {}; {}. Medians of {ROUNDS} rounds.\n",
        std::thread::available_parallelism().unwrap(),
        field(&proc("cpuinfo"), "model name"),
        field(&proc("meminfo"), "MemTotal"),
        proc("sys/kernel/osrelease").trim(),
        proc("loadavg").split(' ').next().unwrap_or("?"),
        version("rustc"),
        version("ostree"),
        version("skopeo"),
    )
}
