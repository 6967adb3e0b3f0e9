// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The labels of Debian's policy against those that `matchpathcon` gives: for the files of this machine, for
//! those of the policy itself, and for paths that every expression of the policy was made for. And against those
//! that libostree gives to the files of a commit.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use landfall_harness::{policy, tool};
use landfall_installer::selinux::{
    ContextsFile, FileContexts, FileKind, Texts, labelled_as, policy_name,
};

/// Each kind, and how `matchpathcon --mode` calls it.
const KINDS: [(FileKind, &str); 7] = [
    (FileKind::Regular, "f"),
    (FileKind::Directory, "d"),
    (FileKind::Symlink, "l"),
    (FileKind::BlockDevice, "b"),
    (FileKind::CharacterDevice, "c"),
    (FileKind::Fifo, "p"),
    (FileKind::Socket, "s"),
];

const CONFIG: &str = "SELINUX=enforcing\nSELINUXTYPE=default\n";

/// Paths that a command line can take.
const AT_ONCE: usize = 5000;

/// Differences that are shown.
const SHOWN: usize = 20;

struct Policy {
    /// Path of its `file_contexts`.
    base: String,
    texts: HashMap<ContextsFile, Vec<u8>>,
    contexts: FileContexts,
}

impl Policy {
    fn read() -> Self {
        let files = policy::directory().unwrap().join("contexts/files");
        let texts: HashMap<_, _> = ContextsFile::ALL
            .into_iter()
            .filter_map(|file| Some((file, fs::read(files.join(file.name())).ok()?)))
            .collect();
        let text = |file| texts.get(&file).map_or(&[][..], Vec::as_slice);
        let contexts = FileContexts::parse(&Texts {
            base: text(ContextsFile::Base),
            home_directories: text(ContextsFile::HomeDirectories),
            local: text(ContextsFile::Local),
            substitutions: text(ContextsFile::Substitutions),
            distribution_substitutions: text(ContextsFile::DistributionSubstitutions),
        })
        .unwrap();
        Self {
            base: files.join(ContextsFile::Base.name()).display().to_string(),
            texts,
            contexts,
        }
    }

    /// What `matchpathcon` says, in the order of `paths`.
    fn asked(&self, paths: &[&str], mode: &str) -> Vec<String> {
        let mut labels = Vec::new();
        for some in paths.chunks(AT_ONCE) {
            let mut ask = tool::tool("matchpathcon").unwrap();
            ask.args(["-n", "-N", "-f", &self.base, "-m", mode])
                .args(some);
            let answer = tool::quietly(&mut ask).unwrap();
            labels.extend(answer.lines().map(str::to_owned));
        }
        assert_eq!(labels.len(), paths.len());
        labels
    }

    /// Compares the labels of `paths`; gives how many different ones there were.
    #[track_caller]
    fn compare(&self, paths: &BTreeSet<String>, kind: FileKind, mode: &str) -> usize {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let expected = self.asked(&paths, mode);
        let mut wrong = Vec::new();
        for (path, expected) in paths.iter().zip(&expected) {
            let found = self.contexts.label(path, kind).unwrap_or("<<none>>");
            if found != expected {
                wrong.push(format!("{path} as {kind:?}: {found}, not {expected}"));
            }
        }
        let shown = &wrong[..wrong.len().min(SHOWN)];
        assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), shown.join("\n"));
        expected.into_iter().collect::<BTreeSet<_>>().len()
    }
}

/// Everything on the file system of `top` whose path can be asked for, by kind.
fn files_below(top: &Path, found: &mut HashMap<&'static str, BTreeSet<String>>) {
    let device = fs::symlink_metadata(top).unwrap().dev();
    let mut open = vec![top.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        let kind = FileKind::of_mode(metadata.mode()).unwrap();
        let (_, mode) = KINDS.iter().find(|(one, _)| *one == kind).unwrap();
        if let Some(name) = path.to_str().filter(|name| !name.contains('\n')) {
            found.entry(mode).or_default().insert(name.to_owned());
        }
        if metadata.is_dir() && metadata.dev() == device {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.map(|entry| entry.path()));
        }
    }
}

#[test]
fn files_get_the_labels_of_matchpathcon() {
    let policy = Policy::read();
    let mut found = HashMap::new();
    for top in ["/usr", "/etc", "/var/lib/dpkg", "/dev"] {
        files_below(Path::new(top), &mut found);
    }
    files_below(Path::new(&policy.base).parent().unwrap(), &mut found);
    assert!(found["f"].len() > 20_000, "{} files", found["f"].len());
    for (kind, mode) in KINDS {
        if let Some(paths) = found.get(mode) {
            let labels = policy.compare(paths, kind, mode);
            assert!(kind != FileKind::Regular || labels > 50, "{labels} labels");
        }
    }
}

/// Paths that an expression may match, and neighbours that it may not: each special part is taken away,
/// or replaced by what it stands for.
fn paths_for(expression: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (any, class, is_optional) in [
        ("", "a", false),
        ("x", "b", true),
        ("x/y.so.1", "0", true),
        ("bin", "1", true),
        ("lib64/java/jre", "q", false),
    ] {
        let path = example(expression, any, class, is_optional);
        paths.extend([format!("{path}/"), format!("{path}/x"), format!("{path}x")]);
        if let Some((parent, _)) = path.rsplit_once('/') {
            paths.extend([parent.to_owned(), format!("{parent}/other")]);
        }
        paths.push(path);
    }
    paths.retain(|path| path.starts_with('/'));
    paths
}

/// The expression with `any` for `.`, `class` for a class, the last of alternatives, and what is optional
/// or not.
fn example(expression: &str, any: &str, class: &str, is_optional: bool) -> String {
    let mut path = String::new();
    let mut groups = Vec::new();
    let mut last = 0;
    let mut chars = expression.chars();
    while let Some(char) = chars.next() {
        match char {
            '(' => groups.push(path.len()),
            '|' => path.truncate(groups.last().copied().unwrap_or(0)),
            ')' => last = groups.pop().unwrap_or(0),
            '?' | '*' if is_optional => path.truncate(last),
            '?' | '*' | '+' => {}
            '[' => {
                last = path.len();
                chars.by_ref().find(|&char| char == ']');
                path.push_str(class);
            }
            '.' => {
                last = path.len();
                path.push_str(any);
            }
            '\\' => {
                last = path.len();
                path.extend(chars.next());
            }
            other => {
                last = path.len();
                path.push(other);
            }
        }
    }
    path
}

#[test]
fn every_expression_gives_the_labels_of_matchpathcon() {
    let policy = Policy::read();
    let mut paths: BTreeSet<String> = ["/", "//", "/x", "/usr//bin///sh", "/usr/bin/"]
        .map(str::to_owned)
        .into();
    let mut lines = 0;
    for text in policy.texts.values() {
        for line in str::from_utf8(text).unwrap().lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let expressions = words.iter().filter(|word| word.starts_with('/'));
            paths.extend(expressions.flat_map(|word| paths_for(word)));
            lines += 1;
        }
    }
    assert!(lines > 5000, "{lines} lines");
    for (kind, mode) in KINDS {
        let labels = policy.compare(&paths, kind, mode);
        assert!(labels > 100, "{labels} labels as {kind:?}");
    }
}

/// A tree with the policy where ostree has it. Directories end with a slash.
fn tree(root: &Path) {
    let paths = "boot/vmlinuz home/u/x mnt/ proc/ root/.bashrc run/ sys/ sysroot/ostree/ tmp/x \
        usr/bin/bash usr/bin/passwd usr/etc/fstab usr/etc/shadow usr/etc/ssh/sshd_config \
        usr/lib/modules/6/vmlinuz usr/lib/systemd/systemd usr/sbin/sshd var/log/wtmp var/run/x";
    for path in paths.split_whitespace().map(|path| root.join(path)) {
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            fs::create_dir_all(&path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
        }
    }
    for (link, target) in [
        ("bin", "usr/bin"),
        ("ostree", "sysroot/ostree"),
        ("usr/bin/sh", "bash"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    symlink("/usr/share/zoneinfo/UTC", root.join("usr/etc/localtime")).unwrap();
    let selinux = root.join("usr/etc/selinux");
    fs::create_dir(&selinux).unwrap();
    fs::write(selinux.join("config"), CONFIG).unwrap();
    let mut copy = tool::tool("cp").unwrap();
    copy.arg("-a")
        .arg(policy::directory().unwrap())
        .arg(&selinux);
    tool::run(&mut copy).unwrap();
}

#[test]
fn libostree_gives_the_same_labels_to_a_commit() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    tree(&root);
    let repo = format!("--repo={}", scratch.path().join("repo").display());
    let ostree = |arguments: &[&str]| {
        let mut ostree = tool::tool("ostree").unwrap();
        tool::run(ostree.arg(&repo).args(arguments)).unwrap()
    };
    let root = root.display().to_string();
    ostree(&["init", "--mode=bare-user"]);
    let from = [
        format!("--selinux-policy={root}"),
        format!("--tree=dir={root}"),
    ];
    ostree(&["commit", "--branch=it", &from[0], &from[1]]);
    let name = policy_name(CONFIG).unwrap().unwrap();
    assert_eq!(name.as_str(), "default");
    let contexts = Policy::read().contexts;
    let list = ostree(&["ls", "-R", "-X", "it", "/"]);
    assert!(list.lines().count() > 40, "{list}");
    for line in list.lines() {
        let kind = match line.as_bytes()[0] {
            b'd' => FileKind::Directory,
            b'l' => FileKind::Symlink,
            _ => FileKind::Regular,
        };
        let (before, after) = line.split_once("] } /").unwrap();
        let path = format!("/{}", after.split(" -> ").next().unwrap());
        let expected = before.split('\'').nth(3);
        let found = contexts.label(labelled_as(&path), kind);
        assert_eq!(found, expected, "{line}");
    }
    assert!(list.contains("mnt_t:s0')] } /proc"), "{list}");
}
