// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an installation did: the facts that a person or a pipeline keeps afterwards.
//!
//! Made by the engine from the plan and its own measurements, rendered here as text. It holds no
//! secrets and no log lines.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::Step;
use crate::plan::size;

/// The result of a complete installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Format version, 1.
    pub report: u32,
    /// The installation, as in its events.
    pub install: Uuid,
    /// The seed of the plan: with it and the same input the same plan is made again.
    pub seed: Uuid,
    /// Where the content came from.
    pub source: String,
    /// What the installed system follows for updates.
    pub target: String,
    /// Digest of the image's manifest for this architecture.
    pub digest: String,
    /// Checksum of the deployed ostree commit.
    pub commit: String,
    /// Disks that were written.
    pub disks: Vec<String>,
    /// Seconds and bytes by step.
    pub steps: Vec<StepReport>,
    /// What the kickstart asks to do now (`reboot`, `poweroff`, `halt`, `shutdown`).
    pub final_action: Option<String>,
    /// What to do next, a sentence each.
    pub next: Vec<String>,
}

/// What one step took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepReport {
    /// Which step.
    pub step: Step,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Bytes that the step moved, where it counts them: for `import`, compressed layer bytes read.
    pub bytes: Option<u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Installed {}", self.source)?;
        writeln!(f, "  digest   {}", self.digest)?;
        writeln!(f, "  commit   {}", self.commit)?;
        writeln!(f, "  follows  {}", self.target)?;
        writeln!(f, "  disks    {}", self.disks.join(", "))?;
        writeln!(f, "  seed     {}", self.seed)?;
        for step in &self.steps {
            write!(f, "  {:<10} {:>7.1} s", step.step.name(), step.seconds)?;
            match step.bytes {
                Some(bytes) => writeln!(f, "  {}", size::human(bytes))?,
                None => writeln!(f)?,
            }
        }
        for sentence in &self.next {
            writeln!(f, "{sentence}")?;
        }
        Ok(())
    }
}
