// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of a machine through the installer environment.
//!
//! From the kernel's command line to the kickstart's final action. The installation itself is a process of its own, `landfall
//! install`, whose words are shown here and whose events are sent on: whatever becomes of it, the machine can say so.

use std::fs;
use std::path::Path;

use kickstart_parser::{Kickstart, NoIncludes};

use super::child::{self, Landfall};
use super::ending::{self, Choice};
use super::kickstart::{self, Found};
use super::machine;
use super::mounted::MountedMedium;
use super::reporter::Reporter;
use super::syslog::Sender;
use super::terminals::Terminals;
use super::{BootOptions, KickstartOption, KickstartSource, network, sshd};
use crate::engine::error::EngineError;
use crate::engine::final_action::FinalAction;
use crate::event::Event;
use crate::exit::Exit;
use crate::inventory::{ENVIRONMENT, MEDIUM};
use crate::plan;

/// The kickstart of this installation, as Anaconda has it.
const KICKSTART: &str = "/run/install/ks.cfg";
/// What `landfall install` leaves to be done.
const FINAL_ACTION: &str = "/run/landfall/final-action.json";

/// Does what this machine was started for.
///
/// # Errors
/// What kept it from that; it was shown, too.
pub fn run() -> Result<(), EngineError> {
    let mut terminals = Terminals::of_kernel();
    let options = begin(&mut terminals).inspect_err(|error| terminals.fail(error))?;
    let result = serve(&options, &mut terminals);
    if let Err(error) = &result {
        terminals.fail(error);
        ending::after_failure(&options, &mut terminals);
    }
    result
}

/// From here on nobody is asked whether a disk may be written.
fn begin(terminals: &mut Terminals) -> Result<BootOptions, EngineError> {
    write(ENVIRONMENT, b"")?;
    let line = network::command_line()?;
    let (options, warnings) = BootOptions::parse(&line);
    terminals.say(concat!("Landfall ", env!("CARGO_PKG_VERSION")));
    for warning in warnings {
        terminals.say(&format!("warning: {warning}"));
    }
    Ok(options)
}

fn serve(options: &BootOptions, terminals: &mut Terminals) -> Result<(), EngineError> {
    if options.rescue {
        return ending::rescue(terminals);
    }
    let medium = options
        .medium
        .as_ref()
        .map(MountedMedium::find)
        .transpose()?;
    if options.check_medium {
        return check(medium.as_ref(), terminals);
    }
    if let Some(medium) = &medium {
        medium.verify()?;
    }
    let volume = medium.as_ref().map(|medium| &medium.volume);
    match kickstart::find(options, volume)? {
        Some(found) => follow(
            options,
            (&found, options.plan_only),
            medium.as_ref(),
            terminals,
        ),
        None => follow_choice(options, medium.as_ref(), terminals),
    }
}

fn check(medium: Option<&MountedMedium>, terminals: &mut Terminals) -> Result<(), EngineError> {
    let medium = medium.ok_or_else(|| {
        EngineError::Refused("this machine was not started from a medium".to_owned())
    })?;
    let count = medium.verify_all(&mut |path| terminals.say(&format!("checking {path}")))?;
    terminals.say(&format!(
        "all {count} files of the medium are what was written"
    ));
    ending::reboot()
}

/// Without a kickstart nothing is ever written.
fn follow_choice(
    options: &BootOptions,
    medium: Option<&MountedMedium>,
    terminals: &mut Terminals,
) -> Result<(), EngineError> {
    match ending::ask(options, terminals) {
        Some(Choice::Kickstart { address, plan_only }) => {
            let source = KickstartSource::parse(&address).map_err(EngineError::Refused)?;
            let options = BootOptions {
                kickstart: KickstartOption::At(vec![source]),
                ..options.clone()
            };
            match kickstart::find(&options, None)? {
                Some(found) => follow(&options, (&found, plan_only), medium, terminals),
                None => Ok(()),
            }
        }
        Some(Choice::Shell(device)) => {
            child::shell(&device)?;
            ending::reboot()
        }
        Some(Choice::Reboot) => ending::reboot(),
        None => Err(EngineError::Refused(
            "this machine has no kickstart".to_owned(),
        )),
    }
}

/// Does what a kickstart says, or shows it.
fn follow(
    options: &BootOptions,
    (found, plan_only): (&Found, bool),
    medium: Option<&MountedMedium>,
    terminals: &mut Terminals,
) -> Result<(), EngineError> {
    terminals.say(&format!("kickstart: {}", found.from));
    write(KICKSTART, &found.text)?;
    let text = String::from_utf8_lossy(&found.text);
    let kickstart = kickstart_parser::read(KICKSTART, &text, None, &NoIncludes).kickstart;
    let payload = medium.and_then(|medium| medium.medium.payload_at(Path::new(MEDIUM)));
    let pulls = plan::needs_registry(&kickstart, payload.as_ref());
    if pulls {
        if !options.network && !found.by_network {
            network::apply(&kickstart)?;
        }
        terminals.say("waiting for the network");
        machine::await_network()?;
    }
    terminals.say(&machine::introduction());
    if options.strict {
        talk(Landfall::new("check", KICKSTART).arg("--strict"), terminals)?;
    }
    if plan_only {
        return talk(Landfall::new("plan", KICKSTART).with(options), terminals);
    }
    if options.sshd {
        serve_ssh(&kickstart, terminals);
    }
    let code = install(options, terminals)?;
    if let (true, false, Some(medium)) = (may_be_damage(code), pulls, medium) {
        look_for_damage(medium, terminals);
    }
    judge(code)?;
    match final_action()? {
        Some(action) if options.noeject => action.without_ejecting().carry_out(),
        Some(action) => action.carry_out(),
        None => ending::when_somebody_is_there(options, terminals),
    }
}

/// An installation can do without.
fn serve_ssh(kickstart: &Kickstart, terminals: &mut Terminals) {
    match sshd::start(kickstart) {
        Ok(()) => terminals.say("ssh: root can log in with a key of the kickstart's"),
        Err(error) => terminals.say(&format!("warning: {}", error.chain().join(": "))),
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
fn look_for_damage(medium: &MountedMedium, terminals: &mut Terminals) {
    terminals.say("reading the medium once more");
    match medium.verify_all(&mut |_| ()) {
        Ok(_) => terminals.say("the medium is what was written"),
        Err(error) => terminals.fail(&error),
    }
}

/// Installs this machine; whoever wants to know is told before this returns.
fn install(options: &BootOptions, terminals: &mut Terminals) -> Result<Option<i32>, EngineError> {
    let reporter = options
        .report
        .clone()
        .map(|url| Reporter::start(url, options.token.clone()));
    let syslog = options.syslog.as_ref().and_then(Sender::to);
    let mut landfall = Landfall::new("install", KICKSTART)
        .with(options)
        .arg("--json")
        .arg(format!("--final-action={FINAL_ACTION}"));
    if options.kexec {
        landfall = landfall.arg("--kexec");
    }
    let tell = |line: &str| {
        if let (Some(reporter), Ok(event)) = (&reporter, serde_json::from_str::<Event>(line)) {
            reporter.accept(&event);
        }
    };
    landfall.run(tell, |line| {
        terminals.say(line);
        if let Some(syslog) = &syslog {
            syslog.say(line);
        }
    })
}

/// Runs a command that only says something.
fn talk(landfall: Landfall, terminals: &mut Terminals) -> Result<(), EngineError> {
    let mut data = Vec::new();
    let code = landfall.run(
        |line| data.push(line.to_owned()),
        |line| terminals.say(line),
    )?;
    for line in data {
        terminals.say(&line);
    }
    judge(code)
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

fn write(path: &str, content: &[u8]) -> Result<(), EngineError> {
    let made = Path::new(path).parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, content))
        .map_err(|e| EngineError::io(format!("writing `{path}`"), e))
}

#[cfg(test)]
mod tests {
    use super::*;

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
