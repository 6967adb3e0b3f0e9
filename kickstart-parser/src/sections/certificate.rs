// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `%certificate`: a certificate that is put into the installer and the installed system.
//!
//! Takes header and body, gives a [`Certificate`]. What the text holds is not looked into, as long as there is any.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Opt};
use crate::diagnostic::{Code, Findings};
use crate::location::Location;
use crate::syntax::is_blank;
use crate::writer::Writer;

pub(super) const OPTIONS: &[&[Opt]] = &[&[
    Opt::text(&["--filename"], "Name of the file").required(),
    Opt::text(
        &["--dir"],
        "Directory that the file goes to; not needed with `--type`",
    ),
    Opt::text(
        &["--type"],
        "Kind of the certificate, `anchor` for one to trust; says where it goes",
    ),
]];

/// A certificate
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// Name of the file
    pub filename: String,
    /// Directory that the file goes to
    pub dir: Option<String>,
    /// Kind of the certificate, `anchor` for one to trust
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The certificate, without the last line end
    pub body: String,
    /// Where its header is
    pub location: Location,
}

/// A certificate whose end has not come yet
#[derive(Debug)]
pub(crate) struct Pending {
    certificate: Certificate,
    pub(super) body: String,
}

impl Pending {
    pub(super) fn begin(given: &Arguments<'_>, findings: &mut Findings) -> Self {
        let certificate = Certificate {
            filename: given.raw("--filename").unwrap_or_default().to_owned(),
            dir: given.text("--dir"),
            kind: given.text("--type"),
            body: String::new(),
            location: given.location(),
        };
        if certificate.dir.is_none() && certificate.kind.is_none() {
            given.lacks("`--dir` or `--type`", &["--dir", "--type"], findings);
        }
        Self {
            certificate,
            body: String::new(),
        }
    }

    /// The certificate; it is an error if there is nothing between header and end
    pub(super) fn end(self, findings: &mut Findings) -> Option<Certificate> {
        let Self {
            mut certificate,
            mut body,
        } = self;
        if body.ends_with('\n') {
            body.pop();
        }
        if body.trim_matches(is_blank).is_empty() {
            let message = "`%certificate` holds no certificate";
            findings.error(Code::MissingArgument, certificate.location, message);
            return None;
        }
        certificate.body = body;
        Some(certificate)
    }
}

impl Certificate {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.put("\n%certificate");
        writer.quoted("--filename", Some(&self.filename));
        writer.quoted("--type", self.kind.as_ref());
        writer.quoted("--dir", self.dir.as_ref());
        writer.put(format_args!("\n{}\n%end\n", self.body));
    }
}
