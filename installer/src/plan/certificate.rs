// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `%certificate`: trusted while the image is pulled, and a file of the installed system.
//!
//! An anchor goes where `update-ca-trust` looks for it, any other certificate where the kickstart says; then the
//! image's own tool makes its bundles of trusted certificates. What the text holds is not looked into here.

use kickstart_parser::Kickstart;
use kickstart_parser::sections::Certificate;

use super::files::{run, write};
use super::issue::{Code, Issues};
use super::target::{Action, ImageFacts};

/// Where anchors are.
const ANCHORS: &str = "/etc/pki/ca-trust/source/anchors";

/// The certificates that are trusted for pulling the image: those that hold one in PEM.
pub fn trusted(kickstart: &Kickstart) -> Vec<String> {
    let bodies = kickstart.certificates.iter().map(|each| &each.body);
    bodies.filter(|body| is_pem(body)).cloned().collect()
}

fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN CERTIFICATE-----")
}

fn is_anchor(certificate: &Certificate) -> bool {
    certificate.kind.as_deref() == Some("anchor")
}

/// The directory of the installed system that it goes to.
fn directory(certificate: &Certificate) -> Option<&str> {
    if is_anchor(certificate) {
        return Some(ANCHORS);
    }
    let directory = certificate.dir.as_deref()?;
    Some(directory.trim_end_matches('/'))
}

pub(super) fn check(kickstart: &Kickstart, issues: &mut Issues) {
    for certificate in &kickstart.certificates {
        for message in faults(certificate) {
            issues
                .error(Code::ValueInvalid, message)
                .at(&certificate.location);
        }
    }
}

fn faults(certificate: &Certificate) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(kind) = certificate.kind.as_deref().filter(|kind| *kind != "anchor") {
        found.push(format!(
            "`{kind}` is not a type of certificate; `anchor` is"
        ));
    }
    let name = &certificate.filename;
    if name.is_empty() || name.contains('/') || matches!(name.as_str(), "." | "..") {
        found.push(format!("`{name}` is not the name of a file"));
    }
    if let Some(directory) = directory(certificate) {
        let mut parts = directory.split('/').skip(1);
        if !directory.starts_with('/') || parts.any(|part| matches!(part, "" | "." | "..")) {
            found.push(format!(
                "`{directory}` is not the absolute path of a directory"
            ));
        }
        if directory == "/usr" || directory.starts_with("/usr/") {
            found.push(format!(
                "`{directory}` cannot be written: an image's `/usr` is read-only"
            ));
        }
    }
    if is_anchor(certificate) && !is_pem(&certificate.body) {
        found.push(format!("`{name}` holds no certificate in PEM"));
    }
    found
}

/// The files, and the command that makes the image trust them.
pub(super) fn actions(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let mut actions = Vec::new();
    for certificate in &kickstart.certificates {
        if let Some(directory) = directory(certificate) {
            let path = format!("{directory}/{}", certificate.filename);
            actions.push(write(&path, format!("{}\n", certificate.body)));
        }
    }
    if !actions.is_empty() {
        actions.extend(update(kickstart, facts, issues));
    }
    actions
}

fn update(kickstart: &Kickstart, facts: &ImageFacts, issues: &mut Issues) -> Vec<Action> {
    const RED_HAT: &str = "update-ca-trust";
    const DEBIAN: &str = "update-ca-certificates";
    if facts.programs.contains(RED_HAT) {
        return vec![run(&[RED_HAT, "extract"])];
    }
    let anchors = kickstart
        .certificates
        .iter()
        .filter(|each| directory(each) == Some(ANCHORS));
    if facts.programs.contains(DEBIAN) {
        // It takes files with this ending only.
        let links = anchors
            .map(|each| &each.filename)
            .filter(|name| !name.ends_with(".crt"));
        let mut actions: Vec<Action> = links
            .map(|name| Action::Link {
                path: format!("{ANCHORS}/{name}.crt"),
                target: name.clone(),
            })
            .collect();
        let local = format!("--localcertsdir={ANCHORS}");
        actions.push(run(&[DEBIAN, &local]));
        return actions;
    }
    for anchor in anchors {
        let message =
            format!("the image has neither `{RED_HAT}` nor `{DEBIAN}` to trust a certificate");
        issues
            .error(Code::ProgramMissing, message)
            .at(&anchor.location)
            .help("add ca-certificates to the image");
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use kickstart_parser::{NoIncludes, read};

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

    fn kickstart(options: &str, body: &str) -> Kickstart {
        let text = format!("%certificate {options}\n{body}\n%end\n");
        read("ks", &text, None, &NoIncludes).kickstart
    }

    fn facts(program: &str) -> ImageFacts {
        ImageFacts {
            programs: [program.to_owned()].into(),
            ..ImageFacts::default()
        }
    }

    #[test]
    fn an_anchor_goes_where_the_images_tool_looks() {
        let anchor = kickstart("--filename=lab.pem --type=anchor", PEM);
        let mut issues = Issues::default();
        let file = write(&format!("{ANCHORS}/lab.pem"), format!("{PEM}\n"));
        let extract = run(&["update-ca-trust", "extract"]);
        let found = actions(&anchor, &facts("update-ca-trust"), &mut issues);
        assert_eq!(found, [file.clone(), extract]);
        let link = Action::Link {
            path: format!("{ANCHORS}/lab.pem.crt"),
            target: "lab.pem".to_owned(),
        };
        let update = run(&[
            "update-ca-certificates",
            &format!("--localcertsdir={ANCHORS}"),
        ]);
        let found = actions(&anchor, &facts("update-ca-certificates"), &mut issues);
        assert_eq!(found, [file, link, update]);
        assert!(!issues.has_errors());
        actions(&anchor, &facts("sh"), &mut issues);
        assert!(issues.0[0].to_string().contains("[LF1021]"));
    }

    #[test]
    fn another_certificate_goes_where_it_shall_and_needs_no_tool() {
        let other = kickstart("--filename=client.pem --dir=/etc/pki/consumer/", "text");
        let mut issues = Issues::default();
        let file = write("/etc/pki/consumer/client.pem", "text\n".to_owned());
        assert_eq!(actions(&other, &facts("sh"), &mut issues), [file]);
        check(&other, &mut issues);
        assert!(issues.0.is_empty(), "{issues:?}");
        assert_eq!(trusted(&other), [""; 0]);
        assert_eq!(trusted(&kickstart("--filename=a --dir=/etc", PEM)), [PEM]);
    }

    #[test]
    fn places_that_cannot_be_are_refused() {
        for (options, said) in [
            (
                "--filename=a/b --dir=/etc",
                "`a/b` is not the name of a file",
            ),
            ("--filename=a --dir=etc", "is not the absolute path"),
            ("--filename=a --dir=/etc/../usr", "is not the absolute path"),
            ("--filename=a --dir=/usr/share", "is read-only"),
            (
                "--filename=a --type=leaf --dir=/etc",
                "is not a type of certificate",
            ),
            ("--filename=a --type=anchor", "holds no certificate in PEM"),
        ] {
            let mut issues = Issues::default();
            check(&kickstart(options, "text"), &mut issues);
            assert_eq!(issues.0.len(), 1, "{options}: {issues:?}");
            assert!(issues.0[0].message.contains(said), "{options}: {issues:?}");
        }
    }
}
