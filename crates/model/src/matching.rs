//! Which cache serves the wanted images best: one pure function, with the reason for every cache taken or left.
//!
//! [`rank`] takes a request and candidates and gives a [`Ranking`]; [`explain`] says it of one candidate. What decides
//! is the request's [`MatchPolicy`]:
//!
//! | policy | degree, highest first | then | then |
//! | --- | --- | --- | --- |
//! | `alibaba` | images there in the wanted version, then images there in another version | least surplus | newest |
//! | `tencent` | wanted names there, in any version | smaller cache | newest |
//! | `content` | everything there, then bytes that need not be fetched | least surplus | newest |
//!
//! Of equals the one with the greater id goes first (ids made later are greater), so that the order is total and
//! never depends on the order of the candidates.
//!
//! **Surplus** is what a cache's unpacked images take beyond the wanted ones that it has. The reference says "closest
//! size" without saying to what; the least surplus is our reading of it.
//!
//! **A name** is registry and repository, after Docker's defaults, or the whole word for layouts and archives, which
//! match by equality alone. An image is there **in the wanted version** where the words are equal or the wanted digest
//! is what the cache's tag is pinned to; for `alibaba` also where the cache has all its layers, whatever it is called.
//!
//! `content` goes by layers (diff ids) alone, whatever the names are. Where the layers of a wanted image are not known,
//! the image of that word or digest counts with all its bytes. Bytes that several wanted images share count once. A cache
//! with everything goes before one that saves more bytes but lacks an image.
//!
//! Candidates are the caches of one account; keeping accounts apart is the caller's. A layer's size is taken to be the
//! same wherever it is stated.

mod candidate;
mod holding;
mod policy;
mod ranking;
mod request;
mod standing;
mod text;

pub use candidate::{Candidate, CandidateImage, Offer};
pub use holding::{Holding, ImageMatch, LayersHeld, Named};
pub use policy::{MatchPolicy, PolicyError};
pub use ranking::{Left, LeftBecause, Ranking, Reason, Taken, explain, rank};
pub use request::{MatchCondition, MatchRequest, WantedImage};
pub use standing::{Grade, Place, Standing};

#[cfg(test)]
mod tests;
