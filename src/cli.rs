// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What may be typed: the argument structures of every subcommand, and nothing else.

mod kickstart;
mod media;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kickstart_parser::Syntax;
use landfall_installer::image::{Access, TargetAccessFiles};
use landfall_installer::inventory::Firmware;
use landfall_installer::inventory::probe::DiskArg;
use landfall_installer::plan::{Label, Unsaved};
use uuid::Uuid;

pub(crate) use kickstart::{DiffArgs, DumpArgs, FlattenArgs, FmtArgs, KickstartCommand};
pub(crate) use media::{
    CustomizeArgs, ExtractArgs, InspectArgs, IsoArgs, IsoCommand, MakeIsoArgs, NetbootArgs,
};

/// Puts bootable container images on machines, as a kickstart says
#[derive(Debug, Parser)]
#[command(name = "landfall", version, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 done; 1 the input has errors; 2 usage, or a file that cannot be read;
3 refused before any write; 4 failed after writes began, the disk does not boot;
5 the image's source is unreachable or invalid; 130, 143 ended by a signal")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is wrong with kickstart files
    Check(CheckArgs),
    /// Explain a command, a section, an option or a code
    Explain(ExplainArgs),
    /// Format, flatten, compare and dump kickstarts
    #[command(subcommand)]
    Kickstart(KickstartCommand),
    /// Show what this machine has: disks, firmware, memory, network
    Inventory(InventoryArgs),
    /// Show what an installation would do, and do nothing
    Plan(PlanArgs),
    /// Install a container image on this machine's disks or on disk image files
    Install(InstallArgs),
    /// Make an ISO that installs an image: for CD, USB stick and virtual media, BIOS and UEFI
    Iso(IsoArgs),
    /// Make the installer for a network boot server: kernel, initramfs, boot menu
    Netboot(NetbootArgs),
    /// Install the machine that was started from a medium of Landfall's
    #[command(hide = true)]
    Environment(EnvironmentArgs),
    /// Print the JSON schemas of Landfall's interfaces
    #[command(hide = true)]
    Schema(SchemaArgs),
    /// Write the generated reference pages of the documentation
    #[command(hide = true)]
    Reference(ReferenceArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// Source lines with the place underlined
    Human,
    /// A JSON object for each file, one a line
    Json,
    /// One SARIF 2.1.0 log for all files
    Sarif,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall check web.ks
  landfall check --format json lab/*.ks
  landfall check --syntax RHEL9 --strict --format sarif lab/*.ks > lab.sarif")]
pub(crate) struct CheckArgs {
    /// Kickstart files or http addresses; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Version of the language, like `RHEL9` or `F45` [default: what `#version=` says, else the newest]
    #[arg(long, value_name = "VERSION")]
    pub(crate) syntax: Option<Syntax>,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "human")]
    pub(crate) format: Format,
    /// Read the files that `%include` names, too
    #[arg(short = 'i', long)]
    pub(crate) follow_includes: bool,
    /// Fail on deprecations and warnings of the language, too
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall explain part
  landfall explain part --size
  landfall explain %packages
  landfall explain LF0020")]
pub(crate) struct ExplainArgs {
    /// A command, a section, a code, or `commands`, `sections`, `versions`, `codes` for a list
    #[arg(value_name = "COMMAND|CODE")]
    pub(crate) word: String,
    /// An option of the command or section
    #[arg(value_name = "OPTION", allow_hyphen_values = true)]
    pub(crate) option: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall inventory
  landfall inventory --json > rack7.json
  landfall inventory --disk disk.img")]
pub(crate) struct InventoryArgs {
    /// Only these disks: block devices, disk image files, or `FILE:SIZE` for one to be made
    #[arg(long = "disk", value_name = "PATH")]
    pub(crate) disks: Vec<DiskArg>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What an installation is made from; the same for `plan` and `install`.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// The kickstart file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) kickstart: PathBuf,
    /// Version of the language, like `RHEL9` or `F45` [default: what `#version=` says, else the newest]
    #[arg(long, value_name = "VERSION")]
    pub(crate) syntax: Option<Syntax>,
    /// Take the content from the medium in this directory, if it has the image that the kickstart names
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) medium: Option<PathBuf>,
    /// The table that disks get where the kickstart does not say
    #[arg(long, value_enum, hide = true)]
    pub(crate) disklabel: Option<LabelArg>,
    /// Use only this disk: a block device, a disk image file, or `FILE:SIZE` to make one (repeatable)
    #[arg(long = "disk", value_name = "PATH")]
    pub(crate) disks: Vec<DiskArg>,
    /// Take the content from here instead of the kickstart's reference: `HOST/NAME:TAG`, `oci:DIR[:TAG]`,
    /// `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME|:@N]`
    #[arg(long, value_name = "REF")]
    pub(crate) image: Option<String>,
    /// What the installed system follows for updates, if not the kickstart's reference
    #[arg(long, value_name = "REF")]
    pub(crate) target_ref: Option<String>,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
    /// Firmware of the machine that will boot [default: this machine's; `uefi` for disk image files]
    #[arg(long, value_enum)]
    pub(crate) firmware: Option<FirmwareArg>,
    /// Seed of all UUIDs: the same seed and input give the same plan [default: random]
    #[arg(long, value_name = "UUID")]
    pub(crate) seed: Option<Uuid>,
    /// Keep less of the installation in the installed system (repeatable, or separated by commas)
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    pub(crate) nosave: Vec<NosaveArg>,
}

/// What `inst.disklabel` of Anaconda takes
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LabelArg {
    /// GUID partition table
    Gpt,
    /// Master boot record
    Mbr,
}

impl From<LabelArg> for Label {
    fn from(label: LabelArg) -> Self {
        match label {
            LabelArg::Gpt => Self::Gpt,
            LabelArg::Mbr => Self::Mbr,
        }
    }
}

/// What `inst.nosave` of Anaconda takes
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum NosaveArg {
    /// The kickstart as it was given
    InputKs,
    /// The kickstart as it was carried out
    OutputKs,
    /// Both kickstarts
    AllKs,
    /// The log, the events and what scripts printed
    Logs,
    /// All of these
    All,
}

impl NosaveArg {
    /// What is left out.
    pub(crate) const fn unsaved(self) -> &'static [Unsaved] {
        match self {
            Self::InputKs => &[Unsaved::InputKs],
            Self::OutputKs => &[Unsaved::OutputKs],
            Self::AllKs => &[Unsaved::InputKs, Unsaved::OutputKs],
            Self::Logs => &[Unsaved::Logs],
            Self::All => &[Unsaved::Logs, Unsaved::InputKs, Unsaved::OutputKs],
        }
    }
}

/// What the units of the environment say.
#[derive(Debug, Args)]
pub(crate) struct EnvironmentArgs {
    /// Only complete what systemd has made of the kernel's command line, before networks are set up
    #[arg(long)]
    pub(crate) before_network: bool,
}

/// How the image is reached, and what of that the installed system is given.
#[derive(Debug, Args)]
pub(crate) struct AccessArgs {
    #[command(flatten)]
    pub(crate) read: ReadAccessArgs,
    /// Registry logins for the installed system, written to /etc/ostree/auth.json [default: none]
    #[arg(long, value_name = "FILE")]
    pub(crate) target_authfile: Option<PathBuf>,
    /// Mirrors for the installed system, written to /etc/containers/registries.conf.d [default: none]
    #[arg(long, value_name = "FILE")]
    pub(crate) target_registries_conf: Option<PathBuf>,
    /// Certificates (PEM) that the installed system trusts for its registry, written to
    /// /etc/containers/certs.d [default: none]
    #[arg(long, value_name = "FILE")]
    pub(crate) target_ca: Option<PathBuf>,
}

/// How the image is reached.
#[derive(Debug, Args)]
pub(crate) struct ReadAccessArgs {
    /// Verify no certificate of a registry, and take http
    #[arg(long, hide = true)]
    pub(crate) insecure: bool,
    /// Talk http, not https, to the registry
    #[arg(long)]
    pub(crate) plain_http: bool,
    /// Registry logins, instead of those of this machine (containers-auth.json(5))
    #[arg(long, value_name = "FILE")]
    pub(crate) authfile: Option<PathBuf>,
    /// Certificates (PEM) of authorities to trust beside those of this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Which images may be installed, instead of this machine's file (containers-policy.json(5))
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

impl ReadAccessArgs {
    /// How the image is reached, as the engine takes it.
    pub(crate) fn access(&self) -> Access {
        Access {
            plain_http: self.plain_http,
            insecure: self.insecure,
            authfile: self.authfile.clone(),
            ca: self.ca.clone(),
            policy: self.policy.clone(),
            ..Access::default()
        }
    }
}

impl AccessArgs {
    /// What the installed system is given.
    pub(crate) fn for_target(&self) -> TargetAccessFiles {
        TargetAccessFiles {
            authfile: self.target_authfile.clone(),
            registries_conf: self.target_registries_conf.clone(),
            ca: self.target_ca.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FirmwareArg {
    /// UEFI
    Uefi,
    /// PC BIOS
    Bios,
}

impl From<FirmwareArg> for Firmware {
    fn from(arg: FirmwareArg) -> Self {
        match arg {
            FirmwareArg::Uefi => Self::Uefi,
            FirmwareArg::Bios => Self::Bios,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall plan --kickstart web.ks
  landfall plan --kickstart web.ks --disk disk.img:8G --json
  landfall plan --kickstart web.ks --inventory rack7.json")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Plan for a recorded inventory (`landfall inventory --json`) instead of this machine
    #[arg(long, value_name = "FILE", conflicts_with = "disks")]
    pub(crate) inventory: Option<PathBuf>,
    /// Print the plan as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall install --kickstart web.ks --disk disk.img:8G
  landfall install --kickstart web.ks --disk disk.img:8G --image oci:/srv/images/web
  landfall install --kickstart web.ks --disk /dev/disk/by-id/nvme-X --yes
  landfall install --kickstart web.ks --disk /dev/disk/by-id/nvme-X --plan web.json --yes")]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Carry out exactly this plan, made by `landfall plan --json` with the same options; refuse if anything has changed
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    pub(crate) plan: Option<PathBuf>,
    /// Erase what the plan says on block devices, without a question
    #[arg(long)]
    pub(crate) yes: bool,
    /// Let the kickstart's scripts that are not chrooted (`%pre`, `%post --nochroot` and others) run on this machine
    #[arg(long)]
    pub(crate) allow_host_scripts: bool,
    /// Print events as JSON lines on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the final report to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Show every command and file, too
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Do not end this machine as the kickstart says, but write to this file how
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) final_action: Option<PathBuf>,
    /// If this machine starts again, it does without its firmware
    #[arg(long, hide = true)]
    pub(crate) kexec: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Write one file for each interface into this directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ReferenceArgs {
    /// Write the pages into this directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}
