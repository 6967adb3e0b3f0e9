// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `keyboard`: the console's keymap and the layouts of the graphical desktop.
//!
//! As in Anaconda, the half that the kickstart does not give is derived from the other by systemd's table
//! `kbd-model-map`, here the image's. A word without an option is a keymap if there is one of that name, else a layout.
//! It does not know what the initramfs does with `vconsole.keymap=`.

use kickstart_parser::Kickstart;
use kickstart_parser::commands::Keyboard;

use crate::plan::files::write;
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

use super::SettingsFacts;

/// systemd's table of keymaps and layouts.
pub(super) const MODEL_MAP: &str = "/usr/share/systemd/kbd-model-map";
/// The console's settings.
pub(super) const VCONSOLE: &str = "/etc/vconsole.conf";
/// Where Debian makes [`VCONSOLE`] a link again whenever it starts: both halves of the settings are in the file behind it.
pub(super) const DEBIAN: &str = "/usr/lib/tmpfiles.d/debian.conf";
const X11: &str = "/etc/X11/xorg.conf.d/00-keyboard.conf";
/// The font that Anaconda sets for languages with no font of their own.
const FONT: &str = "eurlatgr";

/// What is set.
#[derive(Debug, Default, PartialEq, Eq)]
struct Resolved {
    keymap: Option<String>,
    layouts: Option<Layouts>,
}

/// The graphical desktop's half, as X has it: lists with commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Layouts {
    layout: String,
    model: String,
    variant: String,
    options: String,
}

/// Characters that would be more than a word in a file or a kernel argument.
pub(in crate::plan) fn check(kickstart: &Kickstart, issues: &mut Issues) {
    let Some(command) = &kickstart.keyboard else {
        return;
    };
    let words = [&command.keyboard, &command.vckeymap];
    let words = words.into_iter().flatten().map(|word| (word, ""));
    let layouts = command.xlayouts.iter().map(|word| (word, " ()"));
    let switch = command.switch.iter().map(|word| (word, ":"));
    for (word, more) in words.chain(layouts).chain(switch) {
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c) || more.contains(c);
        if !word.chars().all(is_plain) {
            let message = format!("`{word}` is not the name of a keymap, a layout or a switch");
            issues
                .error(Code::ValueInvalid, message)
                .at(&command.location);
        }
    }
}

/// The console's keymap as a kernel argument, for the initramfs.
pub(in crate::plan) fn karg(kickstart: &Kickstart, facts: &ImageFacts) -> Option<String> {
    let command = kickstart.keyboard.as_deref()?;
    let keymap = resolve(command, &facts.settings).keymap?;
    Some(format!("vconsole.keymap={keymap}"))
}

pub(in crate::plan) fn keyboard(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let Some(command) = &kickstart.keyboard else {
        return Vec::new();
    };
    let facts = &facts.settings;
    let mut warn = |message: String| {
        issues
            .warning(Code::NoEffect, message)
            .at(&command.location);
    };
    let Resolved { keymap, layouts } = resolve(command, facts);
    if facts.text(MODEL_MAP).is_none() && (keymap.is_none() || layouts.is_none()) {
        warn(format!(
            "the image has no `{MODEL_MAP}`, so only what `keyboard` says itself is set, for the {}",
            if keymap.is_none() {
                "desktop"
            } else {
                "console"
            }
        ));
    } else if keymap.is_none() {
        warn("no console keymap is like these layouts; the image's own stays".to_owned());
    }
    if let Some(keymap) = keymap.as_ref().filter(|keymap| !has(facts, keymap)) {
        warn(format!(
            "the image has no console keymap `{keymap}`; it is set all the same"
        ));
    }
    let console = console_file(keymap.as_deref(), layouts.as_ref(), facts);
    let desktop = layouts.map(|layouts| write(X11, layouts.file()));
    console.into_iter().chain(desktop).collect()
}

/// Whether a keymap is there, as far as that can be known: an image without any may have them elsewhere.
fn has(facts: &SettingsFacts, keymap: &str) -> bool {
    facts.keymaps.is_empty() || facts.keymaps.contains(keymap)
}

/// The settings of the console, with those of the desktop where they are in one file.
fn console_file(
    keymap: Option<&str>,
    layouts: Option<&Layouts>,
    facts: &SettingsFacts,
) -> Option<Action> {
    let console = keymap.map(|keymap| vconsole(keymap, facts));
    match facts.text(DEBIAN).and_then(shared_file) {
        Some(path) => {
            let both = [layouts.map(Layouts::shell), console];
            let text: String = both.into_iter().flatten().collect();
            (!text.is_empty()).then(|| write(&path, text))
        }
        None => console.map(|text| write(VCONSOLE, text)),
    }
}

/// Where a line of `tmpfiles.d` lets [`VCONSOLE`] lead to.
fn shared_file(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, VCONSOLE, _, _, _, _, target] = words[..] else {
            return None;
        };
        kind.starts_with('L')
            .then(|| match target.strip_prefix('/') {
                Some(_) => target.to_owned(),
                None => format!("/etc/{target}"),
            })
    })
}

fn vconsole(keymap: &str, facts: &SettingsFacts) -> String {
    let own = facts.text(VCONSOLE).unwrap_or("");
    let own = own.lines().find(|line| line.starts_with("FONT="));
    let font = match own {
        Some(line) => format!("{line}\n"),
        None if facts.fonts.contains(FONT) => format!("FONT=\"{FONT}\"\n"),
        None => String::new(),
    };
    format!("KEYMAP=\"{keymap}\"\n{font}")
}

fn resolve(command: &Keyboard, facts: &SettingsFacts) -> Resolved {
    let table = facts.text(MODEL_MAP).map(rows).unwrap_or_default();
    let given = |word: &Option<String>| word.clone().filter(|word| !word.is_empty());
    let mut keymap = given(&command.vckeymap);
    let mut layouts = own_layouts(command);
    if keymap.is_none() && layouts.is_none() {
        let word = given(&command.keyboard);
        let is_keymap = |word: &String| {
            let nothing_known = table.is_empty() && facts.keymaps.is_empty();
            nothing_known
                || facts.keymaps.contains(word)
                || table.iter().any(|row| row.keymap == *word)
        };
        match word {
            Some(word) if is_keymap(&word) => keymap = Some(word),
            Some(word) => layouts = Some(Layouts::of(&[word], &command.switch)),
            None => {}
        }
    }
    let keymap = keymap.or_else(|| keymap_like(layouts.as_ref()?, &table, facts));
    let layouts = layouts.or_else(|| {
        let row = table
            .iter()
            .find(|row| Some(row.keymap) == keymap.as_deref())?;
        Some(row.layouts.clone())
    });
    Resolved { keymap, layouts }
}

fn own_layouts(command: &Keyboard) -> Option<Layouts> {
    let given = !command.xlayouts.is_empty();
    given.then(|| Layouts::of(&command.xlayouts, &command.switch))
}

/// The keymap of the row that is most like the layouts, else one that is called like the first of them.
fn keymap_like(layouts: &Layouts, table: &[Row<'_>], facts: &SettingsFacts) -> Option<String> {
    let first = |list: &str| list.split(',').next().unwrap_or("").to_owned();
    let (layout, variant) = (first(&layouts.layout), first(&layouts.variant));
    let named = [format!("{layout}-{variant}"), layout.clone()];
    let same = |row: &&Row<'_>| {
        row.layouts.layout == layouts.layout && row.layouts.variant == layouts.variant
    };
    let like = |row: &&Row<'_>| {
        first(&row.layouts.layout) == layout && first(&row.layouts.variant) == variant
    };
    let row = table.iter().find(same).or_else(|| table.iter().find(like));
    row.map(|row| row.keymap.to_owned())
        .or_else(|| named.into_iter().find(|name| facts.keymaps.contains(name)))
}

/// A row of systemd's table.
struct Row<'t> {
    keymap: &'t str,
    layouts: Layouts,
}

/// The rows: keymap, layouts, model, variants, options; `-` is none.
fn rows(text: &str) -> Vec<Row<'_>> {
    let value = |word: &&str| (*word != "-").then(|| (*word).to_owned());
    let row = |line| {
        let words: Vec<&str> = str::split_whitespace(line).collect();
        let [keymap, layout, rest @ ..] = words.as_slice() else {
            return None;
        };
        let at = |index: usize| rest.get(index).and_then(value).unwrap_or_default();
        let layouts = Layouts {
            layout: (*layout).to_owned(),
            model: at(0),
            variant: at(1),
            options: at(2),
        };
        (!keymap.starts_with('#')).then_some(Row { keymap, layouts })
    };
    text.lines().filter_map(row).collect()
}

impl Layouts {
    /// Layouts as kickstarts write them: `cz (qwerty)`.
    fn of(words: &[String], switch: &[String]) -> Self {
        let split = |word: &String| {
            let (layout, variant) = word.split_once('(').unwrap_or((word, ""));
            let variant = variant.trim_end().trim_end_matches(')');
            (layout.trim().to_owned(), variant.trim().to_owned())
        };
        let (layouts, variants): (Vec<_>, Vec<_>) = words.iter().map(split).unzip();
        let has_variants = variants.iter().any(|variant| !variant.is_empty());
        Self {
            layout: layouts.join(","),
            model: String::new(),
            variant: if has_variants {
                variants.join(",")
            } else {
                String::new()
            },
            options: switch.join(","),
        }
    }

    /// The variables of Debian's file.
    fn shell(&self) -> String {
        let Self {
            layout,
            model,
            variant,
            options,
        } = self;
        let model = if model.is_empty() { "pc105" } else { model };
        format!(
            "XKBMODEL=\"{model}\"\nXKBLAYOUT=\"{layout}\"\nXKBVARIANT=\"{variant}\"\nXKBOPTIONS=\"{options}\"\n\
             BACKSPACE=\"guess\"\n"
        )
    }

    /// The file that `localectl` and X read.
    fn file(&self) -> String {
        let options = [
            ("XkbLayout", &self.layout),
            ("XkbModel", &self.model),
            ("XkbVariant", &self.variant),
            ("XkbOptions", &self.options),
        ];
        let options = options.into_iter().filter(|(_, value)| !value.is_empty());
        let lines: Vec<_> = options
            .map(|(name, value)| format!("        Option \"{name}\" \"{value}\"\n"))
            .collect();
        let lines = lines.concat();
        format!(
            "# Written by Landfall from the kickstart's keyboard command; `localectl` changes it.\n\
             Section \"InputClass\"\n        Identifier \"system-keyboard\"\n        \
             MatchIsKeyboard \"on\"\n{lines}EndSection\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# keymap layout model variant options\n\
        de latin-none\nus us pc105+inet - terminate:ctrl_alt_bksp\n\
        cz-us-qwertz cz,us pc105 - terminate:ctrl_alt_bksp,grp:shifts_toggle\n\
        cz-lat2 cz pc105 qwerty terminate:ctrl_alt_bksp\n";

    fn facts(table: Option<&str>) -> SettingsFacts {
        let mut facts = SettingsFacts::default();
        facts
            .texts
            .extend(table.map(|text| (MODEL_MAP.to_owned(), text.to_owned())));
        facts.keymaps = ["us", "cz-lat2", "cz", "fr-bepo"].map(str::to_owned).into();
        facts
    }

    fn resolved(line: &str, table: Option<&str>) -> (String, String) {
        let reading = kickstart_parser::read("ks", line, None, &kickstart_parser::NoIncludes);
        assert!(!reading.has_errors(), "{line}");
        let command = reading.kickstart.keyboard.unwrap();
        let Resolved { keymap, layouts } = resolve(&command, &facts(table));
        let layouts = layouts.unwrap_or_default();
        let words = [&layouts.layout, &layouts.variant, &layouts.options];
        (
            keymap.unwrap_or_default(),
            words.map(String::as_str).join("|"),
        )
    }

    #[test]
    fn the_half_that_is_not_given_comes_from_the_table() {
        for (line, keymap, layouts) in [
            ("keyboard us", "us", "us||terminate:ctrl_alt_bksp"),
            (
                "keyboard --vckeymap=cz-lat2",
                "cz-lat2",
                "cz|qwerty|terminate:ctrl_alt_bksp",
            ),
            ("keyboard --xlayouts='cz (qwerty)'", "cz-lat2", "cz|qwerty|"),
            (
                "keyboard --xlayouts='cz (qwerty)','us' --switch=grp:alts_toggle",
                "cz-lat2",
                "cz,us|qwerty,|grp:alts_toggle",
            ),
            ("keyboard --xlayouts=cz,us", "cz-us-qwertz", "cz,us||"),
            ("keyboard --vckeymap=us --xlayouts=cz", "us", "cz||"),
            // Neither the table nor the image has a keymap of that name.
            ("keyboard gb", "", "gb||"),
            // No row has the layout, but there is a keymap of its name.
            ("keyboard --xlayouts='fr (bepo)'", "fr-bepo", "fr|bepo|"),
        ] {
            let expected = (keymap.to_owned(), layouts.to_owned());
            assert_eq!(resolved(line, Some(TABLE)), expected, "{line}");
        }
    }

    #[test]
    fn where_the_console_has_no_file_of_its_own_both_halves_are_in_one() {
        let tmpfiles = "# Debian\nL+ /etc/vconsole.conf  - - - -  default/keyboard\n";
        assert_eq!(shared_file(tmpfiles).unwrap(), "/etc/default/keyboard");
        assert_eq!(shared_file("d /etc/vconsole.conf - - - - x"), None);
        let mut facts = facts(None);
        facts.texts.insert(DEBIAN.to_owned(), tmpfiles.to_owned());
        let layouts = Layouts::of(&["cz (qwerty)".to_owned(), "us".to_owned()], &[]);
        let action = console_file(Some("cz-lat2"), Some(&layouts), &facts);
        let text = "XKBMODEL=\"pc105\"\nXKBLAYOUT=\"cz,us\"\nXKBVARIANT=\"qwerty,\"\nXKBOPTIONS=\"\"\n\
                    BACKSPACE=\"guess\"\nKEYMAP=\"cz-lat2\"\n";
        assert_eq!(
            action,
            Some(write("/etc/default/keyboard", text.to_owned()))
        );
    }

    #[test]
    fn without_the_table_nothing_is_derived() {
        assert_eq!(
            resolved("keyboard us", None),
            ("us".to_owned(), "||".to_owned())
        );
        let given = resolved("keyboard --xlayouts=gb", None);
        assert_eq!(given, (String::new(), "gb||".to_owned()));
    }
}
