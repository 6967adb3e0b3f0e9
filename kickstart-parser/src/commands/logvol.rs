// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `logvol`: a logical volume of LVM.
//!
//! Takes the line, gives [`LogVol`] with sizes as written. Whether the volume group exists, and what fits into it,
//! is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::encryption::{self, Encryption};
use super::filesystem;
use crate::arguments::{Arguments, Command, Conflict, Effect, Operand, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["logvol"],
    summary: "Makes a logical volume",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    conflicts: &[Conflict {
        with: &["autopart", "mount"],
        versions: Versions::ALL,
    }],
    options: &[OPTIONS, filesystem::OPTIONS, encryption::OPTIONS],
    operand: Some(Operand::one("<mntpoint>", "Mount point, `swap`, or `none`")),
    rank: 133,
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(&["--name"], "Name of the volume").required(),
    Opt::text(&["--vgname"], "Volume group that it belongs to").required(),
    Opt::int(&["--size"], "Size in MiB, the smallest one with `--grow`"),
    Opt::int(
        &["--percent"],
        "Size in percent of what the volume group has left, 0 to 100",
    ),
    Opt::flag(
        &["--grow"],
        "Let it grow into free space, up to `--maxsize`",
    ),
    Opt::int(&["--maxsize"], "Largest size in MiB"),
    Opt::flag(&["--recommended"], "Let the installer choose the size"),
    Opt::flag(&["--hibernation"], "Make it as large as hibernation needs"),
    Opt::text(&["--fstype"], "File system"),
    Opt::flag(
        &["--noformat"],
        "Use an existing volume and keep what is on it",
    ),
    Opt::flag(&["--useexisting"], "Use an existing volume"),
    Opt::flag(&["--resize"], "Resize the existing volume to `--size`"),
    Opt::flag(&["--thinpool"], "Make a thin pool"),
    Opt::int(
        &["--metadatasize"],
        "Size of the thin pool's metadata in MiB",
    ),
    Opt::int(&["--chunksize"], "Size of the thin pool's chunks in KiB"),
    Opt::flag(
        &["--thin"],
        "Make a thin volume in the pool of `--poolname`",
    ),
    Opt::text(&["--poolname"], "Thin pool that it belongs to"),
    Opt::text(&["--profile"], "LVM profile of a thin pool"),
    Opt::int(&["--cachesize"], "Size of the cache in MiB"),
    Opt::list(
        &["--cachepvs"],
        "Fast physical volumes for the cache, separated by commas",
    ),
    Opt::text(
        &["--cachemode"],
        "How the cache writes, `writeback` or `writethrough`",
    ),
];

/// These versions refuse btrfs on a logical volume
const REFUSE_BTRFS: Versions = Versions::RHEL;

/// A logical volume
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogVol {
    /// Mount point, normalised when it begins with `/`, or a word like `swap` or `none`
    pub mntpoint: String,
    /// Name of the volume
    pub name: String,
    /// Volume group that it belongs to
    pub vgname: String,
    /// Size in MiB, the smallest one with `grow`; not range-checked
    pub size: Option<i64>,
    /// Size in percent of what the volume group has left, 0 to 100
    pub percent: Option<i64>,
    /// It grows into free space
    pub grow: bool,
    /// Largest size in MiB; not range-checked
    pub maxsize: Option<i64>,
    /// The installer chooses the size
    pub recommended: bool,
    /// It is as large as hibernation needs
    pub hibernation: bool,
    /// File system
    pub fstype: Option<String>,
    /// What is on the existing volume is kept
    pub noformat: bool,
    /// The volume exists; so it does with `noformat`
    pub useexisting: bool,
    /// The existing volume is resized to `size`
    pub resize: bool,
    /// Mount options
    pub fsoptions: Option<String>,
    /// Label of the file system
    pub label: Option<String>,
    /// Usage type given to the program that makes the file system
    pub fsprofile: Option<String>,
    /// Further arguments for the program that makes the file system
    pub mkfsoptions: Option<String>,
    /// It is a thin pool
    pub thinpool: bool,
    /// Size of the thin pool's metadata in MiB; not range-checked
    pub metadatasize: Option<i64>,
    /// Size of the thin pool's chunks in KiB; not range-checked
    pub chunksize: Option<i64>,
    /// It is a thin volume
    pub thin: bool,
    /// Thin pool that it belongs to
    pub poolname: Option<String>,
    /// LVM profile
    pub profile: Option<String>,
    /// Size of the cache in MiB; not range-checked
    pub cachesize: Option<i64>,
    /// Fast physical volumes for the cache
    pub cachepvs: Vec<String>,
    /// How the cache writes
    pub cachemode: Option<CacheMode>,
    /// How it is encrypted
    pub encryption: Encryption,
}

/// How a cache writes
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheMode {
    /// To the volume later
    Writeback,
    /// To cache and volume at once
    Writethrough,
}

impl CacheMode {
    /// The word for it
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writeback => "writeback",
            Self::Writethrough => "writethrough",
        }
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let names = (
        given.first_operand(),
        given.raw("--name"),
        given.raw("--vgname"),
    );
    let mut value = LogVol {
        size: given.int("--size"),
        percent: given.int("--percent"),
        grow: given.flag("--grow"),
        maxsize: given.int("--maxsize"),
        recommended: given.flag("--recommended"),
        hibernation: given.flag("--hibernation"),
        fstype: given.text("--fstype"),
        noformat: given.flag("--noformat"),
        useexisting: given.flag("--useexisting") || given.flag("--noformat"),
        resize: given.flag("--resize"),
        fsoptions: given.text("--fsoptions"),
        label: given.text("--label"),
        fsprofile: given.text("--fsprofile"),
        mkfsoptions: given.text("--mkfsoptions"),
        encryption: Encryption::of(given, findings),
        ..LogVol::default()
    };
    add_thin(&mut value, given, findings);
    add_cache(&mut value, given, findings);
    check_size(&value, given, findings);
    filesystem::check_making(given, findings);
    filesystem::check_btrfs(given, REFUSE_BTRFS, findings);
    let (Some(mntpoint), Some(name), Some(vgname)) = names else {
        return;
    };
    kickstart.logvol.push(given.locate(LogVol {
        mntpoint: values::mount_point(mntpoint),
        name: name.to_owned(),
        vgname: vgname.to_owned(),
        ..value
    }));
}

fn add_thin(logvol: &mut LogVol, given: &Arguments<'_>, findings: &mut Findings) {
    logvol.thinpool = given.flag("--thinpool");
    logvol.metadatasize = given.int("--metadatasize");
    logvol.chunksize = given.int("--chunksize");
    logvol.thin = given.flag("--thin");
    logvol.poolname = given.text("--poolname");
    logvol.profile = given.text("--profile");
    if logvol.thin && logvol.thinpool {
        given.exclude("--thin", "--thinpool", findings);
    }
    if logvol.thin && logvol.poolname.is_none() {
        given.needs("--thin", "--poolname", findings);
    }
    let sizes = [
        ("--chunksize", logvol.chunksize),
        ("--metadatasize", logvol.metadatasize),
    ];
    for (name, _) in sizes.into_iter().filter(|(_, size)| is_set(*size)) {
        if !logvol.thinpool {
            given.needs(name, "--thinpool", findings);
        }
    }
}

fn add_cache(logvol: &mut LogVol, given: &Arguments<'_>, findings: &mut Findings) {
    logvol.cachesize = given.int("--cachesize");
    logvol.cachepvs = given.list("--cachepvs");
    logvol.cachemode = match given.raw("--cachemode") {
        Some("writeback") => Some(CacheMode::Writeback),
        Some("writethrough") => Some(CacheMode::Writethrough),
        _ => None,
    };
    let mode = given.text("--cachemode");
    let wanted = [
        ("--cachesize", is_set(logvol.cachesize)),
        ("--cachepvs", !logvol.cachepvs.is_empty()),
        ("--cachemode", mode.is_some()),
    ];
    let Some((name, _)) = wanted.into_iter().find(|(_, given)| *given) else {
        return;
    };
    check_cached(logvol, name, given, findings);
    if let Some(mode) = mode.filter(|_| logvol.cachemode.is_none()) {
        let at = given.location_of("--cachemode");
        findings
            .error(
                Code::InvalidValue,
                at,
                format!("`--cachemode` cannot be {}", quote(&mode)),
            )
            .help("write `writeback` or `writethrough`");
    }
}

/// Checks the rest of a volume with a cache, of which `name` is an option
fn check_cached(logvol: &LogVol, name: &str, given: &Arguments<'_>, findings: &mut Findings) {
    let impossible = if logvol.useexisting {
        Some("an existing logical volume cannot get a cache")
    } else if logvol.thin {
        Some("a thin volume cannot have a cache")
    } else {
        None
    };
    if let Some(message) = impossible {
        findings
            .error(Code::OptionConflict, given.location_of(name), message)
            .help("leave out `--cachesize`, `--cachepvs` and `--cachemode`");
        return;
    }
    if logvol.cachepvs.is_empty() {
        given.needs(name, "--cachepvs", findings);
    }
    if !is_set(logvol.cachesize) {
        given.needs(name, "--cachesize", findings);
    }
}

fn check_size(logvol: &LogVol, given: &Arguments<'_>, findings: &mut Findings) {
    if logvol.resize && !logvol.useexisting {
        given.needs("--resize", "--useexisting", findings);
    }
    if logvol.resize && !is_set(logvol.size) {
        given.needs("--resize", "--size", findings);
    }
    let has_size = is_set(logvol.size) || is_set(logvol.percent);
    if !has_size && !logvol.useexisting && !logvol.recommended && !logvol.hibernation {
        let sizes = [
            "--size",
            "--percent",
            "--recommended",
            "--hibernation",
            "--useexisting",
            "--noformat",
        ];
        given.lacks(
            "a size: `--size`, `--percent`, `--recommended` or `--hibernation`",
            &sizes,
            findings,
        );
    }
    if logvol
        .percent
        .is_some_and(|percent| !(0..=100).contains(&percent))
    {
        let at = given.location_of("--percent");
        findings.error(
            Code::InvalidValue,
            at,
            "`--percent` is a number from 0 to 100",
        );
    }
    if is_set(logvol.size) && is_set(logvol.percent) {
        given.exclude("--size", "--percent", findings);
    }
}

/// Whether there is a number and it is not 0, which stands for none
fn is_set(number: Option<i64>) -> bool {
    number.is_some_and(|number| number != 0)
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for logvol in &kickstart.logvol {
        writer.put(format_args!("logvol {}", logvol.mntpoint));
        write_file_system(logvol, writer);
        write_lvm(logvol, writer);
        writer.quoted("--mkfsoptions", logvol.mkfsoptions.as_ref());
        logvol.encryption.write_format(writer);
        writer.put(format_args!(
            " --name={} --vgname={}\n",
            logvol.name, logvol.vgname
        ));
    }
}

fn write_file_system(logvol: &LogVol, writer: &mut Writer) {
    writer.quoted("--fstype", logvol.fstype.as_ref());
    writer.flag("--grow", logvol.grow);
    writer.number("--maxsize", logvol.maxsize);
    writer.flag("--noformat", logvol.noformat);
    writer.number("--percent", logvol.percent);
    writer.flag("--recommended", logvol.recommended);
    writer.number("--size", logvol.size);
    writer.flag("--useexisting", logvol.useexisting);
    writer.quoted("--fsoptions", logvol.fsoptions.as_ref());
    writer.quoted("--fsprofile", logvol.fsprofile.as_ref());
    logvol.encryption.write_passphrase(writer);
    logvol.encryption.write_escrow(writer);
    writer.quoted("--label", logvol.label.as_ref());
    writer.flag("--resize", logvol.resize);
    writer.flag("--hibernation", logvol.hibernation);
    logvol.encryption.write_cipher(writer);
}

fn write_lvm(logvol: &LogVol, writer: &mut Writer) {
    if logvol.thinpool {
        writer.put(" --thinpool");
        writer.number("--metadatasize", logvol.metadatasize);
        writer.number("--chunksize", logvol.chunksize);
    }
    writer.flag("--thin", logvol.thin);
    writer.value(
        "--poolname",
        logvol.poolname.as_ref().filter(|_| logvol.thin),
    );
    writer.value("--profile", logvol.profile.as_ref());
    writer.number("--cachesize", logvol.cachesize);
    writer.list("--cachepvs", &logvol.cachepvs);
    writer.value("--cachemode", logvol.cachemode.map(CacheMode::as_str));
}
