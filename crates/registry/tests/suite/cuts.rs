//! Connections that break, ranges, parts, and servers that get ranges wrong.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use registry::{ErrorKind, RangeSettings, Registry, Settings};
use testkit::Reply;

use crate::support::{assert_kind, blob_path, image, in_parts, pull, read, resolve, server, settings};

#[tokio::test]
async fn a_cut_is_resumed_where_it_broke() {
    let image = image(300_000);
    let blob = &image.layers[0].blob;
    let length = blob.len() as u64;
    for at in [0, 1, 511, 65_536, 200_000, length - 1] {
        let server = server(&image);
        server.script(&blob_path(&image), [Reply::blob(blob).cut_after(at)]);
        assert_eq!(&pull(settings(&[&server.host()]), &server.host()).await.unwrap(), blob, "cut at {at}");
        let asked = server.requests_for(&blob_path(&image));
        assert_eq!(asked.len(), 2);
        // What was lost in the broken connection's buffers is asked for again, nothing else.
        let first = asked[1].range().map_or(0, |(first, _)| first);
        assert!(first <= at, "cut at {at}, asked again from {first}");
    }
}

#[tokio::test]
async fn many_cuts_with_progress_are_survived() {
    let image = image(300_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    server.script(&blob_path(&image), (0..10).map(|_| Reply::blob(blob).cut_after(20_000)));
    assert_eq!(&pull(settings(&[&server.host()]), &server.host()).await.unwrap(), blob);
    assert_eq!(server.requests_for(&blob_path(&image)).len(), 11);
}

#[tokio::test]
async fn cuts_without_progress_end() {
    let image = image(300_000);
    let server = server(&image);
    server.always(&blob_path(&image), Reply::blob(&image.layers[0].blob).cut_after(0));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Cut);
    assert_eq!(server.requests_for(&blob_path(&image)).len(), 3);
}

/// A plain server that answers its first request with 503, closes without a word on the next `closes`, and has that blob
/// from then on.
fn restarting(closes: usize, blob: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            if number == 0 {
                let _ =
                    stream.write_all(b"HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            } else if number > closes {
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", blob.len());
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&blob);
            }
        }
    });
    host
}

#[tokio::test]
async fn a_plain_server_that_closes_without_a_word_after_it_has_answered_is_cut_off() {
    let image = image(1000);
    let server = server(&image);
    let mut settings = settings(&[&server.host()]);
    (settings.retry.attempts, settings.retry.connect_attempts) = (9, 1);
    let store = restarting(5, image.layers[0].blob.clone());
    server.always(&blob_path(&image), Reply::redirect(307, &format!("http://{store}/b")));
    assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
}

#[tokio::test]
async fn a_cut_on_a_server_without_ranges_starts_over_and_gives_no_byte_twice() {
    let image = image(300_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    server.script(&blob_path(&image), [Reply::blob(blob).without_ranges().cut_after(123_456)]);
    server.always(&blob_path(&image), Reply::blob(blob).without_ranges());
    assert_eq!(&pull(settings(&[&server.host()]), &server.host()).await.unwrap(), blob);
}

#[tokio::test]
async fn large_layers_come_in_parts_and_in_order() {
    let image = image(500_000);
    let server = server(&image);
    let bytes = pull(in_parts(settings(&[&server.host()])), &server.host()).await.unwrap();
    assert_eq!(bytes, image.layers[0].blob);
    let asked = server.requests_for(&blob_path(&image));
    assert_eq!(asked.len(), bytes.len().div_ceil(16 << 10));
    assert!(asked.iter().all(|request| request.range().is_some()));
    assert!(server.peak_requests() <= 3, "the window is kept");
}

#[tokio::test]
async fn cuts_and_errors_within_parts_are_mended() {
    let image = image(200_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    let replies = [
        Reply::blob(blob).cut_after(100),
        Reply::error(503, "LATER"),
        Reply::blob(blob),
        Reply::blob(blob).cut_after(16_000),
        Reply::too_many_requests(0),
    ];
    server.script(&blob_path(&image), replies);
    let mut settings = in_parts(settings(&[&server.host()]));
    // Whichever part meets them, be it all of them the same one.
    settings.retry.attempts = 5;
    assert_eq!(&pull(settings, &server.host()).await.unwrap(), blob);
}

#[tokio::test]
async fn without_ranges_parts_become_one_plain_request() {
    let image = image(300_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    server.always(&blob_path(&image), Reply::blob(blob).without_ranges());
    assert_eq!(&pull(in_parts(settings(&[&server.host()])), &server.host()).await.unwrap(), blob);
    // The window's first parts find out, then one asks for all.
    assert!(server.requests_for(&blob_path(&image)).len() <= 4);
}

#[tokio::test]
async fn bytes_in_chunks_of_their_own_come_in_large_pieces() {
    let image = image(200_000);
    let blob = &image.layers[0].blob;
    for settings_of in [|host: &str| settings(&[host]), |host: &str| in_parts(settings(&[host]))] {
        let server = server(&image);
        server.always(&blob_path(&image), Reply::blob(blob).in_chunks_of(1));
        let text = format!("{}/app:v1", server.host());
        let (registry, resolved) = resolve(settings_of(&server.host()), &text).await.unwrap();
        let mut stream = registry.fetch_layer(&resolved, &resolved.manifest.layers[0]).await.unwrap();
        let mut pieces = Vec::new();
        while let Some(piece) = stream.chunk().await.unwrap() {
            pieces.push(piece);
        }
        assert_eq!(&pieces.concat(), blob);
        assert!(pieces.len() <= blob.len().div_ceil(16 << 10), "{} pieces", pieces.len());
    }
}

#[tokio::test]
async fn a_206_of_another_place_is_not_believed() {
    let image = image(300_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    server.always(&blob_path(&image), Reply::blob(blob).lying_range(0));
    // The first part begins at 0, where the lie is the truth; every other one is caught.
    let path = blob_path(&image);
    let whole = pull(in_parts(settings(&[&server.host()])), &server.host()).await.unwrap();
    assert_eq!(&whole, blob);
    assert!(server.requests_for(&path).iter().any(|request| request.range().is_none()));
}

#[tokio::test]
async fn a_206_without_content_range_is_not_believed() {
    let image = image(100_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    server.script(
        &blob_path(&image),
        [Reply::blob(blob).cut_after(50_000), Reply::new(206, "x/y", &blob[7..])],
    );
    assert_eq!(&pull(settings(&[&server.host()]), &server.host()).await.unwrap(), blob);
    let asked: Vec<_> = server.requests_for(&blob_path(&image)).iter().map(|r| r.range().is_some()).collect();
    assert_eq!(asked, [false, true, false]);
}

#[tokio::test]
async fn a_206_that_was_not_asked_for_is_malformed() {
    let image = image(1000);
    let server = server(&image);
    server.always(&blob_path(&image), Reply::new(206, "x/y", "x").header("content-range", "bytes 0-0/1"));
    assert_kind(pull(settings(&[&server.host()]), &server.host()).await, ErrorKind::Malformed);
}

#[tokio::test]
async fn a_total_that_differs_is_a_wrong_length() {
    let image = image(100_000);
    let server = server(&image);
    let part = Reply::new(206, "x/y", vec![0; 16 << 10]).header("content-range", "bytes 0-16383/99");
    server.always(&blob_path(&image), part);
    assert_kind(pull(in_parts(settings(&[&server.host()])), &server.host()).await, ErrorKind::WrongLength);
}

#[tokio::test]
async fn a_fast_server_is_not_asked_for_parts() {
    let image = image(600_000);
    let ranges = RangeSettings { from_bytes: 1, part_bytes: 16 << 10, window: 3, slow_below: 1 };
    let server = server(&image);
    let settings = Settings { ranges, ..settings(&[&server.host()]) };
    assert_eq!(pull(settings, &server.host()).await.unwrap(), image.layers[0].blob);
    // 32 KiB, then twice as much each time.
    assert_eq!(server.requests_for(&blob_path(&image)).len(), 5);
}

#[tokio::test]
async fn requests_per_host_are_limited() {
    let image = image(300_000);
    let server = server(&image);
    server.always(&blob_path(&image), Reply::blob(&image.layers[0].blob).held());
    let settings = Settings { requests_per_host: 2, ..in_parts(settings(&[&server.host()])) };
    let (registry, resolved) = resolve(settings, &format!("{}/app:v1", server.host())).await.unwrap();
    let streams = (0..4).map(|_| registry.fetch_layer(&resolved, &resolved.manifest.layers[0]));
    let mut reads = tokio::task::JoinSet::new();
    for stream in streams {
        let stream = stream.await.unwrap();
        reads.spawn(read(stream));
    }
    let path = blob_path(&image);
    let server = std::sync::Arc::new(server);
    let waiting = server.clone();
    tokio::task::spawn_blocking(move || {
        waiting.wait_for_requests(&path, 2);
        waiting.release();
    })
    .await
    .unwrap();
    while let Some(bytes) = reads.join_next().await {
        assert_eq!(bytes.unwrap().unwrap(), image.layers[0].blob);
    }
    assert!(server.peak_requests() <= 2);
}

#[tokio::test]
async fn a_dropped_call_loses_no_byte() {
    let image = image(300_000);
    for settings_of in [|host: &str| settings(&[host]), |host: &str| in_parts(settings(&[host]))] {
        let server = server(&image);
        let text = format!("{}/app:v1", server.host());
        let (registry, resolved) = resolve(settings_of(&server.host()), &text).await.unwrap();
        let mut stream = registry.fetch_layer(&resolved, &resolved.manifest.layers[0]).await.unwrap();
        let mut bytes = Vec::new();
        loop {
            // Half of the calls are given up at a random moment.
            let patience = Duration::from_micros(bytes.len() as u64 % 97);
            match tokio::time::timeout(patience, stream.chunk()).await {
                Ok(Ok(Some(chunk))) => bytes.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => panic!("{error}"),
                Err(_) => {
                    if let Some(chunk) = stream.chunk().await.unwrap() {
                        bytes.extend_from_slice(&chunk);
                    }
                }
            }
        }
        assert_eq!(bytes, image.layers[0].blob);
    }
}

#[tokio::test]
async fn small_blobs_can_be_verified() {
    let image = image(1000);
    let server = server(&image);
    let (registry, resolved) =
        resolve(settings(&[&server.host()]), &format!("{}/app:v1", server.host())).await.unwrap();
    let open = |registry: Registry| {
        let resolved = resolved.clone();
        async move { registry.fetch_layer(&resolved, &resolved.manifest.layers[0]).await.unwrap() }
    };
    assert_eq!(open(registry.clone()).await.into_verified(1 << 20).await.unwrap(), image.layers[0].blob);
    assert_kind(open(registry.clone()).await.into_verified(100).await, ErrorKind::Malformed);
    let mut other = image.layers[0].blob.clone();
    other[600] ^= 1;
    server.always(&blob_path(&image), Reply::blob(other));
    assert_kind(open(registry).await.into_verified(1 << 20).await, ErrorKind::WrongDigest);
}
