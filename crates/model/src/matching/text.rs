//! Reasons as people read them.

use std::fmt;

use super::{Grade, ImageMatch, LeftBecause, Reason};

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grade, wanted, size } = self;
        match grade {
            Grade::Alibaba { whole, other_tag } => {
                write!(f, "has {whole} of {wanted} images")?;
                if *other_tag > 0 {
                    write!(f, " and {other_tag} in another version")?;
                }
                write!(f, ", {size} beyond them")
            }
            Grade::Tencent { names: 1 } => write!(f, "has 1 wanted name, size {size}"),
            Grade::Tencent { names } => write!(f, "has {names} wanted names, size {size}"),
            Grade::Content { perfect: true, saved } => {
                write!(f, "has everything ({saved}), {size} beyond it")
            }
            Grade::Content { perfect: false, saved } => {
                write!(f, "{saved} need not be fetched, {size} beyond them")
            }
        }
    }
}

impl fmt::Display for LeftBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingInCommon => f.write_str("has nothing in common with the wanted images"),
            Self::State(state) => write!(f, "is {state}"),
            Self::Platform(platform) => write!(f, "is for {platform}"),
            Self::LargerThanSpace { size, space } => {
                write!(f, "its size {size} is over the instance's space of {space}")
            }
            Self::NotPerfect { have, wanted } => {
                write!(f, "has {have} of {wanted} images, and all are asked for")
            }
            Self::TooFewImages { have, at_least } => {
                write!(f, "has {have} of the images whole, and at least {at_least} are asked for")
            }
        }
    }
}

impl fmt::Display for ImageMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("is there"),
            Self::SamePinned => f.write_str("is there by its digest"),
            Self::AllLayers => f.write_str("is there under another name"),
            Self::OtherTag => f.write_str("is there in another version"),
            Self::Layers { bytes, of } => write!(f, "{bytes} of {of} are there"),
            Self::Missing => f.write_str("is missing"),
        }
    }
}
