//! From an entry's attributes to the blob's.

use erofs::{DeviceNumber, Leaf, Metadata, Mtime, SymlinkTarget, XattrErrorKind, Xattrs};

use super::LayerTree;
use crate::tar::{Entry, Kind, display};
use crate::{ConvertError, Limit, Limits, WarningKind};

/// Namespaces that overlayfs reads its own marks from.
const OVERLAY: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];

/// What each attribute takes beside name and value.
const XATTR_OVERHEAD: usize = 8;
/// Bytes of an entry's extended attributes whatever the limits say: EROFS holds 256 KiB, and the opaque mark must fit in
/// beside them.
const MOST_XATTRS: usize = 128 << 10;

impl LayerTree {
    pub(super) fn metadata(&mut self, entry: &Entry) -> Result<Metadata, ConvertError> {
        if entry.clamped {
            self.warnings.add(WarningKind::Clamped, || entry.display());
        }
        let mtime =
            Mtime::new(entry.mtime, entry.mtime_nsec).map_err(|error| entry.malformed(error.to_string()))?;
        let mode = if entry.kind == Kind::Symlink { 0o777 } else { entry.mode };
        Ok(Metadata { mode, uid: entry.uid, gid: entry.gid, mtime, xattrs: self.xattrs(entry)? })
    }

    fn xattrs(&mut self, entry: &Entry) -> Result<Xattrs, ConvertError> {
        let mut xattrs = Xattrs::new();
        let place = |name: &[u8]| format!("{}: {}", entry.display(), display(name));
        if let Some(name) = &entry.foreign_attribute {
            self.warnings.add(WarningKind::UnsupportedXattr, || place(name));
        }
        if entry.xattrs.is_empty() || entry.kind == Kind::HardLink {
            return Ok(xattrs);
        }
        let mut bytes = 0;
        for xattr in &entry.xattrs {
            if OVERLAY.iter().any(|prefix| xattr.name.starts_with(prefix)) {
                self.warnings.add(WarningKind::OverlayXattr, || place(&xattr.name));
                continue;
            }
            bytes += XATTR_OVERHEAD + xattr.name.len() + xattr.value.len();
            if xattr.value.len() > self.limits.xattr_value {
                return Err(self.over(Limit::XattrValue, self.limits.xattr_value, entry));
            }
            let most = self.limits.xattrs_per_entry.min(MOST_XATTRS);
            if bytes > most {
                return Err(self.over(Limit::XattrsPerEntry, most, entry));
            }
            match xattrs.insert(&xattr.name, &xattr.value).map_err(|error| error.kind()) {
                Ok(()) => {}
                Err(XattrErrorKind::ValueTooLong) => {
                    return Err(self.over(Limit::XattrValue, usize::from(u16::MAX), entry));
                }
                Err(XattrErrorKind::TooManyBytes) => {
                    return Err(self.over(Limit::XattrsPerEntry, 256 << 10, entry));
                }
                Err(_) => self.warnings.add(WarningKind::UnsupportedXattr, || place(&xattr.name)),
            }
        }
        // Whole layers carry the same label on every file; the tree stores an equal set once.
        if self.last_xattrs != xattrs {
            self.budget.xattrs(bytes, entry, &self.limits)?;
            self.last_xattrs = xattrs.clone();
        }
        Ok(xattrs)
    }
}

pub(super) fn symlink(entry: &Entry, limits: &Limits) -> Result<Leaf, ConvertError> {
    let bound = limits.symlink.min(SymlinkTarget::MAX_LEN);
    if entry.link.len() > bound {
        let path = entry.display();
        return Err(ConvertError::LimitExceeded { limit: Limit::Symlink, bound: bound as u64, path });
    }
    SymlinkTarget::new(&entry.link).map(Leaf::Symlink).map_err(|error| entry.malformed(error.to_string()))
}

pub(super) fn device(entry: &Entry) -> Result<DeviceNumber, ConvertError> {
    let (major, minor) = entry.device;
    let number = u32::try_from(major).ok().zip(u32::try_from(minor).ok());
    number
        .and_then(|(major, minor)| DeviceNumber::new(major, minor).ok())
        .ok_or_else(|| entry.malformed(format!("the device number {major}:{minor} is out of range")))
}
