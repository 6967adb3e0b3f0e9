// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Credential helpers: programs `docker-credential-NAME` that print the login for a server.
//!
//! Takes the name from a file of credentials and the server; gives the login, or nothing if the helper has none.
//! What the helper prints is bounded and never shown, but for its refusal.

use std::io::{Read, Write as _};
use std::process::{Child, Command, Stdio};

use kickstart_parser::Secret;
use serde::Deserialize;

use super::credentials::Login;

/// What helpers say, with this or a code of failure, where there is no login.
const NOT_FOUND: &str = "credentials not found";
/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a helper for the login of `server`.
pub(super) fn ask(helper: &str, server: &str) -> Result<Option<Login>, String> {
    let program = program(helper)?;
    let failed =
        |what: &dyn std::fmt::Display| format!("running the credential helper `{program}`: {what}");
    let mut child = Command::new(&program)
        .arg("get")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(&e))?;
    let answer = talk(&mut child, server).map_err(|e| failed(&e));
    let status = child.wait().map_err(|e| failed(&e))?;
    let answer = answer?;
    if !status.success() {
        let text = String::from_utf8_lossy(&answer);
        return if text.contains(NOT_FOUND) {
            Ok(None)
        } else {
            Err(failed(&status))
        };
    }
    let answer: Answer = serde_json::from_slice(&answer)
        .map_err(|_| failed(&"its answer is not JSON with a login"))?;
    Ok(Some(login(answer)))
}

/// True if the program is to be found.
pub(super) fn exists(helper: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    program(helper).is_ok_and(|name| std::env::split_paths(&paths).any(|d| d.join(&name).is_file()))
}

fn program(helper: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if helper.is_empty() || !helper.chars().all(plain) {
        return Err("it names a credential helper that is not a plain word".to_owned());
    }
    Ok(format!("docker-credential-{helper}"))
}

fn talk(child: &mut Child, server: &str) -> std::io::Result<Vec<u8>> {
    // A helper that does not read its input may still answer.
    let _ = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(server.as_bytes()));
    let mut answer = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_ANSWER).read_to_end(&mut answer)?;
    }
    Ok(answer)
}

fn login(answer: Answer) -> Login {
    // The marker of Docker's helpers for a token instead of a password.
    if answer.username == "<token>" {
        return Login::IdentityToken(Secret::new(answer.secret));
    }
    Login::Password {
        user: answer.username,
        password: Secret::new(answer.secret),
    }
}
