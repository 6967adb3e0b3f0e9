// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall check --format sarif`: the structure of the log.

use serde_json::{Value, json};

use crate::{files, run};

/// What SARIF 2.1.0 asks of a place
fn check_place(place: &Value) {
    let place = &place["physicalLocation"];
    assert!(place["artifactLocation"]["uri"].is_string(), "{place}");
    let Some(region) = place.get("region") else {
        return;
    };
    for field in ["startLine", "startColumn", "endLine", "endColumn"] {
        assert!(region[field].as_u64().unwrap() >= 1, "{region}");
    }
}

#[test]
fn the_log_is_one_run_over_all_files() {
    let directory = files(&[
        ("a b.ks", "text\nlang \u{1f600} x\n%include sub/c.ks\n"),
        ("sub/c.ks", "\nfrobnicate\n"),
        ("d.ks", "part /home --grow\n"),
    ]);
    let outcome = run(
        directory.path(),
        &[
            "check",
            "-i",
            "--format",
            "sarif",
            "a b.ks",
            "d.ks",
            "missing.ks",
        ],
    );
    assert_eq!(outcome.code, 2);
    let log: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(
        (&log["version"], log["runs"].as_array().unwrap().len()),
        (&json!("2.1.0"), 1)
    );
    assert!(
        log["$schema"]
            .as_str()
            .unwrap()
            .ends_with("sarif-schema-2.1.0.json")
    );
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    for result in run["results"].as_array().unwrap() {
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let related = result.get("relatedLocations").into_iter();
        let places = related
            .chain([&result["locations"]])
            .flat_map(|places| places.as_array().unwrap());
        places.for_each(check_place);
    }
    check_results(run);
}

fn check_results(run: &Value) {
    let results = run["results"].as_array().unwrap();
    let of = |rule: &str| {
        results
            .iter()
            .find(|result| result["ruleId"] == rule)
            .unwrap()
    };
    let extra = &of("LF0035")["locations"][0]["physicalLocation"];
    assert_eq!(extra["artifactLocation"]["uri"], "a%20b.ks");
    assert_eq!(
        extra["region"],
        json!({"startLine": 2, "startColumn": 8, "endLine": 2, "endColumn": 9})
    );
    let unknown = of("LF0020");
    assert_eq!(
        unknown["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "sub/c.ks"
    );
    let from = &unknown["relatedLocations"][0];
    assert_eq!(from["physicalLocation"]["region"]["startLine"], 3);
    assert_eq!(from["message"]["text"], "included from here");
    assert_eq!(
        of("LF0008")["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "missing.ks"
    );
}

#[test]
fn every_rule_is_described() {
    let directory = files(&[("a.ks", "text\n")]);
    let outcome = run(directory.path(), &["check", "--format", "sarif", "a.ks"]);
    let log: Value = serde_json::from_str(&outcome.out).unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    assert!(rules.len() > 40);
    for rule in rules {
        assert!(rule["id"].as_str().unwrap().starts_with("LF0"));
        for field in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[field]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
    }
}
