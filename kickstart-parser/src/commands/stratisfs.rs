// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `stratisfs`: a file system in a Stratis pool.
//!
//! Takes the line, gives [`StratisFs`] with sizes in MiB as written. Whether the pool exists is the planner's
//! business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Effect, Operand, Opt, Repeat, values};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["stratisfs"],
    summary: "Makes a Stratis file system",
    versions: Versions::SINCE_F45,
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    conflicts: &[Conflict {
        with: &["autopart", "mount"],
        versions: Versions::ALL,
    }],
    options: &[&[
        Opt::text(&["--name"], "Name of the file system").required(),
        Opt::text(&["--poolname"], "Pool that it belongs to").required(),
        Opt::int(&["--size"], "Size in MiB, the smallest one with `--grow`"),
        Opt::flag(
            &["--grow"],
            "Let it grow into free space, up to `--maxsize`",
        ),
        Opt::int(&["--maxsize"], "Largest size in MiB"),
        Opt::flag(&["--useexisting"], "Use an existing file system"),
    ]],
    operand: Some(Operand::one("<mntpoint>", "Mount point")),
    rank: 135,
    convert,
    write,
    ..Command::BASE
};

/// A file system in a Stratis pool
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StratisFs {
    /// Mount point, normalised when it begins with `/`
    pub mntpoint: String,
    /// Name of the file system
    pub name: String,
    /// Pool that it belongs to
    pub poolname: String,
    /// Size in MiB, the smallest one with `grow`; not range-checked
    pub size: Option<i64>,
    /// It grows into free space
    pub grow: bool,
    /// Largest size in MiB; not range-checked
    pub maxsize: Option<i64>,
    /// The file system exists
    pub useexisting: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let (grow, maxsize) = (given.flag("--grow"), given.int("--maxsize"));
    if maxsize.is_some_and(|size| size != 0) && !grow {
        given.needs("--maxsize", "--grow", findings);
    }
    let words = (
        given.first_operand(),
        given.raw("--name"),
        given.raw("--poolname"),
    );
    let (Some(mntpoint), Some(name), Some(poolname)) = words else {
        return;
    };
    kickstart.stratisfs.push(given.locate(StratisFs {
        mntpoint: values::mount_point(mntpoint),
        name: name.to_owned(),
        poolname: poolname.to_owned(),
        size: given.int("--size"),
        grow,
        maxsize,
        useexisting: given.flag("--useexisting"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for fs in &kickstart.stratisfs {
        writer.put(format_args!("stratisfs {}", fs.mntpoint));
        writer.number("--size", fs.size);
        writer.flag("--grow", fs.grow);
        writer.number("--maxsize", fs.maxsize);
        writer.flag("--useexisting", fs.useexisting);
        writer.put(format_args!(
            " --name={} --poolname={}\n",
            fs.name, fs.poolname
        ));
    }
}
