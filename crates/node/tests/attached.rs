//! Streams, terminals and signals of a process that waits for its instance, and commands in running instances.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use common::{Killed, RUNTIMES, World, assert_closed, output, read_until};
use model::{ExitStatus, InstanceState};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn streams_are_the_callers_own_and_the_exit_status_is_passed_on() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let mut spec = world.spec(runtime, &["sh", "-c", "read line; echo got $line; echo err >&2; exit 42"]);
        spec.options.interactive = true;
        spec.remove_on_exit = true;
        let (mut command, _) = world.run_process(&spec, true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a line\n").unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stderr), "err\n", "{runtime}");
        assert_eq!(String::from_utf8_lossy(&done.stdout), "got a line\n");
        assert_eq!(done.status.code(), Some(42));
        world.assert_clean();
        assert_eq!(world.instances.inspect(spec.id).unwrap(), None);
    }
}

#[test]
fn a_user_without_rights_opens_its_streams_and_its_terminal_by_name() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let script = "echo out > /dev/stdout && echo err > /dev/stderr && exit 3";
        let mut spec = world.spec(runtime, &["sh", "-c", script]);
        spec.options.user = Some("web".to_owned());
        let (mut command, _) = world.run_process(&spec, true);
        let done = output(&mut command);
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!((done.stdout.as_slice(), err.as_ref()), (b"out\n".as_slice(), "err\n"), "{runtime}");
        spec.id = model::InstanceId::generate();
        world.start(&spec).session.wait().unwrap();
        assert!(world.log(spec.id).contains("out\n"), "{runtime}: {}", world.log(spec.id));

        let script = "echo opened > $(busybox tty); busybox grep CapEff /proc/self/status; sleep 1000";
        let mut spec = world.spec(runtime, &["sh", "-c", script]);
        spec.options.user = Some("web".to_owned());
        spec.options.terminal = true;
        let (mut ours, theirs) = terminal();
        let (mut command, report) = world.run_process(&spec, true);
        on(&theirs, &mut command);
        let _child = Killed(command.spawn().unwrap());
        let text = read_until(&mut ours, "CapEff:\t0000000000000000");
        assert!(text.contains("opened"), "{runtime}: {text}");
        while !report.exists() {
            std::thread::yield_now();
        }
        let (mut ours, theirs) = terminal();
        let script = "echo opened > $(busybox tty); busybox grep Cap /proc/self/status; exit 3";
        let value = json!({ "command": ["sh", "-c", script], "terminal": true });
        let mut command = world.exec_process(spec.id, value);
        on(&theirs, &mut command);
        let mut child = Killed(command.spawn().unwrap());
        let text = read_until(&mut ours, "CapAmb");
        assert!(text.contains("opened"), "{runtime}: {text}");
        for sets in ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t00000000a80425fb"] {
            assert!(text.contains(sets), "{runtime}: {text}");
        }
        assert_eq!(child.0.wait().unwrap().code(), Some(3));
        let value = json!({ "command": ["sh", "-c", "echo out > /dev/stdout"] });
        let done = output(&mut world.exec_process(spec.id, value));
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!(String::from_utf8_lossy(&done.stdout), "out\n", "{runtime}: {err}");
        world.instances.remove(spec.id, true).unwrap();
    }
    world.assert_clean();
}

#[test]
fn a_callers_umask_is_not_the_containers() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let script = "umask; cat /etc/hosts >/dev/null && echo read; cd /made/deep && echo entered";
        let mut spec = world.spec(runtime, &["sh", "-c", script]);
        spec.options.user = Some("web".to_owned());
        spec.options.working_dir = Some("/made/deep".to_owned());
        let (command, _) = world.run_process(&spec, true);
        let mut command = under_umask(&command);
        let done = output(&mut command);
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!(String::from_utf8_lossy(&done.stdout), "0022\nread\nentered\n", "{runtime}: {err}");

        let spec = world.spec(runtime, &["sleep", "1000"]);
        let _started = world.start(&spec);
        let command = world.exec_process(spec.id, json!({ "command": ["sh", "-c", "umask"] }));
        let done = output(&mut under_umask(&command));
        assert_eq!(String::from_utf8_lossy(&done.stdout), "0022\n", "{runtime}");
        world.instances.remove(spec.id, true).unwrap();
    }
    world.assert_clean();
}

/// The same command by a shell with the strictest umask that people have.
fn under_umask(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    shell
}

#[test]
fn signals_are_forwarded_and_death_by_one_is_128_and_more() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let script = "trap 'echo caught; exit 5' INT; echo ready; while true; do sleep 0.02; done";
        let spec = world.spec(runtime, &["sh", "-c", script]);
        let (mut command, _) = world.run_process(&spec, true);
        let mut child = Killed(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
        let mut out = child.0.stdout.take().unwrap();
        read_until(&mut out, "ready");
        send(&child.0, Signal::INT);
        read_until(&mut out, "caught");
        assert_eq!(child.0.wait().unwrap().code(), Some(5), "{runtime}");

        let spec = world.spec(runtime, &["sleep", "1000"]);
        let (mut command, report) = world.run_process(&spec, true);
        let mut child = Killed(command.stdin(Stdio::null()).spawn().unwrap());
        while !report.exists() {
            std::thread::yield_now();
        }
        world.instances.kill(spec.id, node::Signal::KILL).unwrap();
        assert_eq!(child.0.wait().unwrap().code(), Some(137), "{runtime}");
    }
    world.assert_clean();
}

#[test]
fn an_instance_outlives_its_caller_and_is_cleaned_up_all_the_same() {
    let Some(world) = World::new() else { return };
    let mut spec = world.spec("embedded", &["sh", "-c", "echo ready; read line; exit 9"]);
    spec.options.interactive = true;
    let (mut command, report) = world.run_process(&spec, true);
    let mut child = Killed(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut stdin = child.0.stdin.take().unwrap();
    read_until(&mut child.0.stdout.take().unwrap(), "ready");
    while !report.exists() {
        std::thread::yield_now();
    }
    send(&child.0, Signal::KILL);
    assert_eq!(child.0.wait().unwrap().signal(), Some(9));
    let status = world.instances.inspect(spec.id).unwrap().unwrap();
    assert_eq!(status.state, InstanceState::Running);
    stdin.write_all(b"\n").unwrap();
    assert_eq!(world.instances.wait(spec.id).unwrap(), ExitStatus::Code(9));
    world.assert_clean();
}

/// A pseudo terminal: our end, and the other for a child.
fn terminal() -> (File, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let size = rustix::termios::Winsize { ws_row: 33, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&theirs, size).unwrap();
    (File::from(ours), theirs)
}

fn on(terminal: &File, command: &mut Command) {
    let end = || Stdio::from(terminal.try_clone().unwrap());
    command.stdin(end()).stdout(end()).stderr(end());
}

#[test]
fn a_terminal_is_relayed_with_its_size_and_put_back() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let (mut ours, theirs) = terminal();
        let before = rustix::termios::tcgetattr(&theirs).unwrap();
        let mut spec = world.spec(
            runtime,
            &["sh", "-c", "stty size; echo TERM=$TERM; read x; stty size; echo got $x; exit 4"],
        );
        spec.options.terminal = true;
        spec.options.interactive = true;
        let (mut command, _) = world.run_process(&spec, true);
        on(&theirs, &mut command);
        let mut child = Killed(command.spawn().unwrap());
        read_until(&mut ours, "TERM=xterm");
        let size = rustix::termios::Winsize { ws_row: 20, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&theirs, size).unwrap();
        send(&child.0, Signal::WINCH);
        ours.write_all(b"typed\r").unwrap();
        let text = read_until(&mut ours, "got typed");
        assert!(text.contains("20 60"), "{runtime}: {text}");
        assert_eq!(child.0.wait().unwrap().code(), Some(4), "{runtime}");
        let after = rustix::termios::tcgetattr(&theirs).unwrap();
        assert_eq!(before.local_modes, after.local_modes, "raw mode was left on");
    }
    world.assert_clean();
}

#[test]
fn the_end_of_input_in_the_middle_of_a_line_is_the_end_of_a_terminals() {
    let Some(world) = World::new() else { return };
    for (typed, printed) in [("abc", "abc"), ("abc\n", "abc"), ("", "")] {
        let mut spec = world.spec("embedded", &["sh", "-c", "cat; echo all read"]);
        spec.options.terminal = true;
        spec.options.interactive = true;
        let (mut command, _) = world.run_process(&spec, true);
        let mut child = Killed(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        child.0.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let text = read_until(child.0.stdout.as_mut().unwrap(), "all read");
        assert!(text.contains(printed), "{text}");
        assert_eq!(child.0.wait().unwrap().code(), Some(0));
    }
    world.assert_clean();
}

/// The editor of a shell takes the terminal over when the input may have ended already.
#[test]
fn a_line_editor_sees_the_end_of_the_input() {
    let Some(world) = World::new() else { return };
    let keys = "busybox stty -icanon -echo min 0 time 100; echo editing; busybox dd bs=1 count=1 2>&- | busybox od -An -tx1";
    // The first end is read by lines.
    let mut spec = world.spec("embedded", &["sh", "-c", &format!("read line; {keys}; echo done")]);
    spec.options.terminal = true;
    spec.options.interactive = true;
    let (mut command, _) = world.run_process(&spec, true);
    let mut child = Killed(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let text = read_until(child.0.stdout.as_mut().unwrap(), "done");
    assert!(text.contains("04"), "{text}");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    world.assert_clean();
}

/// What is typed before the container is there is not lost.
#[test]
fn what_was_typed_ahead_reaches_the_container() {
    let Some(world) = World::new() else { return };
    let (mut ours, theirs) = terminal();
    let mut spec = world.spec("embedded", &["sh", "-c", "read line; echo got $line"]);
    spec.options.terminal = true;
    spec.options.interactive = true;
    let (mut command, _) = world.run_process(&spec, true);
    on(&theirs, &mut command);
    ours.write_all(b"ahead\n").unwrap();
    let mut child = Killed(command.spawn().unwrap());
    read_until(&mut ours, "got ahead");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    world.assert_clean();
}

#[test]
fn commands_in_a_running_instance_see_it_and_pass_their_status_on() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let spec = world.spec(runtime, &["sh", "-c", "echo here > /tmp/mark; while true; do sleep 1; done"]);
        let started = world.start(&spec);
        let filter = json!({ "command": ["cat", "/proc/self/status"] });
        for (user, caps) in [("root", "00000000a80425fb"), ("web", "0000000000000000")] {
            let mut filter = filter.clone();
            filter["user"] = json!(user);
            let done = output(&mut world.exec_process(spec.id, filter));
            let text = String::from_utf8_lossy(&done.stdout).into_owned();
            for line in ["Seccomp:\t2".to_owned(), format!("CapEff:\t{caps}"), format!("CapPrm:\t{caps}")] {
                assert!(text.contains(&line), "{runtime}: `{line}` is not in {text}");
            }
            for line in
                ["CapBnd:\t00000000a80425fb", "CapAmb:\t0000000000000000", "CapInh:\t0000000000000000"]
            {
                assert!(text.contains(line), "{runtime}: `{line}` is not in {text}");
            }
        }
        let script = "cat /tmp/mark; id -u; pwd; echo $FROM$MORE; read x; echo $x; exit 6";
        let value = json!({ "command": ["sh", "-c", script], "user": "web", "working_dir": "/srv",
                            "env": ["MORE=more"], "interactive": true });
        let mut command = world.exec_process(spec.id, value);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
        let done = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout);
        assert_eq!(
            (text.as_ref(), done.status.code()),
            ("here\n1000\n/srv\nimagemore\ntyped\n", Some(6)),
            "{runtime}"
        );

        let done = output(&mut world.exec_process(spec.id, json!({ "command": ["absent"] })));
        assert_eq!(done.status.code(), Some(127), "{runtime}");
        let signalled = json!({ "command": ["sh", "-c", "kill -TERM $$; sleep 5"] });
        assert_eq!(output(&mut world.exec_process(spec.id, signalled)).status.code(), Some(143), "{runtime}");

        drop(started);
        world.instances.remove(spec.id, true).unwrap();
        let gone = output(&mut world.exec_process(spec.id, json!({ "command": ["true"] })));
        assert_eq!(gone.status.code(), Some(125));
    }
    world.assert_clean();
}

#[test]
fn a_command_gets_a_terminal_and_signals() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let spec = world.spec(runtime, &["sleep", "1000"]);
        let _started = world.start(&spec);
        let (mut ours, theirs) = terminal();
        // crun 1.8 does not set the size before the command runs; it comes a moment later, as from Docker.
        let script =
            "until stty size 2>/dev/null | busybox grep '[1-9]'; do true; done; read x; echo got $x; exit 8";
        let value = json!({ "command": ["sh", "-c", script], "terminal": true,
                            "interactive": true });
        let mut command = world.exec_process(spec.id, value);
        on(&theirs, &mut command);
        let mut child = Killed(command.spawn().unwrap());
        read_until(&mut ours, "33 101");
        ours.write_all(b"it\r").unwrap();
        read_until(&mut ours, "got it");
        assert_eq!(child.0.wait().unwrap().code(), Some(8), "{runtime}");

        let script = "trap 'exit 11' TERM; echo ready; while true; do sleep 0.02; done";
        let mut command = world.exec_process(spec.id, json!({ "command": ["sh", "-c", script] }));
        let mut child = Killed(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
        read_until(&mut child.0.stdout.take().unwrap(), "ready");
        send(&child.0, Signal::TERM);
        assert_eq!(child.0.wait().unwrap().code(), Some(11), "{runtime}");
        world.instances.remove(spec.id, true).unwrap();
    }
    world.assert_clean();
}

#[test]
fn nothing_of_a_command_that_is_told_to_end_outlasts_its_grace() {
    let Some(world) = World::new() else { return };
    for runtime in RUNTIMES {
        let spec = world.spec(runtime, &["sleep", "1000"]);
        let _started = world.start(&spec);
        for (script, grace_ms, code) in [
            ("trap '' TERM; sleep 1000 & echo ready; while true; do sleep 1000; done", 50, 137),
            ("sleep 1000 & echo ready; wait", 600_000, 143),
        ] {
            let value = json!({ "command": ["sh", "-c", script], "grace_ms": grace_ms });
            let mut command = world.exec_process(spec.id, value);
            let mut child = Killed(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
            let mut out = child.0.stdout.take().unwrap();
            read_until(&mut out, "ready\n");
            send(&child.0, Signal::TERM);
            assert_eq!(child.0.wait().unwrap().code(), Some(code), "{runtime}: {script}");
            // Whoever went on would have it open still.
            assert_closed(&mut out);
        }
        world.instances.remove(spec.id, true).unwrap();
    }
    world.assert_clean();
}
