// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kickstart that is embedded in a medium. Pure.
//!
//! Takes what the user gave, a kickstart, a `config.toml`, or the word that nobody needs to be asked; gives the text, and what
//! must be said aloud about it.

use kickstart_parser::{Kickstart, NoIncludes, secret_lines};

use super::config_toml::Configuration;

/// What stands for a kickstart when nobody writes one.
const UNATTENDED: [&str; 3] = [
    "zerombr",
    "clearpart --all --initlabel",
    "reqpart --add-boot",
];
const WHOLE_DISK: &str = "part / --grow\n";

/// What a kickstart is made of.
#[derive(Debug)]
pub enum Basis<'b> {
    /// The user's own.
    Kickstart(&'b str),
    /// A `config.toml`.
    Configuration(&'b Configuration),
    /// Every disk of every machine.
    Unattended,
}

/// A kickstart to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// Its text.
    pub text: String,
    /// Sentences that the user must read before the medium is used.
    pub warnings: Vec<String>,
}

/// Makes the kickstart. One that names no image installs `reference`.
pub fn embedded(basis: &Basis<'_>, reference: &str) -> Embedded {
    let mut text = match basis {
        Basis::Kickstart(text) => (*text).to_owned(),
        Basis::Unattended => unattended(WHOLE_DISK),
        Basis::Configuration(configuration) => of_configuration(configuration),
    };
    let kickstart = read(&text);
    if kickstart.ostreecontainer.is_none() && kickstart.bootc.is_none() {
        put_first(&mut text, &format!("ostreecontainer --url={reference}\n"));
    }
    let mut warnings = Vec::new();
    if !matches!(basis, Basis::Kickstart(_)) && text.contains(UNATTENDED[1]) {
        warnings.push(
            "this medium ERASES EVERY DISK of any machine that starts from it, without a question"
                .to_owned(),
        );
    }
    warnings.extend(secrets(&text));
    Embedded { text, warnings }
}

fn unattended(partitions: &str) -> String {
    let mut text = UNATTENDED.map(|line| format!("{line}\n")).concat();
    text.push_str(partitions);
    text
}

/// The image builder's own default, where the file has no kickstart: the machine is installed without a question.
fn of_configuration(configuration: &Configuration) -> String {
    let base = match &configuration.kickstart {
        Some(text) => text.clone(),
        None if configuration.partitions.is_empty() => unattended(WHOLE_DISK) + "reboot --eject\n",
        None => unattended(&configuration.partitions) + "reboot --eject\n",
    };
    let mut text = configuration.commands.clone();
    if !configuration.commands.contains("rootpw ") && configuration.kickstart.is_none() {
        text.push_str("rootpw --lock\n");
    }
    text + &base
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

fn read(text: &str) -> Kickstart {
    kickstart_parser::read("kickstart", text, None, &NoIncludes).kickstart
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

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = "host/web:1";

    #[test]
    fn a_kickstart_that_names_an_image_stays_as_it_is() {
        let text = "ostreecontainer --url=host/a:1\npart / --grow\n";
        let made = embedded(&Basis::Kickstart(text), REFERENCE);
        assert_eq!((made.text.as_str(), made.warnings.len()), (text, 0));
    }

    #[test]
    fn one_that_names_none_installs_the_mediums() {
        let made = embedded(
            &Basis::Kickstart("#version=RHEL9\npart / --grow\n%post\n%end\n"),
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
