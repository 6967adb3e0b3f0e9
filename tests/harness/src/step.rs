// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is done in a guest, one step after the other.
//!
//! Takes `[[step]]` of `NAME.toml` and a guest in which root can log in; gives success, or an error that has what the guest
//! said. Knows nothing of how the guest came to be.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::channel::Channel;
use crate::guest::{BOOT, Guest};
use crate::{tool, update};

/// One step in the guest.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// A command and what it prints.
    Run(Run),
    /// A reboot, until root can log in again.
    Reboot(Reboot),
    /// A new version of the image, and what an updater makes of it.
    Upgrade(Upgrade),
    /// What the reference importer finds on the machine.
    Deployments(Deployments),
}

/// A command line that must succeed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// For the guest's shell.
    pub run: String,
    /// Each of these must be in its output.
    #[serde(default)]
    pub expect: Vec<String>,
    /// None of these may be.
    #[serde(default)]
    pub expect_not: Vec<String>,
    /// Every line of its output is the same JSON value.
    #[serde(default)]
    pub expect_same_json: bool,
}

/// `reboot = true`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reboot {
    /// Always true.
    pub reboot: bool,
}

/// `upgrade = "NAME"`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// The image under `tests/images` that the machine finds in the registry from now on, and is updated to.
    pub upgrade: String,
}

/// `deployments = ["NAME", ..]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployments {
    /// Their images under `tests/images`, what is booted next first.
    pub deployments: Vec<String>,
}

impl Step {
    /// Takes the step.
    pub(crate) fn take(&self, guest: &mut Guest, channel: &mut Channel) -> Result<()> {
        match self {
            Self::Run(step) => step.check(&guest.login().run(&step.run)?),
            Self::Reboot(step) => {
                ensure!(step.reboot, "`reboot = false` is no step");
                tool::log("reboot");
                guest.reboot(BOOT)
            }
            Self::Upgrade(step) => update::upgrade(guest.login(), channel, &step.upgrade),
            Self::Deployments(step) => {
                update::check_deployments(guest.login(), channel, &step.deployments)
            }
        }
    }
}

impl Run {
    fn check(&self, output: &str) -> Result<()> {
        for text in &self.expect {
            ensure!(
                output.contains(text.as_str()),
                "`{}` printed no `{text}` but:\n{output}",
                self.run
            );
        }
        for text in &self.expect_not {
            ensure!(
                !output.contains(text.as_str()),
                "`{}` printed `{text}`:\n{output}",
                self.run
            );
        }
        if self.expect_same_json {
            self.check_same_json(output)?;
        }
        Ok(())
    }

    fn check_same_json(&self, output: &str) -> Result<()> {
        let values = output.lines().map(serde_json::from_str::<Value>);
        let values = values.collect::<Result<Vec<_>, _>>();
        let values =
            values.with_context(|| format!("`{}` printed no JSON:\n{output}", self.run))?;
        ensure!(
            values.len() > 1 && values.windows(2).all(|pair| pair[0] == pair[1]),
            "`{}` printed what is not the same:\n{output}",
            self.run
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_fails_on_what_is_missing_and_on_what_should_be() {
        let text = "run = 'x'\nexpect = ['on']\nexpect-not = ['off']";
        let step: Run = toml::from_str(text).unwrap();
        assert!(step.check("on").is_ok());
        assert!(step.check("nothing").is_err());
        assert!(step.check("on off").is_err());
    }

    #[test]
    fn values_are_compared_whatever_their_order() {
        let step: Run = toml::from_str("run = 'x'\nexpect-same-json = true").unwrap();
        assert!(
            step.check("{\"a\":1,\"b\":[2]}\n{\"b\": [2], \"a\": 1}")
                .is_ok()
        );
        for other in ["{\"a\":1}\n{\"a\":2}", "{\"a\":1}\n{", "{\"a\":1}", ""] {
            assert!(step.check(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_misspelt_key_of_a_step_is_an_error() {
        assert!(toml::from_str::<Step>("run = 'x'\nexpected = ['on']").is_err());
    }
}
