// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Scripts in GRUB's language: which commands they call, or would call.
//!
//! Takes a script's text, gives the first word of every simple command, as it is written. It knows quotes, comments and
//! the words of the grammar, and deliberately runs nothing: what is behind a variable is not seen.

/// Words behind which another command begins.
const BEFORE_COMMAND: [&str; 9] = [
    "if", "then", "elif", "else", "while", "until", "do", "{", "!",
];
/// Words that end something.
const ENDS: [&str; 3] = ["fi", "done", "}"];

/// The commands of a script, in their order; a function that it defines is none by that.
pub(super) fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // What the next word is.
    let mut is_command = true;
    for token in tokens(text) {
        match token.as_str() {
            ";" | "{" => is_command = true,
            _ if !is_command => {}
            word if BEFORE_COMMAND.contains(&word) => {}
            word => {
                is_command = false;
                let is_grammar = matches!(word, "for" | "function") || ENDS.contains(&word);
                found.extend((!is_grammar).then(|| word.to_owned()));
            }
        }
    }
    found
}

/// Words without their quotes; `;` stands for every end of a command.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '#' if word.is_none() => while characters.next_if(|c| *c != '\n').is_some() {},
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                while let Some(inner) = characters.next().filter(|inner| *inner != c) {
                    let escaped = (c == '"' && inner == '\\').then(|| characters.next());
                    word.push(escaped.flatten().unwrap_or(inner));
                }
            }
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(next) => word.get_or_insert_default().push(next),
            },
            '\n' | ';' | '&' | '|' => {
                tokens.extend(word.take());
                tokens.push(";".to_owned());
            }
            c if c.is_whitespace() => tokens.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    tokens.extend(word);
    tokens
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn commands_are_found_wherever_the_grammar_has_one() {
        for (text, expected) in [
            ("blscfg", "blscfg"),
            ("if [ -f x ]; then blscfg; fi", "[ blscfg"),
            (
                "if ! true; then\n a\nelif b; then c; else d; fi",
                "true a b c d",
            ),
            ("for x in blscfg y; do echo blscfg; done", "echo"),
            ("function blscfg { set a=b; }\nload_video", "set load_video"),
            ("menuentry 'a { b' --id x {\n linux k\n}", "menuentry linux"),
            ("# blscfg\necho # blscfg\n\t'blscfg' x", "echo blscfg"),
            ("echo a\\\nblscfg b;blscfg", "echo blscfg"),
            ("echo \"a;\\\"b\" c|d", "echo d"),
            ("set timeout=1 # x", "set"),
        ] {
            assert_eq!(commands(text).join(" "), expected, "{text}");
        }
    }
}
