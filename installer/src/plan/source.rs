// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which image wins: where the content comes from and what the installed system follows.
//!
//! Content: `--image`, else the kickstart's reference. Followed: `--target-ref`, else the
//! kickstart's `--target-imgref`, else its url; never a path of the machine that installs.

use kickstart_parser::{Kickstart, Location};

use super::issue::{Code, Issues};
use super::{Choices, ImagePlan, MediumImage};

/// What the kickstart says about the image.
struct Wanted<'k> {
    source: String,
    target: String,
    location: &'k Location,
}

pub(super) fn choose(
    kickstart: &Kickstart,
    choices: &Choices,
    issues: &mut Issues,
) -> Option<ImagePlan> {
    let Some(wanted) = wanted(kickstart) else {
        issues
            .error(Code::NoImage, "the kickstart names no container image")
            .help("add `ostreecontainer --url=REGISTRY/IMAGE:TAG`");
        return None;
    };
    let medium = choices
        .medium
        .as_ref()
        .filter(|medium| medium.has(&wanted.source));
    let of_medium = medium.and_then(|medium| medium.target.as_deref());
    let target = choices
        .target_ref
        .as_deref()
        .or(of_medium)
        .map_or(wanted.target, with_transport);
    if !target.starts_with("docker://") {
        issues
            .error(
                Code::TargetIsPath,
                format!("the installed system would look for updates at `{target}`"),
            )
            .at(wanted.location)
            .help("say with `--target-ref` which registry reference it follows");
        return None;
    }
    let source = choices
        .image
        .as_deref()
        .or(medium.map(|medium| medium.layout.as_str()))
        .map_or(wanted.source, with_transport);
    Some(ImagePlan {
        source,
        access: choices.target_access.files(&target),
        target,
        digest: None,
    })
}

/// Whether the image that the kickstart names comes from a registry, when the machine was started from `medium`.
pub fn needs_registry(kickstart: &Kickstart, medium: Option<&MediumImage>) -> bool {
    wanted(kickstart).is_some_and(|wanted| {
        wanted.source.starts_with("docker://")
            && !medium.is_some_and(|medium| medium.has(&wanted.source))
    })
}

impl MediumImage {
    /// Whether it is what a reference with its transport means.
    pub(crate) fn has(&self, source: &str) -> bool {
        let same = |name: &String| whole(with_transport(name)) == whole(source.to_owned());
        source == self.layout || self.names.iter().chain(&self.target).any(same)
    }
}

fn wanted(kickstart: &Kickstart) -> Option<Wanted<'_>> {
    if let Some(bootc) = kickstart
        .bootc
        .as_ref()
        .filter(|bootc| !bootc.source_imgref.is_empty())
    {
        let source = with_transport(&bootc.source_imgref);
        let target = bootc
            .target_imgref
            .as_deref()
            .map_or(source.clone(), with_transport);
        return Some(Wanted {
            source,
            target,
            location: &bootc.location,
        });
    }
    let command = kickstart
        .ostreecontainer
        .as_ref()
        .filter(|command| !command.url.is_empty())?;
    let source = match command.transport.as_deref() {
        None | Some("" | "registry" | "docker" | "docker://") => with_transport(&command.url),
        Some(transport) => format!("{}:{}", transport.trim_end_matches(':'), command.url),
    };
    Some(Wanted {
        target: source.clone(),
        source,
        location: &command.location,
    })
}

/// A registry's reference with the tag that it has without one.
fn whole(reference: String) -> String {
    let name = reference.rsplit('/').next().unwrap_or_default();
    if reference.starts_with("docker://") && !name.contains([':', '@']) {
        return reference + ":latest";
    }
    reference
}

/// A reference with its transport written out, as bootc prints it.
fn with_transport(reference: &str) -> String {
    const LOCAL: [&str; 6] = [
        "oci:",
        "oci-archive:",
        "docker-archive:",
        "containers-storage:",
        "dir:",
        "docker-daemon:",
    ];
    if let Some(rest) = reference.strip_prefix("registry:") {
        return format!("docker://{rest}");
    }
    if reference.starts_with("docker://") || LOCAL.iter().any(|t| reference.starts_with(t)) {
        return reference.to_owned();
    }
    format!("docker://{reference}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_from(text: &str, choices: &Choices) -> Result<ImagePlan, Issues> {
        let mut issues = Issues::default();
        let reading = kickstart_parser::read("ks", text, None, &kickstart_parser::NoIncludes);
        choose(&reading.kickstart, choices, &mut issues).ok_or(issues)
    }

    #[test]
    fn an_empty_reference_names_no_image() {
        for text in ["ostreecontainer --url=\n", "bootc --source-imgref=\n"] {
            let issues = choose_from(text, &Choices::default()).unwrap_err();
            assert!(
                issues.0.iter().any(|issue| issue.code == Code::NoImage),
                "{text}"
            );
        }
    }

    #[test]
    fn the_kickstart_alone_gives_both() {
        let plan = choose_from("ostreecontainer --url host/a:1\n", &Choices::default()).unwrap();
        assert_eq!(plan.source, "docker://host/a:1");
        assert_eq!(plan.target, "docker://host/a:1");
    }

    #[test]
    fn content_from_elsewhere_does_not_change_what_is_followed() {
        let choices = Choices {
            image: Some("oci:/srv/a".into()),
            ..Choices::default()
        };
        let plan = choose_from("ostreecontainer --url host/a:1\n", &choices).unwrap();
        assert_eq!(
            (plan.source.as_str(), plan.target.as_str()),
            ("oci:/srv/a", "docker://host/a:1")
        );
    }

    fn medium(names: &[&str], target: Option<&str>) -> MediumImage {
        MediumImage {
            layout: "oci:/medium".into(),
            names: names.iter().map(ToString::to_string).collect(),
            target: target.map(str::to_owned),
        }
    }

    #[test]
    fn the_image_of_a_medium_is_taken_by_all_its_names() {
        for url in ["host/a", "host/a:latest", "host/b:1", "host/c:2"] {
            let medium = medium(
                &["oci:/srv/a", "host/a:latest", "host/b:1"],
                Some("host/c:2"),
            );
            let choices = Choices {
                medium: Some(medium.clone()),
                ..Choices::default()
            };
            let text = format!("ostreecontainer --url {url}\n");
            let plan = choose_from(&text, &choices).unwrap();
            assert_eq!(plan.source, "oci:/medium", "{url}");
            assert_eq!(plan.target, "docker://host/c:2", "{url}");
            let reading = kickstart_parser::read("ks", &text, None, &kickstart_parser::NoIncludes);
            assert!(!needs_registry(&reading.kickstart, Some(&medium)), "{url}");
        }
    }

    #[test]
    fn the_place_of_a_mediums_image_means_that_image() {
        let text = "ostreecontainer --transport=oci --url=/run/install/repo/landfall/oci\n";
        let medium = MediumImage {
            layout: "oci:/run/install/repo/landfall/oci".into(),
            ..medium(&["host/a:1"], Some("host/c:2"))
        };
        let choices = Choices {
            medium: Some(medium.clone()),
            ..Choices::default()
        };
        let plan = choose_from(text, &choices).unwrap();
        assert_eq!(plan.source, "oci:/run/install/repo/landfall/oci");
        assert_eq!(plan.target, "docker://host/c:2");
    }

    #[test]
    fn an_image_that_the_medium_has_not_is_pulled() {
        let medium = medium(&["host/a:1"], None);
        for url in ["host/a", "host/a:2", "host/a@sha256:00", "other/a:1"] {
            let text = format!("ostreecontainer --url {url}\n");
            let choices = Choices {
                medium: Some(medium.clone()),
                ..Choices::default()
            };
            let plan = choose_from(&text, &choices).unwrap();
            assert_eq!(plan.source, format!("docker://{url}"));
            let reading = kickstart_parser::read("ks", &text, None, &kickstart_parser::NoIncludes);
            assert!(needs_registry(&reading.kickstart, Some(&medium)), "{url}");
        }
    }

    #[test]
    fn a_path_is_never_followed() {
        let text = "ostreecontainer --transport=oci --url=/run/install/repo/image\n";
        let issues = choose_from(text, &Choices::default()).unwrap_err();
        assert_eq!(issues.0[0].code, Code::TargetIsPath);
        let choices = Choices {
            target_ref: Some("host/a:1".into()),
            ..Choices::default()
        };
        let plan = choose_from(text, &choices).unwrap();
        assert_eq!(plan.source, "oci:/run/install/repo/image");
        assert_eq!(plan.target, "docker://host/a:1");
    }
}
