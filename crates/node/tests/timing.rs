//! How long a start takes, with each runtime: printed, and held to generous bounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod common;

use std::fs;
use std::time::Instant;

use common::{RUNTIMES, World, output};

const STARTS: usize = 20;

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
fn an_image_is_ready_in_under_five_milliseconds() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let names = ["layers_us", "overlay_us", "config_us", "runtime_us"];
        let mut parts = vec![Vec::new(); names.len()];
        let mut whole = Vec::new();
        for _ in 0..STARTS {
            let mut spec = world.spec(runtime, &["true"]);
            spec.remove_on_exit = true;
            let (mut command, report) = world.run_process(&spec, true);
            let begun = Instant::now();
            let done = output(&mut command);
            assert!(
                done.status.success(),
                "{runtime} {:?} {}",
                done.status,
                String::from_utf8_lossy(&done.stderr)
            );
            whole.push(u64::try_from(begun.elapsed().as_micros()).unwrap());
            let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
            for (part, name) in parts.iter_mut().zip(names) {
                part.push(report[name].as_u64().unwrap());
            }
        }
        // What others do on this machine slows any of them, and hardly all.
        let ready = parts[0].iter().zip(&parts[1]).map(|(layers, overlay)| layers + overlay).min().unwrap();
        let medians: Vec<u64> = parts.into_iter().map(median).collect();
        print!("{runtime:9}");
        for (name, value) in names.iter().zip(&medians) {
            print!(" {name} {value:6}");
        }
        println!(" process until its end and clean {} us", median(whole));
        assert!(ready < 5000, "{runtime}: ready after {ready} us");
    }
}
