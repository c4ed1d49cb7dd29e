//! Memory that was freed and still lies about.

/// Gives freed memory back to the system, where the C library is glibc: it keeps what was freed for each thread apart, and after a
/// hundred thousand records were read, that is a fifth of all memory. Takes some milliseconds where there is much.
pub(crate) async fn give_back() {
    // It neither fails nor panics; where the runtime ends meanwhile, nobody needs it.
    let _ = tokio::task::spawn_blocking(trim).await;
}

#[cfg(target_env = "gnu")]
#[allow(unsafe_code, reason = "nothing safe tells the C library to give back what is free")]
fn trim() {
    // SAFETY: it touches nothing that is allocated, and takes the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(target_env = "gnu"))]
fn trim() {}
