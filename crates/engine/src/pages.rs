//! Listings of the records, whole.

use std::future::Future;

use metastore::Page;

/// Every record of a listing, the oldest first, page after page. One that is not full is the last.
///
/// # Errors
/// Those of the listing.
pub(crate) async fn every<T, Id: Copy, E, F>(
    mut list: impl FnMut(Page<Id>) -> F,
    id: impl Fn(&T) -> Id,
) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<Vec<T>, E>>,
{
    let (mut all, mut page) = (Vec::new(), Page::first());
    loop {
        let found = list(page).await?;
        let last = found.last().filter(|_| found.len() >= page.limit as usize).map(&id);
        all.extend(found);
        let Some(last) = last else { return Ok(all) };
        page = Page::after(last);
    }
}
