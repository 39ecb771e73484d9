//! POST on JFS paths: commands, making devices and mountpoints, cphash (protocol 3.4, 5.4, 6).

use super::inject::RequestBody;
use super::reply::{xml, xml_with};
use super::views::{check_user, entry, locate, scene};
use super::{Call, Endpoint, Failure, Reply, upload};
use crate::address::Address;
use crate::documents;
use crate::refusal::Refusal;
use crate::switches::{FailAfterMove, MoveWithoutSlash, Preconditions, UnparsableTimes};
use crate::times::{self, Seconds};
use crate::world::content::{ContentKey, parse_md5};
use crate::world::{Facts, Found, World, special_mountpoint};

pub(super) async fn answer(call: &Call<'_>, body: RequestBody) -> Result<Reply, Failure> {
    let is_upload = call.header("content-type").is_some();
    if call.is_upload_host() && (is_upload || call.endpoint == Endpoint::OldUpload) {
        return upload::old_upload(call, body).await;
    }
    let mut world = call.shared.world();
    let (address, ends_in_slash) = locate(call, &world)?;
    if is_upload {
        // Taken for an upload; the parameter is not even looked at (protocol 6).
        return Err(Refusal::no_file(&world.path(&address)).into());
    }
    check_precondition(call, &world, &address)?;
    perform(call, &mut world, &address, ends_in_slash).map_err(Failure::from)
}

fn perform(call: &Call, world: &mut World, address: &Address, ends_in_slash: bool) -> Result<Reply, Refusal> {
    match call.endpoint {
        Endpoint::CreateDevice => {
            world.create_device(address.leaf(), call.query("type").unwrap_or_default())?;
            match world.find(address) {
                Some(Found::Device(device)) => Ok(xml_with(201, documents::created_device(world, device))),
                _ => Err(world.missing(address)),
            }
        }
        Endpoint::CreateMountpoint => {
            let is_new = world.create_mountpoint(address)?;
            Ok(xml_with(if is_new { 201 } else { 200 }, entry(world, address)?))
        }
        Endpoint::Cphash => {
            let facts = facts_of_headers(call, world)?;
            world.match_hash(address, &facts)?;
            Ok(xml(entry(world, address)?))
        }
        Endpoint::MkDir => {
            world.make_folder(address)?;
            Ok(xml(entry(world, address)?))
        }
        Endpoint::Mv | Endpoint::MvDir | Endpoint::Cp => transfer(call, world, address, ends_in_slash),
        Endpoint::Dl | Endpoint::DlDir | Endpoint::Rm | Endpoint::RmDir => delete(call, world, address),
        _ => Err(Refusal::new(
            500,
            "IllegalStateException",
            "no multipart content and no known command parameter",
        )),
    }
}

fn delete(call: &Call, world: &mut World, address: &Address) -> Result<Reply, Refusal> {
    if special_mountpoint(address).is_some() && address.depth() > 2 {
        return Err(Refusal::no_file(&world.path(address)));
    }
    match (call.endpoint, address.depth()) {
        (_, 0) => Err(Refusal::invalid("the account is not deleted here")),
        (Endpoint::Rm, 1) => {
            world.remove_device(address)?;
            Ok(xml(documents::user(world)))
        }
        (Endpoint::Dl, 2) => {
            world.trash_mountpoint(address)?;
            Ok(xml(entry(world, address)?))
        }
        (Endpoint::Rm, 2) => {
            world.remove_mountpoint(address)?;
            parent_document(world, address)
        }
        (_, 1 | 2) => Err(world.missing(address)),
        (Endpoint::Dl, _) => {
            world.trash_file(address)?;
            let snapshot = world.snapshot();
            let document = entry(world, address)
                .unwrap_or_else(|_| documents::tombstone(&scene(world, &snapshot), address));
            Ok(xml(document))
        }
        (Endpoint::DlDir, _) => {
            world.trash_folder(address)?;
            Ok(xml(entry(world, address)?))
        }
        (Endpoint::Rm, _) => {
            world.remove_file(address)?;
            parent_document(world, address)
        }
        _ => {
            world.remove_folder(address)?;
            parent_document(world, address)
        }
    }
}

/// The container that something was removed from, listed.
fn parent_document(world: &World, address: &Address) -> Result<Reply, Refusal> {
    let snapshot = world.snapshot();
    let parent = snapshot.spelled(&address.parent());
    match snapshot.find(&parent) {
        Some(Found::Device(device)) => Ok(xml(documents::device(world, device))),
        Some(Found::Folder(folder)) => Ok(xml(documents::folder(&scene(world, &snapshot), folder, &parent))),
        _ => Err(world.missing(&parent)),
    }
}

fn transfer(
    call: &Call,
    world: &mut World,
    address: &Address,
    ends_in_slash: bool,
) -> Result<Reply, Refusal> {
    let (name, is_folder) = match call.endpoint {
        Endpoint::Mv => ("mv", false),
        Endpoint::MvDir => ("mvDir", true),
        _ => ("cp", false),
    };
    if is_folder && !ends_in_slash && world.switches.move_without_slash == MoveWithoutSlash::NotFound {
        return Err(Refusal::no_path(&world.path(address)));
    }
    if special_mountpoint(address).is_some() {
        return Err(Refusal::no_source_file(&world.path(address)));
    }
    let target = target(world, call.query(name).unwrap_or_default())?;
    match call.endpoint {
        Endpoint::Mv => world.move_file(address, &target)?,
        Endpoint::MvDir => world.move_folder(address, &target)?,
        _ => world.copy_file(address, &target)?,
    }
    if call.endpoint != Endpoint::Cp && world.switches.fail_after_move == FailAfterMove::On {
        return Err(Refusal::new(500, "InternalErrorException", "the move failed"));
    }
    Ok(xml(entry(world, &target)?))
}

/// The destination of a move: absolute with the user name, decoded with the query (protocol 6.1).
fn target(world: &World, text: &str) -> Result<Address, Refusal> {
    if !text.starts_with('/') {
        return Err(Refusal::invalid(format!("{text:?} is no absolute path")));
    }
    let mut parts: Vec<String> = text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if parts.is_empty() {
        return Err(Refusal::invalid("the target is empty"));
    }
    let user = parts.remove(0);
    check_user(world, &user)?;
    Ok(Address::new(parts))
}

/// What a client says of its content by headers: `JSize`, `JMd5`, `JCreated`, `JModified`.
pub(super) fn facts_of_headers(call: &Call, world: &World) -> Result<Facts, Refusal> {
    let size = call.header("jsize").and_then(|size| size.trim().parse().ok());
    let size: u64 = size.ok_or_else(|| Refusal::invalid("the header JSize is missing or no number"))?;
    let md5 = call
        .header("jmd5")
        .or_else(|| call.query("cphash").filter(|value| value.len() == 32))
        .ok_or_else(|| Refusal::invalid("Upload without md5 no longer supported. Use header JMd5."))?;
    let key = ContentKey {
        md5: parse_md5(md5).ok_or_else(|| Refusal::invalid(format!("{md5:?} is no MD5")))?,
        size,
    };
    let time = |header: &str| -> Result<Seconds, Refusal> {
        let text = call.header(header).unwrap_or_default();
        match (times::parse(text), world.switches.unparsable_times) {
            (Some(time), _) => Ok(time),
            (None, UnparsableTimes::Now) => Ok(world.now()),
            (None, UnparsableTimes::BadRequest) => Err(Refusal::invalid(format!("{text:?} is no time"))),
        }
    };
    Ok(Facts { md5: md5.to_owned(), key, created: time("jcreated")?, modified: time("jmodified")? })
}

/// `If-Match` with an MD5, under U-48.
fn check_precondition(call: &Call, world: &World, address: &Address) -> Result<(), Refusal> {
    let Some(wanted) = call.header("if-match") else { return Ok(()) };
    if world.switches.preconditions == Preconditions::Ignored {
        return Ok(());
    }
    let current = world.live_file(address).and_then(|file| file.current());
    let is_met = current.is_some_and(|current| current.md5.eq_ignore_ascii_case(wanted.trim_matches('"')));
    if is_met { Ok(()) } else { Err(Refusal::new(412, "PreconditionFailedException", "If-Match")) }
}
