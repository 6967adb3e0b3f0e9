// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The password of the boot menu: whoever edits an entry or opens GRUB's command line must know it, starting one is free.
//!
//! Takes the password or its hash, gives the file that the menu reads, `user.cfg` in the form of `grub2-setpassword`. A plain
//! password is hashed as `grub-mkpasswd-pbkdf2` does it; its salt comes from the plan's seed, so that the same plan has the same hash.

use kickstart_parser::commands::Bootloader;
use kickstart_parser::{Located, Secret};
use sha2::{Digest as _, Sha512};
use uuid::Uuid;

use super::access::AccessFile;
use super::issue::{Code, Issues};

/// Rounds, and bytes of salt and hash, without other wishes (`grub-mkpasswd-pbkdf2(1)`).
const ROUNDS: u32 = 10_000;
const BYTES: usize = 64;

/// GRUB ends lines of its configuration here, and an administrator's tool would write more.
const MAX_HASH: usize = 1024;

/// The file for the menu, which is in this directory of `/boot`; none without a password.
pub(super) fn file(
    command: Option<&Located<Bootloader>>,
    seed: Uuid,
    directory: &str,
) -> Option<AccessFile> {
    let command = command?;
    let password = command.password.as_ref()?;
    let hash = if command.iscrypted {
        password.expose().to_owned()
    } else {
        hash(password.expose(), seed)
    };
    Some(AccessFile {
        path: format!("/boot/{directory}/user.cfg"),
        mode: 0o600,
        text: Secret::new(format!("GRUB2_PASSWORD={hash}\n")),
    })
}

/// A hash that GRUB does not know would lock everybody out of the menu, or let everybody in.
pub(super) fn check(command: &Located<Bootloader>, issues: &mut Issues) {
    let Some(password) = &command.password else {
        return;
    };
    if command.iscrypted && !is_hash(password.expose()) {
        issues
            .error(
                Code::ValueInvalid,
                "the password of `bootloader --iscrypted` is no hash that GRUB can check",
            )
            .at(&command.location)
            .help("`grub-mkpasswd-pbkdf2` makes one; it begins with `grub.pbkdf2.sha512.`");
    }
}

/// `grub.pbkdf2.sha512.ROUNDS.SALT.HASH`, the last two in hexadecimal.
fn is_hash(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("grub.pbkdf2.sha512.") else {
        return false;
    };
    let is_hex = |part: &str| {
        !part.is_empty()
            && part.len().is_multiple_of(2)
            && part.bytes().all(|c| c.is_ascii_hexdigit())
    };
    let parts: Vec<&str> = rest.split('.').collect();
    let [rounds, salt, hash] = parts.as_slice() else {
        return false;
    };
    text.len() <= MAX_HASH
        && rounds.parse::<u32>().is_ok_and(|rounds| rounds > 0)
        && is_hex(salt)
        && is_hex(hash)
}

fn hash(password: &str, seed: Uuid) -> String {
    let salt = Sha512::new()
        .chain_update(seed.as_bytes())
        .chain_update(b"boot menu")
        .finalize();
    let mut hash = [0; BYTES];
    pbkdf2::pbkdf2_hmac::<Sha512>(password.as_bytes(), &salt, ROUNDS, &mut hash);
    let hex = |bytes: &[u8]| crate::hex::hex(bytes).to_uppercase();
    format!("grub.pbkdf2.sha512.{ROUNDS}.{}.{}", hex(&salt), hex(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same as `hashlib.pbkdf2_hmac('sha512', b'sesame', hashlib.sha512(bytes(16) + b'boot menu').digest(), 10000)`.
    #[test]
    fn a_plain_password_becomes_the_hash_that_grub_checks() {
        let hash = hash("sesame", Uuid::nil());
        assert!(is_hash(&hash), "{hash}");
        let parts: Vec<&str> = hash.split('.').collect();
        assert_eq!(parts[..4], ["grub", "pbkdf2", "sha512", "10000"]);
        assert_eq!((parts[4].len(), parts[5].len()), (128, 128));
        assert_eq!(
            parts[4],
            "483CDC3EDC95AF466B183AA579D22AA17D3CB9AA6072D32C795DCBDA118296CBE7002D31014B43D13427168DD1BEE627FD58F76FE72870AD7114DA8C8564A932"
        );
        assert_eq!(
            parts[5],
            "211EE5A7CE20B48BC1FF5DDFC0B45372FB886A62E83745844F5F188BAC71AB5986A8ED54437AF8D76154CF596E861DBA26E287DBADC5ED9C6E2486929A731CC4"
        );
    }

    #[test]
    fn other_hashes_are_told_apart() {
        assert!(is_hash("grub.pbkdf2.sha512.10000.00AA.ff00"));
        for text in [
            "$6$salt$hash",
            "",
            "grub.pbkdf2.sha512.10000.00AA",
            "grub.pbkdf2.sha512.0.00AA.ff00",
            "grub.pbkdf2.sha512.10000.00AA.ff0",
            "grub.pbkdf2.sha512.10000.00AA.ff00;reboot",
        ] {
            assert!(!is_hash(text), "{text}");
        }
    }
}
