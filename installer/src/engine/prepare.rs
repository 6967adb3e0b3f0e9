// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Everything that comes before the first write: the inventory, the plan, the image's manifest,
//! and whether this machine can carry the plan out.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kickstart_parser::{Kickstart, Secret};
use uuid::Uuid;

use super::error::EngineError;
use super::import;
use super::tool::Tool;
use super::{Stop, esp, final_action, format, host, resize, target};
use crate::event::{Emitter, Step};
use crate::image::{Access, Image, ImageRef, OpenOptions, TargetAccessFiles};
use crate::inventory::probe::{self, DiskArg};
use crate::inventory::{Firmware, Inventory};
use crate::medium::{self, Medium};
use crate::plan::{
    Choices, Issue, Label, MediumImage, Plan, Planned, Unsaved, differences, plan_disks, size,
    trusted,
};

/// What the user asks for.
#[derive(Debug)]
pub struct Request {
    /// The kickstart.
    pub kickstart: Kickstart,
    /// Its text as it was given, which the installed system keeps.
    pub kickstart_text: Secret,
    /// SHA-256 of its text with its includes.
    pub kickstart_sha256: String,
    /// Disks to use; none: all of the machine.
    pub disks: Vec<DiskArg>,
    /// A recorded inventory in place of this machine's.
    pub inventory: Option<Inventory>,
    /// Firmware to plan for, where it is not that of the inventory.
    pub firmware: Option<Firmware>,
    /// Content from elsewhere than the kickstart says.
    pub image: Option<String>,
    /// A medium whose image is taken if the kickstart names it: where it is mounted.
    pub medium: Option<PathBuf>,
    /// Which tables disks get where the kickstart does not say; none: GPT.
    pub disklabel: Option<Label>,
    /// What the installed system follows, if not the kickstart's reference.
    pub target_ref: Option<String>,
    /// How the image is reached.
    pub access: Access,
    /// What the installed system is given to reach its registry.
    pub target_access: TargetAccessFiles,
    /// Seed of the plan's UUIDs.
    pub seed: Uuid,
    /// What is not kept of the installation in the installed system.
    pub nosave: Vec<Unsaved>,
    /// The plan that must come out, made before by the same request.
    pub saved: Option<Plan>,
    /// Whether this machine is there for the installation only, and ends as the kickstart says.
    pub environment: bool,
}

/// A plan that can be carried out, and the image for it.
#[derive(Debug)]
pub struct Prepared {
    /// The kickstart.
    pub kickstart: Kickstart,
    /// Its text as it was given.
    pub kickstart_text: Secret,
    /// The disk half of the plan.
    pub plan: Plan,
    /// The opened image.
    pub image: Image,
    /// Whether this machine ends as the kickstart says.
    pub environment: bool,
}

/// Looks at the machine and makes the disk half of the plan; of an image in a local layout or archive, which is looked
/// into for that, the target half too.
pub fn draft(request: &Request) -> Result<Planned, EngineError> {
    let inventory = if let Some(inventory) = &request.inventory {
        with_firmware(inventory.clone(), request.firmware)
    } else {
        probe::probe(&request.disks, request.firmware)?
    };
    let mut planned = plan_of(request, &inventory)?;
    if planned.plan.image.is_at_hand() {
        let image = open_image(request, &planned.plan)?;
        check_image(&image, &planned.plan)?;
        planned.plan.image.digest = Some(image.digest.clone());
        let mut progress = |_| ControlFlow::Continue(());
        target::foresee(&request.kickstart, &image, &mut planned, &mut progress)?;
    }
    Ok(planned)
}

fn with_firmware(mut inventory: Inventory, firmware: Option<Firmware>) -> Inventory {
    inventory.firmware = firmware.unwrap_or(inventory.firmware);
    inventory
}

fn plan_of(request: &Request, inventory: &Inventory) -> Result<Planned, EngineError> {
    let choices = Choices {
        seed: request.seed,
        kickstart_sha256: request.kickstart_sha256.clone(),
        image: request.image.clone(),
        medium: request
            .medium
            .as_deref()
            .map(image_of_medium)
            .transpose()?
            .flatten(),
        disklabel: request.disklabel,
        target_ref: request.target_ref.clone(),
        target_access: request.target_access.read()?,
        nosave: request.nosave.clone(),
    };
    plan_disks(&request.kickstart, inventory, &choices).map_err(EngineError::Plan)
}

/// The image of the medium that is mounted at `at`, if it carries one.
fn image_of_medium(at: &Path) -> Result<Option<MediumImage>, EngineError> {
    let file = at.join(medium::FILE);
    let failed = |e| EngineError::io(format!("reading `{}`", file.display()), e);
    let bytes = fs::read(&file).map_err(failed)?;
    let medium = Medium::from_bytes(&bytes).map_err(|e| failed(e.into()))?;
    Ok(medium.payload_at(at))
}

/// Looks, plans and opens the image; one at hand is looked into. Warnings go to the events. If that fails, the kickstart's
/// scripts for it run.
pub fn prepare(
    request: Request,
    emitter: &mut Emitter<'_>,
    stop: &Stop,
) -> Result<Prepared, EngineError> {
    match look_and_plan(&request, emitter, stop) {
        Ok((plan, image)) => Ok(Prepared {
            kickstart: request.kickstart,
            kickstart_text: request.kickstart_text,
            plan,
            image,
            environment: request.environment,
        }),
        Err(error) => {
            let error = stop.cause(error);
            host::on_failure(&request.kickstart, &error, emitter);
            Err(error)
        }
    }
}

fn look_and_plan(
    request: &Request,
    emitter: &mut Emitter<'_>,
    stop: &Stop,
) -> Result<(Plan, Image), EngineError> {
    let inventory = emitter.step(Step::Inventory, |_| {
        stop.check()?;
        probe::probe(&request.disks, request.firmware)
    })?;
    emitter.step(Step::Plan, |emitter| {
        stop.check()?;
        let mut planned = plan_of(request, &inventory)?;
        tell(&planned.issues.0, emitter);
        agree(request, &planned.plan)?;
        require_all(&planned.plan)?;
        require_for_end(request)?;
        format::rehearse(&planned.plan)?;
        let image = open_image(request, &planned.plan)?;
        check_image(&image, &planned.plan)?;
        planned.plan.image.digest = Some(image.digest.clone());
        agree(request, &planned.plan)?;
        let told = planned.issues.0.len();
        let total = image.total_bytes();
        let mut progress = |done| {
            emitter.bytes(done, Some(total));
            stop.go_on()
        };
        target::foresee(&request.kickstart, &image, &mut planned, &mut progress)?;
        tell(&planned.issues.0[told..], emitter);
        agree(request, &planned.plan)?;
        stop.check()?;
        Ok((planned.plan, image))
    })
}

fn tell(issues: &[Issue], emitter: &mut Emitter<'_>) {
    for issue in issues {
        emitter.warn(issue.with_help());
    }
}

/// Whether a plan is the one that was asked for.
fn agree(request: &Request, plan: &Plan) -> Result<(), EngineError> {
    let changed = request
        .saved
        .as_ref()
        .map_or_else(Vec::new, |saved| differences(saved, plan));
    if changed.is_empty() {
        return Ok(());
    }
    Err(EngineError::Changed(changed))
}

fn require_for_end(request: &Request) -> Result<(), EngineError> {
    let end = request.kickstart.end.as_ref();
    match end.filter(|_| request.environment) {
        Some(end) => Tool::require(&final_action::tools(end)),
        None => Ok(()),
    }
}

fn open_image(request: &Request, plan: &Plan) -> Result<Image, EngineError> {
    let reference: ImageRef = plan.image.source.parse()?;
    let options = OpenOptions {
        arch: plan.arch.clone(),
        access: Access {
            certificates: trusted(&request.kickstart),
            ..request.access.clone()
        },
    };
    Ok(Image::open(&reference, &options)?)
}

/// What the manifest can say about whether the image can be installed on these disks.
pub(super) fn check_image(image: &Image, plan: &Plan) -> Result<(), EngineError> {
    if !image.is_bootable() {
        return Err(EngineError::Unusable(format!(
            "`{}` is not a bootable container image: it has neither the label `containers.bootc` \
             nor `ostree.bootable`",
            image.reference
        )));
    }
    import::check(image)?;
    let room = plan
        .mounted_at("/")
        .map_or(0, |(_, partition)| partition.size_bytes);
    if image.total_bytes() > room {
        return Err(EngineError::Refused(format!(
            "the image has {} of compressed layers, the root partition only {}",
            size::human(image.total_bytes()),
            size::human(room)
        )));
    }
    Ok(())
}

/// Whether this machine can carry the plan out: its programs, its architecture, its permissions.
fn require_all(plan: &Plan) -> Result<(), EngineError> {
    Tool::require(&tools_for(plan))?;
    if plan.arch != probe::arch() {
        return Err(EngineError::Refused(format!(
            "this machine ({}) cannot run the programs of an image for {}",
            probe::arch(),
            plan.arch
        )));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(EngineError::Refused(
            "an installation needs root".to_owned(),
        ));
    }
    Ok(())
}

/// The programs of the installing machine that carrying the plan out needs.
pub(super) fn tools_for(plan: &Plan) -> Vec<Tool> {
    let mut tools = vec![Tool::Chroot, Tool::Cp, Tool::Fstrim];
    let image_file = |wanted| plan.disks.iter().any(|disk| disk.image_file == wanted);
    tools.extend(image_file(true).then_some(Tool::Losetup));
    tools.extend(image_file(false).then_some(Tool::Partx));
    tools.extend(format::tools(plan));
    tools.extend(resize::tools(plan));
    let has_esp = plan.firmware == Firmware::Uefi && plan.boot_disk.is_some();
    tools.extend(has_esp.then_some(esp::TOOLS).into_iter().flatten());
    tools
}

impl Prepared {
    /// The block devices that carrying the plan out changes.
    pub fn block_devices(&self) -> Vec<&str> {
        let disks = self.plan.disks.iter().filter(|disk| !disk.image_file);
        disks.map(|disk| disk.device.as_str()).collect()
    }
}
