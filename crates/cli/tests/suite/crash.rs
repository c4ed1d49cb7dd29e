//! The program is killed, or told to stop, at every step that has a name: nothing partial is visible, what is finished is
//! not fetched again, and the same command goes on.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use testkit::{FaultServer, Image, Reply};

use crate::support::{Home, fetches, image, layer, noise, wait_until};

/// Where a build may be killed: the engine's steps and those of the store that it passes.
const BUILD_STEPS: &[&str] = &[
    "lease-written",
    "lease-taken",
    "images-resolved",
    "claim-taken",
    "ingest-created",
    "blob-synced",
    "sidecar-written",
    "sidecar-renamed",
    "blob-renamed",
    "blob-dir-synced",
    "layers-made",
    "snapshot-written",
    "snapshot-renamed",
    "snapshot-dir-synced",
    "snapshot-committed",
    "build-recorded",
    "lease-released",
];

/// Where a collection may be.
const COLLECT_STEPS: &[&str] = &[
    "snapshot-deleted",
    "collect-marked",
    "collect-locked",
    "collect-unlinked-blob",
    "collect-unlinked-sidecar",
    "collect-lease-removed",
    "collect-swept",
];

#[test]
fn the_steps_here_are_all_that_the_store_has() {
    for step in blobstore::fault::STEPS {
        assert!(BUILD_STEPS.contains(step) || COLLECT_STEPS.contains(step), "{step} is not tested here");
    }
}

struct Scene {
    home: Home,
    server: FaultServer,
    image: Image,
}

impl Scene {
    fn new() -> Self {
        let image = image([noise("a", 60_000), noise("b", 30_000), layer("c")]);
        let server = FaultServer::start();
        server.serve_image("app", "1", &image);
        Self { home: Home::new(), server, image }
    }

    fn arguments(&self) -> Vec<String> {
        let host = self.server.host();
        ["create", "web", &format!("{host}/app:1"), "--plain-http", &host].map(ToOwned::to_owned).to_vec()
    }

    fn create(&self, variables: &[(&str, &str)]) -> crate::support::Ran {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.home.imc_with(variables, &arguments)
    }

    fn spawn(&self) -> Child {
        let mut command = self.home.command();
        command.args(self.arguments()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn fetches(&self) -> Vec<usize> {
        fetches(&self.server, "app", &self.image)
    }

    /// Indexes of the layers whose blobs are there.
    fn finished(&self) -> Vec<usize> {
        let names: Vec<String> = self
            .home
            .blobs()
            .iter()
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let is_there = |index: &usize| {
            let hex = self.image.layers[*index].diff_id.split_once(':').unwrap().1;
            names.iter().any(|name| name == hex)
        };
        (0..self.image.layers.len()).filter(is_there).collect()
    }
}

#[test]
fn a_build_killed_at_any_step_goes_on_where_it_was() {
    for step in BUILD_STEPS {
        let scene = Scene::new();
        let killed = scene.create(&[("IMC_CRASH_AT", step)]);
        assert_eq!(killed.code, None, "{step}: {killed:#?}");
        scene.home.assert_whole();
        let listed = scene.home.imc(&["list"]).ok().stdout;
        let is_recorded = matches!(*step, "build-recorded" | "lease-released");
        let word = if is_recorded { "Ready" } else { "Creating (interrupted)" };
        assert!(listed.contains(word), "{step}: {listed}");
        assert_eq!(scene.home.json(&["list"])[0]["interrupted"], !is_recorded, "{step}");
        scene.home.imc(&["show", "web"]).ok();
        let (finished, before) = (scene.finished(), scene.fetches());
        scene.create(&[]).ok();
        let after = scene.fetches();
        for layer in finished {
            assert_eq!(after[layer], before[layer], "{step}: a finished layer was fetched again");
        }
        if !is_recorded {
            // The same cache, and nothing else.
            assert_eq!(scene.home.only_state(), "Ready", "{step}");
            let reasons = scene.home.reasons("web");
            for reason in ["BuildInterrupted", "BuildResumed", "Ready"] {
                assert_eq!(reasons.iter().filter(|one| *one == reason).count(), 1, "{step}: {reasons:?}");
            }
        }
        scene.home.assert_whole();
        scene.home.imc(&["gc"]).ok();
        scene.home.assert_at_rest();
        assert_eq!(scene.home.blobs().len(), 3, "{step}");
    }
}

#[test]
fn a_killed_build_is_failed_and_cleaned_up_by_a_collection() {
    for step in BUILD_STEPS.iter().filter(|step| !matches!(**step, "build-recorded" | "lease-released")) {
        let scene = Scene::new();
        scene.create(&[("IMC_CRASH_AT", step)]);
        scene.home.imc(&["gc"]).ok();
        assert_eq!(scene.home.only_state(), "Failed", "{step}");
        assert_eq!(scene.home.json(&["list"])[0]["failure"]["reason"], "interrupted", "{step}");
        scene.home.assert_nothing_left();
        scene.home.imc(&["delete", "web"]).ok();
        scene.create(&[]).ok();
        scene.home.assert_at_rest();
    }
}

#[test]
fn another_image_under_the_name_of_a_killed_build_does_not_take_it_up() {
    let scene = Scene::new();
    scene.create(&[("IMC_CRASH_AT", "layers-made")]);
    let other = scene.home.layout("other", &image([layer("other")]));
    scene.home.imc(&["create", "web", &other]).ok();
    let states = |cache: &serde_json::Value| cache["state"].as_str().unwrap().to_owned();
    let list = scene.home.json(&["list"]);
    let states: Vec<String> = list.as_array().unwrap().iter().map(states).collect();
    assert_eq!(states, ["Failed", "Ready"]);
}

#[test]
fn a_collection_killed_at_any_step_is_finished_by_the_next() {
    for step in COLLECT_STEPS {
        let scene = Scene::new();
        scene.create(&[]).ok();
        let kept = scene.home.layout("kept", &image([noise("a", 60_000), layer("kept")]));
        scene.home.imc(&["create", "kept", &kept]).ok();
        scene.home.imc(&["delete", "web"]).ok();
        // A build that was killed leaves a lease and an ingest to sweep.
        let other = scene.home.layout("other", &image([layer("other")]));
        scene.home.imc_with(&[("IMC_CRASH_AT", "blob-synced")], &["create", "other", &other]);
        let orphan = scene.home.layout("orphan", &image([layer("orphan")]));
        scene.home.imc_with(&[("IMC_CRASH_AT", "snapshot-committed")], &["create", "orphan", &orphan]);
        let killed = scene.home.imc_with(&[("IMC_CRASH_AT", step)], &["gc"]);
        assert_eq!(killed.code, None, "{step}: {killed:#?}");
        scene.home.assert_whole();
        scene.home.imc(&["list"]).ok();
        scene.home.imc(&["gc"]).ok();
        scene.home.assert_whole();
        scene.home.assert_at_rest();
        assert_eq!((scene.home.blobs().len(), scene.home.snapshots().len()), (2, 1), "{step}");
        scene.create(&[]).ok();
    }
}

/// A build in the middle of its largest layer, which the registry holds back for ever.
fn hanging(scene: &Scene) -> Child {
    let largest = &scene.image.layers[0];
    let path = format!("/v2/app/blobs/{}", largest.digest);
    scene.server.script(&path, [Reply::blob(&largest.blob).hang_after(20_000)]);
    let child = scene.spawn();
    scene.server.wait_for_requests(&path, 1);
    wait_until("the other layers are there", || scene.finished() == [1, 2]);
    child
}

#[test]
fn an_interrupt_cancels_the_download_and_leaves_only_finished_layers() {
    for signal in [Signal::INT, Signal::TERM] {
        let scene = Scene::new();
        let child = hanging(&scene);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ran: crate::support::Ran = child.wait_with_output().unwrap().into();
        ran.fails(
            130,
            &[
                "cancelling the build",
                "error: the build was cancelled",
                "next: layers that were finished are kept",
            ],
        );
        scene.home.assert_at_rest();
        let cache = scene.home.json(&["list"])[0].clone();
        assert_eq!((&cache["state"], &cache["failure"]["reason"]), (&"Failed".into(), &"cancelled".into()));
        assert_eq!(scene.home.reasons("web").last().unwrap(), "BuildCancelled");
        let before = scene.fetches();
        scene.create(&[]).ok();
        assert_eq!(scene.fetches(), [before[0] + 1, before[1], before[2]]);
        scene.home.assert_whole();
    }
}

#[test]
fn a_kill_in_the_download_leaves_nothing_partial() {
    let scene = Scene::new();
    let mut child = hanging(&scene);
    child.kill().unwrap();
    child.wait().unwrap();
    scene.home.assert_whole();
    assert!(scene.home.imc(&["list"]).ok().stdout.contains("(interrupted)"));
    let before = scene.fetches();
    scene.create(&[]).ok();
    assert_eq!(scene.fetches(), [before[0] + 1, before[1], before[2]]);
    assert_eq!(scene.home.only_state(), "Ready");
    scene.home.imc(&["gc"]).ok();
    scene.home.assert_at_rest();
}

/// A second build of the same image, which has come so far that it waits for the hanging one's layer.
fn waiting(scene: &Scene) -> Child {
    let host = scene.server.host();
    let mut command = scene.home.command();
    command.args(["create", "other", &format!("{host}/app:1"), "--plain-http", &host]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the second build has found what is there", || {
        let caches = scene.home.json(&["list"]);
        let is_recorded = caches.as_array().unwrap().iter().any(|cache| cache["name"] == "other");
        let reused = || {
            let reasons = scene.home.reasons("other");
            reasons.iter().filter(|reason| *reason == "LayerReused").count()
        };
        is_recorded && reused() == 2
    });
    child
}

#[test]
fn who_waits_for_another_process_takes_over_when_that_is_killed() {
    let scene = Scene::new();
    let mut maker = hanging(&scene);
    let waiter = waiting(&scene);
    assert_eq!(scene.fetches(), [1, 1, 1]);
    maker.kill().unwrap();
    maker.wait().unwrap();
    let ran: crate::support::Ran = waiter.wait_with_output().unwrap().into();
    ran.ok();
    assert_eq!(scene.fetches(), [2, 1, 1]);
    assert_eq!(scene.home.reasons("other").last().unwrap(), "Ready");
    scene.home.imc(&["gc"]).ok();
    scene.home.assert_at_rest();
    scene.home.assert_whole();
}

#[test]
fn who_waits_for_another_process_can_be_interrupted() {
    let scene = Scene::new();
    let mut maker = hanging(&scene);
    let waiter = waiting(&scene);
    kill_process(Pid::from_child(&waiter), Signal::INT).unwrap();
    let ran: crate::support::Ran = waiter.wait_with_output().unwrap().into();
    ran.fails(130, &["the build was cancelled"]);
    assert_eq!(scene.home.reasons("other").last().unwrap(), "BuildCancelled");
    assert_eq!(scene.fetches(), [1, 1, 1]);
    assert!(maker.try_wait().unwrap().is_none(), "the maker goes on");
    maker.kill().unwrap();
    maker.wait().unwrap();
}

#[test]
fn other_commands_work_beside_a_build_that_runs() {
    let scene = Scene::new();
    let mut child = hanging(&scene);
    assert!(scene.home.imc(&["list"]).ok().stdout.contains("Creating  "));
    scene.home.imc(&["show", "web"]).ok();
    scene.home.imc(&["delete", "web"]).fails(75, &["has not ended", "next: wait for the build"]);
    let gc = scene.home.json(&["gc"]);
    assert_eq!(gc["deleted"], serde_json::json!([]), "layers of a running build are kept");
    let other = scene.home.layout("other", &image([layer("other"), noise("b", 30_000)]));
    scene.home.imc(&["create", "other", &other]).ok();
    child.kill().unwrap();
    child.wait().unwrap();
}
