//! Arguments about caches.

use clap::Args;
use model::{CacheName, CacheState, ImageSnapshotId, ImageSource, Origin, Platform, RepositoryName};

use super::{OnceArgs, PolicyArgs, RegistryArgs, TagWord, plain_name, whole};

/// GiB that a cache may have.
fn size() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=32_768)
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc create web nginx:1.27
  imc create ai registry.example/torch:2.9 registry.example/base:1 --size 30
  imc create nightly r.example/app:main --retention-days 7 --staleness refresh=3600 --tag a=b
  imc create web nginx:1.27 --detach --client-token deploy-42
  imc create local oci:./my-image
  imc create saved docker-archive:./saved.tar
  imc create dev localhost:5000/app:dev --plain-http localhost:5000

An IMAGE is a reference, `oci:DIR[:ref]` for an OCI layout directory, or `docker-archive:FILE[:ref]`. \
A path that holds colons is ended by two: `oci:/a:b/dir::ref`.

Where `imc serve` runs it builds the cache, and Ctrl-C leaves it at that; else this command does.")]
pub(crate) struct CreateArgs {
    /// The cache's name; lower-case letters, digits, `-`, `_`, `.`
    #[arg(value_parser = plain_name)]
    pub(crate) name: CacheName,
    /// The images, at most 20
    #[arg(required = true, num_args = 1..=20, value_name = "IMAGE", value_parser = whole::<ImageSource>)]
    pub(crate) images: Vec<ImageSource>,
    /// The most that the unpacked images may take, in GiB; as configured where it is not said: 20
    #[arg(long, value_name = "GIB", value_parser = size())]
    pub(crate) size: Option<u64>,
    /// Which platform's image to take from an index
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", default_value = "linux/amd64", value_parser = whole::<Platform>)]
    pub(crate) platform: Platform,
    #[command(flatten)]
    pub(crate) waiting: WaitArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// Whether a command waits for the build that it asked for.
#[derive(Clone, Debug, Args)]
pub(crate) struct WaitArgs {
    /// Wait for the build and show how far it is; what is done where nothing is said
    #[arg(long, conflicts_with = "detach")]
    pub(crate) wait: bool,
    /// Leave the build to the server and return at once
    #[arg(long, short)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc list
  imc list --state Ready --tag team=shop
  imc list --image nginx:1.27 -o json
  imc list --origin automatic --newest-first

A cache is shown where every option lets it through; an option that is said twice lets either through, of tags both \
have to be there.")]
pub(crate) struct ListArgs {
    /// Only those of this name
    #[arg(long, value_name = "NAME", value_parser = whole::<CacheName>)]
    pub(crate) name: Vec<CacheName>,
    /// Only those in this state: Preparing, Creating, Ready, Updating, UpdateFailed or Failed
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Vec<CacheState>,
    /// Only those that a user (`manual`) or a start (`automatic`) had made
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<Origin>,
    /// Only those that have this very image
    #[arg(long, value_name = "IMAGE", value_parser = whole::<ImageSource>)]
    pub(crate) image: Option<ImageSource>,
    /// Only those that have an image of this repository, whatever its registry and tag
    #[arg(long, value_name = "REPOSITORY", value_parser = whole::<RepositoryName>)]
    pub(crate) repository: Option<RepositoryName>,
    /// Only those that have this tag
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) tag: Vec<String>,
    /// The newest first
    #[arg(long)]
    pub(crate) newest_first: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CacheArg {
    /// The cache's name or id
    pub(crate) cache: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc events web
  imc events front

The events of a deleted cache or a removed instance stay for a week, by its id.")]
pub(crate) struct EventsArgs {
    /// Name or id of a cache or an instance
    pub(crate) subject: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc update web nginx:1.28
  imc update web --size 30
  imc update web --retention-days never --tag team=shop --tag stage=prod
  imc update web --rename front

Images are built beside what the cache serves, which goes on serving until that is done; `imc rollback` goes back to \
it. The same images again look their tags up anew. Everything else changes at once.")]
pub(crate) struct UpdateArgs {
    /// The cache's name or id
    pub(crate) cache: String,
    /// Its images from now on, all of them
    #[arg(num_args = 0..=20, value_name = "IMAGE", value_parser = whole::<ImageSource>)]
    pub(crate) images: Vec<ImageSource>,
    /// The most that the unpacked images may take, in GiB
    #[arg(long, value_name = "GIB", value_parser = size())]
    pub(crate) size: Option<u64>,
    /// Its name from now on
    #[arg(long, value_name = "NAME", value_parser = plain_name)]
    pub(crate) rename: Option<CacheName>,
    /// Take all its tags away
    #[arg(long, conflicts_with = "tag")]
    pub(crate) no_tags: bool,
    #[command(flatten)]
    pub(crate) waiting: WaitArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc rollback web
  imc rollback web --to isn-01a2086e6b2b734699def6a20c73d467

What the cache served until now becomes a generation, so that going back can be undone; `imc show` lists them.")]
pub(crate) struct RollbackArgs {
    /// The cache's name or id
    pub(crate) cache: String,
    /// Which earlier image snapshot; the newest of them where it is not said
    #[arg(long, value_name = "SNAPSHOT", value_parser = whole::<ImageSnapshotId>)]
    pub(crate) to: Option<ImageSnapshotId>,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc delete web
  imc delete web db && imc gc
  imc delete --all web
  imc delete --when-unused web
  imc delete web --client-token clean-up-42

A cache that instances use is not deleted: stop and remove them first, or say `--when-unused`. The blobs stay until the \
next `imc gc`, since another cache may need them.")]
pub(crate) struct DeleteArgs {
    /// Names or ids of caches
    #[arg(required = true)]
    pub(crate) caches: Vec<String>,
    /// Every cache of the name where several have it
    #[arg(long, conflicts_with = "client_token")]
    pub(crate) all: bool,
    /// Where it is used: serve no new start from now on, and delete it once nothing uses it
    #[arg(long)]
    pub(crate) when_unused: bool,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

impl ListArgs {
    /// The tags that are wanted; a key without a value lets every value through.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (String, Option<String>)> {
        self.tag.iter().map(|word| match word.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (word.clone(), None),
        })
    }
}

/// A tag that is given to a cache.
impl TagWord {
    /// Both parts.
    pub(crate) fn pair(&self) -> (String, String) {
        (self.key.clone(), self.value.clone())
    }
}
