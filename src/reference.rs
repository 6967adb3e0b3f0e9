// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall reference`: the generated pages that are kept in `docs/reference/`.

use kickstart_parser::explain::{diagnostics_page, kickstart_page};
use landfall_installer::environment::boot_options_page;
use landfall_installer::exit::Exit;
use landfall_installer::plan::Code;

use crate::cli::ReferenceArgs;
use crate::terminal::Problem;

pub(crate) fn run(args: &ReferenceArgs) -> Result<Exit, Problem> {
    let planner: Vec<_> = Code::ALL
        .iter()
        .map(|code| (code.as_str(), code.summary()))
        .collect();
    let pages = [
        ("boot-options.md", boot_options_page()),
        ("kickstart.md", kickstart_page()),
        ("diagnostics.md", diagnostics_page(&planner)),
    ];
    for (name, page) in pages {
        let path = args.directory.join(name);
        let problem = |e| Problem::new(Exit::Usage, format!("writing `{}`: {e}", path.display()));
        std::fs::write(&path, page).map_err(problem)?;
    }
    Ok(Exit::Done)
}
