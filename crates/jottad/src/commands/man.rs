//! `jottad man`.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::arguments::Arguments;
use crate::cli::failure::{Exit, Failure};

/// Prints the manual page, the commands in it included.
pub(crate) fn run() -> Result<Exit, Failure> {
    let page = page().map_err(|error| Failure::failed(format!("writing the manual page: {error}")))?;
    io::stdout().lock().write_all(&page).map_err(|error| Failure::from_output(&error))?;
    Ok(Exit::Done)
}

fn page() -> io::Result<Vec<u8>> {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let man = Man::new(below.clone());
        writeln!(page, ".SH {}", below.get_name().to_uppercase())?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        if below.get_arguments().any(|argument| !argument.is_global_set()) {
            man.render_options_section(&mut page)?;
        }
    }
    man_footer(&mut page)?;
    Ok(page)
}

fn man_footer(page: &mut Vec<u8>) -> io::Result<()> {
    writeln!(page, ".SH EXIT STATUS")?;
    let codes = "0 done or in sync, 1 failed, 2 usage, 3 daemon not running, 4 login needed, 5 working, 6 problems \
                 remain, 7 held, 8 offline, 9 stalled, 10 paused.";
    writeln!(page, "{codes}")?;
    writeln!(page, ".SH FILES")?;
    writeln!(
        page,
        "~/.config/jottad/config.toml, ~/.local/state/jottad/; on macOS ~/Library/Application Support/jottad"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for command in Arguments::command().get_subcommands() {
            assert!(
                page.contains(&format!(".SH {}", command.get_name().to_uppercase())),
                "{}",
                command.get_name()
            );
        }
    }
}
