//! Why a data directory does not open, as the user meets it.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::path::Path;

use engine::chain;

use super::{CANNOT_CREATE, Failure, NOT_PERMITTED, SOFTWARE, TEMPORARY};

/// Why a data directory cannot be opened, as far as its causes tell.
struct Causes {
    io: Vec<ErrorKind>,
    store: Option<blobstore::ErrorKind>,
    records: Option<metastore::ErrorKind>,
}

impl Causes {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes = || std::iter::successors(Some(error), |error| (*error).source());
        Self {
            io: causes()
                .filter_map(|error| error.downcast_ref::<std::io::Error>())
                .map(std::io::Error::kind)
                .collect(),
            store: causes().find_map(|error| error.downcast_ref()).map(blobstore::Error::kind),
            records: causes().find_map(|error| error.downcast_ref()).map(metastore::Error::kind),
        }
    }

    fn are(&self, store: blobstore::ErrorKind, records: metastore::ErrorKind) -> bool {
        self.store == Some(store) || self.records == Some(records)
    }

    fn have(&self, io: ErrorKind) -> bool {
        self.io.contains(&io)
    }
}

/// A reason why a data directory does not open: whether it is that, its kind, its status, and what to do.
type Opening = (fn(&Causes) -> bool, &'static str, u8, &'static str);

/// The first that holds counts; the last one always does.
const OPENING: &[Opening] = &[
    (
        |causes| causes.have(ErrorKind::PermissionDenied),
        "not-permitted",
        NOT_PERMITTED,
        "run it with sudo, or choose a directory of yours with `--data-dir DIR` or IMC_DATA_DIR",
    ),
    (
        |causes| {
            causes.are(blobstore::ErrorKind::NoSpace, metastore::ErrorKind::NoSpace)
                || causes.have(ErrorKind::StorageFull)
        },
        "no-space",
        CANNOT_CREATE,
        "free some space there, or choose another directory with `--data-dir DIR` or IMC_DATA_DIR",
    ),
    (
        |causes| causes.are(blobstore::ErrorKind::Unsupported, metastore::ErrorKind::Unsupported),
        "newer-data",
        SOFTWARE,
        "use the imc that wrote it or a newer one, or choose another directory with `--data-dir DIR`",
    ),
    (
        |causes| causes.are(blobstore::ErrorKind::Busy, metastore::ErrorKind::Busy),
        "busy",
        TEMPORARY,
        "another imc works on it: try again",
    ),
    (
        |causes| causes.are(blobstore::ErrorKind::Corrupt, metastore::ErrorKind::Corrupt),
        "damaged-data",
        SOFTWARE,
        "put that file back from a copy, or move the directory away and create the caches again",
    ),
    (
        |_| true,
        "internal",
        SOFTWARE,
        "choose a directory that can be made and written with `--data-dir DIR` or IMC_DATA_DIR",
    ),
];

/// The data directory could not be opened.
pub(crate) fn opening(data_dir: &Path, error: &(dyn StdError + 'static)) -> Failure {
    let message = format!("failed to open the data directory {}: {}", data_dir.display(), chain(error));
    let causes = Causes::of(error);
    let found = OPENING.iter().find(|(holds, ..)| holds(&causes));
    let (_, kind, code, advice) = found.expect("the last one always holds");
    Failure { kind, message, advice: Some((*advice).to_owned()), code: *code }
}
