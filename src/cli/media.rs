// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What may be typed to make and to change media.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use landfall_installer::image::ImageRef;
use landfall_installer::media::{is_kernel_argument, is_label};

use super::ReadAccessArgs;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  landfall iso --image registry.example.com/web:1 --kickstart web.ks --output web.iso
  landfall iso --image oci:/srv/images/web --target-ref registry.example.com/web:1 --kickstart web.ks
  landfall iso customize web.iso --kickstart rack7.ks --output rack7.iso
  landfall iso inspect rack7.iso
  landfall iso extract rack7.iso --output /srv/boot/rack7")]
pub(crate) struct IsoArgs {
    #[command(subcommand)]
    pub(crate) command: Option<IsoCommand>,
    #[command(flatten)]
    pub(crate) make: Option<MakeIsoArgs>,
    // Not in `make`: clap takes an optional group for absent that has a group within.
    #[command(flatten)]
    pub(crate) access: ReadAccessArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IsoCommand {
    /// Change kickstart, kernel arguments or reference of an ISO that is there, without making it again
    Customize(CustomizeArgs),
    /// Show what an ISO installs
    Inspect(InspectArgs),
    /// Take the files for a network boot server out of an ISO
    Extract(ExtractArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MakeIsoArgs {
    /// The image to install, which the installer is made of, too: `HOST/NAME:TAG`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`
    #[arg(long, value_name = "REF")]
    pub(crate) image: String,
    /// Make the installer of this image instead: where the other lacks what an installer needs
    #[arg(long, value_name = "REF")]
    pub(crate) env_image: Option<String>,
    /// The kickstart to embed
    #[arg(long, value_name = "FILE")]
    pub(crate) kickstart: Option<PathBuf>,
    /// What to embed, as bootc-image-builder's `config.toml` says it
    #[arg(long, value_name = "FILE", conflicts_with = "kickstart")]
    pub(crate) config: Option<PathBuf>,
    /// Embed `zerombr`, `clearpart --all --initlabel`, `reqpart --add-boot`, `part / --grow`: EVERY DISK of a machine that
    /// starts from the medium is erased, without a question
    #[arg(long, conflicts_with_all = ["kickstart", "config"])]
    pub(crate) unattended: bool,
    /// Leave the image out: the machine pulls it
    #[arg(long)]
    pub(crate) no_payload: bool,
    /// What installed systems follow for updates, if not the kickstart's reference
    #[arg(long, value_name = "REF", value_parser = registry_reference)]
    pub(crate) target_ref: Option<String>,
    /// One more argument for the installer's kernel (repeatable)
    #[arg(long = "karg", value_name = "ARG", value_parser = kernel_argument)]
    pub(crate) kargs: Vec<String>,
    /// Label of the medium: at most 32 of `A-Z0-9_-` [default: `LANDFALL`]
    #[arg(long, value_name = "LABEL", value_parser = label)]
    pub(crate) label: Option<String>,
    /// Write this file
    #[arg(short, long, value_name = "FILE", default_value = "landfall.iso")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CustomizeArgs {
    /// The ISO
    #[arg(value_name = "ISO")]
    pub(crate) iso: PathBuf,
    #[command(flatten)]
    pub(crate) changes: ChangeArgs,
    /// Write a changed copy to this file
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "in_place",
        conflicts_with = "in_place"
    )]
    pub(crate) output: Option<PathBuf>,
    /// Change the ISO itself
    #[arg(long)]
    pub(crate) in_place: bool,
}

/// What is changed.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ChangeArgs {
    /// Embed this kickstart in place of the one that is there
    #[arg(long, value_name = "FILE")]
    pub(crate) kickstart: Option<PathBuf>,
    /// Take the embedded kickstart away
    #[arg(long, conflicts_with = "kickstart")]
    pub(crate) no_kickstart: bool,
    /// One argument for the installer's kernel (repeatable); all that were added before go
    #[arg(long = "karg", value_name = "ARG", value_parser = kernel_argument)]
    pub(crate) kargs: Vec<String>,
    /// What installed systems follow for updates
    #[arg(long, value_name = "REF", value_parser = registry_reference)]
    pub(crate) target_ref: Option<String>,
}

/// A reference that a system can follow: of a registry.
fn registry_reference(text: &str) -> Result<String, String> {
    match text.parse() {
        Ok(ImageRef::Registry(_)) => Ok(text.to_owned()),
        Ok(_) => Err("an installed system follows a reference of a registry".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn kernel_argument(text: &str) -> Result<String, String> {
    if is_kernel_argument(text) {
        return Ok(text.to_owned());
    }
    Err(
        "a kernel argument cannot have a `'`, a `\"`, a `\\` or a control character in it"
            .to_owned(),
    )
}

fn label(text: &str) -> Result<String, String> {
    if is_label(text) {
        return Ok(text.to_owned());
    }
    Err("a label has 1 to 32 of `A-Z0-9_-`".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The ISO
    #[arg(value_name = "ISO")]
    pub(crate) iso: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// The ISO
    #[arg(value_name = "ISO")]
    pub(crate) iso: PathBuf,
    /// Make the tree in this directory
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall netboot --image registry.example.com/web:1 --output /srv/boot/web")]
pub(crate) struct NetbootArgs {
    /// The image to install, which the installer is made of, too: `HOST/NAME:TAG`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`
    #[arg(long, value_name = "REF")]
    pub(crate) image: String,
    /// Make the installer of this image instead: where the other lacks what an installer needs
    #[arg(long, value_name = "REF")]
    pub(crate) env_image: Option<String>,
    #[command(flatten)]
    pub(crate) access: ReadAccessArgs,
    /// Make the tree in this directory
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}
