//! A server of a test's own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Home;

/// `imc serve` over a home's data directory, killed with the test.
pub(crate) struct Server {
    child: Option<Child>,
    /// Where it said that it listens.
    said: String,
}

impl Server {
    /// Starts it on a port of its own; returns when it serves.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home, &[], &[])
    }

    pub(crate) fn start_with(home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = home.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments).envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if !said.starts_with("serving ") {
            let mut why = String::new();
            child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("it does not serve: {said}{why}");
        }
        Self { child: Some(child), said }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        let words = self.said.split([' ', ',', '\n']);
        words.into_iter().find(|word| word.starts_with("http")).unwrap().to_owned()
    }

    /// Ends it in order; what it said meanwhile.
    pub(crate) fn stop(self) -> String {
        let mut child = self.into_child();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
        said
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(self) {
        let mut child = self.into_child();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn into_child(mut self) -> Child {
        self.child.take().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
