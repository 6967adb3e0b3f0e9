// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which policy an image has, and what libostree asks it. Pure.
//!
//! Takes the text of `/etc/selinux/config` and the paths of an ostree tree; follows what libostree does with
//! them (`ostree-sepolicy.c` of 2022.7 to 2025.2), since bootc labels by it. It deliberately does not know
//! whether the files of the policy exist.

use super::ContextsError;

/// What libselinux takes without `SELINUXTYPE` (`selinux_config.c`).
const DEFAULT: &str = "targeted";

/// Name of a policy, which is the name of its directory under `/etc/selinux`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyName(String);

impl PolicyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory of its [`super::ContextsFile`]s in an ostree tree, without a slash at either end.
    pub fn directory(&self) -> String {
        format!("usr/etc/selinux/{}/contexts/files", self.0)
    }
}

/// The policy that `config`, the text of `/etc/selinux/config`, switches on; `None` if files get no labels.
///
/// As libostree reads it: `SELINUX=enforcing` or `permissive`, and the last `SELINUXTYPE=`, both at the
/// start of a line.
///
/// # Errors
/// [`ContextsError::Name`] if the name is not one of a directory.
pub fn policy_name(config: &str) -> Result<Option<PolicyName>, ContextsError> {
    let mut enabled = false;
    let mut name = DEFAULT;
    for line in config.lines() {
        if let Some(value) = line.strip_prefix("SELINUXTYPE=") {
            name = value.trim();
        } else if let Some(value) = line.strip_prefix("SELINUX=") {
            enabled |= begins_with(value, "enforcing") || begins_with(value, "permissive");
        }
    }
    if !enabled {
        return Ok(None);
    }
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(ContextsError::Name {
            name: name.to_owned(),
        });
    }
    Ok(Some(PolicyName(name.to_owned())))
}

fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// The path whose label the absolute path `path` of an ostree tree gets.
///
/// That is the path itself, below `/usr/etc`, too: libostree labels a deployment's `/etc` by itself when it
/// makes it. `/proc`, which policies give no label, is labelled as a mount point.
pub fn labelled_as(path: &str) -> &str {
    if path == "/proc" { "/mnt" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &str, expected: Option<&str>) {
        let found = policy_name(config).unwrap();
        assert_eq!(found.as_ref().map(PolicyName::as_str), expected, "{config}");
    }

    #[test]
    fn a_policy_counts_if_it_is_switched_on() {
        check("SELINUX=enforcing\nSELINUXTYPE=default\n", Some("default"));
        check(
            "SELINUXTYPE=mls  \r\nSELINUX=Permissive # so far\n",
            Some("mls"),
        );
        check("SELINUX=enforcing\nSELINUXTYPE=a\nSELINUXTYPE=b", Some("b"));
        check("SELINUX=disabled\nSELINUX=permissive\n", Some("targeted"));
        check("SELINUX=disabled\nSELINUXTYPE=default\n", None);
        check(
            " SELINUX=enforcing\n#SELINUX=enforcing\nSELINUX= enforcing\n",
            None,
        );
        check("SELINUX=enforcin\u{e9}\n", None);
        check("", None);
    }

    #[test]
    fn a_name_is_one_of_a_directory() {
        for name in ["", ".", "..", "a/b", "../../x", "a\0"] {
            let config = format!("SELINUX=enforcing\nSELINUXTYPE={name}\n");
            assert!(matches!(
                policy_name(&config),
                Err(ContextsError::Name { .. })
            ));
        }
    }

    #[test]
    fn the_files_lie_where_ostree_has_etc() {
        let name = policy_name("SELINUX=enforcing\n").unwrap().unwrap();
        let expected = "usr/etc/selinux/targeted/contexts/files";
        assert_eq!(name.directory(), expected);
    }
}
