//! `imc run` with a choice of caches, `imc match` and `imc predict`, against a real registry: privileged.

use std::process::Stdio;

use serde_json::Value;
use testkit::{Compression, Image, ImageBuilder, LayerBuilder, Registry};

use crate::run::tools;
use crate::support::{Home, Ran};

const HELLO: &str = "hello from the cache\n";

/// The tools with one more layer, whose file is the version.
fn version(number: &str) -> Image {
    let base = tools();
    let top = LayerBuilder::new().dir("srv/", 0o755).file("srv/version", number);
    let layers = base.layers.iter().cloned().chain([top.build(Compression::Gzip)]);
    layers.fold(ImageBuilder::new().cmd(["/bin/cat", "/srv/version"]), ImageBuilder::layer).build()
}

/// An image that shares nothing with the versions.
fn other() -> Image {
    let busybox = std::fs::read(testkit::program("busybox").unwrap()).unwrap();
    let layer = LayerBuilder::new().executable("cat", busybox).file("hello", HELLO);
    ImageBuilder::new().layer(layer.build(Compression::Gzip)).cmd(["/cat", "/hello"]).build()
}

/// A registry with `app:1` and `app:2`, which share all but one layer, and a home.
struct Scene {
    registry: Registry,
    home: Home,
}

impl Scene {
    fn new() -> Option<Self> {
        if !testkit::privileged() {
            return None;
        }
        let registry = Registry::start()?;
        registry.add("app", "1", &version("1"));
        registry.add("app", "2", &version("2"));
        registry.add("hello", "1", &other());
        Some(Self { registry, home: Home::new() })
    }

    fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    fn run(&self, options: &[&str]) -> Ran {
        let plain = ["run", "--rm", "--plain-http", self.registry.host()];
        self.home.imc(&[&plain[..], options].concat())
    }

    fn create(&self, name: &str, image: &str) {
        let image = self.image(image);
        self.home.imc(&["-q", "create", "--plain-http", self.registry.host(), name, &image]).ok();
    }

    /// How many layers and configs were downloaded, whole or in part.
    fn downloads(&self) -> usize {
        self.registry.requests().iter().filter(|request| request.is_blob_download()).count()
    }

    fn caches(&self) -> Vec<Value> {
        self.home.json(&["list"]).as_array().unwrap().clone()
    }

    fn automatic(&self) -> Vec<Value> {
        let name = |cache: &Value| cache["name"].as_str().unwrap().starts_with("auto-create-for-ins-");
        self.caches().into_iter().filter(name).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            testkit::assert_no_mounts_left(&self.home.data());
        }
    }
}

#[test]
fn the_exact_tag_is_a_hit_and_the_registry_is_not_asked() {
    let Some(scene) = Scene::new() else { return };
    scene.create("web", "app:1");
    let asked = scene.registry.requests().len();
    let ran = scene.run(&[&scene.image("app:1")]).ok();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("1", ""));
    assert_eq!(scene.registry.requests().len(), asked);
    assert!(scene.home.reasons("web").contains(&"CacheHit".to_owned()));
    assert_eq!(scene.caches().len(), 1);
}

#[test]
fn of_another_tag_only_the_missing_layer_is_fetched() {
    let Some(scene) = Scene::new() else { return };
    scene.create("web", "app:1");
    let before = scene.downloads();
    let ran = scene.run(&["--name", "front", &scene.image("app:2")]).ok();
    assert_eq!(ran.stdout, "2");
    assert!(ran.stderr.contains("the cache web does not have all of"), "{ran:#?}");
    // The config and the one layer that `app:1` does not have.
    assert_eq!(scene.downloads() - before, 2, "{:#?}", scene.registry.requests());
    assert!(scene.home.reasons("web").contains(&"CachePartlyHit".to_owned()));
    let made = scene.automatic();
    assert_eq!((made.len(), &made[0]["state"]), (1, &"Ready".into()));
    assert_eq!(made[0]["images"][0], scene.image("app:2"));
    // What the instance had of its own went with it; the automatic cache serves the next start.
    let asked = scene.registry.requests().len();
    assert_eq!(scene.run(&[&scene.image("app:2")]).ok().stderr, "");
    assert_eq!(scene.registry.requests().len(), asked);
    for name in scene.caches() {
        scene.home.imc(&["delete", name["id"].as_str().unwrap()]).ok();
    }
    scene.home.imc(&["gc"]).ok();
    scene.home.assert_nothing_left();
}

#[test]
fn a_perfect_match_wants_everything() {
    let Some(scene) = Scene::new() else { return };
    scene.create("web", "app:1");
    let wanted = scene.image("app:2");
    let ran = scene.run(&["--perfect-match", &wanted]).ok();
    assert!(ran.stdout == "2" && ran.stderr.contains("no cache has"), "{ran:#?}");
    assert!(!scene.home.reasons("web").contains(&"CachePartlyHit".to_owned()));
    assert_eq!(scene.automatic().len(), 1);
    scene.run(&["--perfect-match", "--match-count", "1", &wanted]).fails(125, &["--match-count"]);
}

#[test]
fn a_cache_that_was_said_is_used_or_refused_with_its_state() {
    let Some(scene) = Scene::new() else { return };
    scene.create("web", "app:1");
    let (one, hello) = (scene.image("app:1"), scene.image("hello:1"));
    assert_eq!(scene.run(&["--cache", "web", &one]).ok().stdout, "1");
    let id = scene.caches()[0]["id"].as_str().unwrap().to_owned();
    let ran = scene.run(&["--cache", &id, &hello]).ok();
    assert_eq!(ran.stdout, HELLO);
    assert!(scene.automatic().is_empty(), "an explicit cache makes no automatic one");
    assert!(scene.home.reasons("web").contains(&"CachePartlyHit".to_owned()));
    scene.run(&["--cache", "nosuch", &one]).fails(125, &["there is no cache of that name or id"]);
    let none = scene.image("none:1");
    scene.home.imc(&["create", "--plain-http", scene.registry.host(), "broken", &none]).fails(66, &[]);
    scene.run(&["--cache", "broken", &one]).fails(125, &["it is Failed"]);
    let ran = scene.run(&["--cache", "none", &one]).ok();
    assert!(ran.stderr.contains("no cache has"), "{ran:#?}");
    assert!(scene.automatic().is_empty());
}

#[test]
fn a_start_that_fails_leaves_nothing_of_what_was_made_for_it() {
    let Some(scene) = Scene::new() else { return };
    scene.create("web", "app:1");
    let before = scene.home.snapshots();
    for image in ["hello:1", "app:2"] {
        scene.run(&[&scene.image(image), "--", "/absent"]).fails(127, &["/absent"]);
        assert_eq!(scene.home.snapshots(), before, "{image}");
        scene.home.assert_at_rest();
        assert!(scene.automatic().is_empty(), "{image}");
    }
    // The second had a part from the cache, which tells of it.
    assert!(scene.home.reasons("web").contains(&"StartFailed".to_owned()));
    scene.run(&["--name", "front", &scene.image("app:1"), "--", "/absent"]).fails(127, &["/absent"]);
    // Its name is free again.
    assert_eq!(scene.run(&["--name", "front", &scene.image("app:1")]).ok().stdout, "1");
}

#[test]
fn starts_that_miss_at_once_make_one_automatic_cache() {
    let Some(scene) = Scene::new() else { return };
    let image = scene.image("app:1");
    let start = || {
        let mut command = scene.home.command();
        command.args(["run", "--rm", "--plain-http", scene.registry.host(), &image]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let starts: Vec<_> = (0..4).map(|_| start()).collect();
    for start in starts {
        let ran: Ran = start.wait_with_output().unwrap().into();
        assert_eq!(ran.ok().stdout, "1");
    }
    let made = scene.automatic();
    assert_eq!(made.len(), 1, "{made:#?}");
    assert_eq!(made[0]["state"], "Ready");
}

#[test]
fn pinned_starts_with_the_registry_down_and_strict_does_not() {
    let Some(mut scene) = Scene::new() else { return };
    scene.create("web", "app:1");
    let image = scene.image("app:1");
    assert_eq!(scene.run(&["--staleness", "strict", &image]).ok().stdout, "1");
    // The tag moves: strict starts what it means now, and fetches only what is missing.
    scene.registry.add("app", "1", &version("2"));
    let before = scene.downloads();
    assert_eq!(scene.run(&["--staleness", "strict", &image]).ok().stdout, "2");
    assert_eq!(scene.downloads() - before, 2, "the config and the layer");
    scene.registry.stop();
    assert_eq!(scene.run(&["--cache", "web", "--staleness", "pinned", &image]).ok().stdout, "1");
    scene.run(&["--staleness", "strict", &image]).fails(125, &["cannot be reached"]);
}

#[test]
fn matches_are_explained_and_sizes_predicted() {
    let Some(mut scene) = Scene::new() else { return };
    scene.create("web", "app:1");
    scene.create("other", "hello:1");
    let (host, two) = (scene.registry.host().to_owned(), scene.image("app:2"));
    let said = scene.home.json(&["match", "--plain-http", &host, &two]);
    assert_eq!(
        (&said["taken"][0]["name"], &said["nothing_in_common"]),
        (&"web".into(), &1.into()),
        "{said:#}"
    );
    assert_eq!(said["taken"][0]["images"][0]["match"], "some-layers");
    let text = scene.home.imc(&["match", "--plain-http", &host, &two]).ok().stdout;
    assert!(text.starts_with("1. web (imc-") && text.contains("need not be fetched"), "{text}");
    let left = scene.home.json(&["match", "--plain-http", &host, "--perfect-match", &two]);
    assert!(left["left"][0]["reason"].as_str().unwrap().contains("0 of 1"), "{left:#}");

    let sizes = scene.home.json(&["predict", "--plain-http", &host, &two]);
    assert_eq!(sizes["suggested_size_gib"], 1);
    let layers = sizes["images"][0]["layers"].as_array().unwrap();
    let here: Vec<bool> = layers.iter().map(|layer| layer["is_here"].as_bool().unwrap()).collect();
    assert_eq!(here, [true, true, false]);
    let text = scene.home.imc(&["predict", "--plain-http", &host, &two]).ok().stdout;
    assert!(text.ends_with("smallest sufficient size: --size 1\n"), "{text}");

    scene.registry.stop();
    let named = scene.home.imc(&["match", "--plain-http", &host, &scene.image("app:1")]).ok();
    assert!(named.stderr.contains("is matched by its name alone"), "{named:#?}");
    assert!(named.stdout.contains("is there"), "{named:#?}");
    let offline = scene.home.imc(&["match", "--offline", "--policy", "tencent", &two]).ok();
    assert!(
        offline.stderr.is_empty() && offline.stdout.contains("is there in another version"),
        "{offline:#?}"
    );
}
