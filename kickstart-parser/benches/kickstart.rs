// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Measures reading, formatting and writing, and whole runs of `landfall check`, beside pykickstart in the same run.
//!
//! `make bench` calls it with `DIRECTORY LANDFALL PYTHON RUNNER [KICKSTART]`: where inputs and report go, the release
//! binary, a Python that has pykickstart, what times pykickstart in process, and a further kickstart of about 100
//! lines. Without arguments it prints the figures of this crate alone. The two sides take turns, every figure is a
//! median, and no figure is judged here.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement may panic, and says what it found"
)]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kickstart_parser::{NoIncludes, Syntax, parse, read};
use serde_json::Value;

const SERVER: &str = include_str!("server.ks");

/// How often the two sides take turns
const ROUNDS: usize = 5;

/// The version of the language that everything is read by
const SYNTAX: Syntax = Syntax::Rhel9;

fn main() {
    // Cargo adds an option of its own.
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let report = match &arguments[..] {
        [] => small_report(None) + &large_report(None),
        [directory, landfall, python, runner, rest @ ..] => {
            let directory = PathBuf::from(directory);
            let beside = Beside {
                directory: &directory,
                landfall,
                python,
                runner,
            };
            let report = beside.report(rest.first());
            fs::write(directory.join("report.md"), &report).unwrap();
            report
        }
        _ => panic!("usage: kickstart [DIRECTORY LANDFALL PYTHON RUNNER [KICKSTART]]"),
    };
    print!("{report}");
}

/// Everything outside this process that is measured or measured with
struct Beside<'a> {
    directory: &'a Path,
    landfall: &'a str,
    python: &'a str,
    runner: &'a str,
}

impl Beside<'_> {
    fn report(&self, further: Option<&String>) -> String {
        let mut report = self.machine();
        report += &small_report(Some((self, &self.write("server.ks", SERVER))));
        if let Some(further) = further {
            let _ = writeln!(
                report,
                "\nThe same with `{}`:",
                Path::new(further).file_name().unwrap().display()
            );
            report += &small_report(Some((self, Path::new(further))));
        }
        report + &large_report(Some(self))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The median of `count` parses in one Python process, and the versions of pykickstart and Python
    fn reference(&self, file: &Path, count: usize) -> (Duration, String) {
        let mut command = Command::new(self.python);
        command.arg(self.runner).arg("--bench").arg(file);
        command.args(["--version", SYNTAX.as_str(), "-n", &count.to_string()]);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let versions = format!(
            "pykickstart {}, Python {}",
            text(&said["pykickstart"]),
            text(&said["python"])
        );
        (
            Duration::from_secs_f64(said["median_s"].as_f64().unwrap()),
            versions,
        )
    }

    fn landfall_check(&self, file: &Path) -> Duration {
        process(Command::new(self.landfall).arg("check").arg(file))
    }

    fn ksvalidator(&self, file: &Path) -> Duration {
        let program = Path::new(self.python).with_file_name("ksvalidator");
        process(
            Command::new(program)
                .args(["-v", SYNTAX.as_str()])
                .arg(file),
        )
    }

    /// What the figures were measured on
    fn machine(&self) -> String {
        let proc =
            |name: &str| fs::read_to_string(Path::new("/proc").join(name)).unwrap_or_default();
        let cpuinfo = proc("cpuinfo");
        let field = |text: &str, name: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or("");
            line.split_once(':')
                .map_or("?".to_owned(), |(_, value)| value.trim().to_owned())
        };
        let rustc = Command::new("rustc")
            .arg("--version")
            .output()
            .unwrap()
            .stdout;
        let (_, versions) = self.reference(&self.write("server.ks", SERVER), 1);
        let processors = std::thread::available_parallelism().unwrap();
        format!(
            "{processors} x {}, {} memory, Linux {}, load {} at the start; {}; {versions}. Medians of {ROUNDS} rounds.\n",
            field(&cpuinfo, "model name"),
            field(&proc("meminfo"), "MemTotal"),
            proc("sys/kernel/osrelease").trim(),
            proc("loadavg").split(' ').next().unwrap_or("?"),
            String::from_utf8_lossy(&rustc).trim(),
        )
    }
}

/// About 100 lines, as people write them
fn small_report(beside: Option<(&Beside, &Path)>) -> String {
    let file = beside.map(|(_, file)| file.to_owned());
    let text = file.map_or(SERVER.to_owned(), |file| fs::read_to_string(file).unwrap());
    let mut times = vec![Vec::new(); 6];
    for _ in 0..ROUNDS {
        times[0].extend(repeat(200, || {
            read("a.ks", &text, Some(SYNTAX), &NoIncludes)
        }));
        times[1].extend(repeat(200, || parse("a.ks", &text).format()));
        let kickstart = read("a.ks", &text, Some(SYNTAX), &NoIncludes).kickstart;
        times[2].extend(repeat(200, || kickstart.to_text(SYNTAX)));
        if let Some((beside, file)) = beside {
            times[3].push(beside.reference(file, 20).0);
            for _ in 0..8 {
                times[4].push(beside.landfall_check(file));
                times[5].push(beside.ksvalidator(file));
            }
        }
    }
    let medians: Vec<_> = times.into_iter().map(median).collect();
    let mut out = format!(
        "\n| {} lines, {} bytes | Landfall | pykickstart | ratio |\n",
        text.lines().count(),
        text.len()
    );
    out += "| --- | ---: | ---: | ---: |\n";
    let mut row = |what: &str, ours: Option<Duration>, theirs: Option<Duration>| {
        let ratio = ours
            .zip(theirs)
            .map(|(ours, theirs)| theirs.as_secs_f64() / ours.as_secs_f64());
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.0}"));
        let _ = writeln!(
            out,
            "| {what} | {} | {} | {ratio} |",
            shown(ours),
            shown(theirs)
        );
    };
    row("reading, in process", medians[0], medians[3]);
    row("formatting, in process", medians[1], None);
    row("writing the canonical form, in process", medians[2], None);
    if beside.is_some() {
        row(
            "`landfall check`, `ksvalidator`: whole process",
            medians[4],
            medians[5],
        );
    }
    out
}

/// Thousands of lines of `part`, `user` and `network`; pykickstart compares every line with all before it, so it gets
/// the small ones only
fn large_report(beside: Option<&Beside>) -> String {
    let mut out = String::from(
        "\n| lines | reading | per line | formatting | writing | `landfall check` | pykickstart, in process | ratio |\n",
    );
    out += "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for count in [1_000, 2_000, 5_000, 10_000, 100_000] {
        let text = many_lines(count);
        let file = beside.map(|beside| (beside, beside.write(&format!("{count}.ks"), &text)));
        let mut times = vec![Vec::new(); 5];
        for _ in 0..ROUNDS {
            let samples = (20_000 / count).max(1);
            times[0].extend(repeat(samples, || {
                read("a.ks", &text, Some(SYNTAX), &NoIncludes)
            }));
            times[1].extend(repeat(samples, || parse("a.ks", &text).format()));
            let kickstart = read("a.ks", &text, Some(SYNTAX), &NoIncludes).kickstart;
            times[2].extend(repeat(samples, || kickstart.to_text(SYNTAX)));
            let Some((beside, file)) = &file else {
                continue;
            };
            times[3].push(beside.landfall_check(file));
            if count <= 5_000 {
                times[4].push(beside.reference(file, 1).0);
            }
        }
        let medians: Vec<_> = times.into_iter().map(median).collect();
        let reading = medians[0].unwrap_or_default().as_secs_f64();
        let ratio = medians[4].map_or(String::new(), |theirs| {
            format!("{:.0}", theirs.as_secs_f64() / reading)
        });
        let [read, format, write, check, theirs] = [0, 1, 2, 3, 4].map(|n| shown(medians[n]));
        let each = reading * 1e6 / count as f64;
        let _ = writeln!(
            out,
            "| {count} | {read} | {each:.2} µs | {format} | {write} | {check} | {theirs} | {ratio} |"
        );
    }
    out
}

/// `count` lines, a third each of `part`, `user` and `network`, no two for the same thing
fn many_lines(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let _ = match n % 3 {
            0 => writeln!(
                text,
                "part /srv/{n} --fstype=ext4 --size={} --ondisk=vd{} --label=\"v{n}\"",
                64 + n,
                ['a', 'b', 'c'][n / 3 % 3]
            ),
            1 => writeln!(
                text,
                "user --name=person{n} --uid={} --groups=staff,team{} --gecos=\"Person {n}\"",
                5000 + n,
                n % 40
            ),
            _ => writeln!(
                text,
                "network --device=net{n} --bootproto=static --ip=10.{}.{}.{} --netmask=255.255.0.0 --gateway=10.0.0.254",
                n >> 16 & 255,
                n >> 8 & 255,
                n & 255
            ),
        };
    }
    text
}

/// How long each of `count` calls takes, without what it takes to drop the result
fn repeat<T>(count: usize, mut call: impl FnMut() -> T) -> Vec<Duration> {
    let mut once = |_| {
        let start = Instant::now();
        let result = black_box(call());
        let time = start.elapsed();
        drop(result);
        time
    };
    (0..count).map(&mut once).collect()
}

/// How long a process takes, its output thrown away
fn process(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let time = start.elapsed();
    assert!(
        matches!(status.code(), Some(0 | 1)),
        "{command:?}: {status}"
    );
    time
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort();
    times.get(times.len() / 2).copied()
}

fn shown(time: Option<Duration>) -> String {
    match time.map(|time| time.as_secs_f64()) {
        None => String::new(),
        Some(s) if s >= 1.0 => format!("{s:.2} s"),
        Some(s) if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        Some(s) => format!("{:.1} µs", s * 1e6),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
