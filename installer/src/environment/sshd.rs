// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A server for ssh while the machine is installed (`inst.sshd`).
//!
//! Takes the kickstart; root's keys of `sshpw`, or else of `sshkey`, may log in. There are no logins by password, as Anaconda
//! has them: its root has none.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kickstart_parser::Kickstart;

use crate::engine::error::EngineError;
use crate::engine::tool::Tool;

const DIRECTORY: &str = "/run/landfall/sshd";
/// Where sshd wants an empty directory to be.
const EMPTY: &str = "/run/sshd";

/// Starts the server; it ends with the machine.
pub(super) fn start(kickstart: &Kickstart) -> Result<(), EngineError> {
    let keys = keys(kickstart);
    if keys.is_empty() {
        let message = "`inst.sshd`: the kickstart has no key of root's in `sshpw --sshkey` or `sshkey`, and nobody could log in";
        return Err(EngineError::Refused(message.to_owned()));
    }
    Tool::require(&[Tool::Sshd, Tool::SshKeygen])?;
    write(&keys).map_err(|e| EngineError::io("preparing the server for ssh", e))?;
    let key = format!("{DIRECTORY}/host_key");
    Tool::SshKeygen
        .with(["-q", "-t", "ed25519", "-N", "", "-f", &key])
        .run()?;
    let configuration = format!("{DIRECTORY}/sshd_config");
    Tool::Sshd.with(["-f", &configuration]).outliving().run()
}

fn write(keys: &[String]) -> io::Result<()> {
    for directory in [DIRECTORY, EMPTY] {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    }
    let at = Path::new(DIRECTORY);
    fs::write(at.join("authorized_keys"), keys.join("\n") + "\n")?;
    fs::write(
        at.join("sshd_config"),
        format!(
            "HostKey {DIRECTORY}/host_key\nAuthorizedKeysFile {DIRECTORY}/authorized_keys\nPermitRootLogin prohibit-password\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n"
        ),
    )
}

/// Lines of `authorized_keys`.
fn keys(kickstart: &Kickstart) -> Vec<String> {
    let own = kickstart
        .sshpw
        .iter()
        .filter(|account| account.sshkey && account.username == "root");
    let own: Vec<String> = own
        .map(|account| account.password.expose().to_owned())
        .collect();
    if !own.is_empty() {
        return own;
    }
    let keys = kickstart.sshkey.iter().filter(|key| key.username == "root");
    keys.map(|key| key.key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(text: &str) -> Vec<String> {
        keys(&kickstart_parser::read("ks", text, None, &kickstart_parser::NoIncludes).kickstart)
    }

    #[test]
    fn keys_for_the_installer_come_before_those_for_the_system() {
        let system = "sshkey --username=root \"ssh-ed25519 AAAA a\"\nsshkey --username=eve \"ssh-ed25519 EEEE e\"\n";
        assert_eq!(keys_of(system), ["ssh-ed25519 AAAA a"]);
        let text = format!("{system}sshpw --username=root --sshkey ssh-ed25519 BBBB b\n");
        assert_eq!(keys_of(&text), ["ssh-ed25519 BBBB b"]);
        assert!(keys_of("sshpw --username=root --plaintext secret\n").is_empty());
    }
}
