// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Makes the report of an installation that succeeded, from what was planned and measured.

use kickstart_parser::commands::EndAction;

use super::prepare::Prepared;
use crate::event::{Emitter, Step};
use crate::inventory::Firmware;
use crate::plan::Plan;
use crate::report::{Report, StepReport};

/// The report; `commit` is the checksum of what was deployed, and the final action `follows` or not.
pub(super) fn report(
    prepared: &Prepared,
    commit: String,
    follows: bool,
    emitter: &Emitter<'_>,
) -> Report {
    let Prepared {
        kickstart,
        plan,
        image,
        ..
    } = prepared;
    let bytes = |step| (step == Step::Import).then(|| image.total_bytes());
    let steps = emitter.timings().iter().map(|(step, seconds)| StepReport {
        step: *step,
        seconds: *seconds,
        bytes: bytes(*step),
    });
    let action = kickstart.end.as_ref().map(|end| word(end.action));
    Report {
        report: 1,
        install: emitter.install(),
        seed: plan.seed,
        source: plan.image.source.clone(),
        target: plan.image.target.clone(),
        digest: image.digest.clone(),
        commit,
        disks: plan.disks.iter().map(|disk| disk.device.clone()).collect(),
        steps: steps.collect(),
        final_action: action.map(str::to_owned),
        next: next(
            plan,
            action.map(|word| left(word, follows, prepared.environment)),
        ),
    }
}

const fn word(action: EndAction) -> &'static str {
    match action {
        EndAction::Reboot => "reboot",
        EndAction::PowerOff => "poweroff",
        EndAction::Halt => "halt",
        EndAction::Shutdown => "shutdown",
    }
}

/// What the user does now.
fn next(plan: &Plan, action: Option<String>) -> Vec<String> {
    let mut next = Vec::new();
    if plan.disks.iter().all(|disk| disk.image_file) {
        let kind = match plan.firmware {
            Firmware::Uefi => "UEFI",
            Firmware::Bios => "BIOS",
        };
        next.push(format!("Start a {kind} machine from the disk image"));
    } else {
        next.push("Start the machine from its disk".to_owned());
    }
    next.extend(action);
    next
}

/// Who does what the kickstart has for the end.
fn left(action: &str, follows: bool, environment: bool) -> String {
    match (follows, environment) {
        (true, _) => format!("The kickstart's `{action}` follows"),
        (false, true) => format!("The kickstart's `{action}` is left to you"),
        (false, false) => {
            format!("The kickstart's `{action}` is left to you outside the installer environment")
        }
    }
}
