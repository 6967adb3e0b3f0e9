// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall plan`: what an installation would do.

use std::path::Path;

use kickstart_parser::Secret;
use landfall_installer::engine::prepare::{Request, draft};
use landfall_installer::exit::Exit;
use landfall_installer::inventory::Inventory;
use landfall_installer::plan::{Plan, Unsaved, render_disks, render_target, render_waits};
use uuid::Uuid;

use crate::cli::{NosaveArg, PlanArgs, SourceArgs};
use crate::input::{self, Files, Loaded};
use crate::terminal::{self, Problem};

pub(crate) fn run(args: &PlanArgs) -> Result<Exit, Problem> {
    let source = &args.source;
    let text = input::text(&source.kickstart)?;
    let loaded = Loaded::new(&source.kickstart, &text, source.syntax, &Files).insist()?;
    let inventory = args.inventory.as_deref().map(recorded).transpose()?;
    let planned = draft(&Request {
        inventory,
        ..request(&args.source, loaded)
    })?;
    terminal::show_issues(&planned.issues.0);
    if args.json {
        let json = serde_json::to_string_pretty(&planned.plan);
        terminal::data(&(json.map_err(|e| Problem::new(Exit::Usage, e))? + "\n"));
    } else {
        terminal::data(&render_disks(&planned.plan));
        if let Some(target) = &planned.plan.target {
            terminal::data(&render_target(target));
        }
        terminal::data(&render_waits(&planned.plan));
    }
    Ok(Exit::Done)
}

/// The arguments that `plan` and `install` share, as the engine takes them.
pub(crate) fn request(args: &SourceArgs, loaded: Loaded) -> Request {
    let text = loaded.reading.sources.first();
    Request {
        kickstart_text: Secret::new(text.map_or("", |source| source.text.as_str())),
        kickstart: loaded.reading.kickstart,
        kickstart_sha256: loaded.sha256,
        disks: args.disks.clone(),
        inventory: None,
        firmware: args.firmware.map(Into::into),
        image: args.image.clone(),
        medium: args.medium.clone(),
        disklabel: args.disklabel.map(Into::into),
        target_ref: args.target_ref.clone(),
        access: args.access.read.access(),
        target_access: args.access.for_target(),
        seed: args.seed.unwrap_or_else(Uuid::new_v4),
        nosave: nosave(&args.nosave),
        saved: None,
        environment: false,
    }
}

/// What is left out, each once and in one order.
fn nosave(args: &[NosaveArg]) -> Vec<Unsaved> {
    let given: Vec<Unsaved> = args.iter().flat_map(|arg| arg.unsaved()).copied().collect();
    let all = NosaveArg::All.unsaved().iter().copied();
    all.filter(|what| given.contains(what)).collect()
}

/// A plan that `landfall plan --json` has printed.
pub(crate) fn saved(path: &Path) -> Result<Plan, Problem> {
    let failed = |e: &dyn std::fmt::Display| {
        Problem::new(
            Exit::Input,
            format!("reading the plan `{}`: {e}", path.display()),
        )
        .hint("`landfall plan --json` makes one")
    };
    let plan: Plan = serde_json::from_str(&input::text(path)?).map_err(|e| failed(&e))?;
    if plan.plan != 1 {
        return Err(failed(&format_args!("version {} is not known", plan.plan)));
    }
    Ok(plan)
}

fn recorded(path: &Path) -> Result<Inventory, Problem> {
    let text = input::text(path)?;
    serde_json::from_str(&text).map_err(|e| {
        Problem::new(
            Exit::Usage,
            format!("reading the inventory `{}`: {e}", path.display()),
        )
        .hint("`landfall inventory --json` records one")
    })
}
