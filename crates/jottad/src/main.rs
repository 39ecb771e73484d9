//! The program: hears the operating system's signals and hands over to the library.

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use jottad::{Signal, Signals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;

fn main() -> ExitCode {
    jottad::run(listen)
}

/// A terminal and the shell's own tools may send the same request twice; a person takes longer to ask again.
const REPETITION: Duration = Duration::from_millis(300);

/// Turns signals into messages. Asked to stop again, the program ends at once: killing it is safe by design.
fn listen() -> io::Result<Signals> {
    let mut heard = iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let wait = move || {
        let mut stopping: Option<Instant> = None;
        for number in heard.forever() {
            let signal = if number == SIGHUP { Signal::Reload } else { Signal::Stop };
            match (signal, stopping) {
                (Signal::Stop, Some(first)) if first.elapsed() > REPETITION => {
                    std::process::exit(128 + number)
                }
                (Signal::Stop, Some(_)) => continue,
                (Signal::Stop, None) => stopping = Some(Instant::now()),
                (Signal::Reload, _) => {}
            }
            if sender.send(signal).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(receiver)
}
