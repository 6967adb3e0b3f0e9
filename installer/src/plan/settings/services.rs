// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `services`: units that are enabled and disabled, by the image's `systemctl`.

use kickstart_parser::Located;
use kickstart_parser::commands::Services;

use crate::plan::files::run;
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

/// Disabled first; a unit that cannot be enabled is an error, one that cannot be disabled is not.
pub(in crate::plan) fn services(
    command: &Located<Services>,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let unit = |name: &String| {
        if name.contains('.') {
            name.clone()
        } else {
            format!("{name}.service")
        }
    };
    let missing: Vec<&str> = command
        .enabled
        .iter()
        .filter(|name| !name.contains('@') && !facts.units.contains(&unit(name)))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        let message = format!(
            "services that shall be enabled are not in the image: `{}`",
            missing.join("`, `")
        );
        issues
            .error(Code::UnitMissing, message)
            .at(&command.location)
            .help("install them in the image, or take them out of the `services` command");
    }
    let disable = command
        .disabled
        .iter()
        .filter(|name| facts.units.contains(&file_of(&unit(name))))
        .map(|name| run(&["systemctl", "disable", name]));
    let enable = command
        .enabled
        .iter()
        .map(|name| run(&["systemctl", "enable", name]));
    disable.chain(enable).collect()
}

/// The file of a unit: that of the template for an instance.
fn file_of(unit: &str) -> String {
    match (unit.split_once('@'), unit.rsplit_once('.')) {
        (Some((name, _)), Some((_, kind))) => format!("{name}@.{kind}"),
        _ => unit.to_owned(),
    }
}
