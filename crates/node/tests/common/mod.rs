//! Small images and instances for the privileged tests.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use model::{BlobKey, DiffId, Digest, ImageConfig, InstanceId, InstanceName, Platform};
use node::{
    Attachment, ImageBlobs, InstanceSpec, Instances, LocalBlob, NodeConfig, RunOptions, RuntimeChoice,
    Started,
};
use serde_json::{Value, json};

/// The program that instances are started with.
pub fn testbin() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_node-testbin"))
}

pub const RUNTIMES: [&str; 3] = ["embedded", "runc", "crun"];

/// crun 1.8 refuses a machine that has cgroups v1 and v2 with a controller on each. There it is called in a mount
/// namespace of its own, without the v2 part: that is a trait of the machine and not of what is tested.
fn crun(folder: &Path) -> PathBuf {
    let unified = Path::new("/sys/fs/cgroup/unified/cgroup.controllers");
    if fs::read_to_string(unified).unwrap_or_default().trim().is_empty() {
        return PathBuf::from("crun");
    }
    let script = folder.join("crun");
    let text =
        "#!/bin/sh\nexec unshare -m sh -c 'umount /sys/fs/cgroup/unified && exec crun \"$@\"' crun \"$@\"\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    script
}

/// A data directory with a busybox image.
pub struct World {
    pub folder: tempfile::TempDir,
    pub instances: Instances,
    pub blobs: ImageBlobs,
    pub config: ImageConfig,
}

impl Drop for World {
    fn drop(&mut self) {
        // A failed test must not leave mounts or containers behind for the others.
        if let Ok(done) = self.instances.reconcile() {
            for instance in done.instances {
                let _ = self.instances.remove(instance.id, true);
            }
        }
        let _ = self.instances.reconcile();
        for group in self.instances.groups().unwrap_or_default() {
            let _ = self.instances.remove_group(group);
        }
    }
}

/// Makes an EROFS blob of a directory with Debian's mkfs.erofs.
pub fn make_blob(tree: &Path, blob: &Path) -> LocalBlob {
    let made = Command::new("mkfs.erofs").arg("-x1").arg(blob).arg(tree).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let digest = Digest::sha256(blob.as_os_str().as_encoded_bytes());
    LocalBlob { key: BlobKey::Layer(DiffId::new(digest)), path: blob.to_owned(), devices: Vec::new() }
}

pub fn busybox_tree(tree: &Path) {
    for folder in ["bin", "etc", "tmp", "proc", "sys", "dev", "root", "srv"] {
        fs::create_dir_all(tree.join(folder)).unwrap();
    }
    fs::copy("/bin/busybox", tree.join("bin/busybox")).unwrap();
    for tool in
        ["sh", "cat", "id", "sleep", "echo", "hostname", "ls", "env", "stty", "dd", "kill", "true", "mknod"]
    {
        std::os::unix::fs::symlink("busybox", tree.join("bin").join(tool)).unwrap();
    }
    fs::write(tree.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/srv:/bin/sh\n").unwrap();
    fs::write(tree.join("etc/group"), "root:x:0:\nweb:x:1001:\nextra:x:50:web\n").unwrap();
    fs::write(tree.join("srv/plain"), "not executable").unwrap();
}

impl World {
    /// `None` where tests may not mount.
    pub fn new() -> Option<Self> {
        if !testkit::privileged() {
            return None;
        }
        testkit::program("mkfs.erofs")?;
        let folder = testkit::data_dir();
        let tree = folder.path().join("tree");
        busybox_tree(&tree);
        let base = make_blob(&tree, &folder.path().join("base.erofs"));
        let second = folder.path().join("second");
        fs::create_dir_all(second.join("srv")).unwrap();
        fs::write(second.join("srv/second"), "from the second layer").unwrap();
        let second = make_blob(&second, &folder.path().join("second.erofs"));
        let config = NodeConfig { data_dir: folder.path().join("data"), self_exe: testbin() };
        let instances = Instances::open(config).unwrap();
        let config = ImageConfig {
            platform: Platform::linux_amd64(),
            diff_ids: Vec::new(),
            entrypoint: Vec::new(),
            cmd: vec!["sh".to_owned()],
            env: vec!["FROM=image".to_owned(), "PATH=/bin".to_owned()],
            user: None,
            working_dir: None,
            stop_signal: None,
            exposed_ports: Vec::new(),
            volumes: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            healthcheck: None,
        };
        Some(Self {
            folder,
            instances,
            blobs: ImageBlobs { lowers: vec![base, second], root: Some(1) },
            config,
        })
    }

    /// A further layer on top of the image.
    pub fn add_layer(&mut self, fill: impl FnOnce(&Path)) {
        let name = format!("layer{}", self.blobs.lowers.len());
        let tree = self.folder.path().join(&name);
        fs::create_dir_all(&tree).unwrap();
        fill(&tree);
        let blob = make_blob(&tree, &self.folder.path().join(format!("{name}.erofs")));
        self.blobs.lowers.push(blob);
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn runtime(&self, name: &str) -> RuntimeChoice {
        match name {
            "embedded" => RuntimeChoice::Embedded,
            "crun" => RuntimeChoice::Installed(crun(self.folder.path())),
            other => RuntimeChoice::Installed(other.into()),
        }
    }

    pub fn spec(&self, runtime_name: &str, command: &[&str]) -> InstanceSpec {
        let id = InstanceId::generate();
        InstanceSpec {
            id,
            name: format!("t{}", &id.to_string()[28..]).parse::<InstanceName>().unwrap(),
            config: self.config.clone(),
            blobs: self.blobs.clone(),
            options: RunOptions { command: words(command), ..RunOptions::default() },
            size_limit: None,
            remove_on_exit: false,
            runtime: self.runtime(runtime_name),
        }
    }

    pub fn start(&self, spec: &InstanceSpec) -> Started {
        self.instances
            .create_and_start(spec, Attachment::Log)
            .unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// What it printed, when it has ended.
    pub fn log(&self, id: InstanceId) -> String {
        let mut text = Vec::new();
        let mut each = |line: node::LogLine| {
            text.extend(line.bytes);
            true
        };
        self.instances.logs(id, true, &mut each).unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Starts a process of its own around an instance: the stand-in's `run`.
    pub fn run_process(&self, spec: &InstanceSpec, attached: bool) -> (Command, PathBuf) {
        let report = self.folder.path().join(format!("{}.report", spec.id));
        let value = json!({
            "data_dir": self.data(), "id": spec.id, "name": spec.name, "config": spec.config, "blobs": spec.blobs,
            "options": spec.options, "size_limit": spec.size_limit, "remove_on_exit": spec.remove_on_exit,
            "runtime": spec.runtime, "attached": attached, "report": report,
        });
        (self.stand_in("run", &value), report)
    }

    pub fn exec_process(&self, id: InstanceId, mut more: Value) -> Command {
        let mut value =
            json!({ "data_dir": self.data(), "id": id, "env": [], "terminal": false, "interactive": false });
        value.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
        self.stand_in("exec", &value)
    }

    fn stand_in(&self, what: &str, value: &Value) -> Command {
        let file = self.folder.path().join(format!("{}.json", InstanceId::generate()));
        fs::write(&file, value.to_string()).unwrap();
        let mut command = Command::new(testbin());
        command.arg(what).arg(file);
        command
    }

    /// Nothing is mounted below the data directory and nobody holds a layer.
    pub fn assert_clean(&self) {
        testkit::assert_no_mounts_left(&self.data());
        assert_eq!(self.instances.blobs_in_use().unwrap(), []);
    }
}

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// Reads until the text has come; not for longer than 20 s.
pub fn read_until(from: &mut (impl Read + std::os::fd::AsFd), wanted: &str) -> String {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut text = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&text).contains(wanted) {
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(from, PollFlags::IN)], Some(&limit)).unwrap();
        assert!(ready > 0, "`{wanted}` does not come: {so_far}");
        assert!(from.read(&mut byte).unwrap() > 0, "ended before `{wanted}`: {so_far}");
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Fails the test unless nobody has the other end open; waits for that, not for longer than 20 s.
pub fn assert_closed(from: &mut (impl Read + std::os::fd::AsFd)) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ready = poll(&mut [PollFd::new(from, PollFlags::IN)], Some(&limit)).unwrap();
    assert!(ready > 0, "somebody has the other end open");
    assert_eq!(from.read(&mut [0]).unwrap(), 0, "more comes");
}

/// A child that is killed when the test fails.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The monitor of an instance works in the instance's directory. It is not always the parent of the first process: with
/// crun that may for a moment be what made the container.
pub fn monitor_of(world: &World, id: InstanceId) -> rustix::process::Pid {
    let dir = world.data().join("instances").join(id.to_string()).canonicalize().unwrap();
    let numbers =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_monitor = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let here = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir);
        here && line.ends_with(b"internal-monitor\0")
    };
    rustix::process::Pid::from_raw(numbers.into_iter().find(is_monitor).expect("a monitor")).unwrap()
}

/// Of an instance, be it a group's, or of a group.
pub fn assert_no_cgroups(id: impl std::fmt::Display) {
    let name = id.to_string();
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap() {
        let hierarchy = hierarchy.unwrap().path();
        let above = if hierarchy.ends_with("imc") { hierarchy } else { hierarchy.join("imc") };
        let groups = fs::read_dir(&above).into_iter().flatten().map(|group| group.unwrap().path());
        for path in groups.chain([above.clone()]).map(|group| group.join(&name)) {
            assert!(!path.exists(), "{} is left", path.display());
        }
    }
}
