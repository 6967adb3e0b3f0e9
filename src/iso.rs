// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall iso`: makes media, changes them, shows what is on them.

use std::path::Path;

use kickstart_parser::{Kickstart, hidden};
use landfall_installer::exit::Exit;
use landfall_installer::image::{Image, OpenOptions};
use landfall_installer::inventory::probe;
use landfall_installer::media::{
    self, Basis, Changes, Configuration, Embedded, Epoch, IsoRequest, MediaError, MediumFile,
    Watch, embedded, secret_arguments,
};
use landfall_installer::medium::Medium;

use crate::cli::{
    CustomizeArgs, ExtractArgs, InspectArgs, IsoArgs, IsoCommand, MakeIsoArgs, ReadAccessArgs,
};
use crate::directories::Directories;
use crate::input::{self, PresentFiles};
use crate::signals;
use crate::terminal::{self, MediumProgress, Problem};

/// The label of a medium that nobody named.
const LABEL: &str = "LANDFALL";

pub(crate) fn run(args: &IsoArgs) -> Result<Exit, Problem> {
    match (&args.command, &args.make) {
        (Some(IsoCommand::Customize(args)), _) => customize(args)?,
        (Some(IsoCommand::Inspect(args)), _) => inspect(args)?,
        (Some(IsoCommand::Extract(args)), _) => extract(args)?,
        (None, Some(make_args)) => make(make_args, &args.access)?,
        (None, None) => return Err(Problem::new(Exit::Usage, "`--image` is missing")),
    }
    Ok(Exit::Done)
}

fn make(args: &MakeIsoArgs, access: &ReadAccessArgs) -> Result<(), Problem> {
    let epoch = epoch()?;
    let configuration = args.config.as_deref().map(configuration).transpose()?;
    let kickstart = kickstart(args, configuration.as_ref())?;
    let arguments = args.kargs.join(" ");
    warn(secret_arguments(&arguments));
    let label = configuration
        .as_ref()
        .and_then(|configuration| configuration.label.as_deref());
    let images = Images::open(&args.image, args.env_image.as_deref(), access)?;
    let directories = Directories::find();
    let request = IsoRequest {
        image: &images.image,
        environment: images.environment(),
        kickstart: kickstart.as_ref().map(|embedded| embedded.text.as_bytes()),
        judged: kickstart.as_ref().and_then(judged),
        kernel_arguments: &arguments,
        label: args.label.as_deref().or(label).unwrap_or(LABEL),
        target_ref: args.target_ref.as_deref(),
        payload: !args.no_payload,
        epoch,
        output: &args.output,
        directories: directories.as_ref(),
    };
    warn(watched(|watch| media::iso(&request, watch))?);
    terminal::say(&format!("`{}` is made", args.output.display()));
    Ok(())
}

/// The kickstart to embed, looked through.
fn kickstart(
    args: &MakeIsoArgs,
    configuration: Option<&Configuration>,
) -> Result<Option<Embedded>, Problem> {
    let followed = Some(args.target_ref.as_deref().unwrap_or(&args.image));
    if let Some(path) = &args.kickstart {
        return own(path, followed).map(Some);
    }
    let basis = match configuration {
        Some(configuration) => Basis::Configuration(configuration),
        None if args.unattended => Basis::Unattended,
        None => return Ok(None),
    };
    insist(embedded(&basis, followed, &PresentFiles)).map(Some)
}

/// The kickstart in a file, looked through; one that names no image installs `followed`.
fn own(path: &Path, followed: Option<&str>) -> Result<Embedded, Problem> {
    let text = input::text(path)?;
    let name = &path.display().to_string();
    let basis = Basis::Kickstart { name, text: &text };
    insist(embedded(&basis, followed, &PresentFiles))
}

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org).
fn epoch() -> Result<Option<Epoch>, Problem> {
    const NAME: &str = "SOURCE_DATE_EPOCH";
    let Some(value) = std::env::var_os(NAME) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|text| text.parse().ok());
    match seconds {
        Some(seconds) => Ok(Some(Epoch::new(seconds))),
        None => Err(Problem::new(
            Exit::Usage,
            format!("`{NAME}` is no number of seconds: `{}`", value.display()),
        )),
    }
}

/// The images that a medium is made of.
pub(crate) struct Images {
    pub(crate) image: Image,
    environment: Option<Image>,
}

impl Images {
    pub(crate) fn open(
        image: &str,
        environment: Option<&str>,
        access: &ReadAccessArgs,
    ) -> Result<Self, Problem> {
        let options = OpenOptions {
            arch: probe::arch().to_owned(),
            access: access.access(),
        };
        let open = |reference: &str| -> Result<Image, Problem> {
            Ok(Image::open(&reference.parse()?, &options)?)
        };
        Ok(Self {
            image: open(image)?,
            environment: environment.map(open).transpose()?,
        })
    }

    /// The one that the installer is made of.
    pub(crate) fn environment(&self) -> &Image {
        self.environment.as_ref().unwrap_or(&self.image)
    }
}

/// Does `work`, which tells this terminal how far it is, and which a signal ends.
pub(crate) fn watched<T>(
    work: impl FnOnce(&mut Watch<'_>) -> Result<T, MediaError>,
) -> Result<T, Problem> {
    let stop = signals::listen()?;
    let mut progress = MediumProgress::default();
    let worked = work(&mut Watch {
        stop: &stop,
        tell: &mut |told| progress.told(told),
    });
    progress.end();
    Ok(worked?)
}

fn configuration(path: &Path) -> Result<Configuration, Problem> {
    Configuration::parse(&input::text(path)?).map_err(|e| {
        Problem::new(
            Exit::Input,
            format!("reading `{}`: {}", path.display(), e.to_string().trim_end()),
        )
    })
}

/// What could not install is an error now, and not in the machine room.
fn insist(kickstart: Embedded) -> Result<Embedded, Problem> {
    input::show(&kickstart.reading);
    if kickstart.reading.has_errors() {
        return Err(Problem::new(Exit::Input, "the kickstart has errors"));
    }
    if kickstart.names_no_image() {
        let message = "the kickstart names no image, and the medium none that it could install";
        return Err(Problem::new(Exit::Input, message)
            .hint("add `ostreecontainer --url=REGISTRY/IMAGE:TAG` to it"));
    }
    warn(&kickstart.warnings);
    Ok(kickstart)
}

/// What is tried on the image: not where it has gaps.
fn judged(kickstart: &Embedded) -> Option<&Kickstart> {
    if kickstart.has_gaps() {
        warn([
            "the kickstart includes what is not here: whether it can be carried out is seen on its machine",
        ]);
        return None;
    }
    Some(&kickstart.reading.kickstart)
}

fn warn(warnings: impl IntoIterator<Item = impl std::fmt::Display>) {
    for warning in warnings {
        terminal::say(&format!("warning: {warning}"));
    }
}

fn customize(args: &CustomizeArgs) -> Result<(), Problem> {
    let changes = &args.changes;
    let kickstart = match &changes.kickstart {
        Some(path) => {
            let medium = MediumFile::open(&args.iso, false)?.medium;
            let followed = followed(&medium, changes.target_ref.as_deref());
            Some(own(path, followed)?.text)
        }
        None => changes.no_kickstart.then(String::new),
    };
    let arguments = (!changes.kargs.is_empty()).then(|| changes.kargs.join(" "));
    warn(arguments.as_deref().and_then(secret_arguments));
    let changes = Changes {
        kickstart: kickstart.as_deref().map(str::as_bytes),
        kernel_arguments: arguments.as_deref(),
        target_ref: changes.target_ref.as_deref(),
    };
    watched(|watch| match &args.output {
        Some(output) => media::customized_copy((&args.iso, output), &changes, watch),
        None => MediumFile::open(&args.iso, true)?.change(&changes),
    })
}

/// What a kickstart installs by a medium when it names no image itself.
fn followed<'m>(medium: &'m Medium, target: Option<&'m str>) -> Option<&'m str> {
    let image = medium.image.as_ref().map(|image| image.reference.as_str());
    let followed = target.or(medium.target.as_deref()).or(image);
    // It becomes a word of the kickstart, and the medium may be anybody's.
    followed.filter(|text| {
        let mut characters = text.chars();
        characters.all(|c| c.is_ascii_graphic() && !"'\"\\#".contains(c))
    })
}

fn inspect(args: &InspectArgs) -> Result<(), Problem> {
    let file = MediumFile::open(&args.iso, false)?;
    let medium = &file.medium;
    if args.json {
        let json =
            serde_json::to_string_pretty(medium).map_err(|e| Problem::new(Exit::Usage, e))?;
        terminal::data(&(json + "\n"));
        return Ok(());
    }
    let none = || "none".to_owned();
    let image = medium.image.as_ref();
    let kickstart = file.kickstart()?;
    let arguments = file.kernel_arguments()?;
    let lines = [
        (
            "image",
            image.map_or_else(none, |image| {
                format!("{} ({})", image.reference, image.digest)
            }),
        ),
        (
            "followed",
            medium
                .target
                .clone()
                .unwrap_or_else(|| "what the kickstart names".to_owned()),
        ),
        (
            "installer",
            format!(
                "{}, kernel {}",
                medium.environment.reference, medium.environment.kernel
            ),
        ),
        ("label", medium.label.clone()),
        ("kernel arguments", hidden(&arguments).into_owned()),
        (
            "kickstart",
            if kickstart.is_empty() {
                none()
            } else {
                format!("{} bytes", kickstart.len())
            },
        ),
        (
            "made by",
            format!("Landfall {} for {}", medium.landfall, medium.arch),
        ),
    ];
    for (name, value) in lines {
        terminal::data(&format!("{name:<18}{}\n", terminal::harmless(&value)));
    }
    Ok(())
}

fn extract(args: &ExtractArgs) -> Result<(), Problem> {
    watched(|watch| media::extract(&args.iso, &args.output, watch))
}
