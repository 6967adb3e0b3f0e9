// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall iso`: makes media, changes them, shows what is on them.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use landfall_installer::exit::Exit;
use landfall_installer::image::{Image, OpenOptions};
use landfall_installer::inventory::probe;
use landfall_installer::media::{
    self, Basis, Changes, Configuration, Embedded, IsoRequest, MediumFile, embedded,
};

use crate::cli::{
    CustomizeArgs, ExtractArgs, InspectArgs, IsoArgs, IsoCommand, MakeIsoArgs, ReadAccessArgs,
};
use crate::directories::Directories;
use crate::input::{self, Files, Loaded};
use crate::terminal::{self, Problem};

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
    let options = OpenOptions {
        arch: probe::arch().to_owned(),
        access: access.access(),
    };
    let configuration = args.config.as_deref().map(configuration).transpose()?;
    let text = args.kickstart.as_deref().map(input::text).transpose()?;
    let basis = match (&text, &configuration) {
        (Some(text), _) => Some(Basis::Kickstart(text)),
        (None, Some(configuration)) => Some(Basis::Configuration(configuration)),
        (None, None) => args.unattended.then_some(Basis::Unattended),
    };
    let followed = args.target_ref.as_deref().unwrap_or(&args.image);
    let kickstart = basis.map(|basis| embedded(&basis, followed));
    if let Some(kickstart) = &kickstart {
        validate(args, kickstart)?;
    }
    let label = configuration
        .as_ref()
        .and_then(|configuration| configuration.label.as_deref());
    let image = Image::open(&args.image.parse()?, &options)?;
    let directories = Directories::find();
    let request = IsoRequest {
        image: &image,
        kickstart: kickstart
            .as_ref()
            .map(|kickstart| kickstart.text.as_bytes()),
        kernel_arguments: &args.kargs.join(" "),
        label: args.label.as_deref().or(label).unwrap_or(LABEL),
        target_ref: args.target_ref.as_deref(),
        payload: !args.no_payload,
        output: &args.output,
        directories: directories.as_ref(),
    };
    media::iso(&request, &mut |_| ControlFlow::Continue(()))?;
    Ok(())
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
fn validate(args: &MakeIsoArgs, kickstart: &Embedded) -> Result<(), Problem> {
    let name = args.kickstart.as_deref().unwrap_or(Path::new("kickstart"));
    Loaded::new(name, &kickstart.text, None, &Files).insist()?;
    for warning in &kickstart.warnings {
        terminal::say(&format!("warning: {warning}"));
    }
    Ok(())
}

fn customize(args: &CustomizeArgs) -> Result<(), Problem> {
    let changes = &args.changes;
    let kickstart = match &changes.kickstart {
        Some(path) => Some(input::text(path)?),
        None => changes.no_kickstart.then(String::new),
    };
    let path = match &args.output {
        Some(output) => copy(&args.iso, output)?,
        None => &args.iso,
    };
    let arguments = (!changes.kargs.is_empty()).then(|| changes.kargs.join(" "));
    MediumFile::open(path, true)?.change(&Changes {
        kickstart: kickstart.as_deref().map(str::as_bytes),
        kernel_arguments: arguments.as_deref(),
        target_ref: changes.target_ref.as_deref(),
    })?;
    Ok(())
}

/// A copy to be changed; what is no medium is not copied.
fn copy<'p>(from: &Path, to: &'p Path) -> Result<&'p Path, Problem> {
    MediumFile::open(from, false)?;
    let copied = fs::copy(from, to);
    copied.map_err(|e| {
        let message = format!("copying `{}` to `{}`: {e}", from.display(), to.display());
        Problem::new(Exit::Usage, message)
    })?;
    Ok(to)
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
