// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `config.toml` of bootc-image-builder, as kickstart commands. Pure.
//!
//! Takes its text; gives lines of a kickstart and the label of the medium. What cannot be carried out is an error: nothing in
//! the file is passed over in silence.

mod beside;

use std::fmt::Write as _;

use serde::Deserialize;
use thiserror::Error;

use super::is_label;
use crate::plan::size;

/// What a `config.toml` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The kickstart in it.
    pub kickstart: Option<String>,
    /// Commands for users, groups and kernel arguments.
    pub commands: String,
    /// Commands for partitions; empty if the file says nothing about file systems.
    pub partitions: String,
    /// The medium's label.
    pub label: Option<String>,
}

/// Why a `config.toml` cannot be used.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// It is not TOML, or has keys that are not known or not carried out.
    #[error("{0}")]
    Document(#[from] toml::de::Error),
    /// What it says cannot be carried out.
    #[error("{0}")]
    Content(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "version")]
    _version: Option<String>,
    #[serde(default)]
    customizations: Customizations,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Customizations {
    user: Vec<User>,
    group: Vec<Group>,
    kernel: Kernel,
    filesystem: Vec<FileSystem>,
    installer: Installer,
    iso: Iso,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    #[serde(rename = "description")]
    gecos: Option<String>,
    password: Option<String>,
    key: Option<String>,
    home: Option<String>,
    shell: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    uid: Option<u32>,
    gid: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    gid: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Kernel {
    append: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSystem {
    mountpoint: String,
    #[serde(alias = "size")]
    minsize: Size,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Size {
    Bytes(u64),
    Text(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Installer {
    kickstart: InstallerKickstart,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct InstallerKickstart {
    contents: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Iso {
    volume_id: Option<String>,
}

impl Configuration {
    /// Whether it asks for a `/boot` of its own.
    pub(super) fn has_boot(&self) -> bool {
        let mut lines = self.partitions.lines();
        lines.any(|line| line.starts_with("part /boot "))
    }

    /// Reads a `config.toml`.
    ///
    /// # Errors
    /// What is not known, wrong, or not carried out.
    pub fn parse(text: &str) -> Result<Self, ConfigurationError> {
        let document: Document = toml::from_str(text)?;
        let wanted = document.customizations;
        let mut commands = String::new();
        for group in &wanted.group {
            let gid = option("gid", group.gid.as_ref());
            line(
                &mut commands,
                &format!("group --name={}{gid}", quoted(&group.name)?),
            );
        }
        for user in &wanted.user {
            user.write(&mut commands)?;
        }
        if let Some(append) = &wanted.kernel.append {
            line(
                &mut commands,
                &format!("bootloader --append={}", quoted(append)?),
            );
        }
        if let Some(text) = &wanted.installer.kickstart.contents {
            beside::refuse_twice(text, &wanted)?;
        }
        let partitions = partitions(&wanted.filesystem)?;
        if !partitions.is_empty() && wanted.installer.kickstart.contents.is_some() {
            return Err(content(
                "file systems are asked for by `filesystem` and by a kickstart",
            ));
        }
        if let Some(label) = wanted.iso.volume_id.as_ref().filter(|id| !is_label(id)) {
            let message = format!("`volume_id` has 1 to 32 of `A-Z0-9_-`, and not `{label}`");
            return Err(content(&message));
        }
        Ok(Self {
            kickstart: wanted.installer.kickstart.contents,
            commands,
            partitions,
            label: wanted.iso.volume_id,
        })
    }
}

impl User {
    fn write(&self, commands: &mut String) -> Result<(), ConfigurationError> {
        let name = quoted(&self.name)?;
        let password = self.password.as_deref().map(|password| {
            let form = if is_crypted(password) {
                "--iscrypted"
            } else {
                "--plaintext"
            };
            quoted(password).map(|quoted| (form, quoted))
        });
        let password = password.transpose()?;
        if self.name == "root" {
            self.refuse_for_root()?;
            if let Some((form, password)) = &password {
                line(commands, &format!("rootpw {form} {password}"));
            }
        } else {
            let mut command = format!("user --name={name}");
            if let Some((form, password)) = &password {
                let _ = write!(command, " --password={password} {form}");
            }
            for (option, value) in [
                ("gecos", &self.gecos),
                ("homedir", &self.home),
                ("shell", &self.shell),
            ] {
                if let Some(value) = value {
                    let _ = write!(command, " --{option}={}", quoted(value)?);
                }
            }
            if !self.groups.is_empty() {
                let _ = write!(command, " --groups={}", quoted(&self.groups.join(","))?);
            }
            command += &option("uid", self.uid.as_ref());
            command += &option("gid", self.gid.as_ref());
            line(commands, &command);
        }
        // One string may have several keys.
        for key in self.key.iter().flat_map(|key| key.lines()).map(str::trim) {
            if !key.is_empty() {
                line(
                    commands,
                    &format!("sshkey --username={name} {}", quoted(key)?),
                );
            }
        }
        Ok(())
    }

    fn sets_root_password(&self) -> bool {
        self.name == "root" && self.password.is_some()
    }

    fn refuse_for_root(&self) -> Result<(), ConfigurationError> {
        let others = [
            self.gecos.is_some(),
            self.home.is_some(),
            self.shell.is_some(),
            !self.groups.is_empty(),
            self.uid.is_some(),
            self.gid.is_some(),
        ];
        if others.contains(&true) {
            return Err(content(
                "of the user `root` only `password` and `key` can be said",
            ));
        }
        Ok(())
    }
}

/// As crypt(5) writes hashes.
fn is_crypted(password: &str) -> bool {
    let mut parts = password.split('$');
    parts.next() == Some("")
        && parts.next().is_some_and(|scheme| !scheme.is_empty())
        && parts.next().is_some()
}

fn partitions(wanted: &[FileSystem]) -> Result<String, ConfigurationError> {
    let mut commands = String::new();
    for fs in wanted {
        let mount = fs.mount();
        if mount == "/boot/efi" {
            return Err(content(
                "`/boot/efi` is made as large as it must be: leave it out of `filesystem`",
            ));
        }
        let bytes = fs.minsize.bytes()?;
        let mib = bytes.div_ceil(1 << 20).max(1);
        let grow = if mount == "/" { " --grow" } else { "" };
        line(
            &mut commands,
            &format!("part {} --size={mib}{grow}", quoted(mount)?),
        );
    }
    if !commands.is_empty() && !wanted.iter().any(|fs| fs.mount() == "/") {
        line(&mut commands, "part / --grow");
    }
    Ok(commands)
}

impl FileSystem {
    fn mount(&self) -> &str {
        match self.mountpoint.trim_end_matches('/') {
            "" => &self.mountpoint,
            mount => mount,
        }
    }
}

impl Size {
    /// A number of bytes, or one with a unit: `10 GiB`.
    fn bytes(&self) -> Result<u64, ConfigurationError> {
        match self {
            Self::Bytes(bytes) => Ok(*bytes),
            Self::Text(text) => {
                size::parse(text).ok_or_else(|| content(&format!("`{text}` is no size")))
            }
        }
    }
}

fn option(name: &str, value: Option<&u32>) -> String {
    value.map_or(String::new(), |value| format!(" --{name}={value}"))
}

fn line(commands: &mut String, line: &str) {
    commands.push_str(line);
    commands.push('\n');
}

/// A word of a kickstart.
fn quoted(text: &str) -> Result<String, ConfigurationError> {
    if text.contains(char::is_control) {
        return Err(content("a value has a control character"));
    }
    let quoted = shlex::try_quote(text).map_err(|_| content("a value cannot be quoted"))?;
    Ok(quoted.into_owned())
}

fn content(why: &str) -> ConfigurationError {
    ConfigurationError::Content(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Configuration {
        Configuration::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn why(text: &str) -> String {
        Configuration::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn users_groups_and_kernel_arguments_become_commands() {
        let configuration = parse(
            r#"
            [[customizations.group]]
            name = "staff"
            gid = 1500
            [[customizations.user]]
            name = "alice"
            description = "Alice A."
            password = "$6$salt$hash"
            key = "ssh-ed25519 AAAA a@b\nssh-ed25519 BBBB\n"
            groups = ["wheel", "staff"]
            uid = 1001
            [[customizations.user]]
            name = "root"
            password = "plain"
            [customizations.kernel]
            append = "mitigations=auto,nosmt quiet"
            "#,
        );
        assert_eq!(
            configuration.commands,
            "group --name=staff --gid=1500\n\
             user --name=alice --password='$6$salt$hash' --iscrypted --gecos='Alice A.' --groups='wheel,staff' --uid=1001\n\
             sshkey --username=alice 'ssh-ed25519 AAAA a@b'\n\
             sshkey --username=alice 'ssh-ed25519 BBBB'\n\
             rootpw --plaintext plain\n\
             bootloader --append='mitigations=auto,nosmt quiet'\n"
        );
    }

    #[test]
    fn file_systems_become_partitions() {
        let configuration = parse(
            r#"
            [[customizations.filesystem]]
            mountpoint = "/var/data"
            minsize = "10 GiB"
            [[customizations.filesystem]]
            mountpoint = "/"
            minsize = 5368709121
            "#,
        );
        assert_eq!(
            configuration.partitions,
            "part /var/data --size=10240\npart / --size=5121 --grow\n"
        );
        let other = "[[customizations.filesystem]]\nmountpoint = \"/var\"\nminsize = 1\n";
        assert_eq!(
            parse(other).partitions,
            "part /var --size=1\npart / --grow\n"
        );
    }

    #[test]
    fn a_kickstart_and_users_go_together() {
        let configuration = parse(
            "[customizations.installer.kickstart]\ncontents = \"text\"\n[[customizations.user]]\nname = \"a\"\n[customizations.iso]\nvolume_id = \"WEB\"\n",
        );
        assert_eq!(configuration.kickstart.as_deref(), Some("text"));
        assert_eq!(configuration.commands, "user --name=a\n");
        assert_eq!(configuration.label.as_deref(), Some("WEB"));
    }

    #[test]
    fn what_a_kickstart_would_replace_is_not_lost() {
        for (keys, line, part) in [
            (
                "[customizations.kernel]\nappend = \"a\"\n",
                "bootloader --timeout=1",
                "the kickstart has a `bootloader` in its place",
            ),
            (
                "[[customizations.user]]\nname = \"root\"\npassword = \"a\"\n",
                "rootpw --lock",
                "by `user`, and by `rootpw` of the kickstart",
            ),
            (
                "[[customizations.user]]\nname = \"a\"\n",
                "user --name=a",
                "the user `a` is asked for by `user`, and by `user` of the kickstart",
            ),
            (
                "[[customizations.group]]\nname = \"a\"\n",
                "group --name=a",
                "the group `a` is asked for by",
            ),
        ] {
            let beside = |line: &str| {
                format!("{keys}[customizations.installer.kickstart]\ncontents = \"{line}\"\n")
            };
            assert!(why(&beside(line)).contains(part), "{}", why(&beside(line)));
            parse(&beside("user --name=b"));
        }
        // Its keys alone go with any password.
        parse(
            "[[customizations.user]]\nname = \"root\"\nkey = \"k\"\n[customizations.installer.kickstart]\ncontents = \"rootpw --lock\"\n",
        );
    }

    #[test]
    fn nothing_is_passed_over() {
        for (text, part) in [
            (
                "[customizations.iso]\nvolume_id = \"web 1\"\n",
                "`volume_id` has 1 to 32 of `A-Z0-9_-`, and not `web 1`",
            ),
            (
                "[customizations]\nhostname = \"a\"\n",
                "unknown field `hostname`",
            ),
            (
                "[customizations.timezone]\ntimezone = \"UTC\"\n",
                "unknown field `timezone`",
            ),
            (
                "[customizations.installer.modules]\nenable = []\n",
                "unknown field `modules`",
            ),
            (
                "[[customizations.user]]\nname = \"root\"\nuid = 0\n",
                "only `password` and `key`",
            ),
            (
                "[[customizations.user]]\nname = \"a\\u0007\"\n",
                "a control character",
            ),
            (
                "[[customizations.filesystem]]\nmountpoint = \"/\"\nminsize = \"much\"\n",
                "`much` is no size",
            ),
            (
                "[[customizations.filesystem]]\nmountpoint = \"/\"\nminsize = 1\n[customizations.installer.kickstart]\ncontents = \"\"\n",
                "by `filesystem` and by a kickstart",
            ),
            (
                "[[customizations.filesystem]]\nmountpoint = \"/boot/efi/\"\nminsize = 1\n",
                "`/boot/efi` is made as large as it must be: leave it out",
            ),
        ] {
            assert!(why(text).contains(part), "{}", why(text));
        }
    }
}
