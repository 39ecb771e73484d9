//! Entrances for the fuzz targets: what reads bytes from outside, without a program around it.

use std::path::PathBuf;

use crate::config::Config;
use crate::places::Places;

/// Reads the text as a config file; an error is what a person would be shown.
pub fn config(text: &str) -> Result<(), String> {
    let places =
        Places::find(Some(PathBuf::from("/nowhere/config.toml")), Some(PathBuf::from("/nowhere/state")));
    let places = places.map_err(|failure| failure.to_string())?;
    Config::parse(text, &places).map(drop).map_err(|error| error.to_string())
}
