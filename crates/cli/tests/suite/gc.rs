//! `imc delete` and `imc gc`: what nobody names goes, all of it, and nothing else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Home, image, layer, noise};

#[test]
fn what_only_the_deleted_cache_had_goes_and_what_is_shared_stays() {
    let home = Home::new();
    let (shared, mine, yours) = (noise("shared", 80_000), noise("mine", 50_000), layer("yours"));
    let web = home.layout("web", &image([shared.clone(), mine.clone()]));
    let other = home.layout("other", &image([shared, yours]));
    home.imc(&["create", "web", &web]).ok();
    home.imc(&["create", "other", &other]).ok();
    assert_eq!(home.json(&["gc"])["deleted"], json!([]));
    let deleted = home.imc(&["delete", "web"]).ok();
    assert!(
        deleted.stdout.starts_with("web (imc-") && deleted.stdout.ends_with(") deleted\n"),
        "{deleted:#?}"
    );
    assert!(deleted.stderr.contains("its blobs stay until `imc gc`"), "{deleted:#?}");
    assert_eq!((home.blobs().len(), home.snapshots().len()), (3, 1));
    let would = home.json(&["gc", "--dry-run"]);
    assert_eq!(home.blobs().len(), 3);
    let does = home.json(&["gc"]);
    assert_eq!((&would["dry_run"], &does["dry_run"]), (&true.into(), &false.into()));
    for field in ["deleted", "freed", "kept", "snapshots"] {
        assert_eq!(would[field], does[field], "{field}");
    }
    let hex = mine.diff_id.split_once(':').unwrap().1;
    assert_eq!(does["deleted"].as_array().unwrap().len(), 1);
    assert!(does["deleted"][0].to_string().contains(hex), "{does:#}");
    assert!(does["freed"].as_u64().unwrap() > 50_000);
    assert_eq!(home.blobs().len(), 2);
    home.assert_whole();
    home.assert_at_rest();
}

#[test]
fn a_dry_run_says_what_a_collection_does_after_a_killed_build() {
    for step in ["snapshot-committed", "blob-renamed", "layers-made"] {
        let home = Home::new();
        let source = home.layout("web", &image([layer("one"), noise("two", 30_000)]));
        home.imc_with(&[("IMC_CRASH_AT", step)], &["create", "web", &source]);
        let (would, does) = (home.json(&["gc", "--dry-run"]), home.json(&["gc"]));
        for field in ["deleted", "freed", "kept", "snapshots"] {
            assert_eq!(would[field], does[field], "{step}: {field}");
        }
        home.assert_nothing_left();
    }
}

#[test]
fn a_cache_whose_snapshot_is_gone_is_shown_and_deleted() {
    let home = Home::new();
    let source = home.layout("web", &image([layer("one")]));
    home.imc(&["create", "web", &source]).ok();
    for snapshot in home.snapshots() {
        std::fs::remove_file(snapshot).unwrap();
    }
    let shown = home.imc(&["show", "web"]).ok();
    assert!(shown.stdout.contains("is gone from the store"), "{shown:#?}");
    assert!(home.imc(&["events", "web"]).ok().stdout.contains("SnapshotCommitted"));
    home.imc(&["delete", "web"]).ok();
    home.imc(&["gc"]).ok();
    home.assert_nothing_left();
}

#[test]
fn the_words_for_people() {
    let home = Home::new();
    let source = home.layout("web", &image([layer("one")]));
    home.imc(&["create", "web", &source]).ok();
    home.imc(&["delete", "web"]).ok();
    let would = home.imc(&["gc", "--dry-run"]).ok().stdout;
    assert!(
        would.starts_with("1 blob(s) would be deleted, ") && would.contains(" would be freed; 0 kept\n"),
        "{would}"
    );
    assert!(would.contains("image snapshot(s)"), "{would}");
    let does = home.imc(&["gc"]).ok().stdout;
    assert!(does.starts_with("1 blob(s) deleted, ") && does.contains(" free of "), "{does}");
    home.assert_nothing_left();
}

#[test]
fn the_events_of_a_deleted_cache_stay_for_a_while() {
    let home = Home::new();
    let source = home.layout("web", &image([layer("one")]));
    let id = home.json(&["create", "web", &source])["id"].as_str().unwrap().to_owned();
    home.imc(&["delete", &id]).ok();
    assert_eq!(home.reasons(&id).last().unwrap(), "Deleted");
    home.imc(&["gc"]).ok();
    assert_eq!(home.reasons(&id).last().unwrap(), "Deleted");
    home.imc(&["events", "web"]).fails(66, &["web", "next: "]);
}

#[test]
fn several_caches_go_at_once_and_an_unknown_one_is_told() {
    let home = Home::new();
    for name in ["a", "b"] {
        let source = home.layout(name, &image([layer(name)]));
        home.imc(&["create", name, &source]).ok();
    }
    home.imc(&["delete", "a", "nobody"]).fails(66, &["nobody"]);
    let names: Vec<Value> =
        home.json(&["list"]).as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn a_collection_beside_builds_does_no_harm() {
    let home = Home::new();
    let source = home.layout("web", &image([noise("a", 40_000), layer("b"), layer("c")]));
    let until = Instant::now() + Duration::from_secs(3);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while Instant::now() < until {
                home.imc(&["gc"]).ok();
            }
        });
        for worker in 0..2 {
            let (home, source) = (&home, &source);
            scope.spawn(move || {
                let name = format!("cache-{worker}");
                while Instant::now() < until {
                    let created = home.json(&["create", &name, source]);
                    assert_eq!(created["state"], "Ready");
                    home.assert_cache_whole(&created);
                    home.imc(&["delete", created["id"].as_str().unwrap()]).ok();
                }
            });
        }
    });
    home.imc(&["gc"]).ok();
    home.assert_nothing_left();
}
