//! Servers that send, though never enough to come to an end.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use registry::{ErrorKind, RetryPolicy, Settings, Timeouts};
use testkit::{FaultServer, Reply};

use crate::support::{assert_kind, blob_path, image, pull, server, settings};

/// Far longer than any of these takes: what is not over by then hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that sends a head, then a byte now and then for ever. Each request's own head, and its number, make the answer's.
struct Trickle {
    host: String,
    requests: Arc<AtomicUsize>,
}

fn trickle(head: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Trickle {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let requests = Arc::new(AtomicUsize::new(0));
    let (count, head) = (requests.clone(), Arc::new(head));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (number, head) = (count.fetch_add(1, Ordering::SeqCst), head.clone());
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).unwrap_or(0);
                let head = head(number, &String::from_utf8_lossy(&request[..length]));
                let _ = stream.write_all(head.as_bytes());
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
    });
    Trickle { host, requests }
}

/// What is slower than 1 MiB/s for a tenth of a second hangs.
fn hasty(settings: Settings, attempts_in_all: u32) -> Settings {
    let timeouts = Timeouts {
        slowest_bytes_per_second: 1 << 20,
        slow_window: Duration::from_millis(100),
        document: Duration::from_millis(500),
        ..settings.timeouts
    };
    let retry = RetryPolicy { attempts_in_all, ..settings.retry };
    Settings { timeouts, retry, ..settings }
}

async fn pull_in_time(server: &FaultServer, attempts_in_all: u32) -> Result<Vec<u8>, registry::Error> {
    let host = server.host();
    let pulled = pull(hasty(settings(&[&host]), attempts_in_all), &host);
    tokio::time::timeout(PATIENCE, pulled).await.unwrap()
}

/// Pulls an image whose layer, said to be of a million bytes, is at that server.
async fn pull_from(host: &str, attempts_in_all: u32) {
    let image = image(10);
    let server = server(&image);
    server.always(&blob_path(&image), Reply::redirect(307, &format!("http://{host}/b")));
    let manifest = String::from_utf8(image.manifest.clone()).unwrap();
    let size = image.layers[0].blob.len();
    let manifest = manifest.replace(&format!("\"size\":{size}"), "\"size\":1000000");
    server.always("/v2/app/manifests/v1", Reply::new(200, image.manifest_type(), manifest));
    let text = assert_kind(pull_in_time(&server, attempts_in_all).await, ErrorKind::Hang);
    assert!(text.contains(host), "{text}");
}

#[tokio::test]
async fn a_trickle_is_a_hang() {
    let store = trickle(|_, _| "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_owned());
    pull_from(&store.host, 1).await;
}

#[tokio::test]
async fn bytes_that_trickle_are_no_progress_where_ranges_are_served() {
    let store = trickle(|_, request| {
        let range = request.lines().find_map(|line| line.strip_prefix("range: bytes="));
        let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
            return "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_owned();
        };
        let length = last.parse::<u64>().unwrap() + 1 - first.parse::<u64>().unwrap();
        format!(
            "HTTP/1.1 206 Part\r\ncontent-length: {length}\r\ncontent-range: bytes {first}-{last}/1000000\r\n\r\n"
        )
    });
    pull_from(&store.host, 30).await;
    // Each attempt may ask the store directly first, and again by way of the registry.
    assert!(store.requests.load(Ordering::SeqCst) <= 6, "three attempts in a row are all");
}

/// Pulls a layer whose server falls silent in each answer. Returns how often it was asked.
async fn asked_of_a_server_that_falls_silent(answer: impl Fn(u64) -> Reply) -> usize {
    let image = image(300_000);
    let server = server(&image);
    server.script(&blob_path(&image), (0..30).map(answer));
    assert_kind(pull_in_time(&server, 30).await, ErrorKind::Hang);
    server.requests_for(&blob_path(&image)).len()
}

#[tokio::test]
async fn a_byte_and_then_silence_is_no_progress() {
    let blob = image(300_000).layers[0].blob.clone();
    let asked = asked_of_a_server_that_falls_silent(|_| Reply::blob(&blob).hang_after(1)).await;
    assert!(asked <= 5, "three attempts in a row are all: {asked}");
}

#[tokio::test]
async fn all_that_came_again_with_a_new_byte_is_no_progress() {
    let blob = image(300_000).layers[0].blob.clone();
    let silent = |nth| Reply::blob(&blob).without_ranges().hang_after(200_000 + nth);
    let asked = asked_of_a_server_that_falls_silent(silent).await;
    assert!(asked <= 6, "three attempts in a row are all: {asked}");
}

#[tokio::test]
async fn an_error_document_for_a_layer_may_not_trickle_for_ever() {
    let image = image(10);
    let server = server(&image);
    let store = trickle(|_, _| "HTTP/1.1 400 No\r\ncontent-length: 16384\r\n\r\n".to_owned());
    server.always(&blob_path(&image), Reply::redirect(307, &format!("http://{}/b", store.host)));
    assert!(assert_kind(pull_in_time(&server, 9).await, ErrorKind::ServerError).contains("400"));
}

#[tokio::test]
async fn a_token_may_not_trickle_for_ever_where_a_layer_needs_a_new_one() {
    let image = image(10);
    let server = server(&image);
    // Tokens for the manifest and the config, dead at once, and none for the layer.
    let tokens = trickle(|number, _| match number {
        0 | 1 => {
            let document = r#"{"token":"tok","expires_in":0}"#;
            let length = document.len();
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{document}")
        }
        _ => "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_owned(),
    });
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"s\"", tokens.host);
    server.require("Bearer tok", &challenge);
    let text = assert_kind(pull_in_time(&server, 9).await, ErrorKind::Hang);
    assert!(text.contains("layer"), "{text}");
}

#[tokio::test]
async fn a_byte_per_request_is_not_asked_for_for_ever() {
    let image = image(100_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    server.script(&blob_path(&image), [Reply::blob(blob).cut_after(50_000)]);
    let short = Reply::blob(blob).short_ranges(1);
    server.always(&blob_path(&image), short);
    assert_eq!(&pull(settings(&[&server.host()]), &server.host()).await.unwrap(), blob);
    let asked = server.requests_for(&blob_path(&image));
    assert!(asked.len() < 30 && asked.last().unwrap().range().is_none(), "{}", asked.len());
}

#[tokio::test]
async fn answers_somewhat_shorter_than_the_range_are_taken() {
    let image = image(100_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    server.script(&blob_path(&image), [Reply::blob(blob).cut_after(50_000)]);
    server.always(&blob_path(&image), Reply::blob(blob).short_ranges(20_000));
    assert_eq!(&pull(settings(&[&server.host()]), &server.host()).await.unwrap(), blob);
    assert!(server.requests_for(&blob_path(&image))[1..].iter().all(|request| request.range().is_some()));
}

#[tokio::test]
async fn a_proxy_that_cuts_every_range_to_its_own_size_is_asked_on() {
    let image = image(2_000_000);
    let blob = &image.layers[0].blob;
    let server = server(&image);
    let answers = |count: usize, length| (0..count).map(move |_| Reply::blob(blob).short_ranges(length));
    server.script(&blob_path(&image), [Reply::blob(blob).cut_after(50_000)]);
    // Fifteen short ones, and those after them, are not in a row.
    for (count, length) in [(15, 1000), (1, 64 << 10), (15, 1000)] {
        server.script(&blob_path(&image), answers(count, length));
    }
    server.always(&blob_path(&image), Reply::blob(blob).short_ranges(64 << 10));
    assert_eq!(&pull(settings(&[&server.host()]), &server.host()).await.unwrap(), blob);
    let asked = server.requests_for(&blob_path(&image));
    assert!(asked.len() > 50 && asked[1..].iter().all(|request| request.range().is_some()));
}
