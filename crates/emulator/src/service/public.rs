//! What anyone can see without a login: shared files and a few web pages (protocol 9.1).

use std::fmt::Write as _;

use super::reply::{full, html, reply};
use super::views::binary;
use super::{Call, Endpoint, Failure, Reply, download};
use crate::refusal::{Form, Refusal};
use crate::world::tree::{Entry, Folder};

pub(super) fn answer(call: &Call) -> Result<Reply, Failure> {
    if call.endpoint == Endpoint::WebPage {
        return web_page(call);
    }
    let uri = call.path().rsplit('/').next().unwrap_or_default();
    match shared_entry(call, uri)? {
        Entry::File(file) => {
            let content = file.current().and_then(|current| current.content()).ok_or_else(gone)?;
            Ok(binary(200, download::body(content, 0, content.key.size), content.key.size))
        }
        Entry::Folder(folder) => {
            let mut archive = super::public_archive::Archive::default();
            add(&mut archive, &folder, "")?;
            Ok(reply(200, "application/zip", full(archive.finish())))
        }
    }
}

fn web_page(call: &Call) -> Result<Reply, Failure> {
    let path = call.path();
    if path == "/web/secure" {
        let origin = call.url_of("id.jottacloud.com");
        let token = call.shared.tokens().login_token(&origin, "jottacloud");
        let mut text = String::from("Personal login token: ");
        // Writing to a String cannot fail.
        let _ = write!(text, "{token}");
        return Ok(html(200, &text));
    }
    let uri = path.trim_start_matches("/s/");
    let entry = shared_entry(call, uri)?;
    Ok(html(200, &format!("Shared: {}", uri.len().min(entry.name().len()))))
}

fn shared_entry(call: &Call, uri: &str) -> Result<Entry, Failure> {
    call.shared.world().snapshot().shared_entry(uri).ok_or_else(|| gone().into())
}

fn gone() -> Refusal {
    Refusal::new(404, "NoSuchShareException", "not shared").in_form(Form::Html)
}

fn add(archive: &mut super::public_archive::Archive, folder: &Folder, prefix: &str) -> Result<(), Refusal> {
    for entry in folder.children().filter(|entry| entry.is_live()) {
        let name = format!("{prefix}{}", entry.name());
        match entry {
            Entry::Folder(child) => add(archive, child, &format!("{name}/"))?,
            Entry::File(file) => {
                if let Some(content) = file.current().and_then(|current| current.content()) {
                    let length = usize::try_from(content.key.size).unwrap_or(usize::MAX);
                    archive.add(&name, &content.read(0, length).map_err(|_| gone())?);
                }
            }
        }
    }
    Ok(())
}
