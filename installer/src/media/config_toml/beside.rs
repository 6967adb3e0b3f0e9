// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A kickstart beside the other keys of a `config.toml`: what both say would be lost without a word. Pure.

use kickstart_parser::{NoIncludes, read};

use super::{ConfigurationError, Customizations, User, content};

/// Refuses what the kickstart would replace: it comes last.
pub(super) fn refuse_twice(text: &str, wanted: &Customizations) -> Result<(), ConfigurationError> {
    let kickstart = read("kickstart", text, None, &NoIncludes).kickstart;
    if wanted.kernel.append.is_some() && kickstart.bootloader.is_some() {
        return Err(content(
            "kernel arguments are asked for by `kernel`, and the kickstart has a `bootloader` in its place: put them there",
        ));
    }
    let mut users = wanted.user.iter();
    if kickstart.rootpw.is_some() && users.any(User::sets_root_password) {
        return Err(content(
            "the password of `root` is asked for by `user`, and by `rootpw` of the kickstart",
        ));
    }
    let has_user = |name: &str| kickstart.user.iter().any(|user| user.name == name);
    if let Some(user) = wanted.user.iter().find(|user| has_user(&user.name)) {
        return Err(twice("user", &user.name));
    }
    let has_group = |name: &str| kickstart.group.iter().any(|group| group.name == name);
    match wanted.group.iter().find(|group| has_group(&group.name)) {
        Some(group) => Err(twice("group", &group.name)),
        None => Ok(()),
    }
}

fn twice(what: &str, name: &str) -> ConfigurationError {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    content(&format!(
        "the {what} `{name}` is asked for by `{what}`, and by `{what}` of the kickstart"
    ))
}
