// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference pages of the documentation, in Markdown.

use std::fmt::Write as _;

use super::entry::{Entry, arity, effect, form, short_effect};
use crate::arguments::Opt;
use crate::diagnostic::{Class, Code};
use crate::version::Syntax;

const INTRODUCTION: &str = "\
# Kickstart commands

<!-- Written by `landfall reference docs/reference`. -->

Every command and section of the language, with its options and the versions that have them. What an installation does
with each of them in detail is in [what is carried out](carried-out.md).

An option of a command that is in all versions of the command has no versions of its own here. TEXT is any text, in
quotes if it has blanks; SECRET is a text that is never shown; NUMBER is a whole number without a unit; `yes|no` is
`yes`, `on`, `true`, `1` or `no`, `off`, `false`, `0`; LIST is items separated by commas. Long options may be shortened
as far as they stay unique.

The last column says what Landfall does when it installs an image: *carried out*; *always so*, it asks for what
Landfall does anyway; *no effect*, read and passed over with a warning; *not yet*, refused by `plan` and `install`.
";

/// The page of all commands and sections
pub fn kickstart_page() -> String {
    let (commands, sections) = (Entry::commands(), Entry::sections());
    let mut page = INTRODUCTION.to_owned();
    let names: Vec<_> = Syntax::ALL
        .iter()
        .map(|syntax| format!("`{syntax}`"))
        .collect();
    let _ = writeln!(
        page,
        "\nVersions: {}. The newest is read where none is named.",
        names.join(", ")
    );
    page.push_str(
        "\n## Overview\n\n| command | meaning | versions | Landfall |\n| --- | --- | --- | --- |\n",
    );
    for entry in commands.iter().chain(&sections) {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            code_list(&entry.words),
            cell(entry.summary),
            entry.living(),
            short_effect(entry.effect)
        );
    }
    page.push_str("\n## Commands\n");
    write_entries(&mut page, &commands);
    page.push_str("\n## Sections\n");
    write_entries(&mut page, &sections);
    page
}

fn write_entries(page: &mut String, entries: &[Entry]) {
    for entry in entries {
        write_entry(page, entry);
    }
}

fn write_entry(page: &mut String, entry: &Entry) {
    let _ = writeln!(
        page,
        "\n### {}\n\n{}.\n",
        code_list(&entry.words),
        entry.summary
    );
    let _ = writeln!(page, "- Versions: {}", entry.living());
    let _ = writeln!(page, "- Landfall: {}", effect(entry.effect));
    for (what, fact) in &entry.facts {
        let _ = writeln!(page, "- {what}: {fact}");
    }
    if entry.options.is_empty() && entry.operand.is_none() {
        return;
    }
    page.push_str("\n| option | meaning | versions | Landfall |\n| --- | --- | --- | --- |\n");
    if let Some(operand) = entry.operand {
        let (name, help) = (operand.name, cell(operand.help));
        let _ = writeln!(
            page,
            "| `{name}` ({}) | {help} | | {} |",
            arity(operand),
            short_effect(entry.effect)
        );
    }
    for option in &entry.options {
        write_option(page, entry, option);
    }
}

fn write_option(page: &mut String, entry: &Entry, option: &Opt) {
    let landfall = match option.effect {
        Some(own) => effect(own),
        None => short_effect(entry.effect).to_owned(),
    };
    let _ = writeln!(
        page,
        "| `{}` | {} | {} | {} |",
        cell(&form(option)).replace(", --", "`, `--"),
        cell(option.help),
        entry.notes(option).join("; "),
        cell(&landfall)
    );
}

fn code_list(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `text` inside a table
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The page of all codes; the planner's codes follow as they are given, each with its sentence
pub fn diagnostics_page(planner: &[(&str, &str)]) -> String {
    let mut page = String::from(
        "# Diagnostics\n\n<!-- Written by `landfall reference docs/reference`. -->\n\nA code names one rule and is never \
         used for another. `landfall explain` with a code prints its page.\n\nUnder `--strict` what is of the language \
         fails a file even if it is a warning. What is of consistency or of images is a warning of `check`; *stops* says \
         that `plan` and `install` refuse it.\n\n| code | rule | about |\n| --- | --- | --- |\n",
    );
    for code in Code::ALL {
        let stops = if code.stops_installation() {
            ", stops"
        } else {
            ""
        };
        let _ = writeln!(
            page,
            "| [`{code}`](#{}) | {} | {}{stops} |",
            anchor(*code),
            cell(code.summary()),
            about(*code)
        );
    }
    page.push_str(
        "\nThe planner's rules, of `plan` and `install`:\n\n| code | rule |\n| --- | --- |\n",
    );
    for (code, summary) in planner {
        let _ = writeln!(page, "| `{code}` | {} |", cell(summary));
    }
    for code in Code::ALL {
        let _ = write!(
            page,
            "\n## {code}\n\n{}.\n\n{}",
            code.summary(),
            code.page()
        );
    }
    page
}

fn anchor(code: Code) -> String {
    code.as_str().to_ascii_lowercase()
}

fn about(code: Code) -> &'static str {
    match code.class() {
        Class::Language => "language",
        Class::Consistency => "consistency",
        Class::ImageMode => "images",
        Class::Style => "style",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_and_every_table_row_has_four_cells() {
        let page = kickstart_page();
        for command in crate::commands::all() {
            assert!(
                page.contains(&format!("\n### `{}`", command.word())),
                "{}",
                command.word()
            );
        }
        let rows = page.lines().filter(|line| line.starts_with('|'));
        for row in rows {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
        }
        assert!(
            Syntax::ALL
                .iter()
                .all(|syntax| page.contains(syntax.as_str()))
        );
    }
}
