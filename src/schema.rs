// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall schema`: the JSON schemas that are kept in `docs/schema/`.

use landfall_installer::event::Event;
use landfall_installer::exit::Exit;
use landfall_installer::inventory::Inventory;
use landfall_installer::medium::Medium;
use landfall_installer::netboot::NetbootTree;
use landfall_installer::plan::Plan;
use landfall_installer::report::Report;
use schemars::{Schema, schema_for};

use crate::cli::SchemaArgs;
use crate::terminal::Problem;

pub(crate) fn run(args: &SchemaArgs) -> Result<Exit, Problem> {
    let schemas: [(&str, Schema); 7] = [
        ("event-v1", schema_for!(Event)),
        ("exit-v1", schema_for!(Exit)),
        ("inventory-v1", schema_for!(Inventory)),
        ("medium-v1", schema_for!(Medium)),
        ("netboot-v1", schema_for!(NetbootTree)),
        ("plan-v1", schema_for!(Plan)),
        ("report-v1", schema_for!(Report)),
    ];
    for (name, schema) in schemas {
        let path = args.directory.join(format!("{name}.json"));
        let json =
            serde_json::to_string_pretty(&schema).map_err(|e| Problem::new(Exit::Usage, e))?;
        std::fs::write(&path, json + "\n")
            .map_err(|e| Problem::new(Exit::Usage, format!("writing `{}`: {e}", path.display())))?;
    }
    Ok(Exit::Done)
}
