//! U-08, U-10, U-11, U-12, U-34, U-35, U-45: moves and copies. What happened is told by looking at both ends,
//! since a move's own answer may not be true.

use super::finding::Finding;
use super::scratch::{Relocation, Sample, Scratch};
use crate::cli::failure::Failure;

pub(crate) async fn ask(number: u8, scratch: &Scratch) -> Result<Finding, Failure> {
    match number {
        8 => letter_case_alone(scratch).await,
        10 => onto_file(scratch).await,
        11 => onto_folder(scratch).await,
        12 => copy_onto_file(scratch).await,
        34 => without_slash(scratch).await,
        35 => fails_when_done(scratch).await,
        _ => trashed_children(scratch).await,
    }
}

async fn letter_case_alone(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u08/name").await?;
    let status = scratch.relocate(Relocation::File, "u08/name", "u08/NAME").await?.status;
    // A look may name the file as it was asked for (U-50); a listing names it as it is stored.
    let files = scratch.list("u08").await?.map(|listing| listing.files).unwrap_or_default();
    let Some(file) = files.first() else {
        return Ok(Finding::other(format!("status {status}, and the file is not to be found")));
    };
    let name = file.name.as_str();
    let seen = format!("status {status}, the file is called {name}");
    Ok(match (file.trashed.is_some(), name) {
        (true, _) => Finding::answer("trashed", format!("{seen} and is in the trash")),
        (false, "NAME") => Finding::answer("renames", seen),
        (false, "name") if (400..500).contains(&status) => Finding::answer("refused", seen),
        (false, "name") => Finding::answer("no-effect", seen),
        _ => Finding::other(seen),
    })
}

/// What a file holds that something was moved or copied onto.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Source,
    Target,
    Neither,
}

/// What became of it.
struct Onto {
    holds: Holds,
    keeps_revision: bool,
    source_is_there: bool,
    status: u16,
}

async fn onto(scratch: &Scratch, folder: &str, command: Relocation) -> Result<Onto, Failure> {
    let (from, to) = (format!("{folder}/from"), format!("{folder}/to"));
    let source = scratch.put(&from).await?;
    let target = scratch.put(&to).await?;
    let status = scratch.relocate(command, &from, &to).await?.status;
    let revisions = scratch.file(&to).await?.map(|details| details.revisions).unwrap_or_default();
    let is_old = |revision: &jottad_transport::Revision| revision.content() == Some(target.content);
    let holds = if scratch.holds(&to, &source).await? {
        Holds::Source
    } else if scratch.holds(&to, &target).await? {
        Holds::Target
    } else {
        Holds::Neither
    };
    Ok(Onto {
        holds,
        keeps_revision: revisions.iter().any(is_old),
        source_is_there: scratch.holds(&from, &source).await?,
        status,
    })
}

async fn onto_file(scratch: &Scratch) -> Result<Finding, Failure> {
    let onto = onto(scratch, "u10", Relocation::File).await?;
    let seen = format!("status {}", onto.status);
    Ok(match onto {
        Onto { holds: Holds::Target, source_is_there: true, .. } => {
            Finding::answer("refused", format!("{seen}, both are as before"))
        }
        Onto { holds: Holds::Source, source_is_there: false, keeps_revision: true, .. } => {
            Finding::answer("new-revision", format!("{seen}, the target's content is an older revision"))
        }
        Onto { holds: Holds::Source, source_is_there: false, keeps_revision: false, .. } => {
            Finding::answer("replaces", format!("{seen}, the target's content is gone"))
        }
        _ => Finding::other(format!("{seen}, and neither end is as expected")),
    })
}

async fn copy_onto_file(scratch: &Scratch) -> Result<Finding, Failure> {
    let onto = onto(scratch, "u12", Relocation::Copy).await?;
    let seen = format!("status {}", onto.status);
    Ok(match onto {
        Onto { holds: Holds::Target, .. } => {
            Finding::answer("refused", format!("{seen}, the target is as before"))
        }
        Onto { holds: Holds::Source, keeps_revision: true, .. } => {
            Finding::answer("new-revision", format!("{seen}, the target's content is an older revision"))
        }
        Onto { holds: Holds::Source, .. } => Finding::other(format!("{seen}, the target's content is gone")),
        _ => Finding::other(format!("{seen}, and the target is not as expected")),
    })
}

async fn onto_folder(scratch: &Scratch) -> Result<Finding, Failure> {
    let source = scratch.put("u11/from/a").await?;
    scratch.put("u11/to/b").await?;
    let status = scratch.relocate(Relocation::Folder, "u11/from", "u11/to").await?.status;
    let seen = format!("status {status}");
    for (path, answer, words) in [
        ("u11/from/a", "refused", "both are as before"),
        ("u11/to/a", "merges", "the file is in the target"),
        ("u11/to/from/a", "nests", "the folder is in the target"),
    ] {
        if scratch.holds(path, &source).await? {
            return Ok(Finding::answer(answer, format!("{seen}, {words}")));
        }
    }
    Ok(Finding::other(format!("{seen}, and the file is not to be found")))
}

async fn without_slash(scratch: &Scratch) -> Result<Finding, Failure> {
    let source = scratch.put("u34/from/file").await?;
    let status = scratch.relocate(Relocation::FolderWithoutSlash, "u34/from", "u34/to").await?.status;
    moved(scratch, &source, ("u34/from/file", "u34/to/file"), |is_moved| match is_moved {
        true => Finding::answer("works", format!("status {status}, the folder was moved")),
        false if status == 404 => Finding::answer("not-found", "status 404"),
        false => Finding::other(format!("status {status}, the folder was not moved")),
    })
    .await
}

async fn fails_when_done(scratch: &Scratch) -> Result<Finding, Failure> {
    let source = scratch.put("u35/from").await?;
    let status = scratch.relocate(Relocation::File, "u35/from", "u35/to").await?.status;
    moved(scratch, &source, ("u35/from", "u35/to"), |is_moved| match (status, is_moved) {
        (200, true) => Finding::answer("off", "status 200, and it was done"),
        (500, true) => Finding::answer("on", "status 500, and it was done"),
        _ => Finding::other(format!("status {status}; it was done: {is_moved}")),
    })
    .await
}

async fn moved(
    scratch: &Scratch,
    source: &Sample,
    (from, to): (&str, &str),
    judge: impl FnOnce(bool) -> Finding,
) -> Result<Finding, Failure> {
    Ok(match (scratch.holds(from, source).await?, scratch.holds(to, source).await?) {
        (true, false) => judge(false),
        (false, true) => judge(true),
        (is_left, is_there) => {
            Finding::other(format!("it is at the old place: {is_left}, at the new place: {is_there}"))
        }
    })
}

async fn trashed_children(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u45/from/gone").await?;
    let live = scratch.put("u45/from/live").await?;
    scratch.must("u45/from/gone", "dl=true").await?;
    scratch.relocate(Relocation::Folder, "u45/from", "u45/to").await?;
    if !scratch.holds("u45/to/live", &live).await? {
        return Ok(Finding::not_told("the folder could not be moved"));
    }
    let is_left = scratch.file("u45/from/gone").await?.is_some();
    let is_moved = scratch.file("u45/to/gone").await?.is_some();
    Ok(match (is_left, is_moved) {
        (false, true) => Finding::answer("move", "the trashed file is found in the new place"),
        (true, false) => Finding::answer("stay", "the trashed file is found in the old place"),
        (true, true) => Finding::other("the trashed file is found in both places"),
        (false, false) => Finding::other("the trashed file is found in neither place"),
    })
}
