// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whether a kickstart can be carried out with an image, before there is a machine: for whoever makes a medium.
//!
//! Takes both; plans for a machine that stands for most, and looks into the image. What only a certain machine can tell is
//! left to that machine. It writes nothing.

use std::path::Path;

use kickstart_parser::{Kickstart, ScriptKind};

use super::error::EngineError;
use super::import::Progress;
use super::prepare::{check_image, tools_for};
use super::tool::Tool;
use super::{facts, final_action};
use crate::image::Image;
use crate::inventory::{Disk, Firmware, Interface, Inventory, MEDIUM};
use crate::medium::LAYOUT;
use crate::plan::{
    Choices, Code, Issue, Issues, MediumImage, Plan, Severity, plan_disks, plan_target,
};

/// Names of the disks of a machine that stands for most.
const DISKS: [&str; 6] = ["sda", "sdb", "vda", "vdb", "nvme0n1", "nvme1n1"];
const TIB: u64 = 1 << 40;

/// What is to be judged.
#[derive(Debug)]
pub(crate) struct Question<'q> {
    pub(crate) kickstart: &'q Kickstart,
    /// The image that is to be installed, where its layers can be read without waiting.
    pub(crate) image: &'q Image,
    /// What installed systems follow, if not the kickstart's reference.
    pub(crate) target_ref: Option<&'q str>,
    /// Whether the image is on the medium.
    pub(crate) payload: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// Programs that the installer environment must have.
    pub(crate) tools: Vec<Tool>,
    /// What the user should know.
    pub(crate) warnings: Vec<String>,
}

/// Judges. What could not be installed anywhere is an error.
pub(crate) fn judge(
    question: &Question<'_>,
    progress: Progress<'_>,
) -> Result<Judgement, EngineError> {
    let kickstart = question.kickstart;
    let here = here(question);
    let choices = Choices {
        target_ref: question.target_ref.map(str::to_owned),
        medium: question.payload.then(|| here.clone()),
        ..Choices::default()
    };
    let inventory = machine(kickstart, question.image.architecture());
    let planned = match plan_disks(kickstart, &inventory, &choices) {
        Ok(planned) => planned,
        Err(issues) => return unplanned(kickstart, issues),
    };
    let (plan, mut issues) = (planned.plan, planned.issues);
    let mut tools = tools_for(&plan);
    tools.extend(tools_for_end(kickstart));
    let mut warnings = Vec::new();
    if here.has(&plan.image.source) {
        match on_image(question, &plan, progress) {
            Ok(told) => issues.0.extend(told.0),
            Err(error) if has_pre(kickstart) => warnings.extend(tolerated(error)?),
            Err(error) => return Err(error),
        }
    } else {
        warnings.push(elsewhere(&plan, question));
    }
    warnings.extend(issues.0.iter().map(Issue::with_help));
    warnings.extend(has_pre(kickstart).then(|| PRE.to_owned()));
    Ok(Judgement { tools, warnings })
}

/// What the image says to the plan.
fn on_image(
    question: &Question<'_>,
    plan: &Plan,
    progress: Progress<'_>,
) -> Result<Issues, EngineError> {
    check_image(question.image, plan)?;
    let facts = facts::foresee(question.image, &plan.arch, progress)?;
    let target = plan_target(question.kickstart, plan, &facts);
    target.map(|(_, issues)| issues).map_err(EngineError::Plan)
}

const PRE: &str = "the kickstart has a `%pre`, which may change what it says and what is on the machine: only there it is \
                   seen whether it can be carried out";

fn has_pre(kickstart: &Kickstart) -> bool {
    let mut scripts = kickstart.scripts.iter();
    scripts.any(|script| script.kind == ScriptKind::Pre)
}

/// What a `%pre` may make good, in sentences.
fn tolerated(error: EngineError) -> Result<Vec<String>, EngineError> {
    match error {
        EngineError::Plan(issues) => Ok(split(issues)?.iter().map(Issue::with_help).collect()),
        EngineError::Refused(why) => Ok(vec![why]),
        error => Err(error),
    }
}

/// All issues, if no error is about the text alone; else those errors.
fn split(issues: Issues) -> Result<Vec<Issue>, EngineError> {
    let (text, others): (Vec<_>, Vec<_>) = issues
        .0
        .into_iter()
        .partition(|issue| issue.severity == Severity::Error && is_about_text(issue.code));
    if text.is_empty() {
        Ok(others)
    } else {
        Err(EngineError::Plan(Issues(text)))
    }
}

/// The image as a kickstart may mean it: by its place on a medium, or by a reference.
fn here(question: &Question<'_>) -> MediumImage {
    let reference = question.image.reference.to_string();
    let target = question.target_ref.map(str::to_owned);
    let layout = Path::new(MEDIUM).join(LAYOUT);
    MediumImage {
        layout: if question.payload {
            format!("oci:{}", layout.display())
        } else {
            String::new()
        },
        names: vec![reference],
        target,
    }
}

fn elsewhere(plan: &Plan, question: &Question<'_>) -> String {
    let on_it = if question.payload {
        ": the image on this medium is not what it installs"
    } else {
        ", which was not looked into"
    };
    format!("the kickstart installs `{}`{on_it}", plan.image.source)
}

/// Errors that no machine would make good stay errors; without a plan there is no more to judge.
fn unplanned(kickstart: &Kickstart, issues: Issues) -> Result<Judgement, EngineError> {
    let about_machine = issues.errors().any(|issue| {
        matches!(
            issue.code,
            Code::DiskMissing | Code::NoUsableDisk | Code::DoesNotFit | Code::SizeLimit
        )
    });
    let mut warnings = Vec::new();
    if has_pre(kickstart) {
        warnings.extend(split(issues)?.iter().map(Issue::with_help));
        warnings.push(PRE.to_owned());
    } else if about_machine {
        split(issues)?;
        let warning = "the kickstart is about disks that only its machine has: there it is seen whether it can be carried out";
        warnings.push(warning.to_owned());
    } else {
        return Err(EngineError::Plan(issues));
    }
    Ok(Judgement {
        tools: tools_for_end(kickstart),
        warnings,
    })
}

fn tools_for_end(kickstart: &Kickstart) -> Vec<Tool> {
    let end = kickstart.end.as_ref();
    end.map_or_else(Vec::new, |end| final_action::tools(end))
}

/// Whether a rule looks at nothing but the kickstart.
const fn is_about_text(code: Code) -> bool {
    matches!(
        code,
        Code::NoImage
            | Code::TargetIsPath
            | Code::NotSupportedYet
            | Code::FileSystemUnknown
            | Code::MountTwice
            | Code::MountInvalid
            | Code::SizeInvalid
            | Code::ValueInvalid
    )
}

/// One that boots by UEFI and has disks of all usual names.
fn machine(kickstart: &Kickstart, arch: &str) -> Inventory {
    Inventory {
        inventory: 1,
        arch: arch.to_owned(),
        firmware: Firmware::Uefi,
        efi_variables: true,
        kernel_arguments: Vec::new(),
        memory_bytes: 16 << 30,
        disks: DISKS.map(disk).to_vec(),
        interfaces: interfaces(kickstart),
    }
}

/// Those that `network` lines name: addresses that they bind to are known on the machine.
fn interfaces(kickstart: &Kickstart) -> Vec<Interface> {
    let lines = kickstart.network.iter();
    let names = lines.flat_map(|line| {
        let lists = [&line.device, &line.bondslaves, &line.bridgeslaves];
        let lists = lists.into_iter().flatten();
        let names = lists.flat_map(|list| list.split(',').map(str::trim));
        let teams = line.teamslaves.iter().map(|port| port.device.as_str());
        names.chain(teams)
    });
    let interfaces = names.map(|name| Interface {
        name: name.to_owned(),
        mac: "02:00:00:00:00:01".to_owned(),
        carrier: true,
    });
    interfaces.collect()
}

fn disk(name: &str) -> Disk {
    Disk {
        device: format!("/dev/{name}"),
        image_file: false,
        links: Vec::new(),
        size_bytes: TIB,
        sector_bytes: 512,
        model: None,
        serial: None,
        transport: None,
        removable: false,
        read_only: false,
        in_use: None,
        source: false,
        table: None,
        table_entries: None,
        fs: None,
        label: None,
        fs_uuid: None,
        partitions: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
