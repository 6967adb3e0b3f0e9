// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The options for LUKS encryption that `autopart`, `part`, `logvol` and `raid` share.
//!
//! Takes the options of the line, gives [`Encryption`]. Whether a cipher or a key derivation function exists is not
//! known here. Everything but `--encrypted` means nothing without it; that is accepted, kept, and not written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Opt};
use crate::diagnostic::{Code, Findings};
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const OPTIONS: &[Opt] = &[
    Opt::flag(&["--encrypted"], "Encrypt with LUKS").not_yet(),
    Opt::secret(&["--passphrase"], "Passphrase of the encryption").not_yet(),
    Opt::text(
        &["--escrowcert"],
        "Address of the certificate that keys are escrowed for",
    )
    .not_yet(),
    Opt::flag(
        &["--backuppassphrase"],
        "Escrow a random backup passphrase as well",
    )
    .not_yet(),
    Opt::text(
        &["--cipher"],
        "Cipher of the encryption, like `aes-xts-plain64`",
    )
    .not_yet(),
    Opt::text(
        &["--luks-version"],
        "Format of the encryption, like `luks2`",
    )
    .resets()
    .not_yet(),
    Opt::text(&["--pbkdf"], "Key derivation function, like `argon2id`")
        .resets()
        .not_yet(),
    Opt::int(&["--pbkdf-memory"], "Memory for the key derivation in KiB")
        .resets()
        .not_yet(),
    Opt::int(
        &["--pbkdf-time"],
        "Time for the key derivation in milliseconds",
    )
    .resets()
    .not_yet(),
    Opt::int(&["--pbkdf-iterations"], "Iterations of the key derivation")
        .resets()
        .not_yet(),
];

/// For commands that know disks which encrypt themselves
pub(super) const HARDWARE: &[Opt] = &[Opt::secret(
    &["--hw-passphrase"],
    "Administrator passphrase of a disk that encrypts itself",
)
.only(Versions::SINCE_F41)
.resets()
.not_yet()];

/// How a device is encrypted
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Encryption {
    /// It is encrypted with LUKS; the other fields mean nothing otherwise
    pub encrypted: bool,
    /// Passphrase
    pub passphrase: Option<Secret>,
    /// Address of the certificate that keys are escrowed for
    pub escrowcert: Option<String>,
    /// A random backup passphrase is escrowed as well
    pub backuppassphrase: bool,
    /// Cipher
    pub cipher: Option<String>,
    /// Format, like `luks2`
    pub luks_version: Option<String>,
    /// Key derivation function
    pub pbkdf: Option<String>,
    /// Memory for the key derivation in KiB; never 0
    pub pbkdf_memory: Option<i64>,
    /// Time for the key derivation in milliseconds; never 0
    pub pbkdf_time: Option<i64>,
    /// Iterations of the key derivation; never 0
    pub pbkdf_iterations: Option<i64>,
    /// Administrator passphrase of a disk that encrypts itself; not every command has it
    pub hw_passphrase: Option<Secret>,
}

impl Encryption {
    /// What the line says of encryption
    pub(super) fn of(given: &Arguments<'_>, findings: &mut Findings) -> Self {
        let nonzero = |name| given.int(name).filter(|number| *number != 0);
        let value = Self {
            encrypted: given.flag("--encrypted"),
            passphrase: given.text("--passphrase").map(Secret::new),
            escrowcert: given.text("--escrowcert"),
            backuppassphrase: given.flag("--backuppassphrase"),
            cipher: given.text("--cipher"),
            luks_version: given.text("--luks-version"),
            pbkdf: given.text("--pbkdf"),
            pbkdf_memory: nonzero("--pbkdf-memory"),
            pbkdf_time: nonzero("--pbkdf-time"),
            pbkdf_iterations: nonzero("--pbkdf-iterations"),
            hw_passphrase: given.text("--hw-passphrase").map(Secret::new),
        };
        value.check(given, findings);
        value
    }

    fn check(&self, given: &Arguments<'_>, findings: &mut Findings) {
        if self.pbkdf_time.is_some() && self.pbkdf_iterations.is_some() {
            given.exclude("--pbkdf-time", "--pbkdf-iterations", findings);
        }
        let luks_version = self.luks_version.as_deref();
        let by_hardware = luks_version.is_some_and(|version| version.starts_with("luks2-"));
        if self.hw_passphrase.is_some() && !(self.encrypted && by_hardware) {
            let at = given.location_of("--hw-passphrase");
            let message = "`--hw-passphrase` is only for disks that encrypt themselves";
            findings
                .error(Code::OptionNeeds, at, message)
                .help("give `--encrypted` and a `--luks-version` that begins with `luks2-`");
        }
    }

    /// Writes that it is encrypted, and the passphrase
    pub(super) fn write_passphrase(&self, writer: &mut Writer) {
        writer.flag("--encrypted", self.encrypted);
        writer.quoted(
            "--passphrase",
            self.used(self.passphrase.as_ref().map(Secret::expose)),
        );
    }

    /// Writes where keys are escrowed
    pub(super) fn write_escrow(&self, writer: &mut Writer) {
        let certificate = self.used(self.escrowcert.as_ref());
        writer.quoted("--escrowcert", certificate);
        writer.flag(
            "--backuppassphrase",
            self.backuppassphrase && certificate.is_some(),
        );
    }

    /// Writes the cipher
    pub(super) fn write_cipher(&self, writer: &mut Writer) {
        writer.quoted("--cipher", self.used(self.cipher.as_ref()));
    }

    /// Writes the format and the key derivation
    pub(super) fn write_format(&self, writer: &mut Writer) {
        writer.value("--luks-version", self.used(self.luks_version.as_ref()));
        writer.value("--pbkdf", self.used(self.pbkdf.as_ref()));
        writer.value("--pbkdf-memory", self.used(self.pbkdf_memory));
        writer.value("--pbkdf-time", self.used(self.pbkdf_time));
        writer.value("--pbkdf-iterations", self.used(self.pbkdf_iterations));
    }

    /// Writes the passphrase of a disk that encrypts itself
    pub(super) fn write_hardware(&self, writer: &mut Writer) {
        writer.quoted(
            "--hw-passphrase",
            self.used(self.hw_passphrase.as_ref().map(Secret::expose)),
        );
    }

    /// A value, if there is encryption for which it means something
    fn used<T>(&self, value: Option<T>) -> Option<T> {
        value.filter(|_| self.encrypted)
    }
}
