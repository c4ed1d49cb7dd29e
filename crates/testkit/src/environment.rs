//! What the machine gives a test: privileges, programs, ready-made images, a place for data.

use std::env;
use std::path::PathBuf;

/// Whether tests that mount, start containers or need real servers may run: `IMC_TEST_PRIVILEGED=1`, as `make test` sets
/// it. Where it is not set, says so, and the test returns early.
#[must_use]
pub fn privileged() -> bool {
    let allowed = env::var_os("IMC_TEST_PRIVILEGED").is_some_and(|value| value == "1");
    if !allowed {
        println!("skipped: needs IMC_TEST_PRIVILEGED=1");
    }
    allowed
}

/// The path of an installed program.
///
/// # Panics
///
/// Where a privileged run lacks it: `make test` installs all of them, so its absence is a broken set-up and no reason
/// to skip.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let search = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&search)
        .chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            env::var_os("IMC_TEST_PRIVILEGED").is_none_or(|value| value != "1"),
            "`{name}` is not installed: run scripts/install.sh test"
        );
        println!("skipped: `{name}` is not installed");
    }
    found
}

/// The OCI layout of an image that `scripts/images.sh` makes from Debian packages (`small`, `debian`, `odd-gzip`, ...):
/// `IMC_TEST_IMAGES` names the folder above them. `None` where the variable is not set.
///
/// # Panics
///
/// Where the folder is named and lacks the image.
#[must_use]
pub fn test_image(name: &str) -> Option<PathBuf> {
    let Some(folder) = env::var_os("IMC_TEST_IMAGES") else {
        println!("skipped: needs IMC_TEST_IMAGES (scripts/images.sh)");
        return None;
    };
    let layout = PathBuf::from(folder).join(name);
    assert!(layout.join("index.json").is_file(), "no image layout at {}", layout.display());
    Some(layout)
}

/// A private folder for a test's data, removed when dropped. Below `IMC_TEST_DIR` where that is set: mounting a file
/// needs a real file system under it, and `/tmp` may be a tmpfs.
#[must_use]
pub fn data_dir() -> tempfile::TempDir {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("imc-test.");
    match env::var_os("IMC_TEST_DIR") {
        Some(parent) => builder.tempdir_in(parent),
        None => builder.tempdir(),
    }
    .expect("a temporary folder")
}
