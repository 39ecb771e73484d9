//! The program: hears the operating system's signals and hands over to the library.

use std::io;
use std::process::ExitCode;
use std::thread;

use jottad::{Signal, Signals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;

fn main() -> ExitCode {
    jottad::run(listen)
}

/// Turns signals into messages. The second request to stop ends the program at once: killing it is safe by design.
fn listen() -> io::Result<Signals> {
    let mut heard = iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let wait = move || {
        let mut stopping = false;
        for number in heard.forever() {
            let signal = if number == SIGHUP { Signal::Reload } else { Signal::Stop };
            if signal == Signal::Stop && std::mem::replace(&mut stopping, true) {
                std::process::exit(128 + number);
            }
            if sender.send(signal).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(receiver)
}
