// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Accounts as actions: root, groups, users, ssh keys, in Anaconda's order.
//!
//! The image's own tools change its account files. Password hashes travel only on standard
//! input, never as arguments.

use kickstart_parser::commands::{GroupSpec, RootPw, SshKey, User};
use kickstart_parser::{Kickstart, Located, Secret};
use uuid::Uuid;

use super::files::{run, run_with};
use super::issue::{Code, Issues};
use super::target::{Action, ImageFacts, Program};
use super::{PartitionAction, Plan, password};

pub(super) fn actions(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let mut actions = root(kickstart.rootpw.as_deref(), plan.seed);
    actions.extend(groups(kickstart, facts, issues));
    for (index, user) in kickstart.user.iter().enumerate() {
        let before = &kickstart.user[..index];
        if is_there(user, before, facts, issues) {
            continue;
        }
        actions.extend(own_group(user, kickstart, facts));
        actions.extend(parent_of_home(user));
        actions.extend(account(user, kickstart, plan.seed, facts));
        actions.extend(kept_home(user, plan));
    }
    for key in &kickstart.sshkey {
        actions.extend(authorized_key(key, kickstart, facts, issues));
    }
    actions
}

/// Without a password root is locked, whatever the image says.
fn root(command: Option<&RootPw>, seed: Uuid) -> Vec<Action> {
    let hash = command
        .and_then(|command| stored("root", command.password.as_ref()?, command.iscrypted, seed));
    let lock = command.is_none_or(|command| command.lock);
    let mut actions = vec![
        set_password("root", hash, lock),
        run(&["chage", "-d", "", "root"]),
    ];
    if command.is_some_and(|command| command.allow_ssh) {
        actions.push(Action::Write {
            path: "/etc/ssh/sshd_config.d/01-permitrootlogin.conf".to_owned(),
            mode: 0o600,
            text: "PermitRootLogin yes\n".to_owned(),
        });
    }
    actions
}

/// What is stored for a password, if there is one.
fn stored(name: &str, value: &Secret, iscrypted: bool, seed: Uuid) -> Option<String> {
    let text = value.expose();
    let hash = || password::hash(value, name, seed).expose().to_owned();
    (!text.is_empty()).then(|| if iscrypted { storable(text) } else { hash() })
}

/// Sets what is stored for a password; without it the account is locked.
fn set_password(name: &str, hash: Option<String>, lock: bool) -> Action {
    let stored = match hash {
        Some(hash) if lock && !hash.starts_with('!') => format!("!{hash}"),
        Some(hash) => hash,
        None => "!".to_owned(),
    };
    let line = Secret::new(format!("{name}:{stored}\n"));
    run_with(&["chpasswd", "-e"], Some(line))
}

/// What `chpasswd -e` of every image takes: that of shadow 4.20 refuses what is no hash, like the manual's `locked`. No password matches such a value, and none matches `*`; sshd takes neither for a locked account.
fn storable(value: &str) -> String {
    let (mark, hash) = match value.strip_prefix('!') {
        Some(hash) => ("!", hash),
        None => ("", value),
    };
    // A hash of crypt(5): `$id$...`, `_...` of BSDi, 13 characters of DES.
    let is_hash = hash.starts_with(['$', '_']) || hash.len() == 13;
    format!("{mark}{}", if is_hash { hash } else { "*" })
}

/// The groups of `group` and those that users want and nobody defines.
fn groups(kickstart: &Kickstart, facts: &ImageFacts, issues: &mut Issues) -> Vec<Action> {
    let mut made: Vec<GroupSpec> = Vec::new();
    for group in &kickstart.group {
        let place = if facts.groups.contains(&group.name) {
            "in the image already"
        } else if made.iter().any(|made| made.name == group.name) {
            "made by an earlier line"
        } else {
            made.push(GroupSpec {
                name: group.name.clone(),
                gid: group.gid,
            });
            continue;
        };
        let message = format!("the group `{}` is {place}", group.name);
        issues.warning(Code::NoEffect, message).at(&group.location);
    }
    for wanted in kickstart.user.iter().flat_map(|user| &user.groups) {
        let known =
            facts.groups.contains(&wanted.name) || made.iter().any(|g| g.name == wanted.name);
        if !known {
            made.push(wanted.clone());
        }
    }
    made.iter().map(add_group).collect()
}

fn add_group(group: &GroupSpec) -> Action {
    match group.gid {
        Some(gid) => run(&["groupadd", "-g", &gid.to_string(), &group.name]),
        None => run(&["groupadd", &group.name]),
    }
}

/// Whether the image or a command brings a group of that name.
fn has_group(name: &str, kickstart: &Kickstart, facts: &ImageFacts) -> bool {
    let wanted = || kickstart.user.iter().flat_map(|user| &user.groups);
    facts.groups.contains(name)
        || kickstart.group.iter().any(|group| group.name == name)
        || wanted().any(|group| group.name == name)
}

/// The group that `--gid` numbers, named after the user, where no other command makes it.
fn own_group(user: &User, kickstart: &Kickstart, facts: &ImageFacts) -> Option<Action> {
    let gid = user.gid?;
    let wanted = kickstart.user.iter().flat_map(|user| &user.groups);
    let mut numbers = wanted
        .map(|group| group.gid)
        .chain(kickstart.group.iter().map(|group| group.gid));
    if has_group(&user.name, kickstart, facts) || numbers.any(|number| number == Some(gid)) {
        return None;
    }
    let argv = ["groupadd", "-g", &gid.to_string(), &user.name];
    // 4: the image has a group of that number, which then is the user's.
    Some(Action::Run(Program {
        argv: argv.map(str::to_owned).to_vec(),
        stdin: None,
        tolerate: vec![4],
    }))
}

/// A user of the image, or of a line before, is left as it is, as in Anaconda.
fn is_there(
    user: &Located<User>,
    before: &[Located<User>],
    facts: &ImageFacts,
    issues: &mut Issues,
) -> bool {
    let place = if facts.users.contains_key(&user.name) {
        "in the image already"
    } else if before.iter().any(|other| other.name == user.name) {
        "made by an earlier line"
    } else {
        return false;
    };
    let message = format!("the user `{}` is {place} and is left as it is", user.name);
    issues.warning(Code::NoEffect, message).at(&user.location);
    true
}

fn account(
    user: &Located<User>,
    kickstart: &Kickstart,
    seed: Uuid,
    facts: &ImageFacts,
) -> Vec<Action> {
    let argv = useradd(user, has_group(&user.name, kickstart, facts));
    let mut actions = vec![run(&argv.iter().map(String::as_str).collect::<Vec<_>>())];
    if let Some(password) = &user.password {
        let hash = stored(&user.name, password, user.iscrypted, seed);
        actions.push(set_password(&user.name, hash, user.lock));
    }
    actions
}

/// The directory that a home of another place is in; `useradd` of some images makes only the last one.
fn parent_of_home(user: &User) -> Option<Action> {
    let home = home(user);
    let (parent, _) = home.trim_end_matches('/').rsplit_once('/')?;
    let is_usual = matches!(
        parent,
        "" | "/home" | "/var/home" | "/root" | "/var/roothome"
    );
    (!is_usual).then(|| run(&["install", "-d", "-m", "0755", parent]))
}

/// A home on a file system that is kept may be another account's: it becomes the user's, as in Anaconda.
fn kept_home(user: &User, plan: &Plan) -> Option<Action> {
    let home = home(user);
    let kept = plan.partitions().any(|(_, partition)| {
        let mount = partition.mount.as_deref();
        partition.action == PartitionAction::Keep && mount.is_some_and(|at| is_below(&home, at))
    });
    kept.then(|| run(&["chown", "-R", "-h", &format!("{}:", user.name), &home]))
}

/// Whether a path lies on what is mounted; `/home` is a link to `/var/home`.
fn is_below(path: &str, mount: &str) -> bool {
    let real = |path: &str| match path.strip_prefix("/home") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/var{path}"),
        _ => path.to_owned(),
    };
    let path = real(path);
    let rest = path.strip_prefix(&real(mount));
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// `useradd -U` refuses to make a group that is there; then it is the user's.
fn useradd(user: &User, has_group: bool) -> Vec<String> {
    let mut argv = vec!["useradd".to_owned(), "-m".to_owned()];
    let mut option = |flag: &str, value: String| argv.extend([flag.to_owned(), value]);
    option("-d", home(user));
    if let Some(uid) = user.uid {
        option("-u", uid.to_string());
    }
    if let Some(gid) = user.gid {
        option("-g", gid.to_string());
    } else if has_group {
        option("-g", user.name.clone());
    }
    if let Some(shell) = &user.shell {
        option("-s", shell.clone());
    }
    if let Some(gecos) = &user.gecos {
        option("-c", gecos.clone());
    }
    if !user.groups.is_empty() {
        let names: Vec<&str> = user
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        option("-G", names.join(","));
    }
    if user.gid.is_none() && !has_group {
        argv.push("-U".to_owned());
    }
    argv.push(user.name.clone());
    argv
}

fn home(user: &User) -> String {
    let given = user.homedir.clone().filter(|home| !home.is_empty());
    given.unwrap_or_else(|| format!("/home/{}", user.name))
}

fn authorized_key(
    key: &Located<SshKey>,
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let name = &key.username;
    let defined = kickstart
        .user
        .iter()
        .find(|user| &user.name == name)
        .map(|user| home(user));
    let Some(home) = facts.users.get(name).cloned().or(defined) else {
        let message = format!("the user `{name}` of `sshkey` is defined nowhere");
        issues
            .error(Code::UserUnknown, message)
            .at(&key.location)
            .help("add a `user` command");
        return Vec::new();
    };
    let directory = format!("{}/.ssh", home.trim_end_matches('/'));
    let file = format!("{directory}/authorized_keys");
    vec![
        run(&["install", "-d", "-m", "0700", "-o", name, &directory]),
        Action::Append {
            path: file,
            mode: 0o600,
            line: key.key.clone(),
        },
        run(&["chown", "-R", &format!("{name}:"), &directory]),
    ]
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn homes_lie_below_var() {
        for (path, mount, expected) in [
            ("/home/bob", "/home", true),
            ("/home/bob", "/var/home", true),
            ("/home/bob", "/var", true),
            ("/var/home/bob", "/home", true),
            ("/var/lib/bob", "/var", true),
            ("/srv/bob", "/var", false),
            ("/home/bob", "/home/bo", false),
            ("/homes/bob", "/home", false),
            ("/home", "/home", false),
        ] {
            assert_eq!(is_below(path, mount), expected, "{path} on {mount}");
        }
    }
}
