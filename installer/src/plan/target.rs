// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The half of the plan that needs the image: kernel arguments, every file and command of the
//! configuration, the boot loader, `%post`.
//!
//! Takes the kickstart, the disk half and [`ImageFacts`], gives a [`TargetPlan`] whose actions
//! are carried out in their order without a further decision. It does not know where the target
//! is mounted.

use std::collections::{BTreeMap, BTreeSet};

use kickstart_parser::{Kickstart, ScriptKind, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::AccessFile;
use super::bios::BiosPayload;
use super::boot::{self, BootPayload, BootPlan};
use super::bootupd::{self, BootupdPayload};
use super::issue::{Code, Issues};
use super::kargs::{self, InstallKargs};
use super::settings::{SettingsFacts, realm, record, selinux};
use super::{Plan, Unsaved, files, kdump, users};

/// What the merged tree of the image says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Kernel version: the name of the directory below `/usr/lib/modules`.
    pub kernel: String,
    /// Kernel arguments of `/usr/lib/bootc/kargs.d`, in order.
    pub kargs: Vec<String>,
    /// What the image says to installers about kernel arguments.
    pub install_kargs: InstallKargs,
    /// The signed boot chain that the image brings.
    pub boot: Option<BootPayload>,
    /// GRUB for BIOS that the image brings.
    pub bios: Option<BiosPayload>,
    /// What bootupd installs, where the image has it.
    pub bootupd: Option<BootupdPayload>,
    /// Programs in `/usr/bin` and `/usr/sbin`.
    pub programs: BTreeSet<String>,
    /// systemd units.
    pub units: BTreeSet<String>,
    /// Users with their home directories.
    pub users: BTreeMap<String, String>,
    /// Groups.
    pub groups: BTreeSet<String>,
    /// Time zones below `/usr/share/zoneinfo`.
    pub zones: BTreeSet<String>,
    /// What `locale -a` prints; none where the image has no `locale`.
    pub locales: Option<BTreeSet<String>>,
    /// Directories at the top with what a symbolic link there points to: `home` -> `var/home`.
    pub top: BTreeMap<String, Option<String>>,
    /// The image has an SELinux policy that is in force.
    pub selinux: bool,
    /// Names in `/usr/lib/bootc/bound-images.d`: images that bootc keeps beside the system.
    pub bound_images: Vec<String>,
    /// What it says about settings.
    pub settings: SettingsFacts,
}

/// The plan for what is on the disks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetPlan {
    /// The ostree stateroot.
    pub stateroot: String,
    /// What the deployment's origin file says.
    pub origin: Origin,
    /// Kernel version of the deployment.
    pub kernel: String,
    /// Whether the image has an SELinux policy that is switched on: every file gets its label.
    pub selinux: bool,
    /// Kernel arguments in their order, without `ostree=`.
    pub kargs: Vec<String>,
    /// Partitions to mount into the deployment, outer first.
    pub mounts: Vec<MountPlan>,
    /// What is done in the deployment, in order.
    pub configure: Vec<Action>,
    /// The boot loader.
    pub boot: BootPlan,
    /// `%post` scripts, in order.
    pub post: Vec<ScriptPlan>,
}

/// The origin file of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// What `container-image-reference` is set to.
    pub container_image_reference: String,
}

/// A partition that is mounted into the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MountPlan {
    /// The disk.
    pub device: String,
    /// The partition's number.
    pub number: u32,
    /// Where, with the image's symbolic links resolved: `/var/home` for `/home`.
    pub at: String,
}

/// One thing that is done in the deployment. Paths are absolute in the installed system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Writes a file, replacing what is there.
    Write {
        /// Where.
        path: String,
        /// Permission bits.
        mode: u32,
        /// What.
        text: String,
    },
    /// Writes a file whose content is not shown, replacing what is there.
    WriteSecret(AccessFile),
    /// Appends a line to a file, making it if it is missing.
    Append {
        /// Where.
        path: String,
        /// Permission bits.
        mode: u32,
        /// The line, without its end.
        line: String,
    },
    /// Makes a directory that may be there already.
    Directory {
        /// Where.
        path: String,
        /// Permission bits of a new directory.
        mode: u32,
    },
    /// Makes a symbolic link, replacing what is there.
    Link {
        /// Where.
        path: String,
        /// What it points to.
        target: String,
    },
    /// Runs a program of the image, chrooted.
    Run(Program),
    /// Runs one whose failure is only worth a warning.
    Try(Program),
}

/// A program of the image with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Standard input; masked wherever it is shown.
    pub stdin: Option<Secret>,
    /// Exit statuses besides 0 that are no failure.
    pub tolerate: Vec<i32>,
}

/// A script of the kickstart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptPlan {
    /// Line of the section header in the kickstart.
    pub line: u32,
    /// Program that reads the script.
    pub interpreter: String,
    /// Runs in the deployment; otherwise on the machine that installs.
    pub chroot: bool,
    /// Where the output goes besides the log.
    pub log: Option<String>,
    /// A failure ends the installation.
    pub erroronfail: bool,
    /// The text.
    pub body: String,
}

impl ScriptPlan {
    /// The scripts of one kind, in their order.
    pub fn of_kind(kickstart: &Kickstart, kind: ScriptKind) -> Vec<Self> {
        let scripts = kickstart
            .scripts
            .iter()
            .filter(|script| script.kind == kind);
        scripts
            .map(|script| Self {
                line: script.location.line,
                interpreter: script.interpreter.clone(),
                chroot: kind == ScriptKind::Post && !script.nochroot,
                log: script.log.clone(),
                erroronfail: script.erroronfail,
                body: script.body.clone(),
            })
            .collect()
    }
}

/// Makes the target half of the plan; warnings come with it.
pub fn plan_target(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
) -> Result<(TargetPlan, Issues), Issues> {
    let mut issues = Issues::default();
    if let Some(first) = facts.bound_images.first() {
        let message = format!(
            "the image has logically bound images (`{first}`), which are not supported yet"
        );
        issues.error(Code::ImageUnusable, message);
    }
    if !facts.programs.contains("ostree") {
        let message = "the image has no `ostree`, which makes the deployment";
        issues.error(Code::ImageUnusable, message);
    }
    let kargs = kargs::kargs(kickstart, plan, facts, &mut issues);
    let mounts = mounts(plan, facts, &mut issues);
    let mut configure = files::actions(kickstart, plan, facts, &mounts, &mut issues);
    configure.extend(users::actions(kickstart, plan, facts, &mut issues));
    configure.extend(realm::realm(kickstart, facts, &mut issues));
    configure.extend(kdump::action(kickstart, facts, &mut issues));
    configure.extend(bootupd::mask(kickstart, plan, facts, &mut issues));
    if !plan.unsaved(Unsaved::OutputKs) {
        configure.push(record::kickstart(kickstart, plan.seed));
    }
    check_programs(&configure, facts, &mut issues);
    let boot = boot::boot(kickstart, plan, facts, &kargs, &mut issues);
    let (Some(boot), false) = (boot, issues.has_errors()) else {
        return Err(issues);
    };
    let target = TargetPlan {
        stateroot: stateroot(kickstart),
        origin: Origin {
            container_image_reference: origin_reference(&plan.image.target),
        },
        kernel: facts.kernel.clone(),
        selinux: facts.selinux && !selinux::is_disabled(kickstart),
        kargs,
        mounts,
        configure,
        boot,
        post: ScriptPlan::of_kind(kickstart, ScriptKind::Post),
    };
    Ok((target, issues))
}

/// What cannot be planned before the image is on the target, a point each. `facts` are what is known of it by then.
pub fn waits(kickstart: &Kickstart, facts: Option<&ImageFacts>) -> Vec<String> {
    let locale = kickstart
        .lang
        .as_ref()
        .filter(|_| facts.is_none_or(|facts| facts.programs.contains("locale")))
        .map(|lang| {
            format!(
                "whether it has the locale `{}`; otherwise `C.UTF-8` is set",
                lang.lang
            )
        });
    let whole = [
        "its kernel and kernel arguments",
        "its boot loader",
        "whether it has the units, programs, users, time zone and mount points that the kickstart needs",
    ];
    let whole = whole.iter().filter(|_| facts.is_none());
    whole.map(ToString::to_string).chain(locale).collect()
}

/// The stateroot that the kickstart names, or `default`.
pub(crate) fn stateroot(kickstart: &Kickstart) -> String {
    let given = kickstart
        .ostreecontainer
        .as_ref()
        .and_then(|command| command.stateroot.clone());
    let given = given.or_else(|| kickstart.bootc.as_ref().and_then(|c| c.stateroot.clone()));
    given
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "default".to_owned())
}

/// The reference as ostree-ext writes it for an image without signature policy.
fn origin_reference(target: &str) -> String {
    match target.strip_prefix("docker://") {
        Some(name) => format!("ostree-unverified-registry:{name}"),
        None => format!("ostree-unverified-image:{target}"),
    }
}

/// Data partitions in the order in which they must be mounted; `/` and `/boot` are the engine's.
fn mounts(plan: &Plan, facts: &ImageFacts, issues: &mut Issues) -> Vec<MountPlan> {
    let mut mounts = Vec::new();
    for (disk, partition) in plan.partitions().filter(|(_, p)| p.used) {
        let Some(mount) = partition.mount.as_deref() else {
            continue;
        };
        if matches!(mount, "/" | "/boot" | "/boot/efi") {
            continue;
        }
        if let Some(at) = resolve(mount, facts) {
            let device = disk.device.clone();
            mounts.push(MountPlan {
                device,
                number: partition.number,
                at,
            });
        } else {
            let message = format!("the image has no directory for the mount point `{mount}`");
            issues.error(Code::MountInvalid, message);
        }
    }
    for fs in &plan.in_memory {
        if resolve(&fs.mount, facts).is_none() {
            let message = format!(
                "the image has no directory for the mount point `{}`",
                fs.mount
            );
            issues.error(Code::MountInvalid, message);
        }
    }
    mounts.sort_by(|a, b| a.at.cmp(&b.at));
    for pair in mounts.windows(2).filter(|pair| pair[0].at == pair[1].at) {
        let message = format!("two partitions would be mounted at `{}`", pair[0].at);
        issues
            .error(Code::MountTwice, message)
            .help("`/home`, `/srv` and others are links into `/var` in an image");
    }
    mounts
}

/// A mount point with a symbolic link at its top resolved; none where the image lacks the top.
pub(super) fn resolve(mount: &str, facts: &ImageFacts) -> Option<String> {
    let path = mount.trim_start_matches('/');
    let (top, rest) = path
        .split_once('/')
        .map_or((path, ""), |(top, rest)| (top, rest));
    let real = match facts.top.get(top)? {
        Some(link) => link.trim_start_matches('/').to_owned(),
        None => top.to_owned(),
    };
    // Below anything but /var a directory cannot be added to a read-only image.
    if !rest.is_empty() && real != "var" && !real.starts_with("var/") {
        return None;
    }
    Some(if rest.is_empty() {
        format!("/{real}")
    } else {
        format!("/{real}/{rest}")
    })
}

fn check_programs(actions: &[Action], facts: &ImageFacts, issues: &mut Issues) {
    let needed: BTreeSet<&str> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Run(program) | Action::Try(program) => program.argv.first().map(String::as_str),
            _ => None,
        })
        .collect();
    for program in needed
        .into_iter()
        .filter(|program| !facts.programs.contains(*program))
    {
        issues
            .error(
                Code::ProgramMissing,
                format!("the image has no `{program}`"),
            )
            .help("add the package that has it to the image");
    }
}
