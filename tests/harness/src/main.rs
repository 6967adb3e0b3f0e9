// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `landfall-harness` command: what the Makefile needs of the test infrastructure.
//!
//! Takes arguments, calls one function of the library, prints its result on stdout. No logic of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use landfall_harness::case::Case;

#[derive(Debug, Parser)]
#[command(version, about = "Test images, registry and guests of Landfall")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds a test image if the cache does not have it, and prints the path of its OCI layout.
    Image {
        /// A directory under tests/images.
        #[arg(default_value = "plain")]
        name: String,
    },
    /// Installs the kickstart of a case on a disk image and boots it on this terminal.
    Demo {
        /// The `landfall` executable.
        #[arg(long)]
        landfall: PathBuf,
        /// Where the disk, the key and the logs go.
        #[arg(long)]
        dir: PathBuf,
        /// The case.
        #[arg(long, default_value = "seed-uefi")]
        case: String,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Image { name } => {
            let layout = landfall_harness::image::layout(&name)?;
            writeln!(std::io::stdout(), "{}", layout.display())?;
        }
        Command::Demo {
            landfall,
            dir,
            case,
        } => {
            let cases = Case::discover(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e"))?;
            let found = cases.iter().find(|one| one.name == case);
            landfall_harness::demo::run(
                &landfall,
                found.with_context(|| format!("there is no case `{case}`"))?,
                &dir,
            )?;
        }
    }
    Ok(())
}
