//! What is held, and what a person says of it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use jottad_core::{RelativePath, shell_word};
use jottad_engine::{HeldRoot, Hold, Noted, NotedInFull, Problem, ProblemKind, Request};

use super::{Refusal, ask, resting, running};
use crate::api::documents::{AcceptedDocument, HeldDocument, HeldFolder, NotedFolder, OrderDocument, SCHEMA};
use crate::cli::failure::Failure;
use crate::config::below;
use crate::daemon::control::query::Query;
use crate::daemon::status::{describe_hold, describe_noted, leads_to_deletes};
use crate::daemon::{Daemon, Purpose};

pub(super) async fn held(
    State(daemon): State<Daemon>,
    query: RawQuery,
) -> Result<Json<HeldDocument>, Refusal> {
    let name = Query::parse(query)?.text("folder")?;
    // What does not even run waits for a person, too.
    let resting = resting(&daemon, name.as_deref()).await;
    let resting = resting.into_iter().filter_map(|folder| Some((folder.name, folder.held?)));
    let mut folders: Vec<_> = resting.map(|(name, status)| HeldFolder::new(&name, status, &[])).collect();
    let (runs, mut decided) = (daemon.purpose() != Purpose::Rest, Vec::new());
    if name.is_some() && !folders.is_empty() {
        return Ok(Json(HeldDocument { schema: SCHEMA, folders, noted: decided, runs }));
    }
    for (folder, handle) in running(&daemon, name.as_deref())? {
        if let Some(held) = handle.held().await? {
            let status = describe_hold(folder.config(), &held.hold, daemon.purpose());
            folders.push(HeldFolder::new(folder.name(), status, &held.operations));
        }
        if let Some(NotedInFull { noted, operations }) = handle.noted().await? {
            let status = describe_noted(folder.config(), &noted, daemon.purpose());
            decided.push(NotedFolder::new(folder.name(), status, &operations));
        }
    }
    Ok(Json(HeldDocument { schema: SCHEMA, folders, noted: decided, runs }))
}

pub(super) async fn approve(
    State(daemon): State<Daemon>,
    query: RawQuery,
    order: Json<OrderDocument>,
) -> Result<Json<AcceptedDocument>, Refusal> {
    match Query::parse(query)?.bytes("path") {
        None => ask_held(&daemon, &order, Request::Approve).await,
        Some(path) => approve_mount(&daemon, &order, &path).await,
    }
}

/// A person says of one directory that what is mounted there, or not mounted, is right.
async fn approve_mount(
    daemon: &Daemon,
    order: &OrderDocument,
    path: &[u8],
) -> Result<Json<AcceptedDocument>, Refusal> {
    let name = decided_folder(order)?;
    let shown = String::from_utf8_lossy(path).into_owned();
    let absolute = Path::new(std::ffi::OsStr::from_bytes(path));
    let folders = running(daemon, Some(name))?;
    let relative = folders.iter().find_map(|(folder, _)| {
        if absolute.is_absolute() {
            below(absolute, &folder.config().local)
        } else {
            RelativePath::parse(path).ok()
        }
    });
    for (_, handle) in folders {
        let is_asked = |problem: &Problem| {
            problem.kind == ProblemKind::MountChanged && Some(&problem.path) == relative.as_ref()
        };
        if !handle.problems().await?.iter().any(is_asked) {
            let failure = Failure::failed(format!("no disk has come or gone at {shown} in {name:?}"))
                .path(shown)
                .hint("see `jottad problems`");
            return Err(Refusal(StatusCode::CONFLICT, failure));
        }
    }
    ask(daemon, order, Request::AcceptMount(relative.unwrap_or_default())).await
}

pub(super) async fn reject(
    State(daemon): State<Daemon>,
    order: Json<OrderDocument>,
) -> Result<Json<AcceptedDocument>, Refusal> {
    ask_held(&daemon, &order, Request::Reject).await
}

/// A decision is about one folder, and only where something waits for it.
async fn ask_held(
    daemon: &Daemon,
    order: &OrderDocument,
    request: Request,
) -> Result<Json<AcceptedDocument>, Refusal> {
    let name = decided_folder(order)?;
    let (mut about, mut shown_first) = (None, false);
    for (folder, handle) in running(daemon, Some(name))? {
        let failure = match handle.hold().await? {
            None => match handle.noted().await?.map(|decided| decided.noted) {
                // A person may think better of it until it is done.
                Some(noted @ (Noted::Approved(_) | Noted::Rejected(_))) => {
                    about = Some(describe_noted(folder.config(), &noted, daemon.purpose()).reason);
                    continue;
                }
                Some(noted @ Noted::Mounts { .. }) if request == Request::Reject => {
                    about = Some(describe_noted(folder.config(), &noted, daemon.purpose()).reason);
                    continue;
                }
                Some(Noted::Mounts { .. }) => Failure::failed(format!("nothing is held in {name:?}"))
                    .hint("`jottad held` shows what was approved"),
                Some(noted @ Noted::WantedBack { .. }) => {
                    let reason = describe_noted(folder.config(), &noted, daemon.purpose()).reason;
                    Failure::failed(format!("nothing is held in {name:?}: it was rejected, and {reason}"))
                        .hint(
                            "that cannot be taken back: wait until it is back, and delete again what is to go; \
                             too much at once is asked about again",
                        )
                }
                None => Failure::failed(format!("nothing is held in {name:?}")).hint("see `jottad status`"),
            },
            Some(Hold::Root { reason, root: HeldRoot::Missing }) => {
                // If something is there again it is taken up, and then asked about.
                folder.wake().await;
                Failure::failed(reason).hint(format!(
                    "put it back, and ask again in a moment; or say where it is now: \
                     jottad folder set {} local=PATH",
                    shell_word(name)
                ))
            }
            // No word makes these right.
            Some(hold @ (Hold::Root { root: HeldRoot::Unreadable, .. } | Hold::Place { .. })) => {
                let status = describe_hold(folder.config(), &hold, daemon.purpose());
                let choices = status.choices.iter().map(|one| match hold {
                    Hold::Root { .. } => format!("mend that, and look again: {}", one.command),
                    _ => format!("{}: {}", one.means, one.command),
                });
                Failure::failed(status.reason).hint(choices.collect::<Vec<_>>().join("; "))
            }
            Some(hold) => {
                shown_first = request == Request::Approve && leads_to_deletes(folder.config().mode, &hold);
                about = Some(describe_hold(folder.config(), &hold, daemon.purpose()).reason);
                continue;
            }
        };
        return Err(Refusal(StatusCode::CONFLICT, failure));
    }
    let Json(accepted) = ask(daemon, order, request).await?;
    Ok(Json(AcceptedDocument { about, shown_first, ..accepted }))
}

fn decided_folder(order: &OrderDocument) -> Result<&str, Refusal> {
    let name = order.folder.as_deref();
    name.ok_or_else(|| Refusal::bad_request(Failure::usage("a decision needs the name of a folder")))
}
