//! `jottad devices` and `jottad mountpoints`: the account's places, as the service has them.

use clap::{Args, Subcommand};
use jottad_core::StoredName;
use jottad_transport::{Device, Mountpoint};
use serde_json::{Value, json};

use crate::config::units::format_size;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Columns, Escaped, local_time, rfc3339};

#[derive(Debug, Args)]
pub(crate) struct DevicesArguments {
    /// Make something instead of listing
    #[command(subcommand)]
    pub(crate) command: Option<DevicesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// Make a device; fine if it is there already
    Create {
        /// Its name
        #[arg(value_name = "DEVICE")]
        name: String,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct MountpointsArguments {
    /// Whose mountpoints to list
    #[arg(value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Make something instead of listing
    #[command(subcommand)]
    pub(crate) command: Option<MountpointsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MountpointsCommand {
    /// Make a mountpoint on a device; fine if it is there already
    Create {
        /// The device
        #[arg(value_name = "DEVICE")]
        device: String,
        /// The mountpoint's name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Lists or makes devices.
pub(crate) fn run_devices(arguments: &DevicesArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let client = invocation.client()?;
    invocation.wait(async {
        if let Some(DevicesCommand::Create { name }) = &arguments.command {
            let made = client.create_device(&place_name(name)?).await?.device;
            invocation.output.either(&json!({"schema": 1, "device": device_document(&made)}), || {
                invocation.output.prose(format_args!("the device {} is there", Escaped(made.name.as_str())))
            })?;
            return Ok(Exit::Done);
        }
        let devices = client.user().await?.devices;
        let document =
            json!({"schema": 1, "devices": devices.iter().map(device_document).collect::<Vec<_>>()});
        invocation.output.either(&document, || {
            let mut columns = Columns::default();
            for device in &devices {
                let kind = device.kind.clone().unwrap_or_else(|| "unknown".to_owned());
                let changed = device.modified.map_or_else(|| "unknown".to_owned(), local_time);
                columns.push([device.name.as_str().to_owned(), kind, size(device.size), changed]);
            }
            invocation.output.table(&columns)
        })?;
        Ok(Exit::Done)
    })
}

/// Lists or makes mountpoints.
pub(crate) fn run_mountpoints(
    arguments: &MountpointsArguments,
    invocation: &Invocation,
) -> Result<Exit, Failure> {
    let client = invocation.client()?;
    invocation.wait(async {
        if let Some(MountpointsCommand::Create { device, name }) = &arguments.command {
            let made = client.create_mountpoint(&place_name(device)?, &place_name(name)?).await?;
            invocation.output.either(
                &json!({"schema": 1, "mountpoint": mountpoint_document(&made)}),
                || {
                    invocation
                        .output
                        .prose(format_args!("the mountpoint {} is there", Escaped(made.name.as_str())))
                },
            )?;
            return Ok(Exit::Done);
        }
        let name = arguments.device.as_deref().unwrap_or_default();
        let Some(device) = client.device(&place_name(name)?).await? else {
            return Err(Failure::failed(format!("no device is called {name:?}"))
                .path(name)
                .hint("`jottad devices` lists them; `jottad devices create` makes one"));
        };
        let mountpoints = device.mountpoints;
        let documents: Vec<Value> = mountpoints.iter().map(mountpoint_document).collect();
        invocation.output.either(&json!({"schema": 1, "device": name, "mountpoints": documents}), || {
            let mut columns = Columns::default();
            for mountpoint in &mountpoints {
                let changed = mountpoint.modified.map_or_else(|| "unknown".to_owned(), local_time);
                let trashed = if mountpoint.trashed { "in the trash" } else { "" };
                let name = mountpoint.name.as_str().to_owned();
                columns.push([name, size(mountpoint.size), changed, trashed.to_owned()]);
            }
            invocation.output.table(&columns)
        })?;
        Ok(Exit::Done)
    })
}

/// A device as scripts get it.
pub(crate) fn device_document(device: &Device) -> Value {
    json!({
        "name": device.name.as_str(),
        "display_name": device.display_name,
        "type": device.kind,
        "used_bytes": device.size,
        "modified": device.modified.map(rfc3339),
    })
}

fn mountpoint_document(mountpoint: &Mountpoint) -> Value {
    json!({
        "name": mountpoint.name.as_str(),
        "used_bytes": mountpoint.size,
        "modified": mountpoint.modified.map(rfc3339),
        "trashed": mountpoint.trashed,
    })
}

fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), format_size)
}

fn place_name(text: &str) -> Result<StoredName, Failure> {
    let refuse = || {
        Failure::usage(format!("{text:?} cannot be the name of a device or mountpoint"))
            .path(text)
            .hint("use another name, without a slash")
    };
    StoredName::new(text).filter(|_| text != "." && text != "..").ok_or_else(refuse)
}
