// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A plan that was kept, beside the plan of now: what is different.
//!
//! Compares what can be compared: the target half, and the image's digest, are left out where only one of the two has them.

use serde_json::Value;

use super::Plan;

/// How many differences are told.
const MOST: usize = 20;

/// Every difference between a plan and a saved one, a line each; none if they are the same.
pub fn differences(saved: &Plan, now: &Plan) -> Vec<String> {
    let (mut saved, mut now) = (saved.clone(), now.clone());
    if saved.target.is_none() || now.target.is_none() {
        (saved.target, now.target) = (None, None);
        (saved.waits, now.waits) = (Vec::new(), Vec::new());
    }
    if saved.image.digest.is_none() || now.image.digest.is_none() {
        (saved.image.digest, now.image.digest) = (None, None);
    }
    // Structures of strings and numbers always serialise.
    let value = |plan| serde_json::to_value(plan).unwrap_or_default();
    let mut found = Vec::new();
    compare(&value(&saved), &value(&now), "", &mut found);
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    if more > 0 {
        found.push(format!("and {more} more differences"));
    }
    found
}

fn compare(saved: &Value, now: &Value, at: &str, found: &mut Vec<String>) {
    if saved == now {
        return;
    }
    match (saved, now) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                let both = [old, new].map(|map| map.get(key).unwrap_or(&Value::Null));
                let dot = if at.is_empty() { "" } else { "." };
                compare(both[0], both[1], &format!("{at}{dot}{key}"), found);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for index in 0..old.len().max(new.len()) {
                let both = [old, new].map(|list| list.get(index).unwrap_or(&Value::Null));
                compare(both[0], both[1], &format!("{at}[{index}]"), found);
            }
        }
        _ => found.push(explain(saved, now, at)),
    }
}

fn explain(saved: &Value, now: &Value, at: &str) -> String {
    match at {
        "kickstart_sha256" => "the kickstart, or a file that it includes, has changed".to_owned(),
        "inventory_sha256" => "the machine has changed".to_owned(),
        "image.digest" => format!("the image has changed: it was {saved} and is {now}"),
        _ => match (saved, now) {
            (Value::Null, now) => format!("`{at}` is new: {now}"),
            (saved, Value::Null) => format!("`{at}` is gone: {saved}"),
            _ => format!("`{at}` was {saved} and is {now}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use kickstart_parser::{NoIncludes, read};

    use super::*;
    use crate::inventory::Inventory;
    use crate::plan::{Choices, plan_disks};

    fn plan(change: impl FnOnce(&mut Inventory)) -> Plan {
        let text = "clearpart --all --initlabel\nreqpart\npart / --grow\nostreecontainer --url=h.example/i:1\n";
        let kickstart = read("ks", text, None, &NoIncludes).kickstart;
        let json = include_str!("../../tests/data/inventories/virtio-blank.json");
        let mut inventory = serde_json::from_str(json).unwrap();
        change(&mut inventory);
        plan_disks(&kickstart, &inventory, &Choices::default())
            .unwrap()
            .plan
    }

    #[test]
    fn the_same_input_gives_no_difference() {
        let saved = plan(|_| {});
        let mut now = plan(|_| {});
        assert_eq!(differences(&saved, &now), [""; 0]);
        now.image.digest = Some("sha256:1".to_owned());
        assert_eq!(differences(&saved, &now), [""; 0], "it was not known");
    }

    #[test]
    fn a_disk_that_has_changed_is_told_with_both_values() {
        let saved = plan(|_| {});
        let now = plan(|inventory| inventory.disks[0].size_bytes += 1 << 30);
        let found = differences(&saved, &now);
        let size = saved.disks[0].size_bytes;
        let line = format!(
            "`disks[0].size_bytes` was {size} and is {}",
            size + (1 << 30)
        );
        assert!(found.contains(&line), "{found:#?}");
        assert!(
            found.contains(&"the machine has changed".to_owned()),
            "{found:#?}"
        );
    }

    #[test]
    fn another_image_behind_the_same_name_is_told() {
        let (mut saved, mut now) = (plan(|_| {}), plan(|_| {}));
        saved.image.digest = Some("sha256:1".to_owned());
        now.image.digest = Some("sha256:2".to_owned());
        let text = r#"the image has changed: it was "sha256:1" and is "sha256:2""#;
        assert_eq!(differences(&saved, &now), [text]);
    }
}
