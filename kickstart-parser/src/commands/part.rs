// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `part`, `partition`: one partition of the new system.
//!
//! Takes the line, gives [`Part`] with sizes in MiB as written. Which disk it goes to, how large it gets and what
//! it defaults to is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::secret::Secret;

pub(super) const COMMAND: Command = Command {
    words: &["part", "partition"],
    summary: "Makes a partition",
    effect: Effect::CarriedOut,
    repeat: Repeat::Adds,
    conflicts: &["autopart", "mount"],
    options: OPTIONS,
    operand: Some(Operand {
        name: "<mntpoint>",
        required: true,
        secret: false,
        help: "Mount point, or `swap`, `biosboot`, `raid.N`, `pv.N`, `btrfs.N`",
    }),
    convert,
};

const OPTIONS: &[Opt] = &[
    Opt::flag(&["--asprimary"], "Make it a primary partition"),
    Opt::text(&["--fstype", "--type"], "File system"),
    Opt::flag(
        &["--grow"],
        "Let it grow into free space, up to `--maxsize`",
    ),
    Opt::int(&["--maxsize"], "Largest size in MiB"),
    Opt::flag(
        &["--noformat"],
        "Keep what is on the partition of `--onpart`",
    ),
    Opt::text(&["--onbiosdisk"], "Disk by its BIOS number"),
    Opt::text(&["--ondisk", "--ondrive"], "Disk to use"),
    Opt::text(&["--onpart", "--usepart"], "Existing partition to use"),
    Opt::flag(&["--recommended"], "Let the installer choose the size"),
    Opt::int(&["--size"], "Size in MiB, the smallest one with `--grow`"),
    Opt::text(&["--fsoptions"], "Mount options"),
    Opt::text(&["--label"], "Label of the file system"),
    Opt::text(
        &["--fsprofile"],
        "Usage type given to the program that makes the file system",
    ),
    Opt::flag(&["--encrypted"], "Encrypt it with LUKS"),
    Opt::secret(&["--passphrase"], "Passphrase of the encryption"),
    Opt::text(
        &["--escrowcert"],
        "Address of the certificate that keys are escrowed for",
    ),
    Opt::flag(
        &["--backuppassphrase"],
        "Escrow a random backup passphrase as well",
    ),
    Opt::flag(
        &["--resize"],
        "Resize the partition of `--onpart` to `--size`",
    ),
    Opt::flag(&["--hibernation"], "Make it as large as hibernation needs"),
    Opt::text(&["--cipher"], "Cipher of the encryption"),
    Opt::text(
        &["--mkfsoptions"],
        "Further arguments for the program that makes the file system",
    ),
    Opt::text(
        &["--luks-version"],
        "Format of the encryption, like `luks2`",
    ),
    Opt::text(&["--pbkdf"], "Key derivation function, like `argon2id`"),
    Opt::int(&["--pbkdf-memory"], "Memory for the key derivation in KiB"),
    Opt::int(
        &["--pbkdf-time"],
        "Time for the key derivation in milliseconds",
    ),
    Opt::int(&["--pbkdf-iterations"], "Iterations of the key derivation"),
    Opt::secret(
        &["--hw-passphrase"],
        "Administrator passphrase of a self-encrypting disk",
    ),
];

/// A partition
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Mount point, normalised when it begins with `/`, or a word like `swap` or `biosboot`
    pub mntpoint: String,
    /// Size in MiB, the smallest one with `grow`; not range-checked
    pub size: Option<i64>,
    /// It grows into free space
    pub grow: bool,
    /// Largest size in MiB; not range-checked
    pub maxsize: Option<i64>,
    /// File system
    pub fstype: Option<String>,
    /// Disk to use
    pub ondisk: Option<String>,
    /// Existing partition to use, without a leading `/dev/`
    pub onpart: Option<String>,
    /// Disk by its BIOS number
    pub onbiosdisk: Option<String>,
    /// It is a primary partition
    pub asprimary: bool,
    /// What is on the existing partition is kept
    pub noformat: bool,
    /// The installer chooses the size
    pub recommended: bool,
    /// It is as large as hibernation needs
    pub hibernation: bool,
    /// The existing partition is resized to `size`
    pub resize: bool,
    /// Label of the file system
    pub label: Option<String>,
    /// Mount options
    pub fsoptions: Option<String>,
    /// Further arguments for the program that makes the file system
    pub mkfsoptions: Option<String>,
    /// Usage type given to the program that makes the file system
    pub fsprofile: Option<String>,
    /// It is encrypted with LUKS
    pub encrypted: bool,
    /// Passphrase of the encryption
    pub passphrase: Option<Secret>,
    /// Address of the certificate that keys are escrowed for
    pub escrowcert: Option<String>,
    /// A random backup passphrase is escrowed as well
    pub backuppassphrase: bool,
    /// Cipher of the encryption
    pub cipher: Option<String>,
    /// Format of the encryption, like `luks2`
    pub luks_version: Option<String>,
    /// Key derivation function
    pub pbkdf: Option<String>,
    /// Memory for the key derivation in KiB
    pub pbkdf_memory: Option<i64>,
    /// Time for the key derivation in milliseconds
    pub pbkdf_time: Option<i64>,
    /// Iterations of the key derivation
    pub pbkdf_iterations: Option<i64>,
    /// Administrator passphrase of a self-encrypting disk
    pub hw_passphrase: Option<Secret>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(mntpoint) = given.first_operand() else {
        return;
    };
    let mut value = Part {
        mntpoint: values::mount_point(mntpoint),
        size: given.int("--size"),
        grow: given.flag("--grow"),
        maxsize: given.int("--maxsize"),
        fstype: given.text("--fstype"),
        ondisk: given.text("--ondisk"),
        onpart: given
            .text("--onpart")
            .map(|name| name.strip_prefix("/dev/").unwrap_or(&name).to_owned()),
        onbiosdisk: given.text("--onbiosdisk"),
        asprimary: given.flag("--asprimary"),
        noformat: given.flag("--noformat"),
        recommended: given.flag("--recommended"),
        hibernation: given.flag("--hibernation"),
        resize: given.flag("--resize"),
        label: given.text("--label"),
        fsoptions: given.text("--fsoptions"),
        mkfsoptions: given.text("--mkfsoptions"),
        fsprofile: given.text("--fsprofile"),
        ..Part::default()
    };
    add_encryption(&mut value, given);
    check_sizes(&value, given, findings);
    check_file_system(&value, given, findings);
    check_encryption(&value, given, findings);
    kickstart.part.push(given.locate(value));
}

fn add_encryption(part: &mut Part, given: &Arguments) {
    part.encrypted = given.flag("--encrypted");
    part.passphrase = given.text("--passphrase").map(Secret::new);
    part.escrowcert = given.text("--escrowcert");
    part.backuppassphrase = given.flag("--backuppassphrase");
    part.cipher = given.text("--cipher");
    part.luks_version = given.text("--luks-version");
    part.pbkdf = given.text("--pbkdf");
    part.pbkdf_memory = given.int("--pbkdf-memory");
    part.pbkdf_time = given.int("--pbkdf-time");
    part.pbkdf_iterations = given.int("--pbkdf-iterations");
    part.hw_passphrase = given.text("--hw-passphrase").map(Secret::new);
}

fn check_sizes(part: &Part, given: &Arguments, findings: &mut Findings) {
    if part.resize && part.onpart.is_none() {
        given.needs("--resize", "--onpart", findings);
    }
    if part.resize && part.size.is_none_or(|size| size == 0) {
        given.needs("--resize", "--size", findings);
    }
    if part.fstype.as_deref() == Some("tmpfs")
        && (part.grow || part.maxsize.is_some_and(|size| size != 0))
    {
        let at = given.location_of(if part.grow { "--grow" } else { "--maxsize" });
        findings.error(
            Code::OptionConflict,
            at,
            "a `tmpfs` takes neither `--grow` nor `--maxsize`",
        );
    }
}

fn check_file_system(part: &Part, given: &Arguments, findings: &mut Findings) {
    if part.mkfsoptions.is_some() && part.noformat {
        let message = "`--mkfsoptions` does nothing with `--noformat`";
        findings.error(
            Code::OptionConflict,
            given.location_of("--mkfsoptions"),
            message,
        );
    }
    if part.mkfsoptions.is_some() && part.fsprofile.is_some() {
        given.exclude("--mkfsoptions", "--fsprofile", findings);
    }
}

fn check_encryption(part: &Part, given: &Arguments, findings: &mut Findings) {
    let nonzero = |value: Option<i64>| value.is_some_and(|n| n != 0);
    if nonzero(part.pbkdf_time) && nonzero(part.pbkdf_iterations) {
        given.exclude("--pbkdf-time", "--pbkdf-iterations", findings);
    }
    let by_hardware = part
        .luks_version
        .as_deref()
        .is_some_and(|version| version.starts_with("luks2-"));
    if part.hw_passphrase.is_some() && !(part.encrypted && by_hardware) {
        findings
            .error(
                Code::OptionNeeds,
                given.location_of("--hw-passphrase"),
                "`--hw-passphrase` is only for disks that encrypt themselves",
            )
            .help("give `--encrypted` and a `--luks-version` that begins with `luks2-`");
    }
}
