// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kickstart that is embedded in a medium. Pure.
//!
//! Takes what the user gave, a kickstart, a `config.toml`, or the word that nobody needs to be asked; gives the text, and what
//! must be said aloud about it. Included files come through [`Includes`].

use kickstart_parser::{Code, Includes, Kickstart, Reading, hidden, read, secret_lines};

use super::config_toml::Configuration;
use super::includes::{Present, flattened};

/// What stands for a kickstart when nobody writes one.
const ERASE: &str = "zerombr\nclearpart --all --initlabel\n";
const BOOT: &str = "reqpart --add-boot\n";
const WHOLE_DISK: &str = "part / --grow\n";

/// What a kickstart is made of.
#[derive(Debug)]
pub enum Basis<'b> {
    /// The user's own.
    Kickstart {
        /// Its file, which its includes are relative to.
        name: &'b str,
        /// Its text.
        text: &'b str,
    },
    /// A `config.toml`.
    Configuration(&'b Configuration),
    /// Every disk of every machine.
    Unattended,
}

/// A kickstart to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// Its text, with the included files that are here.
    pub text: String,
    /// What was read, by the names and lines of the user's files. One with errors is not to be embedded.
    pub reading: Reading,
    /// Sentences that the user must read before the medium is used.
    pub warnings: Vec<String>,
}

/// Makes the kickstart. One that names no image installs `reference`.
pub fn embedded(basis: &Basis<'_>, reference: Option<&str>, includes: &dyn Includes) -> Embedded {
    let (name, mut text) = match basis {
        Basis::Kickstart { name, text } => (*name, (*text).to_owned()),
        Basis::Unattended => ("kickstart", [ERASE, BOOT, WHOLE_DISK].concat()),
        Basis::Configuration(configuration) => ("kickstart", of_configuration(configuration)),
    };
    let present = Present::of((name, &text), includes);
    let mut reading = read(name, &text, None, &present);
    if let Some(reference) = reference.filter(|_| !names_image(&reading.kickstart)) {
        put_first(&mut text, &format!("ostreecontainer --url={reference}\n"));
        reading = read(name, &text, None, &present);
    }
    let reading = reading.for_installation();
    if !reading.has_errors() {
        text = flattened((name, &text), &present);
    }
    let mut warnings = Vec::new();
    if !matches!(basis, Basis::Kickstart { .. }) && text.contains("clearpart --all --initlabel") {
        warnings.push(
            "this medium ERASES EVERY DISK of any machine that starts from it, without a question"
                .to_owned(),
        );
    }
    warnings.extend(secrets(&text));
    Embedded {
        text,
        reading,
        warnings,
    }
}

impl Embedded {
    /// Whether a machine could not know what to install by it.
    pub fn names_no_image(&self) -> bool {
        !self.has_gaps() && !names_image(&self.reading.kickstart)
    }

    /// Whether it includes what is not here, or what `%pre` writes.
    pub fn has_gaps(&self) -> bool {
        let mut said = self.reading.diagnostics.iter();
        said.any(|diagnostic| diagnostic.code == Code::IncludeSkipped)
    }
}

fn names_image(kickstart: &Kickstart) -> bool {
    kickstart.ostreecontainer.is_some() || kickstart.bootc.is_some()
}

/// The image builder's own default, where the file has no kickstart: the machine is installed without a question.
fn of_configuration(configuration: &Configuration) -> String {
    let base = configuration
        .kickstart
        .clone()
        .unwrap_or_else(|| unattended(configuration));
    let mut text = configuration.commands.clone();
    if !configuration.commands.contains("rootpw ") && configuration.kickstart.is_none() {
        text.push_str("rootpw --lock\n");
    }
    text + &base
}

fn unattended(configuration: &Configuration) -> String {
    let boot = if configuration.has_boot() {
        "reqpart\n"
    } else {
        BOOT
    };
    let partitions = Some(configuration.partitions.as_str()).filter(|text| !text.is_empty());
    [
        ERASE,
        boot,
        partitions.unwrap_or(WHOLE_DISK),
        "reboot --eject\n",
    ]
    .concat()
}

/// Commands stand before sections, and after `#version=`.
fn put_first(text: &mut String, line: &str) {
    let at = match text.strip_prefix("#version=") {
        Some(rest) => rest
            .find('\n')
            .map_or(text.len(), |end| end + "#version=".len() + 1),
        None => 0,
    };
    text.insert_str(at, line);
}

/// What everybody can read who holds the medium.
fn secrets(text: &str) -> Option<String> {
    let found = secret_lines(text);
    if found.is_empty() {
        return None;
    }
    let lines = found
        .iter()
        .map(|(line, word)| format!("line {line} (`{word}`)"));
    Some(format!(
        "whoever holds this medium can read the secrets in its kickstart: {}",
        lines.collect::<Vec<_>>().join(", ")
    ))
}

/// What is to be said of kernel arguments: everybody can read them who holds the medium.
pub fn secret_arguments(arguments: &str) -> Option<String> {
    (hidden(arguments) != arguments).then(|| {
        "whoever holds this medium can read the secrets in its kernel arguments".to_owned()
    })
}

/// Whether a medium with these is not for everybody's eyes.
pub(super) fn has_secrets(kickstart: &[u8], arguments: &str) -> bool {
    !secret_lines(&String::from_utf8_lossy(kickstart)).is_empty() || hidden(arguments) != arguments
}

#[cfg(test)]
mod tests {
    use std::io;

    use kickstart_parser::NoIncludes;

    use super::*;

    const REFERENCE: &str = "host/web:1";

    fn embedded(basis: &Basis<'_>, reference: &str) -> Embedded {
        super::embedded(basis, Some(reference), &NoIncludes)
    }

    const fn own(text: &str) -> Basis<'_> {
        Basis::Kickstart { name: "ks", text }
    }

    /// The files `image.ks`, and `deep.ks`, which includes it.
    struct Files;

    impl Includes for Files {
        fn fetch(&self, path: &str, from: &str) -> io::Result<(String, String)> {
            let text = match (path, from) {
                ("image.ks" | "/tmp/image.ks", _) => {
                    "#version=RHEL8\nostreecontainer --url=host/a:1\nrootpw --plaintext a"
                }
                ("deep.ks", "ks") => "%include image.ks\nlang C.UTF-8\n",
                ("http://host/image.ks", _) => "bootc --source-imgref=host/a:1\n",
                _ => return Err(io::ErrorKind::Unsupported.into()),
            };
            Ok((path.to_owned(), text.to_owned()))
        }
    }

    #[test]
    fn included_files_that_are_here_are_embedded() {
        let text = "zerombr\n%include deep.ks\npart / --grow\n";
        let made = super::embedded(&own(text), Some(REFERENCE), &Files);
        assert_eq!(
            made.text,
            "zerombr\nostreecontainer --url=host/a:1\nrootpw --plaintext a\nlang C.UTF-8\npart / --grow\n"
        );
        assert_eq!(
            made.warnings,
            ["whoever holds this medium can read the secrets in its kickstart: line 3 (`rootpw`)"]
        );
        assert!(!made.has_gaps());
    }

    #[test]
    fn what_pre_writes_is_not_taken_from_here() {
        let pre = "%pre\ncd /tmp; echo zerombr > image.ks\n%end\n";
        let text = format!("%include /tmp/image.ks\npart / --grow\n{pre}");
        let made = super::embedded(&own(&text), Some(REFERENCE), &Files);
        assert_eq!(
            made.text,
            format!("ostreecontainer --url=host/web:1\n{text}")
        );
        assert!(made.has_gaps());
        let other = "%include other.ks\n%include image.ks\n";
        let made = super::embedded(&own(other), None, &Files);
        assert_eq!(
            made.text,
            "%include other.ks\nostreecontainer --url=host/a:1\nrootpw --plaintext a\n"
        );
    }

    #[test]
    fn an_address_is_read_and_stays_one() {
        let text = "%include http://host/image.ks\n";
        let made = super::embedded(&own(text), Some(REFERENCE), &Files);
        assert_eq!(made.text, text);
    }

    #[test]
    fn without_a_reference_a_kickstart_names_its_image() {
        let none = |text| super::embedded(&own(text), None, &Files).names_no_image();
        assert!(none("part / --grow\n"));
        assert!(!none("%include image.ks\n"));
        assert!(!none("%include other.ks\n"));
        assert!(!none("bootc --source-imgref=host/a:1\n"));
    }

    #[test]
    fn one_with_errors_is_not_taken_for_good() {
        assert!(embedded(&own("part\n"), REFERENCE).reading.has_errors());
        assert!(
            embedded(&own("raid / --device=a\n"), REFERENCE)
                .reading
                .has_errors()
        );
    }

    #[test]
    fn secrets_of_kernel_arguments_are_told() {
        assert_eq!(secret_arguments("ip=dhcp quiet"), None);
        assert!(secret_arguments("ip=dhcp landfall.token=hush").is_some());
        assert!(has_secrets(b"", "landfall.token=hush"));
        assert!(has_secrets(b"rootpw --plaintext hush\n", ""));
        assert!(!has_secrets(b"rootpw --lock\n", "quiet"));
    }

    #[test]
    fn a_kickstart_that_names_an_image_stays_as_it_is() {
        let text = "ostreecontainer --url=host/a:1\npart / --grow\n";
        let made = embedded(&own(text), REFERENCE);
        assert_eq!((made.text.as_str(), made.warnings.len()), (text, 0));
    }

    #[test]
    fn one_that_names_none_installs_the_mediums() {
        let made = embedded(
            &own("#version=RHEL9\npart / --grow\n%post\n%end\n"),
            REFERENCE,
        );
        assert_eq!(
            made.text,
            "#version=RHEL9\nostreecontainer --url=host/web:1\npart / --grow\n%post\n%end\n"
        );
    }

    #[test]
    fn what_erases_every_disk_is_said_aloud() {
        let made = embedded(&Basis::Unattended, REFERENCE);
        assert_eq!(
            made.text,
            "ostreecontainer --url=host/web:1\nzerombr\nclearpart --all --initlabel\nreqpart --add-boot\npart / --grow\n"
        );
        assert!(
            made.warnings[0].contains("ERASES EVERY DISK"),
            "{:?}",
            made.warnings
        );
    }

    #[test]
    fn a_configuration_is_the_builders_default_with_what_it_asks_for() {
        let text = "[[customizations.user]]\nname = \"a\"\npassword = \"b\"\n";
        let configuration = Configuration::parse(text).unwrap();
        let made = embedded(&Basis::Configuration(&configuration), REFERENCE);
        assert_eq!(
            made.text,
            "ostreecontainer --url=host/web:1\nuser --name=a --password=b --plaintext\nrootpw --lock\nzerombr\n\
             clearpart --all --initlabel\nreqpart --add-boot\npart / --grow\nreboot --eject\n"
        );
        assert_eq!(
            made.warnings[1],
            "whoever holds this medium can read the secrets in its kickstart: line 2 (`user`)"
        );
        let text = "[customizations.installer.kickstart]\ncontents = \"\"\"\npart / --grow\n\"\"\"\n[customizations.kernel]\nappend = \"a=b\"\n";
        let configuration = Configuration::parse(text).unwrap();
        let made = embedded(&Basis::Configuration(&configuration), REFERENCE);
        assert_eq!(
            made.text,
            "ostreecontainer --url=host/web:1\nbootloader --append='a=b'\npart / --grow\n"
        );
        assert_eq!(made.warnings.len(), 0);
    }

    #[test]
    fn a_boot_of_its_own_is_the_only_one() {
        let text = "[[customizations.filesystem]]\nmountpoint = \"/boot\"\nminsize = \"1 GiB\"\n";
        let configuration = Configuration::parse(text).unwrap();
        let made = embedded(&Basis::Configuration(&configuration), REFERENCE);
        assert_eq!(
            made.text,
            "ostreecontainer --url=host/web:1\nrootpw --lock\nzerombr\nclearpart --all --initlabel\nreqpart\n\
             part /boot --size=1024\npart / --grow\nreboot --eject\n"
        );
        assert!(!made.reading.has_errors());
        assert_eq!(made.warnings.len(), 1);
    }

    /// The lines of the page that are indented, in its blocks.
    fn examples(page: &str) -> Vec<String> {
        let (_, example) = page.split_once("## An example\n").unwrap();
        let blocks = example.split("\n\nbecomes");
        let lines = |block: &str| {
            let lines = block.lines().filter_map(|line| line.strip_prefix("    "));
            lines.flat_map(|line| [line, "\n"]).collect()
        };
        blocks.map(lines).collect()
    }

    #[test]
    fn the_example_of_the_reference_is_what_is_made() {
        let page = include_str!("../../../docs/reference/config-toml.md");
        let examples = examples(page);
        let configuration = Configuration::parse(&examples[0]).unwrap();
        let basis = Basis::Configuration(&configuration);
        let made = embedded(&basis, "registry.example.com/lab/web:1");
        assert_eq!(made.text, examples[1]);
    }
}
