//! What was left out of a blob without failing the layer.

use std::fmt;

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WarningKind {
    /// A character device 0/0, which overlayfs would obey as a whiteout: the entry is left out.
    WhiteoutDevice,
    /// An attribute `trusted.overlay.*` or `user.overlay.*`, which overlayfs would obey: the attribute is left out.
    OverlayXattr,
    /// An attribute of a namespace that EROFS cannot name: the attribute is left out.
    UnsupportedXattr,
    /// An entry of a type that is no file (a volume label, a multi-volume part, an unknown letter): left out.
    UnknownEntry,
    /// A special file of aufs (`.wh..wh.plnk` and the like): left out.
    AufsEntry,
    /// A time or number beyond what EROFS can hold: clamped.
    Clamped,
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WhiteoutDevice => "a character device 0/0 would act as a whiteout, left out",
            Self::OverlayXattr => "an extended attribute would steer overlayfs, left out",
            Self::UnsupportedXattr => "an extended attribute has no place in EROFS, left out",
            Self::UnknownEntry => "an entry of unknown type was left out",
            Self::AufsEntry => "a special file of aufs was left out",
            Self::Clamped => "a number beyond what EROFS holds was clamped",
        })
    }
}

/// Something left out, with the first place where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What.
    pub kind: WarningKind,
    /// The path of the first entry concerned, and the attribute's name where there is one; lossy for display.
    pub first: String,
    /// How many times.
    pub count: u64,
}

/// The warnings of one conversion: one per kind, so that no layer can make the list long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings(Vec<Warning>);

impl Warnings {
    /// Each kind that occurred, in order of first occurrence.
    pub fn iter(&self) -> std::slice::Iter<'_, Warning> {
        self.0.iter()
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, kind: WarningKind, place: impl FnOnce() -> String) {
        match self.0.iter_mut().find(|warning| warning.kind == kind) {
            Some(warning) => warning.count += 1,
            None => self.0.push(Warning { kind, first: place(), count: 1 }),
        }
    }
}
