// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference importer, `ostree-ext`, as a program that the tests ask.
//!
//! Takes one question on the command line, gives one JSON document on stdout, errors on stderr. Knows nothing of
//! Landfall: what it says of an image or a disk is the library's word.

mod deploy;
mod encapsulate;
mod kargs;
mod store;

use std::io::Write as _;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(version, about = "The reference importer, asked by tests")]
struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Imports an image into a repository, which is made if it is not there.
    Import(store::Import),
    /// Says which images a repository or a system has.
    Query(store::Query),
    /// Makes an image of a commit.
    Encapsulate(encapsulate::Encapsulate),
    /// Pulls an image into a system and deploys it, staged if the system is the booted one.
    Deploy(deploy::Deploy),
}

#[tokio::main]
async fn main() -> Result<()> {
    let answer = match Arguments::parse().question {
        Question::Import(import) => import.run().await?,
        Question::Query(query) => query.run()?,
        Question::Encapsulate(encapsulate) => encapsulate.run().await?,
        Question::Deploy(deploy) => deploy.run().await?,
    };
    writeln!(std::io::stdout(), "{answer:#}")?;
    Ok(())
}
