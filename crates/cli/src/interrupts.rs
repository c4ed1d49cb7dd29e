//! Signals by which users and service managers end a command, where the command has something to put in order first.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// Ctrl-C and the signal of service managers, heard from now on.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// A terminal that is closed. Heard only where it is asked for: under `nohup` the work goes on.
    hang_up: Option<Signal>,
}

fn heard(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::system("listen for signals", &error))
}

impl Interrupts {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (interrupt, terminate) = (heard(SignalKind::interrupt())?, heard(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hang_up: None })
    }

    /// The same for a command that uses a terminal.
    pub(crate) fn listen_at_terminal() -> Result<Self, Failure> {
        Ok(Self { hang_up: Some(heard(SignalKind::hangup())?), ..Self::listen()? })
    }

    /// Ends when one of them comes.
    pub(crate) async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}
