//! `jottad service`: the daemon as a service of the user.

use clap::Subcommand;
use serde_json::json;

use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::service::Service;

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Start the daemon now and at every login
    Install {
        /// Replace the service of another config or state directory
        #[arg(long)]
        force: bool,
    },
    /// Stop the daemon and no longer start it at login; config, login and files stay
    Uninstall,
    /// Start the service
    Start,
    /// Stop the service until the next login
    Stop,
    /// Stop and start the service
    Restart,
    /// Show what the service has logged
    Logs {
        /// Keep showing new lines as they come
        #[arg(short, long)]
        follow: bool,
    },
}

/// Does what was asked, with the system's own tools.
pub(crate) fn run(command: &ServiceCommand, invocation: &Invocation) -> Result<Exit, Failure> {
    let service = Service::of(&invocation.places)?;
    let (word, unit) = match command {
        ServiceCommand::Install { force } => {
            // A daemon that cannot read its config would only fail where nobody looks.
            check_config_is_there(invocation)?;
            invocation.usable_config()?;
            invocation.places.check_socket_path()?;
            ("installed and started", Some(service.install(*force)?))
        }
        ServiceCommand::Uninstall => {
            let was_installed = service.installed().is_some();
            service.uninstall()?;
            (if was_installed { "uninstalled" } else { "not installed: there is nothing to uninstall" }, None)
        }
        ServiceCommand::Start => {
            service.start()?;
            ("started", None)
        }
        ServiceCommand::Stop => {
            service.stop()?;
            ("stopped", None)
        }
        ServiceCommand::Restart => {
            service.restart()?;
            ("restarted", None)
        }
        ServiceCommand::Logs { follow } => {
            service.check_is_known()?;
            let output = invocation.output;
            if output.json {
                service.log_lines(*follow, |line| output.document(line))?;
            } else {
                service.logs(*follow)?;
            }
            return Ok(Exit::Done);
        }
    };
    let unit = unit.map(|unit| unit.display().to_string());
    invocation.output.either(&json!({"schema": 1, "service": word, "unit": unit}), || {
        invocation.output.prose(match &unit {
            Some(unit) => format!("{word}: {unit}"),
            None => word.to_owned(),
        })
    })?;
    match command {
        ServiceCommand::Install { .. } | ServiceCommand::Start | ServiceCommand::Restart => {
            invocation
                .output
                .next("`jottad status` shows how far it is; `jottad status --watch` keeps showing it");
        }
        _ => {}
    }
    Ok(Exit::Done)
}

/// A service with a config that is missing would keep nothing in step, and nobody would see that.
fn check_config_is_there(invocation: &Invocation) -> Result<(), Failure> {
    let file = &invocation.places.config_file;
    if file.exists() {
        return Ok(());
    }
    let shown = file.display().to_string();
    Err(Failure::usage(format!("there is no config file {shown}"))
        .path(shown)
        .hint("add a folder first, which makes it: jottad folder add LOCAL"))
}
