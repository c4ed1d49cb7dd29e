//! A tar that is not compressed: chunks pass through.

use bytes::Bytes;

use super::{Decompress, Outlet, Stop};

pub(super) struct Plain;

impl Decompress for Plain {
    fn chunk(&mut self, chunk: Bytes, outlet: &mut Outlet) -> Result<(), Stop> {
        outlet.send(&chunk)
    }

    fn finish(&mut self, _: &mut Outlet) -> Result<(), Stop> {
        Ok(())
    }
}
