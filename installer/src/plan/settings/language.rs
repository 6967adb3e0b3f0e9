// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `lang`: the system's locale.

use kickstart_parser::Located;
use kickstart_parser::commands::Lang;

use crate::plan::files::write;
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

/// The locale, or `C.UTF-8` where the image does not have it.
pub(in crate::plan) fn locale(
    lang: &Located<Lang>,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Action {
    let plain = |name: &str| name.to_ascii_lowercase().replace("utf-8", "utf8");
    let known = facts.locales.as_ref().is_none_or(|locales| {
        locales
            .iter()
            .any(|locale| plain(locale) == plain(&lang.lang))
    });
    if known {
        return write("/etc/locale.conf", format!("LANG=\"{}\"\n", lang.lang));
    }
    let message = format!(
        "the image does not have the locale `{}`; `C.UTF-8` is set",
        lang.lang
    );
    issues
        .warning(Code::ValueInvalid, message)
        .at(&lang.location);
    write("/etc/locale.conf", "LANG=\"C.UTF-8\"\n".to_owned())
}
