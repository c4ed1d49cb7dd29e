//! Files that come with a request.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

const MOST_FILES: usize = 100;
/// Of one file, decoded.
const MOST_BYTES: usize = 32 * 1024;
/// All permission bits.
const MOST_MODE: u32 = 0o777;

/// `ConfigFileToPath.M`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// `Path`: below the mount, without `..`.
    pub path: String,
    /// `Content`, decoded.
    pub content: FileContent,
    /// `Mode`: permission bits.
    pub mode: Option<u32>,
}

/// The bytes of a file. `Debug` does not show them: they are often passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct FileContent(Vec<u8>);

impl FileContent {
    /// That content.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for who writes them down.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileContent([{} bytes])", self.0.len())
    }
}

impl ConfigFile {
    pub(super) fn read_all(fields: &Fields<'_>) -> Result<Vec<Self>, Refusal> {
        fields.objects("ConfigFileToPath", MOST_FILES, |file| {
            let path: String = file.required("Path")?;
            if !is_below(&path) {
                return Err(file.invalid("Path"));
            }
            let content = STANDARD.decode(file.text("Content").unwrap_or_default());
            let content = content.map_err(|_| file.invalid("Content"))?;
            if content.len() > MOST_BYTES {
                return Err(file.too_long("Content", MOST_BYTES));
            }
            Ok(Self { path, content: FileContent(content), mode: mode(file, "Mode")? })
        })
    }
}

/// With a zero in front the digits are octal, as the documentation writes modes (`0644`); else decimal, as Kubernetes writes them and as a
/// program's `0o644` comes out (`420`).
pub(super) fn mode(fields: &Fields<'_>, part: &str) -> Result<Option<u32>, Refusal> {
    let Some(octal) =
        fields.text(part).and_then(|text| text.strip_prefix('0')).filter(|rest| !rest.is_empty())
    else {
        return fields.number(part, 0..=MOST_MODE);
    };
    let mode = u32::from_str_radix(octal, 8).ok().filter(|mode| *mode <= MOST_MODE);
    mode.map(Some).ok_or_else(|| fields.invalid(part))
}

/// Whether a path stays where it is mounted.
fn is_below(path: &str) -> bool {
    !path.starts_with('/')
        && !path.contains('\0')
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
