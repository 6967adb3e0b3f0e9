// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Hashes of plain passwords, in the form that every image's `login` reads: SHA-512 crypt, `crypt(5)`.
//!
//! The salt comes from the plan's seed and the account's name, so that a plan says the same twice; two installations
//! with seeds of their own have different salts.

use kickstart_parser::Secret;
use sha_crypt::{PasswordHasher, ShaCrypt};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Bytes of a salt, which are 16 characters, the most that `crypt(5)` takes.
const SALT: usize = 12;

/// The hash of an account's password.
pub(super) fn hash(plain: &Secret, name: &str, seed: Uuid) -> Secret {
    let salt = Sha256::new()
        .chain_update(seed.as_bytes())
        .chain_update("password ")
        .chain_update(name)
        .finalize();
    let hash = ShaCrypt::SHA512.hash_password_with_salt(plain.expose().as_bytes(), &salt[..SALT]);
    // It fails for salts of other lengths only; a text that is no hash lets nobody in.
    Secret::new(hash.map_or_else(|_| "!".to_owned(), |hash| hash.to_string()))
}
