// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is not shown, by one rule for everything that Landfall prints about a kickstart: source lines, messages, help,
//! JSON, SARIF, names of included files, dumps.
//!
//! In any text the following is a secret: what stands before the `@` of an address (`https://USER:PASSWORD@host`); the
//! value of a name that says so, as `password=…`, `--token …`, `"secret": "…"` or a line `passwd …`. Such a name has
//! `password`, `passphrase`, `passcode`, `secret`, `token` or `credential` in it, or a word that ends with `pass`, `pw`,
//! `pwd`, `psk` or `key`; the path or address of a key is no secret. The hash of a password is one wherever it stands. In a command line so is whatever the command's
//! description calls a secret, and whatever may be the rest of one: values of misspelt options, words too many. It would
//! rather hide too much. A formatted or flattened kickstart is the user's own file and stays as it is.

mod line;
mod text;

use std::borrow::Cow;

use line::plain;
pub(crate) use line::{harmless_part, mask};

use crate::secret::MASK;
use crate::syntax::{LineKind, parse};

/// `text` with `***` in place of its secrets
pub fn hidden(text: &str) -> Cow<'_, str> {
    let spans = text::secrets(text);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        shown.push_str(&text[end..span.start]);
        shown.push_str(MASK);
        end = span.end;
    }
    Cow::Owned(shown + &text[end..])
}

/// The lines of a kickstart that have secrets in them, with the word that each begins with; those of a script go by the
/// header of its section. Secrets of scripts that do not look like any are not found.
pub fn secret_lines(text: &str) -> Vec<(u32, String)> {
    let document = parse("", text);
    let mut section = String::new();
    let mut found = Vec::new();
    for line in &document.lines {
        let first = line.tokens.first().map(|word| word.text.to_string());
        let (has_secret, word) = match line.kind {
            LineKind::Command => (mask(line.text) != plain(line.text), first),
            LineKind::Header => {
                section = first.unwrap_or_default();
                continue;
            }
            LineKind::Body => (hidden(line.text) != line.text, Some(section.clone())),
            _ => continue,
        };
        if has_secret {
            found.push((line.number, word.unwrap_or_default()));
        }
    }
    found
}

/// Whether what goes by this name is a secret
pub(crate) fn names_secret(name: &str) -> bool {
    text::says_secret(name).is_some()
}

/// The name of a file as it may be shown: an address without user and password; a path stays as it is
pub fn shown_name(name: &str) -> Cow<'_, str> {
    if name.contains("://") {
        hidden(name)
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gives_its_secrets_away() {
        for (text, shown) in [
            ("https://u:p@h/x", "https://***@h/x"),
            ("https://token@h/x", "https://***@h/x"),
            ("--url=ftp://u:p@ss@h:21/x", "--url=ftp://***@h:21/x"),
            ("http://u:p/ss?#@h/x", "http://***@h/x"),
            ("x http://u:p@h http://v:q@h", "x http://***@h http://***@h"),
            ("u:p==@h:3128", "***@h:3128"),
            ("--proxy=u:p@h", "--proxy=***@h"),
            ("//u:p@h/share", "//***@h/share"),
            ("netroot=iscsi:u:p@h::::iqn", "netroot=***@h::::iqn"),
            ("quiet password=x ro", "quiet password=*** ro"),
            ("inst.vncpassword=x", "inst.vncpassword=***"),
            ("http://h/?api_key=x&b", "http://h/?api_key=***"),
            ("password = 'a b' c", "password = *** c"),
            (r#"password=\"a b\" c"#, "password=*** c"),
            (r#"password="a\"b c" d"#, "password=*** d"),
            (r"password=a\ b c", "password=*** c"),
            (
                r#"--append="a password=b" --x"#,
                r#"--append="a password=***" --x"#,
            ),
            (r#"{"secret": "x", "b": 1}"#, r#"{"secret": *** "b": 1}"#),
            ("a --auth-token x b", "a --auth-token *** b"),
            ("a\n  passwd x y\nb", "a\n  passwd ***\nb"),
            ("don't\npw=x y", "don't\npw=*** y"),
            ("key: x", "key: ***"),
            (
                "+ usermod -p '$6$Eds9tFAA/vRFWXSA$GH7Kd0VAJoyCdoMQdSXAFuOlOJv8pmtsEGYkMEGj5RMVPuVqKSGmU9M.vbUcvECTOkKAcRHSMwZTMxqBZsNZH/' u",
                "+ usermod -p '***' u",
            ),
            (
                r"\$y\$j9T\$3nU9dRvDpHBVN4e1\$0c6ZmrpXWLoCHlG0lC5zKt8mZ7Gqqg.8XQTXqiuH/Z9 b",
                r"\*** b",
            ),
            ("u:$1$abcdefgh$JvN0Y3VHp5IuCTD0OC6Xf1:0", "u:***:0"),
            (
                "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
                "***",
            ),
            (
                "set grub.pbkdf2.sha512.10000.0123456789ABCDEF.FEDCBA9876543210",
                "set ***",
            ),
        ] {
            assert_eq!(hidden(text), shown);
            assert_eq!(hidden(shown), shown, "hidden twice");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "https://h:80/a@b",
            "http://[::1]:80/@a",
            "docker://quay.io/a/b@sha256:0123",
            "registry:a@sha256:aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffaaaa",
            "nfs:server:/a@b",
            "a@b.org",
            "iommu.passthrough=1",
            "rd.luks.key=/key:UUID=a",
            "--sslclientkey=file:///key.pem",
            "vconsole.keymap=us keyboard=us",
            "the password",
            "echo $1$2 $6$a $HOME$a_variable_with_a_long_name",
            "password=",
            "",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    #[test]
    fn what_looks_like_many_hashes_takes_no_time() {
        let text = "$1".repeat(1 << 16);
        assert_eq!(hidden(&text), text);
    }

    #[test]
    fn lines_with_secrets_are_found() {
        let text = "\
#version=RHEL9
lang en_US.UTF-8
rootpw --iscrypted $6$abc$def
user --name=a --groups=wheel
user --name=b --password=c
sshkey --username=a \"ssh-ed25519 AAAA a\"
ostreecontainer --url=host/a:1
url --url=https://u:p@host/
bootloader --append=quiet --password=x
part / --grow --encrypted --passphrase=y
rhsm --organization=1 --activation-key=z
autostep
%post
echo quiet
curl -H 'token: abc' https://host/
%end
";
        let found: Vec<_> = secret_lines(text);
        let found: Vec<_> = found.iter().map(|(n, word)| (*n, word.as_str())).collect();
        assert_eq!(
            found,
            [
                (3, "rootpw"),
                (5, "user"),
                (8, "url"),
                (9, "bootloader"),
                (10, "part"),
                (11, "rhsm"),
                (15, "%post")
            ]
        );
    }

    #[test]
    fn only_addresses_are_names_with_secrets() {
        assert_eq!(shown_name("http://u:p@h/a.ks"), "http://***@h/a.ks");
        assert_eq!(
            shown_name("/srv/password=x/a:b@c.ks"),
            "/srv/password=x/a:b@c.ks"
        );
    }
}
