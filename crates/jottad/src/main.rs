//! The program: hears the operating system's signals and hands over to the library.

use std::io;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jottad::{Signal, Signals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

fn main() -> ExitCode {
    jottad::run(listen)
}

/// A terminal and the shell's own tools may send the same request twice; a person takes longer to ask again.
const REPETITION: Duration = Duration::from_millis(300);

/// Who is told of signals; `None` until the first one listens.
static LISTENERS: Mutex<Option<Vec<UnboundedSender<Signal>>>> = Mutex::new(None);

/// Turns signals into messages. Asked to stop again, or where nobody listens any more, the program ends at
/// once: killing it is safe by design.
fn listen() -> io::Result<Signals> {
    let (sender, receiver) = unbounded_channel();
    let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    if listeners.is_none() {
        let heard = iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        thread::Builder::new().name("signals".to_owned()).spawn(move || pass_on(heard))?;
    }
    listeners.get_or_insert_default().push(sender);
    Ok(receiver)
}

fn pass_on(mut heard: iterator::Signals) {
    let mut stopping: Option<Instant> = None;
    for number in heard.forever() {
        let signal = if number == SIGHUP { Signal::Reload } else { Signal::Stop };
        match (signal, stopping) {
            (Signal::Stop, Some(first)) if first.elapsed() > REPETITION => std::process::exit(128 + number),
            (Signal::Stop, Some(_)) => continue,
            (Signal::Stop, None) => stopping = Some(Instant::now()),
            (Signal::Reload, _) => {}
        }
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        let listeners = listeners.get_or_insert_default();
        listeners.retain(|listener| listener.send(signal).is_ok());
        if listeners.is_empty() {
            std::process::exit(128 + number);
        }
    }
}
