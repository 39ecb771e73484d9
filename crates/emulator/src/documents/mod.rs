//! The XML documents of the service: account, devices, folders, files, listings, errors.

mod account;
mod entries;
mod listing;
mod xml;

pub(crate) use account::{created_device, device, token, user};
pub(crate) use entries::{Scene, file, folder, made_folder, search_result, tombstone, trash};
pub(crate) use listing::{Sink, Spoilt, Stopped, list, liststream};
pub(crate) use xml::{Xml, error};
