// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SELinux labels of an image's files, by the policy in the image.
//!
//! A label is part of an object's checksum, and the policy is one of the image's own files. So the policy is looked for
//! while the lowest layer streams ([`Gate`]), where archives in the order of their names have it before the bulk of
//! the system, and files are written with their labels at once. What was guessed wrong, because a file came before the
//! policy or a layer above changed it, is mended when all layers are there ([`Relabelling`]). It deliberately does not know
//! what the labels mean.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::tree::{Directory, File, Label, Node};
use crate::engine::repository::{Checksum, Meta, Repository, Staging};
use crate::selinux::{
    ContextsError, ContextsFile, FileContexts, FileKind, Texts, labelled_as, policy_name,
};

/// The attribute that holds a label.
pub(super) const ATTRIBUTE: &[u8] = b"security.selinux";
/// Where policies are in the tree.
const POLICIES: &str = "usr/etc/selinux/";
pub(super) const CONFIG: &str = "usr/etc/selinux/config";
/// The largest file of a policy that is looked at, in bytes.
const MAX_TEXT: u64 = 16 << 20;
/// Bytes of all files of policies that are kept.
const MAX_TEXTS: u64 = 32 << 20;

/// Labels by path.
#[derive(Debug)]
pub(super) struct Labels {
    contexts: FileContexts,
    /// What they were read from.
    policies: Policies,
}

impl Labels {
    /// The label of `path`, which is one of the tree, without a leading slash; the root is empty.
    pub(super) fn of(&self, path: &str, kind: FileKind) -> Option<Arc<str>> {
        let path = format!("/{path}");
        self.contexts.label(labelled_as(&path), kind).map(Arc::from)
    }
}

/// The label among the attributes of a file.
pub(super) fn label_in(meta: &Meta) -> Option<Arc<str>> {
    let value = meta.xattrs.get(ATTRIBUTE)?;
    let text = String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value));
    Some(text.into())
}

/// Adds a label to the attributes of a file.
pub(super) fn with_label(mut meta: Meta, label: Option<&str>) -> Meta {
    meta.xattrs.remove(ATTRIBUTE);
    if let Some(label) = label {
        let value = [label.as_bytes(), &[0]].concat();
        meta.xattrs.insert(ATTRIBUTE.to_vec(), value);
    }
    meta
}

/// The files of policies, as they were found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Policies {
    texts: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

impl Policies {
    /// Whether a file of `size` bytes says something about labels.
    pub(super) fn wants(path: &str, size: u64) -> bool {
        let is_contexts = path
            .strip_prefix(POLICIES)
            .and_then(|path| path.split_once("/contexts/files/"))
            .is_some_and(|(_, name)| ContextsFile::ALL.iter().any(|file| file.name() == name));
        size <= MAX_TEXT && (path == CONFIG || is_contexts)
    }

    /// Keeps a file; more than all policies of an image can be are not kept.
    pub(super) fn add(&mut self, path: &str, text: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        if self.bytes <= MAX_TEXTS {
            self.texts.insert(path.to_owned(), text);
        }
    }

    /// The labels of the policy that is switched on, if all of that was found; `first`, if they are of the same files.
    pub(super) fn labels_or(
        self,
        first: Option<Arc<Labels>>,
    ) -> Result<Option<Arc<Labels>>, ContextsError> {
        match first.filter(|first| first.policies == self) {
            Some(first) => Ok(Some(first)),
            None => Ok(self.labels()?.map(Arc::new)),
        }
    }

    /// The labels of the policy that is switched on, if all of that was found.
    fn labels(&self) -> Result<Option<Labels>, ContextsError> {
        let text = |path: &str| self.texts.get(path).map_or(&[][..], Vec::as_slice);
        let config = String::from_utf8_lossy(text(CONFIG));
        let Some(name) = policy_name(&config)? else {
            return Ok(None);
        };
        let file = |file: ContextsFile| text(&format!("{}/{}", name.directory(), file.name()));
        if file(ContextsFile::Base).is_empty() {
            return Ok(None);
        }
        let contexts = FileContexts::parse(&Texts {
            base: file(ContextsFile::Base),
            home_directories: file(ContextsFile::HomeDirectories),
            local: file(ContextsFile::Local),
            substitutions: file(ContextsFile::Substitutions),
            distribution_substitutions: file(ContextsFile::DistributionSubstitutions),
        })?;
        Ok(Some(Labels {
            contexts,
            policies: self.clone(),
        }))
    }

    /// Reads them from a merged tree whose objects are in `repo`.
    pub(super) fn in_tree(repo: &Repository, tree: &Directory) -> io::Result<Self> {
        let mut found = Self::default();
        found.collect(repo, tree.get(POLICIES.trim_end_matches('/')), POLICIES)?;
        Ok(found)
    }

    fn collect(&mut self, repo: &Repository, node: Option<&Node>, at: &str) -> io::Result<()> {
        let Some(Node::Directory(directory)) = node else {
            return Ok(());
        };
        for (name, node) in &directory.entries {
            let path = format!("{at}{name}");
            match node {
                Node::File(file) if !file.symlink && Self::wants(&path, file.size) => {
                    let text = repo.content(file.checksum, MAX_TEXT)?;
                    self.add(&path, text);
                }
                Node::File(_) => {}
                Node::Directory(_) => self.collect(repo, Some(node), &format!("{path}/"))?,
            }
        }
        Ok(())
    }
}

/// What is known of the image's policy.
#[derive(Debug, Clone, Default)]
enum Known {
    /// Nothing yet.
    #[default]
    Unknown,
    /// There seems to be none.
    None,
    Labels(Arc<Labels>),
}

/// Where layers wait for the policy that the lowest one may hold.
#[derive(Debug, Default)]
pub(super) struct Gate {
    known: Mutex<Known>,
    opened: Condvar,
}

impl Gate {
    /// When what it gives is dropped, nobody waits any longer.
    pub(super) fn opened_at_end(&self) -> Opened<'_> {
        Opened(self)
    }

    /// Tells what was found. Only the first time counts.
    fn tell(&self, found: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*known, Known::Unknown) {
            *known = found;
        }
        self.opened.notify_all();
    }

    /// The labels that layers were written with.
    pub(super) fn labels(&self) -> Option<Arc<Labels>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Known::Labels(labels) => Some(Arc::clone(labels)),
            Known::Unknown | Known::None => None,
        }
    }

    fn wait(&self) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unknown = |known: &mut Known| matches!(known, Known::Unknown);
        let known = self.opened.wait_while(known, is_unknown);
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Opens a gate when it is dropped, if it is not open.
pub(super) struct Opened<'g>(&'g Gate);

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.0.tell(Known::None);
    }
}

/// The labels for the files of one layer while it streams.
#[derive(Debug)]
pub(super) struct Labelling<'g> {
    gate: &'g Gate,
    is_lowest: bool,
    policies: Policies,
    known: Known,
}

impl<'g> Labelling<'g> {
    pub(super) fn new(gate: &'g Gate, is_lowest: bool) -> Self {
        Self {
            gate,
            is_lowest,
            policies: Policies::default(),
            known: Known::Unknown,
        }
    }

    /// The label to write a file with, as far as can be known now.
    pub(super) fn of(&mut self, path: &str, kind: FileKind) -> Label {
        self.settle(path);
        match &self.known {
            Known::Labels(labels) => Label::Placed(labels.of(path, kind)),
            Known::Unknown | Known::None => Label::Known(None),
        }
    }

    /// Takes note of a file of a policy.
    pub(super) fn add(&mut self, path: &str, text: Vec<u8>) {
        if matches!(self.known, Known::Unknown) {
            self.policies.add(path, text);
        }
    }

    /// Decides what to label by, if that can be known at `path`: the policy comes before the rest of `/usr`, or it is
    /// not looked for any longer.
    fn settle(&mut self, path: &str) {
        if !matches!(self.known, Known::Unknown) {
            return;
        }
        if !self.is_lowest {
            self.known = self.gate.wait();
            return;
        }
        let is_past = path.starts_with("usr/") && !path.starts_with("usr/etc/");
        let is_whole = !path.starts_with(POLICIES) && self.policies.texts.contains_key(CONFIG);
        if is_past || is_whole {
            // A policy that cannot be read is told of when all layers are there: one above may mend it.
            let labels = self.policies.labels().ok().flatten();
            self.known = labels.map_or(Known::None, |labels| Known::Labels(Arc::new(labels)));
            self.gate.tell(self.known.clone());
        }
    }
}

/// Whether any file of a tree was written with a label.
pub(super) fn are_in(tree: &Directory) -> bool {
    tree.entries.values().any(|node| match node {
        Node::File(file) => file.label.text().is_some(),
        Node::Directory(below) => are_in(below),
    })
}

/// What mending labels takes.
pub(super) struct Relabelling<'r> {
    repo: &'r Repository,
    staging: &'r mut Staging,
    labels: Option<&'r Labels>,
    /// Whether these are the labels of the policy that was found first.
    is_first: bool,
    /// Objects that were written again, by what they were and their label.
    done: HashMap<(Checksum, Option<Arc<str>>), Checksum>,
}

impl<'r> Relabelling<'r> {
    /// All objects must have their names in `repo`.
    pub(super) fn new(
        repo: &'r Repository,
        staging: &'r mut Staging,
        (labels, is_first): (Option<&'r Labels>, bool),
    ) -> Self {
        Self {
            repo,
            staging,
            labels,
            is_first,
            done: HashMap::new(),
        }
    }

    /// Gives every file of a tree the label of its path. Objects with other labels are written again.
    pub(super) fn tree(&mut self, tree: &mut Directory, path: &str) -> io::Result<()> {
        for (name, node) in &mut tree.entries {
            let path = if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}/{name}")
            };
            match node {
                Node::File(file) => self.file(file, &path)?,
                Node::Directory(below) => self.tree(below, &path)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &mut File, path: &str) -> io::Result<()> {
        if self.is_first && matches!(file.label, Label::Placed(_)) {
            return Ok(());
        }
        let kind = if file.symlink {
            FileKind::Symlink
        } else {
            FileKind::Regular
        };
        let wanted = self.labels.and_then(|labels| labels.of(path, kind));
        let found = match &file.label {
            Label::Known(label) | Label::Placed(label) => label.clone(),
            Label::InObject => label_in(&self.repo.file_meta(file.checksum)?.0),
        };
        if found != wanted {
            file.checksum = self.again(file, wanted.clone())?;
        }
        file.label = Label::Known(wanted);
        Ok(())
    }

    /// Writes an object with another label.
    fn again(&mut self, file: &File, label: Option<Arc<str>>) -> io::Result<Checksum> {
        let key = (file.checksum, label);
        if let Some(&known) = self.done.get(&key) {
            return Ok(known);
        }
        let (meta, target) = self.repo.file_meta(file.checksum)?;
        let meta = with_label(meta, key.1.as_deref());
        let checksum = if let Some(target) = target {
            self.staging.symlink(&meta, &target)?
        } else {
            let mut content = self.repo.open_file(file.checksum)?;
            self.staging.regular(&meta, file.size, &mut content)?
        };
        self.done.insert(key, checksum);
        Ok(checksum)
    }
}
