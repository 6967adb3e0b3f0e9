// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall iso`: makes media, changes them, shows what is on them.

use std::path::Path;

use kickstart_parser::{Kickstart, ScriptKind};
use landfall_installer::exit::Exit;
use landfall_installer::image::{Image, OpenOptions};
use landfall_installer::inventory::probe;
use landfall_installer::media::{
    self, Basis, Changes, Configuration, Embedded, Epoch, IsoRequest, MediaError, MediumFile,
    Watch, embedded,
};

use crate::cli::{
    CustomizeArgs, ExtractArgs, InspectArgs, IsoArgs, IsoCommand, MakeIsoArgs, ReadAccessArgs,
};
use crate::directories::Directories;
use crate::input::{self, Loaded, PresentFiles};
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
    let label = configuration
        .as_ref()
        .and_then(|configuration| configuration.label.as_deref());
    let images = Images::open(&args.image, args.env_image.as_deref(), access)?;
    let directories = Directories::find();
    let request = IsoRequest {
        image: &images.image,
        environment: images.environment(),
        kickstart: kickstart
            .as_ref()
            .map(|(embedded, _)| embedded.text.as_bytes()),
        judged: kickstart.as_ref().and_then(|(_, judged)| judged.as_ref()),
        kernel_arguments: &args.kargs.join(" "),
        label: args.label.as_deref().or(label).unwrap_or(LABEL),
        target_ref: args.target_ref.as_deref(),
        payload: !args.no_payload,
        epoch,
        output: &args.output,
        directories: directories.as_ref(),
    };
    for warning in watched(|watch| media::iso(&request, watch))? {
        terminal::say(&format!("warning: {warning}"));
    }
    terminal::say(&format!("`{}` is made", args.output.display()));
    Ok(())
}

/// The kickstart to embed, looked through.
fn kickstart(
    args: &MakeIsoArgs,
    configuration: Option<&Configuration>,
) -> Result<Option<(Embedded, Option<Kickstart>)>, Problem> {
    let text = args.kickstart.as_deref().map(input::text).transpose()?;
    let basis = match (&text, configuration) {
        (Some(text), _) => Basis::Kickstart(text),
        (None, Some(configuration)) => Basis::Configuration(configuration),
        (None, None) if args.unattended => Basis::Unattended,
        (None, None) => return Ok(None),
    };
    let followed = args.target_ref.as_deref().unwrap_or(&args.image);
    let kickstart = embedded(&basis, followed);
    let judged = validate(args, &kickstart)?;
    Ok(Some((kickstart, judged)))
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

/// What could not install is an error now, and not in the machine room. Gives what is known of it here: what `%pre` may be
/// about to write is not.
fn validate(args: &MakeIsoArgs, kickstart: &Embedded) -> Result<Option<Kickstart>, Problem> {
    let name = args.kickstart.as_deref().unwrap_or(Path::new("kickstart"));
    let loaded = Loaded::new(name, &kickstart.text, None, &PresentFiles).insist()?;
    for warning in &kickstart.warnings {
        terminal::say(&format!("warning: {warning}"));
    }
    let kickstart = loaded.reading.kickstart;
    let mut scripts = kickstart.scripts.iter();
    let written = scripts.any(|script| script.kind == ScriptKind::Pre);
    Ok((!written).then_some(kickstart))
}

fn customize(args: &CustomizeArgs) -> Result<(), Problem> {
    let changes = &args.changes;
    let kickstart = match &changes.kickstart {
        Some(path) => Some(input::text(path)?),
        None => changes.no_kickstart.then(String::new),
    };
    let arguments = (!changes.kargs.is_empty()).then(|| changes.kargs.join(" "));
    let changes = Changes {
        kickstart: kickstart.as_deref().map(str::as_bytes),
        kernel_arguments: arguments.as_deref(),
        target_ref: changes.target_ref.as_deref(),
    };
    match &args.output {
        Some(output) => media::customized_copy(&args.iso, output, &changes)?,
        None => MediumFile::open(&args.iso, true)?.change(&changes)?,
    }
    Ok(())
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
        ("kernel arguments", file.kernel_arguments()?),
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
        terminal::data(&format!("{name:<18}{value}\n"));
    }
    Ok(())
}

fn extract(args: &ExtractArgs) -> Result<(), Problem> {
    media::extract(&args.iso, &args.output)?;
    Ok(())
}
