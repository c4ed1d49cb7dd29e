//! A terminal for the program, and what somebody who looks at it sees.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Both ends of a terminal, and all that was written to it.
pub(crate) struct Terminal {
    here: File,
    there: Option<File>,
    columns: usize,
    written: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let here: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&here).unwrap();
        unlockpt(&here).unwrap();
        let name = ptsname(&here, Vec::new()).unwrap();
        let there = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        tcsetwinsize(&there, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let here = File::from(here);
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (here.try_clone().unwrap(), Arc::clone(&written));
        let reader = std::thread::spawn(move || {
            let mut part = [0; 4096];
            // The end is an error here: the other end is closed.
            while let Ok(length @ 1..) = from.read(&mut part) {
                to.lock().unwrap().extend_from_slice(&part[..length]);
            }
        });
        Self { here, there: Some(there), columns: columns.into(), written, reader: Some(reader) }
    }

    /// Starts a program whose standard streams are this terminal.
    pub(crate) fn spawn(&mut self, command: &mut Command) -> Child {
        let there = self.there.take().unwrap();
        for stream in
            [Command::stdin, Command::stdout, Command::stderr] as [fn(&mut Command, File) -> &mut Command; 3]
        {
            stream(command, there.try_clone().unwrap());
        }
        let child = command.spawn().unwrap();
        // The command holds its ends until it is dropped or given others.
        for stream in [Command::stdin, Command::stdout, Command::stderr]
            as [fn(&mut Command, std::process::Stdio) -> &mut Command; 3]
        {
            stream(command, std::process::Stdio::null());
        }
        child
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.here.write_all(text.as_bytes()).unwrap();
    }

    /// Whether what is typed shows.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.here).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// What stands there now.
    pub(crate) fn screen(&self) -> Screen {
        Screen::of(&self.written.lock().unwrap(), self.columns)
    }

    /// What stood there at the end of the program.
    pub(crate) fn last_screen(mut self) -> Screen {
        drop(self.there.take());
        self.reader.take().unwrap().join().unwrap();
        self.screen()
    }
}

/// Rows of text after all movements of the cursor.
#[derive(Debug)]
pub(crate) struct Screen {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    columns: usize,
}

impl Screen {
    fn of(bytes: &[u8], columns: usize) -> Self {
        let mut screen = Self { rows: vec![Vec::new()], row: 0, column: 0, columns };
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => screen.column = 0,
                '\n' => screen.down(1),
                '\u{1b}' => screen.control(&mut rest),
                c => screen.put(c),
            }
        }
        screen
    }

    fn down(&mut self, by: usize) {
        self.row += by;
        self.rows.resize_with(self.rows.len().max(self.row + 1), Vec::new);
    }

    fn put(&mut self, c: char) {
        if self.column == self.columns {
            self.column = 0;
            self.down(1);
        }
        let row = &mut self.rows[self.row];
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = c;
        self.column += 1;
    }

    /// `ESC [ number letter`
    fn control(&mut self, rest: &mut std::str::Chars<'_>) {
        assert_eq!(rest.next(), Some('['));
        let mut number = String::new();
        let letter = loop {
            match rest.next().unwrap() {
                c @ ('0'..='9' | ';' | '?') => number.push(c),
                letter => break letter,
            }
        };
        let by = number.parse().unwrap_or(1);
        match letter {
            'A' => self.row = self.row.saturating_sub(by),
            'B' => self.down(by),
            'C' => self.column += by,
            'D' => self.column = self.column.saturating_sub(by),
            'K' if number == "2" => self.rows[self.row].clear(),
            'K' => self.rows[self.row].truncate(self.column),
            'J' => {
                self.rows[self.row].truncate(self.column);
                self.rows.truncate(self.row + 1);
            }
            'm' | 'h' | 'l' => {}
            other => panic!("no terminal of ours knows {number}{other}"),
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }
}
