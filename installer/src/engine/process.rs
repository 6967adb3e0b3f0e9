// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The processes that this one has started, directly or through others: finds them and ends them.
//!
//! Whoever loses its parent becomes a child of this process once there is a [`Family`], so that nothing that a script
//! starts gets out of sight. Reads `/proc`; what the processes do is not known here.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, pidfd_open, pidfd_send_signal,
    set_child_subreaper, set_parent_process_death_signal, waitpid,
};

use super::error::EngineError;
use super::stop::Stop;

/// How long a process that was asked to end may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// One process and no other: numbers are used again, but not with the same start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    pid: Pid,
    /// Clock ticks from the start of the machine.
    start: u64,
}

impl Identity {
    /// Signals it by a handle: whoever gets its number meanwhile is left alone. It may have ended by itself.
    fn send(self, signal: Signal) {
        let Ok(handle) = pidfd_open(self.pid, PidfdFlags::empty()) else {
            return;
        };
        if Process::of(self.pid).is_some_and(|process| process.identity == self) {
            let _ = pidfd_send_signal(&handle, signal);
        }
    }
}

/// A running process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    identity: Identity,
    parent: i32,
    /// Name of its program, at most 15 bytes.
    name: String,
}

impl Process {
    fn of(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(directory(pid).join("stat")).ok()?)
    }

    /// `PID (NAME) STATE PPID ... STARTTIME ...`, where the name may hold anything (`proc_pid_stat(5)`). One that has
    /// ended is none.
    fn parse(stat: &str) -> Option<Self> {
        const START_AFTER_PARENT: usize = 17;
        let (pid, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        if matches!(fields.next()?, "Z" | "X") {
            return None;
        }
        let parent = fields.next()?.parse().ok()?;
        Some(Self {
            identity: Identity {
                pid: Pid::from_raw(pid.parse().ok()?)?,
                start: fields.nth(START_AFTER_PARENT)?.parse().ok()?,
            },
            parent,
            name: name.to_owned(),
        })
    }
}

/// What this process has started: all that is below it but those that were there before, as the children of a shell
/// that became `landfall`, and what is below these.
#[derive(Debug, Clone, Default)]
pub struct Family {
    strangers: Arc<HashSet<Identity>>,
}

impl Family {
    /// From now on processes that lose their parent become children of this one.
    pub fn adopt() -> Result<Self, EngineError> {
        set_child_subreaper(Some(getpid()))
            .map_err(|e| EngineError::io("becoming the parent of orphaned processes", e.into()))?;
        let found = Self::default().members();
        Ok(Self {
            strangers: Arc::new(found.iter().map(|process| process.identity).collect()),
        })
    }

    /// Ends all of them at once.
    pub fn kill_all(&self) {
        for process in self.members() {
            process.identity.send(Signal::KILL);
        }
    }

    fn members(&self) -> Vec<Process> {
        let all = processes();
        let mut found = Vec::new();
        let mut parents = vec![getpid().as_raw_nonzero().get()];
        while let Some(parent) = parents.pop() {
            let is_ours = |process: &&Process| {
                process.parent == parent && !self.strangers.contains(&process.identity)
            };
            for process in all.iter().filter(is_ours) {
                parents.push(process.identity.pid.as_raw_nonzero().get());
                found.push(process.clone());
            }
        }
        found
    }
}

/// Lets what `command` starts end with this process, however this one ends; what that starts in its turn may go on.
#[allow(
    unsafe_code,
    reason = "what is done between fork(2) and execve(2) is only offered as unsafe"
)]
pub(super) fn end_with_this(command: &mut Command) {
    let parent = getpid();
    let bind = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have ended before that.
        if getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    };
    // SAFETY: these are system calls; nothing is allocated and no lock is taken
    unsafe { command.pre_exec(bind) };
}

/// Whether this process was started to ignore the signal with this number, as by `nohup`.
pub fn ignores(signal: u8) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// Processes on their way to an end: each is asked by SIGTERM, and killed if it takes too long.
#[derive(Debug, Default)]
pub struct Ending {
    asked: HashMap<Identity, Instant>,
}

impl Ending {
    /// Asks those that were not asked before, and kills those that were given their time. To be called again and again.
    /// Nothing is done while something runs that must come to its end.
    pub fn go_on(&mut self, stop: &Stop) {
        stop.outside_shelter(|| self.end(&stop.family().members()));
    }

    fn end(&mut self, processes: &[Process]) {
        for Process { identity, .. } in processes {
            match self.asked.get(identity) {
                Some(asked) if asked.elapsed() > PATIENCE => identity.send(Signal::KILL),
                Some(_) => {}
                None => {
                    self.asked.insert(*identity, Instant::now());
                    identity.send(Signal::TERM);
                }
            }
        }
    }
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

/// Ends what of the family was left behind in any other mount namespace than `outer`, and says so of each.
pub(super) fn end_left_behind(
    family: &Family,
    outer: Option<&Namespace>,
    warn: &mut dyn FnMut(String),
) {
    let left_behind = || -> Vec<Process> {
        let elsewhere = |process: &Process| {
            let namespace = Namespace::of(&directory(process.identity.pid));
            namespace.is_some() && namespace.as_ref() != outer
        };
        family.members().into_iter().filter(elsewhere).collect()
    };
    let mut ending = Ending::default();
    let mut left = left_behind();
    for process in &left {
        warn(format!(
            "a script left `{}` (process {}) behind, which would keep the target busy; it is ended",
            process.name,
            process.identity.pid.as_raw_nonzero()
        ));
    }
    let deadline = Instant::now() + 2 * PATIENCE;
    while !left.is_empty() && Instant::now() < deadline {
        ending.end(&left);
        sleep(INTERVAL);
        left = left_behind();
    }
    for process in ending.asked.into_keys() {
        // Those that became children of this process; others have a parent that does it.
        let _ = waitpid(Some(process.pid), WaitOptions::NOHANG);
    }
}

fn directory(pid: Pid) -> PathBuf {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string())
}

/// All processes of the machine but those that have ended.
fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter_map(|number| Process::of(Pid::from_raw(number)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Child;

    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let rest = "12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 9 9";
        let process = Process::parse(&format!("12 (a) Z 1 (b) S 7 {rest}\n")).unwrap();
        assert_eq!((process.parent, process.name.as_str()), (7, "a) Z 1 (b"));
        assert_eq!(process.identity.start, 4711);
        assert_eq!(Process::parse(&format!("12 (sh) Z 7 {rest}\n")), None);
        assert_eq!(Process::parse("nonsense"), None);
    }

    fn process_of(child: &Child) -> Option<Process> {
        Process::of(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap())
    }

    #[test]
    fn children_of_children_are_found_until_they_end() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 7531 & wait"])
            .spawn()
            .unwrap();
        let family = Family::default();
        let sleeping = || {
            let parent = i32::try_from(child.id()).unwrap();
            family
                .members()
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
        assert!(!family.members().contains(&found));
    }

    #[test]
    fn what_was_there_before_is_no_member() {
        let sleeping = || Command::new("sleep").arg("7532").spawn().unwrap();
        let mut before = sleeping();
        let family = Family::adopt().unwrap();
        let mut after = sleeping();
        let members = family.members();
        assert!(!members.contains(&process_of(&before).unwrap()));
        assert!(members.contains(&process_of(&after).unwrap()));
        for child in [&mut before, &mut after] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn another_process_with_the_number_is_left_alone() {
        let mut child = Command::new("sleep").arg("7533").spawn().unwrap();
        let identity = process_of(&child).unwrap().identity;
        let other = Identity {
            start: identity.start + 1,
            ..identity
        };
        other.send(Signal::KILL);
        assert!(process_of(&child).is_some(), "it was ended");
        identity.send(Signal::KILL);
        assert!(!child.wait().unwrap().success());
    }
}
