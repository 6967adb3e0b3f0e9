// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of a machine through the installer environment.
//!
//! From the kernel's command line to the kickstart's final action. The installation itself is a process of its own, `landfall
//! install`, whose words are shown here and whose events are sent on: whatever becomes of it, the machine can say so.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use kickstart_parser::{Kickstart, NoIncludes};
use rustix::fs::statfs;

use super::child::{self, Landfall, Stream};
use super::ending::{self, Choice};
use super::kickstart::{self, Found};
use super::machine;
use super::mounted::MountedMedium;
use super::sinks::Sinks;
use super::terminals::Terminals;
use super::{BootOptions, KickstartOption, KickstartSource, network, sshd};
use crate::engine::error::EngineError;
use crate::engine::final_action::FinalAction;
use crate::engine::tool::Tool;
use crate::exit::Exit;
use crate::inventory::{ENVIRONMENT, MEDIUM};
use crate::plan;

/// The kickstart of this installation, as Anaconda has it.
const KICKSTART: &str = "/run/install/ks.cfg";
/// What `landfall install` leaves to be done.
const FINAL_ACTION: &str = "/run/landfall/final-action.json";

/// File systems of an initramfs (statfs(2)).
const RAMFS: u64 = 0x8584_58f6;
const TMPFS: u64 = 0x0102_1994;

/// Does what this machine was started for.
///
/// # Errors
/// What kept it from that; it was shown, too.
pub fn run() -> Result<(), EngineError> {
    insist_on_initramfs()?;
    let mut sinks = Sinks::new(Terminals::of_kernel());
    let options = begin(&mut sinks);
    let result = match &options {
        Ok(options) => serve(options, &mut sinks),
        Err(_) => Ok(()),
    };
    let (options, result) = match options {
        Ok(options) => (options, result),
        Err(error) => (BootOptions::default(), Err(error)),
    };
    if let Err(error) = &result {
        sinks.fail(error);
        ending::after_failure(&options, &mut sinks);
    }
    sinks.close();
    result
}

/// From here on nobody is asked whether a disk may be written: that must not be any machine.
fn insist_on_initramfs() -> Result<(), EngineError> {
    let root = statfs("/").map_err(|e| EngineError::io("looking at `/`", e.into()))?;
    let kind = u64::try_from(root.f_type).unwrap_or(0);
    if is_initramfs(kind, Path::new("/etc/initrd-release").exists()) {
        return Ok(());
    }
    let message =
        "`landfall environment` is for machines that were started from a medium of Landfall's";
    Err(EngineError::Refused(message.to_owned()))
}

const fn is_initramfs(root: u64, is_marked: bool) -> bool {
    is_marked && matches!(root, RAMFS | TMPFS)
}

fn begin(sinks: &mut Sinks) -> Result<BootOptions, EngineError> {
    write(ENVIRONMENT, b"")?;
    let line = network::command_line()?;
    let (options, warnings) = BootOptions::parse(&line);
    sinks.add(&options);
    sinks.say(concat!("Landfall ", env!("CARGO_PKG_VERSION")));
    for warning in warnings {
        sinks.say(&format!("warning: {warning}"));
    }
    Ok(options)
}

fn serve(options: &BootOptions, sinks: &mut Sinks) -> Result<(), EngineError> {
    if options.rescue {
        return ending::rescue(sinks);
    }
    let medium = options
        .medium
        .as_ref()
        .map(MountedMedium::find)
        .transpose()?;
    let medium = medium.as_ref();
    if options.check_medium {
        check(medium, sinks)?;
        return ending::when_somebody_is_there(options, sinks);
    }
    medium.map_or(Ok(()), MountedMedium::verify)?;
    let volume = medium.map(|medium| &medium.volume);
    let start = Start { options, medium };
    match kickstart::find(options, volume)? {
        Some(found) => start.follow((&found, options.plan_only), sinks),
        None => start.follow_choice(sinks),
    }
}

fn check(medium: Option<&MountedMedium>, sinks: &mut Sinks) -> Result<(), EngineError> {
    let medium = medium.ok_or_else(|| {
        EngineError::Refused("this machine was not started from a medium".to_owned())
    })?;
    let count = medium.verify_all(&mut |path| sinks.say(&format!("checking {path}")))?;
    sinks.say(&format!(
        "all {count} files of the medium are what was written"
    ));
    Ok(())
}

/// What this machine was started with.
struct Start<'s> {
    options: &'s BootOptions,
    medium: Option<&'s MountedMedium>,
}

impl Start<'_> {
    /// Without a kickstart nothing is ever written. Whatever is wrong with an address is said, and asked again.
    fn follow_choice(&self, sinks: &mut Sinks) -> Result<(), EngineError> {
        loop {
            match ending::ask(self.options, sinks) {
                Some(Choice::Kickstart { address, plan_only }) => match self.find_at(&address) {
                    Ok(found) => return self.follow((&found, plan_only), sinks),
                    Err(error) => sinks.warn(&error),
                },
                Some(Choice::Shell(device)) => {
                    child::shell(&device)?;
                    return ending::reboot();
                }
                Some(Choice::Reboot) => return ending::reboot(),
                None => {
                    let message = "this machine has no kickstart";
                    return Err(EngineError::Refused(message.to_owned()));
                }
            }
        }
    }

    /// The kickstart at an address that somebody typed.
    fn find_at(&self, address: &str) -> Result<Found, EngineError> {
        let source = KickstartSource::parse(address).map_err(EngineError::Refused)?;
        let options = BootOptions {
            kickstart: KickstartOption::At(vec![source]),
            ..self.options.clone()
        };
        kickstart::find(&options, self.medium.map(|medium| &medium.volume))?
            .ok_or_else(|| EngineError::Refused(format!("`{address}` has no kickstart")))
    }

    /// Does what a kickstart says, or shows it.
    fn follow(
        &self,
        (found, plan_only): (&Found, bool),
        sinks: &mut Sinks,
    ) -> Result<(), EngineError> {
        let options = self.options;
        sinks.say(&format!("kickstart: {}", found.from));
        write(KICKSTART, &found.text)?;
        let text = String::from_utf8_lossy(&found.text);
        let kickstart = kickstart_parser::read(KICKSTART, &text, None, &NoIncludes).kickstart;
        let pulls = self.pulls(&kickstart);
        self.connect((found, &kickstart), pulls, sinks)?;
        sinks.say(&machine::introduction());
        if options.strict {
            talk(Landfall::new("check", KICKSTART).arg("--strict"), sinks)?;
        }
        if plan_only {
            talk(Landfall::new("plan", KICKSTART).with(options), sinks)?;
            return ending::when_somebody_is_there(options, sinks);
        }
        if options.sshd {
            serve_ssh(&kickstart, sinks);
        }
        let code = install(options, sinks)?;
        if let (true, false, Some(medium)) = (may_be_damage(code), pulls, self.medium) {
            look_for_damage(medium, sinks);
        }
        judge(code)?;
        self.end(sinks)
    }

    /// Whether the image comes from a registry. A kickstart that names none may do so in a file that it includes.
    fn pulls(&self, kickstart: &Kickstart) -> bool {
        let payload = self
            .medium
            .and_then(|medium| medium.medium.payload_at(Path::new(MEDIUM)));
        let names_none = kickstart.ostreecontainer.is_none() && kickstart.bootc.is_none();
        names_none || plan::needs_registry(kickstart, payload.as_ref())
    }

    /// Sets the kickstart's network up where nothing else has, and waits for one that is needed.
    fn connect(
        &self,
        (found, kickstart): (&Found, &Kickstart),
        pulls: bool,
        sinks: &mut Sinks,
    ) -> Result<(), EngineError> {
        if !self.options.network && !found.by_network {
            let applied = network::apply(kickstart);
            // A medium can do without.
            match applied {
                Err(error) if pulls => return Err(error),
                Err(error) => sinks.warn(&error),
                Ok(()) => {}
            }
        }
        if pulls {
            sinks.say("waiting for the network");
            machine::await_network()?;
        }
        Ok(())
    }

    /// Ends this machine as the kickstart says.
    fn end(&self, sinks: &mut Sinks) -> Result<(), EngineError> {
        let Some(action) = final_action()? else {
            return ending::when_somebody_is_there(self.options, sinks);
        };
        if action.ejects() && !self.options.noeject {
            self.eject(sinks);
        }
        sinks.close();
        action.without_ejecting().carry_out()
    }

    /// The installed system is complete, whatever becomes of the medium.
    fn eject(&self, sinks: &mut Sinks) {
        let device = self.medium.map(|medium| medium.volume.device.as_path());
        let Some(drive) = device.filter(|device| is_drive(device)) else {
            sinks.say("warning: there is no disc to eject; a machine that starts from its medium again is installed again");
            return;
        };
        // A mounted disc, too: nothing is read of it any more.
        let ejected = Tool::CdromId
            .with([
                "--unlock-media".as_ref(),
                "--eject-media".as_ref(),
                drive.as_os_str(),
            ])
            .run();
        if let Err(error) = ejected {
            sinks.warn(&error);
        }
    }
}

/// Whether a device is an optical drive.
fn is_drive(device: &Path) -> bool {
    let name = device.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix("sr")
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

/// An installation can do without.
fn serve_ssh(kickstart: &Kickstart, sinks: &mut Sinks) {
    match sshd::start(kickstart) {
        Ok(()) => sinks.say("ssh: root can log in with a key of the kickstart's"),
        Err(error) => sinks.say(&format!("warning: {}", error.chain().join(": "))),
    }
}

/// Whether an exit code may come of a medium that cannot be read: of what was refused before it was read, it does not.
fn may_be_damage(code: Option<i32>) -> bool {
    let others = [Exit::Done, Exit::Input, Exit::Usage, Exit::Refused];
    others
        .iter()
        .all(|exit| code != Some(i32::from(exit.code())))
}

/// Whether it is the medium's fault.
fn look_for_damage(medium: &MountedMedium, sinks: &mut Sinks) {
    sinks.say("reading the medium once more");
    match medium.verify_all(&mut |_| ()) {
        Ok(_) => sinks.say("the medium is what was written"),
        Err(error) => sinks.warn(&error),
    }
}

/// Installs this machine; gives the exit code.
fn install(options: &BootOptions, sinks: &mut Sinks) -> Result<Option<i32>, EngineError> {
    let mut landfall = Landfall::new("install", KICKSTART)
        .with(options)
        .arg("--json")
        .arg(format!("--final-action={FINAL_ACTION}"));
    if options.kexec {
        landfall = landfall.arg("--kexec");
    }
    landfall.run(|stream, line| match (stream, serde_json::from_str(line)) {
        (Stream::Data, Ok(event)) => sinks.event(&event),
        (Stream::Data | Stream::Talk, _) => sinks.say(line),
    })
}

/// Runs a command that only says something.
fn talk(landfall: Landfall, sinks: &mut Sinks) -> Result<(), EngineError> {
    judge(landfall.run(|_, line| sinks.say(line))?)
}

/// What an exit code means for the machine.
fn judge(code: Option<i32>) -> Result<(), EngineError> {
    let is = |exit: Exit| code == Some(i32::from(exit.code()));
    if is(Exit::Done) {
        return Ok(());
    }
    let state = if [Exit::Input, Exit::Usage, Exit::Refused, Exit::Source]
        .into_iter()
        .any(is)
    {
        "nothing was written to its disks"
    } else {
        "its disks may have been written to, and nothing starts from what was"
    };
    Err(EngineError::Refused(format!(
        "this machine is not installed: {state}"
    )))
}

/// What `landfall install` has left to be done; none if the kickstart does not say.
fn final_action() -> Result<Option<FinalAction>, EngineError> {
    let failed = |e| EngineError::io(format!("reading `{FINAL_ACTION}`"), e);
    match fs::read(FINAL_ACTION) {
        Ok(text) => serde_json::from_slice(&text).map_err(|e| failed(e.into())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// Writes a file that only root can read.
fn write(path: &str, content: &[u8]) -> Result<(), EngineError> {
    let made = Path::new(path).parent().map_or(Ok(()), fs::create_dir_all);
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    made.and_then(|()| options.open(path)?.write_all(content))
        .map_err(|e| EngineError::io(format!("writing `{path}`"), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_initramfs_is_an_environment() {
        assert!(is_initramfs(RAMFS, true) && is_initramfs(TMPFS, true));
        let ext4 = 0xef53;
        assert!(!is_initramfs(ext4, true) && !is_initramfs(TMPFS, false));
        // Where tests are run.
        assert!(insist_on_initramfs().is_err());
    }

    #[test]
    fn drives_are_told_from_disks() {
        assert!(is_drive(Path::new("/dev/sr0")) && is_drive(Path::new("/dev/sr12")));
        for device in ["/dev/sda1", "/dev/sr", "/dev/srx", "/dev/vda"] {
            assert!(!is_drive(Path::new(device)), "{device}");
        }
    }

    #[test]
    fn what_was_not_written_to_is_told_apart() {
        assert!(judge(Some(0)).is_ok());
        for (code, written) in [
            (Some(1), false),
            (Some(3), false),
            (Some(5), false),
            (Some(4), true),
            (None, true),
        ] {
            let message = judge(code).unwrap_err().to_string();
            assert_eq!(
                message.contains("may have been written"),
                written,
                "{code:?}"
            );
        }
    }
}
