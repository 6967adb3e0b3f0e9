// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Registries that want a token, and the servers that give them.

use super::faults::open_with;
use super::logins::{SECRET, auths, basic, guarded, machine, said, unauthorized};
use super::server::{Answer, Asked, Server, served};
use super::*;

/// A registry that wants a token of `realm`, and gives no token but for `tokens`.
fn token_registry(realm: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Server, Server) {
    let tokens = Server::start(move |asked, _| realm(asked));
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"lab, here\",scope=\"repository:os:pull,push\"",
        tokens.host
    );
    let registry = guarded(move |asked| {
        if asked.header("authorization") == Some("Bearer t0ken") {
            return None;
        }
        Some(unauthorized(challenge.clone()))
    });
    (registry, tokens)
}

#[test]
fn a_token_is_fetched_once_with_or_without_a_login() {
    for login in [false, true] {
        let (registry, tokens) = token_registry(move |asked| {
            let expected = login.then(|| basic("user"));
            if asked.header("authorization") == expected.as_deref() {
                Answer::new(200, r#"{"access_token":"t0ken"}"#)
            } else {
                Answer::new(401, "")
            }
        });
        let text = if login {
            auths(&[(&registry.host, "user")])
        } else {
            "{}".to_owned()
        };
        let (_root, options) = machine(&[("run/ostree/auth.json", &text)]);
        let image = open_with(&registry.host, &options).unwrap();
        read(&image, 0).unwrap();
        let asked = tokens.asked();
        assert_eq!(asked.len(), 1);
        let path = &asked[0].path;
        assert!(
            path.contains("scope=repository%3Aos%3Apull&service=lab%2C+here"),
            "{path}"
        );
        assert_eq!(path.contains("account=user"), login);
        let bare = registry
            .asked()
            .iter()
            .filter(|a| a.header("authorization").is_none())
            .count();
        assert_eq!(bare, 1, "what is known is not asked again");
    }
}

#[test]
fn a_token_that_has_run_out_is_renewed() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let tokens = Server::start(|_, before| Answer::new(200, format!(r#"{{"token":"t{before}"}}"#)));
    let (path, realm) = (layout.path().to_owned(), tokens.host.clone());
    let registry = Server::start(move |asked, _| {
        let valid = if asked.path.contains("/blobs/") {
            "Bearer t1"
        } else {
            "Bearer t0"
        };
        if asked.header("authorization") == Some(valid) {
            return served(&path, asked);
        }
        unauthorized(format!("Bearer realm=\"http://{realm}/\""))
    });
    let (_root, options) = machine(&[]);
    // Each path of the token server counts for itself; the scope is the same for all.
    let image = open_with(&registry.host, &options).unwrap();
    read(&image, 0).unwrap();
    assert_eq!(tokens.asked().len(), 2);
}

#[test]
fn an_identity_token_is_exchanged() {
    let (registry, tokens) = token_registry(|asked| {
        assert_eq!(asked.method, "POST");
        Answer::new(200, r#"{"token":"","access_token":"t0ken"}"#)
    });
    let text = json!({"auths": {&registry.host: {"auth": "", "identitytoken": "id&t"}}});
    let (_root, options) = machine(&[("run/ostree/auth.json", &text.to_string())]);
    open_with(&registry.host, &options).unwrap();
    let body = &tokens.asked()[0].body;
    assert!(body.contains("grant_type=refresh_token") && body.contains("refresh_token=id%26t"));
    assert!(!tokens.asked()[0].path.contains("id"));
}

#[test]
fn an_identity_token_does_not_follow_a_redirect() {
    for status in [307, 308] {
        let thief = Server::start(|_, _| Answer::new(200, r#"{"token":"t0ken"}"#));
        let place = format!("http://{}/token", thief.host);
        let (registry, tokens) =
            token_registry(move |_| Answer::new(status, "").header("Location", place.clone()));
        let text = json!({"auths": {&registry.host: {"identitytoken": "id&t"}}});
        let (_root, options) = machine(&[("run/ostree/auth.json", &text.to_string())]);
        let error = open_with(&registry.host, &options).unwrap_err();
        assert_eq!(thief.asked().len(), 0);
        assert_eq!(tokens.asked().len(), 1);
        let reason = std::error::Error::source(&error).unwrap().to_string();
        let told = "the token server `127.0.0.1` redirects, and an identity token is not sent on";
        assert_eq!(reason, told);
    }
    // For its content the registry may redirect all the same.
    let storage = guarded(|_| None);
    let place = storage.host.clone();
    let tokens = Server::start(|_, _| Answer::new(200, r#"{"token":"t0ken"}"#));
    let realm = format!("Bearer realm=\"http://{}/token\"", tokens.host);
    let registry = guarded(move |asked| {
        if asked.header("authorization").is_none() {
            return Some(unauthorized(realm.clone()));
        }
        let there = format!("http://{place}{}", asked.path);
        Some(Answer::new(307, "").header("Location", there))
    });
    let text = json!({"auths": {&registry.host: {"identitytoken": "id&t"}}});
    let (_root, options) = machine(&[("run/ostree/auth.json", &text.to_string())]);
    open_with(&registry.host, &options).unwrap();
    assert!(!storage.asked().is_empty());
}

#[test]
fn what_a_token_server_can_do_wrong() {
    for (answer, reason) in [
        (Answer::new(401, SECRET), "refuses the login of `user`"),
        (Answer::new(403, SECRET), "refuses the login of `user`"),
        (Answer::new(200, "{}"), "sent no token"),
        (Answer::new(200, SECRET), "sent no token"),
        (
            Answer::new(200, "{\"token\":\"a\\nb\"}"),
            "cannot stand in a header",
        ),
        (
            Answer::new(200, "{\"token\":\"wrong\"}"),
            "the login of `user` is not accepted",
        ),
    ] {
        let (registry, _tokens) = token_registry(move |_| answer.clone());
        let text = auths(&[(&registry.host, "user")]);
        let (_root, options) = machine(&[("run/ostree/auth.json", &text)]);
        let error = said(open_with(&registry.host, &options));
        assert!(error.contains(reason), "{error}");
    }
    let (registry, _) = token_registry(|_| Answer::new(401, ""));
    let (_root, options) = machine(&[]);
    let error = said(open_with(&registry.host, &options));
    assert!(error.contains("refuses access without a login"), "{error}");
    for realm in ["", "file:///etc/passwd", "nonsense"] {
        let registry = guarded(move |_| Some(unauthorized(format!("Bearer realm=\"{realm}\""))));
        let error = said(open_with(&registry.host, &options));
        assert!(error.contains("something that is no address"), "{error}");
    }
    // A busy token server is asked again like a busy registry.
    let (registry, tokens) = token_registry(|_| Answer::new(503, ""));
    said(open_with(&registry.host, &options));
    assert_eq!(tokens.asked().len(), 3);
}
