//! GET on JFS paths: documents, listings, content, share toggles (protocol 4, 9.1).

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header;
use tokio::sync::mpsc;

use super::inject::Injected;
use super::reply::{full, reply, streamed, xml};
use super::{Call, Endpoint, Failure, Reply, download};
use crate::address::{Address, decode_url_path};
use crate::documents::{self, Scene, Spoilt, Stopped};
use crate::refusal::Refusal;
use crate::switches::ListTrashedFolder;
use crate::times::Seconds;
use crate::world::tree::Folder;
use crate::world::{Found, Snapshot, World, special_mountpoint};

/// Decodes the path of a JFS request and checks whose it is. The flag tells whether it ends in a slash.
pub(super) fn locate(call: &Call, world: &World) -> Result<(Address, bool), Refusal> {
    let path = call.path();
    let path = path.strip_prefix("/up").filter(|rest| rest.starts_with("/jfs")).unwrap_or(path);
    let (mut parts, ends_in_slash) = decode_url_path(&path["/jfs".len()..], &world.switches)?;
    if parts.is_empty() {
        return Err(Refusal::new(400, "UsernameNotFoundException", "Username not found in url!"));
    }
    let user = parts.remove(0);
    check_user(world, &user)?;
    Ok((Address::new(parts), ends_in_slash))
}

/// Refuses the path of another user (protocol 2.6).
pub(super) fn check_user(world: &World, user: &str) -> Result<(), Refusal> {
    if user == world.account.username {
        return Ok(());
    }
    Err(Refusal::new(401, "AuthenticationCredentialsNotFoundException", "Token mismatch!"))
}

/// The scene for documents of one request.
pub(super) fn scene<'a>(world: &'a World, snapshot: &'a Snapshot) -> Scene<'a> {
    Scene { user: &world.account.username, now: world.now(), snapshot }
}

pub(super) fn answer(call: &Call, injected: &Injected) -> Result<Reply, Failure> {
    let mut world = call.shared.world();
    let (address, _) = locate(call, &world)?;
    if world.account.read_locked {
        return Err(Refusal::not_allowed("the account is locked for reading").into());
    }
    match call.endpoint {
        Endpoint::Content => download::content(call, &world, &address).map_err(Failure::from),
        Endpoint::List | Endpoint::Liststream => {
            recursive(call, &mut world, &address, injected.spoilt()).map_err(Failure::from)
        }
        Endpoint::EnableShare => {
            world.share(&address)?;
            Ok(xml(entry(&world, &address)?))
        }
        Endpoint::DisableShare => {
            world.unshare(&address)?;
            Ok(xml(entry(&world, &address)?))
        }
        Endpoint::Thumbnail => Err(Refusal::invalid("there is no thumbnail").into()),
        Endpoint::UnknownMode => {
            let mode = call.query("mode").unwrap_or_default();
            Err(Refusal::invalid(format!("unknown mode {mode:?}")).into())
        }
        _ => Ok(xml(document(call, &mut world, &address)?)),
    }
}

fn document(call: &Call, world: &mut World, address: &Address) -> Result<String, Refusal> {
    if address.depth() == 0 {
        return Ok(documents::user(world));
    }
    if let Some(special) = special_mountpoint(address) {
        return special_view(call, world, address, special);
    }
    let snapshot = world.snapshot_for_listing();
    let scene = scene(world, &snapshot);
    match snapshot.find(address) {
        Some(Found::Device(device)) => Ok(documents::device(world, device)),
        Some(Found::Folder(folder)) => Ok(documents::folder(&scene, folder, &snapshot.named(address))),
        // A file's own document is never stale: what U-38 asks about is listings.
        _ if world.file(address).is_some() => entry(world, address),
        _ => Err(world.missing(address)),
    }
}

/// The document of one file or folder as it is right now.
pub(super) fn entry(world: &World, address: &Address) -> Result<String, Refusal> {
    let snapshot = world.snapshot();
    let scene = scene(world, &snapshot);
    let place = snapshot.named(address);
    match snapshot.find(address) {
        Some(Found::File(file)) => Ok(documents::file(&scene, file, &place)),
        Some(Found::Folder(folder)) => Ok(documents::made_folder(&scene, folder, &place)),
        Some(Found::Device(device)) => Ok(documents::device(world, device)),
        None => Err(world.missing(address)),
    }
}

fn special_view(call: &Call, world: &World, address: &Address, special: &str) -> Result<String, Refusal> {
    if address.depth() > 2 {
        return Err(Refusal::no_path(&world.path(address)));
    }
    let snapshot = world.snapshot();
    let scene = scene(world, &snapshot);
    Ok(match special {
        "Trash" => documents::trash(&scene),
        "Links" => {
            let files = snapshot.shared_files();
            documents::search_result(&scene, &files, files.len())
        }
        "Latest" => {
            let files = snapshot.latest_files();
            // At least ten are shown, whatever `max` says (protocol 4.7).
            let max = call.query("max").and_then(|max| max.parse().ok()).unwrap_or(10).max(10);
            documents::search_result(&scene, &files[..files.len().min(max)], files.len())
        }
        _ => documents::folder(&scene, &Folder::new(special, scene.now), address),
    })
}

fn recursive(call: &Call, world: &mut World, address: &Address, spoilt: Spoilt) -> Result<Reply, Refusal> {
    let snapshot = world.snapshot_for_listing();
    let place = snapshot.spelled(address);
    let found = match snapshot.find(address) {
        Some(Found::Folder(folder)) => Some(Arc::clone(folder)),
        _ => None,
    };
    let is_special = special_mountpoint(address).is_some();
    let mut folder = found.filter(|_| !is_special).ok_or_else(|| world.missing(address))?;
    if folder.deleted.is_some() {
        match snapshot.switches.list_trashed_folder {
            ListTrashedFolder::NotFound => return Err(world.missing(address)),
            ListTrashedFolder::Empty => folder = Arc::new(Folder::new(&folder.name, 0)),
            ListTrashedFolder::Tombstones => {}
        }
    }
    let is_stream = call.endpoint == Endpoint::Liststream;
    let (user, now) = (world.account.username.clone(), world.now());
    let listing = Listing { folder, place, user, now, is_stream, spoilt };
    Ok(reply(200, "text/xml;charset=utf-8", listing.body(snapshot)))
}

struct Listing {
    folder: Arc<Folder>,
    place: Address,
    user: String,
    now: Seconds,
    is_stream: bool,
    spoilt: Spoilt,
}

impl Listing {
    /// Small listings are written at once; big ones by a thread, at the pace of the reader.
    fn body(self, snapshot: Snapshot) -> super::Body {
        let mut first = Vec::new();
        let is_whole = self
            .write(&snapshot, &mut |piece| {
                first.push(piece);
                if first.len() < 3 { Ok(()) } else { Err(Stopped) }
            })
            .is_ok();
        if is_whole {
            return full(first.concat());
        }
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(4);
        tokio::task::spawn_blocking(move || {
            // The reader may go away; then there is no one to tell.
            let _ = self
                .write(&snapshot, &mut |piece| sender.blocking_send(Ok(piece.into())).map_err(|_| Stopped));
        });
        streamed(futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|piece| (piece, receiver))
        }))
    }

    fn write(&self, snapshot: &Snapshot, sink: &mut documents::Sink) -> Result<(), Stopped> {
        if self.is_stream {
            documents::liststream(&self.folder, &self.place, &snapshot.switches, self.spoilt, sink)
        } else {
            documents::list(&self.folder, &self.place, &self.user, self.now, sink)
        }
    }
}

/// Adds the MIME type of downloads.
pub(super) fn binary(status: u16, body: super::Body, length: u64) -> Reply {
    let mut reply = reply(status, "application/octet-stream", body);
    reply.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    reply
}
