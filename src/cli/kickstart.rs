// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What may be typed after `landfall kickstart`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kickstart_parser::Syntax;

#[derive(Debug, Subcommand)]
pub(crate) enum KickstartCommand {
    /// Put spacing and quotes of kickstart files in order; comments and scripts stay
    Fmt(FmtArgs),
    /// Write a kickstart and all that it includes as one file in canonical form
    Flatten(FlattenArgs),
    /// Show what differs between two versions of the language
    Diff(DiffArgs),
    /// Show what is understood of a kickstart, secrets masked
    Dump(DumpArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall kickstart fmt web.ks
  landfall kickstart fmt --write lab/*.ks
  landfall kickstart fmt --check lab/*.ks")]
pub(crate) struct FmtArgs {
    /// Kickstart files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing, name the files that are not in order, exit with 1 if there are any
    #[arg(long, conflicts_with = "write")]
    pub(crate) check: bool,
    /// Write the files instead of printing them
    #[arg(short, long)]
    pub(crate) write: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall kickstart flatten web.ks > flat.ks
  landfall kickstart flatten --syntax RHEL9 --output flat.ks web.ks")]
pub(crate) struct FlattenArgs {
    /// The kickstart file or its http address; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Version of the language [default: what `#version=` says, else the newest]
    #[arg(long, value_name = "VERSION")]
    pub(crate) syntax: Option<Syntax>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall kickstart diff --from RHEL9 --to RHEL10
  landfall kickstart diff --from F40 --json")]
pub(crate) struct DiffArgs {
    /// The version that is left
    #[arg(long, value_name = "VERSION", default_value_t = Syntax::F44)]
    pub(crate) from: Syntax,
    /// The version that is reached
    #[arg(long, value_name = "VERSION", default_value_t = Syntax::NEWEST)]
    pub(crate) to: Syntax,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  landfall kickstart dump web.ks
  landfall kickstart dump --json web.ks | jq .part")]
pub(crate) struct DumpArgs {
    /// The kickstart file or its http address; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Version of the language [default: what `#version=` says, else the newest]
    #[arg(long, value_name = "VERSION")]
    pub(crate) syntax: Option<Syntax>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
