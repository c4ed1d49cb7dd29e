//! What somebody at a terminal sees: bars that fit, words that stay, and a terminal that is as it was afterwards.

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use testkit::{FaultServer, Image, Reply};

use crate::screen::Terminal;
use crate::support::{Home, image, noise, wait_until};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// A server that keeps every layer back until it is released, and the image that it has as `app:1`.
fn slow(layers: usize) -> (FaultServer, Image) {
    let server = FaultServer::start();
    let image = image((0..layers).map(|number| noise(&format!("layer-{number}"), 30_000)));
    server.serve_image("app", "1", &image);
    for layer in &image.layers {
        server.always(&format!("/v2/app/blobs/{}", layer.digest), Reply::blob(&layer.blob).held());
    }
    (server, image)
}

fn create(home: &Home, server: &FaultServer, term: &str, terminal: &mut Terminal) -> Child {
    let (host, reference) = (server.host(), format!("{}/app:1", server.host()));
    let mut command = home.command();
    command.env("TERM", term).args(["create", "web", &reference, "--plain-http", &host]);
    terminal.spawn(&mut command)
}

#[test]
fn ctrl_c_is_answered_above_the_bars_and_none_of_them_stays() {
    let (home, (server, _)) = (Home::new(), slow(2));
    let mut terminal = Terminal::new(80, 24);
    let mut child = create(&home, &server, "xterm", &mut terminal);
    wait_until("the bars are there", || terminal.screen().shows("0 of 2 layers"));
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let screen = terminal.last_screen();
    let lines = screen.lines();
    assert_eq!(lines[0], "cancelling the build; finished layers are kept", "{lines:#?}");
    assert!(lines[1].starts_with("error: "), "{lines:#?}");
    for left in ["unpacking", "of 2 layers", "\u{2588}", "\u{2591}"] {
        assert!(!screen.shows(left), "{left} is in {lines:#?}");
    }
}

#[test]
fn more_layers_than_rows_are_summed_up_and_narrow_rows_do_not_wrap() {
    for columns in [40, 79, 200] {
        let (home, (server, _)) = (Home::new(), slow(12));
        let mut terminal = Terminal::new(columns, 6);
        let mut child = create(&home, &server, "xterm", &mut terminal);
        wait_until("the layers are counted", || terminal.screen().shows("0 of 12 layers"));
        wait_until("a layer is shown", || terminal.screen().shows("sha256:"));
        let lines = terminal.screen().lines();
        let goes_on = |line: &&String| {
            !line.is_empty() && !line.contains("of 12 layers") && !line.starts_with("sha256:")
        };
        assert!(lines.iter().find(goes_on).is_none(), "{lines:#?}");
        server.release();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let screen = terminal.last_screen();
        assert!(screen.shows("cache web (imc-") && !screen.shows("sha256:"), "{:#?}", screen.lines());
    }
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let (home, (server, _)) = (Home::new(), slow(1));
    server.release();
    let mut terminal = Terminal::new(80, 24);
    let mut child = create(&home, &server, "dumb", &mut terminal);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let screen = terminal.last_screen();
    assert!(screen.shows("layer sha256:") && screen.shows("): done"), "{:#?}", screen.lines());
}

fn ask_for_password(home: &Home, server: &FaultServer, terminal: &mut Terminal) -> Child {
    let host = server.host();
    let mut command = home.command();
    let child = terminal.spawn(command.args(["login", &host, "-u", "alice", "--plain-http", &host]));
    wait_until("it asks", || !terminal.echoes() && terminal.screen().shows("password of alice"));
    child
}

#[test]
fn a_signal_at_the_question_for_the_password_leaves_the_terminal_as_it_was() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let (home, server, mut terminal) = (Home::new(), FaultServer::start(), Terminal::new(80, 24));
        let mut child = ask_for_password(&home, &server, &mut terminal);
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal:?}");
        assert!(terminal.echoes(), "{signal:?}");
        assert!(terminal.last_screen().shows("cancelled"));
    }
}

#[test]
fn a_stop_at_the_question_for_the_password_shows_what_is_typed_until_it_goes_on() {
    let (home, server, mut terminal) = (Home::new(), FaultServer::start(), Terminal::new(80, 24));
    let mut child = ask_for_password(&home, &server, &mut terminal);
    send(&child, Signal::TSTP);
    wait_until("it has stopped", || terminal.echoes());
    let state = format!("/proc/{}/stat", child.id());
    wait_until("it has stopped", || std::fs::read_to_string(&state).unwrap().contains(") T "));
    send(&child, Signal::CONT);
    wait_until("it asks again", || !terminal.echoes());
    terminal.type_in("s3cret\n");
    assert!(child.wait().unwrap().code().is_some());
    assert!(terminal.echoes());
    assert!(!terminal.last_screen().shows("s3cret"));
}
