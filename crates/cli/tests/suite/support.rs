//! A machine of its own for each test: data directory, home, and the program with nothing of the caller's environment.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Compression, FaultServer, Image, ImageBuilder, Layer, LayerBuilder};

/// Nothing that a test waits for takes longer on a machine that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Fails the test unless the program ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Fails the test unless it ended with that status, named these words, and said what to do.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in {self:#?}");
        }
        self
    }

    /// The document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }
}

/// A data directory and a home.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = testkit::data_dir();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The program, to be given arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("imc"));
        command.env_clear();
        for kept in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command.env("HOME", self.path().join("home")).env("IMC_DATA_DIR", self.data()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub(crate) fn imc(&self, arguments: &[&str]) -> Ran {
        self.command().args(arguments).output().unwrap().into()
    }

    /// The same with variables set.
    #[track_caller]
    pub(crate) fn imc_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        self.command().envs(variables.iter().copied()).args(arguments).output().unwrap().into()
    }

    /// The same with text on standard input.
    #[track_caller]
    pub(crate) fn imc_fed(&self, input: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// The program's answer as a document.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.imc(&[&["-o", "json"], arguments].concat()).ok().json()
    }

    /// The reasons of the events of a cache or instance, oldest first.
    #[track_caller]
    pub(crate) fn reasons(&self, subject: &str) -> Vec<String> {
        let events = self.json(&["events", subject]);
        events.as_array().unwrap().iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
    }

    /// The state of the one cache that there is.
    #[track_caller]
    pub(crate) fn only_state(&self) -> String {
        let caches = self.json(&["list"]);
        assert_eq!(caches.as_array().unwrap().len(), 1, "{caches:#}");
        caches[0]["state"].as_str().unwrap().to_owned()
    }

    /// Every file below these folders of the data directory.
    fn files(&self, folders: &[&str]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders: Vec<PathBuf> = folders.iter().map(|folder| self.data().join(folder)).collect();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let entry = entry.unwrap();
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => found.push(entry.path()),
                }
            }
        }
        found.sort();
        found
    }

    /// The blobs' files, sidecars not counted.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        let all = self.files(&["layers", "merged"]);
        all.into_iter().filter(|path| path.extension().is_some_and(|end| end == "erofs")).collect()
    }

    /// The documents of image snapshots.
    pub(crate) fn snapshots(&self) -> Vec<PathBuf> {
        self.files(&["snapshots"])
    }

    /// Fails the test where ingests, leases, blobs or snapshots are left.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let left = self.files(&["tmp", "leases", "layers", "merged", "snapshots"]);
        assert!(left.is_empty(), "left behind: {left:#?}");
    }

    /// Fails the test where ingests or leases are left: what only running builds have.
    #[track_caller]
    pub(crate) fn assert_at_rest(&self) {
        let left = self.files(&["tmp", "leases"]);
        assert!(left.is_empty(), "left behind: {left:#?}");
    }

    /// Fails the test unless every blob has its sidecar and every snapshot finds its blobs.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        for blob in self.blobs() {
            assert!(blob.with_extension("json").is_file(), "{} has no sidecar", blob.display());
        }
        for snapshot in self.snapshots() {
            self.assert_blobs_of(&snapshot);
        }
    }

    /// Fails the test unless the snapshot that this cache names is there with its blobs. Unlike [`Self::assert_whole`] it
    /// looks at nothing that others may delete meanwhile.
    #[track_caller]
    pub(crate) fn assert_cache_whole(&self, cache: &Value) {
        let snapshot = cache["snapshot"].as_str().unwrap();
        self.assert_blobs_of(&self.data().join(format!("snapshots/{snapshot}.json")));
    }

    /// Fails the test unless every blob that a snapshot's document names is there with its sidecar.
    #[track_caller]
    fn assert_blobs_of(&self, snapshot: &Path) {
        let document: Value = serde_json::from_slice(&fs::read(snapshot).unwrap()).unwrap();
        for image in document["images"].as_array().unwrap() {
            for layer in image["layers"].as_array().unwrap() {
                let hex = layer["diff_id"].as_str().unwrap().split_once(':').unwrap().1;
                let blob = self.data().join(format!("layers/sha256/{}/{hex}.erofs", &hex[..2]));
                for part in [blob.with_extension("json"), blob] {
                    assert!(part.is_file(), "{} names {}", snapshot.display(), part.display());
                }
            }
        }
    }

    /// An image as an OCI layout in this home; the argument that names it.
    pub(crate) fn layout(&self, name: &str, image: &Image) -> String {
        let folder = self.path().join(name);
        image.write_oci_layout(&folder, "latest");
        format!("oci:{}", folder.display())
    }
}

/// Waits until that becomes true.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A layer with one small file, different for each name.
pub(crate) fn layer(name: &str) -> Layer {
    LayerBuilder::new()
        .dir("srv/", 0o755)
        .file(&format!("srv/{name}"), format!("content of {name}\n"))
        .build(Compression::Gzip)
}

/// A layer with so many bytes that do not compress.
pub(crate) fn noise(name: &str, length: usize) -> Layer {
    let seed = name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    LayerBuilder::new()
        .dir("srv/", 0o755)
        .noise(&format!("srv/{name}"), length, seed)
        .build(Compression::Gzip)
}

/// An image of those layers.
pub(crate) fn image(layers: impl IntoIterator<Item = Layer>) -> Image {
    layers.into_iter().fold(ImageBuilder::new().cmd(["/bin/true"]), ImageBuilder::layer).build()
}

/// How often a registry was asked for the bytes of each of an image's layers.
pub(crate) fn fetches(server: &FaultServer, repository: &str, image: &Image) -> Vec<usize> {
    let count = |layer: &Layer| {
        let path = format!("/v2/{repository}/blobs/{}", layer.digest);
        server.requests_for(&path).iter().filter(|request| request.method == "GET").count()
    };
    image.layers.iter().map(count).collect()
}
