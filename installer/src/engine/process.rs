// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The processes that this one has started, directly or through others: finds them and ends them.
//!
//! Whoever loses its parent becomes a child of this process once [`adopt`] is called, so that nothing that a script
//! starts gets out of sight. Reads `/proc`; what the processes do is not known here.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};

use super::error::EngineError;
use super::stop::Stop;

/// How long a process that was asked to end may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// A running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pid: Pid,
    parent: i32,
    /// Name of its program, at most 15 bytes.
    name: String,
}

/// From now on processes that lose their parent become children of this one.
pub fn adopt() -> Result<(), EngineError> {
    set_child_subreaper(Some(getpid()))
        .map_err(|e| EngineError::io("becoming the parent of orphaned processes", e.into()))
}

/// Ends all descendants at once.
pub fn kill_all() {
    for process in descendants() {
        send(&process, Signal::KILL);
    }
}

/// Descendants on their way to an end: each is asked by SIGTERM, and killed if it takes too long.
#[derive(Debug, Default)]
pub struct Ending {
    asked: HashMap<Pid, Instant>,
}

impl Ending {
    /// Asks those that were not asked before, and kills those that were given their time. To be called again and again.
    /// Nothing is done, and false given, while something runs that must come to its end.
    pub fn go_on(&mut self, stop: &Stop) -> bool {
        stop.outside_shelter(|| self.end(&descendants()))
    }

    fn end(&mut self, processes: &[Process]) {
        for process in processes {
            match self.asked.get(&process.pid) {
                Some(asked) if asked.elapsed() > PATIENCE => send(process, Signal::KILL),
                Some(_) => {}
                None => {
                    self.asked.insert(process.pid, Instant::now());
                    send(process, Signal::TERM);
                }
            }
        }
    }
}

fn send(process: &Process, signal: Signal) {
    // It may have ended by itself.
    let _ = kill_process(process.pid, signal);
}

/// The mount namespace that a process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namespace(PathBuf);

impl Namespace {
    /// The one that this process was started in: what a script leaves there is none of an installation's business.
    pub(super) fn outer() -> Option<Self> {
        Self::of(&Path::new("/proc").join(getpid().as_raw_nonzero().to_string()))
    }

    fn of(process: &Path) -> Option<Self> {
        fs::read_link(process.join("ns/mnt")).ok().map(Self)
    }
}

/// Ends what was left behind in any other mount namespace than `outer`, and says so of each.
pub(super) fn end_left_behind(outer: Option<&Namespace>, warn: &mut dyn FnMut(String)) {
    let left_behind = || -> Vec<Process> {
        let elsewhere = |process: &Process| {
            let namespace = Namespace::of(&directory(process.pid));
            namespace.is_some() && namespace.as_ref() != outer
        };
        descendants().into_iter().filter(elsewhere).collect()
    };
    let mut ending = Ending::default();
    let mut left = left_behind();
    for process in &left {
        warn(format!(
            "a script left `{}` (process {}) behind, which would keep the target busy; it is ended",
            process.name,
            process.pid.as_raw_nonzero()
        ));
    }
    let deadline = Instant::now() + 2 * PATIENCE;
    while !left.is_empty() && Instant::now() < deadline {
        ending.end(&left);
        sleep(INTERVAL);
        left = left_behind();
    }
    for pid in ending.asked.into_keys() {
        // Those that became children of this process; others have a parent that does it.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

fn directory(pid: Pid) -> PathBuf {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string())
}

/// All running processes below this one.
fn descendants() -> Vec<Process> {
    let all = processes();
    let mut found = Vec::new();
    let mut parents = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid.as_raw_nonzero().get());
            found.push(process.clone());
        }
    }
    found
}

/// All processes of the machine but those that have ended.
fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy()
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        })
        .filter_map(|entry| parse(&fs::read_to_string(entry.path().join("stat")).ok()?))
        .collect()
}

/// `PID (NAME) STATE PPID ...`, where the name may hold anything (`proc_pid_stat(5)`).
fn parse(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    Some(Process {
        pid: Pid::from_raw(pid.parse().ok()?)?,
        parent: fields.next()?.parse().ok()?,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let process = parse("12 (a) Z 1 (b) S 7 12 12\n").unwrap();
        assert_eq!((process.parent, process.name.as_str()), (7, "a) Z 1 (b"));
        assert_eq!(parse("12 (sh) Z 7 12\n"), None);
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn children_of_children_are_found_until_they_end() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 7531 & wait"])
            .spawn()
            .unwrap();
        let sleeping = || {
            let parent = i32::try_from(child.id()).unwrap();
            descendants()
                .into_iter()
                .find(|process| process.parent == parent && process.name == "sleep")
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        let found = loop {
            if let Some(found) = sleeping() {
                break found;
            }
            assert!(Instant::now() < deadline, "`sleep` is not found");
            sleep(INTERVAL);
        };
        let mut ending = Ending::default();
        ending.end(std::slice::from_ref(&found));
        child.wait().unwrap();
        assert!(!descendants().contains(&found));
    }
}
