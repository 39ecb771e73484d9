//! The control API: HTTP with JSON on a Unix socket. What it can do, the command line can do, and the other
//! way round.

mod deciding;
mod query;
mod refusal;

use std::convert::Infallible;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{self, DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use futures_util::Stream;
use futures_util::stream::unfold;
use jottad_core::{RelativePath, shown_path};
use jottad_engine::{Explanation, FolderEnd, FolderHandle, FolderRequestError, Request};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_service::Service as _;

use crate::api::documents::{
    AcceptedDocument, ConflictDocument, ConflictsDocument, FolderDocument, HeldStatus, LeftOutFolder,
    LogDocument, OperationDocument, OrderDocument, PlanDocument, PlannedFolder, ProblemDocument,
    ProblemsDocument, SCHEMA, StatusDocument, Time, VerificationDocument, VerifiedDocument, WhyDocument,
};
use crate::api::exchange::{SIGN_OF_LIFE, VERSION_HEADER};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{now, path_text};
use crate::config::{WrongFolder, below, place_in};
use crate::daemon::control::query::Query;
pub(super) use crate::daemon::control::refusal::Refusal;
use crate::daemon::first_pass::FirstPass;
use crate::daemon::folder::{KeptBy, RunningFolder};
use crate::daemon::metrics;
use crate::daemon::peer::{self, Peer};
use crate::daemon::status::{self, describe_foreseen, describe_hold};
use crate::daemon::whereabouts;
use crate::daemon::{Daemon, Purpose};
use crate::service::{RunBy, start_command};

/// How long an order waits for a folder that is being started. Shorter than an answer may take.
const LONGEST_START: Duration = Duration::from_secs(4);
/// Orders are short.
const LONGEST_ORDER: usize = 64 * 1024;
/// Most operations in a plan, and lines of a log, where nothing is said of it.
const USUAL_LIMIT: u32 = 1000;
/// Every question is answered within this, so that nobody who asks waits for a folder that hangs.
const DEADLINE: Duration = Duration::from_secs(8);
/// A change of the configuration that takes longer than this goes on by itself.
const RELOADING: Duration = Duration::from_secs(6);
/// Open connections get so long to end.
const CLOSING: Duration = Duration::from_millis(500);

/// The listening socket, which is removed at the end.
pub(super) struct Control {
    task: JoinHandle<()>,
    daemon: Daemon,
}

impl Control {
    /// Ends it. The daemon is told before that it stops, so that listeners of events have gone.
    pub(super) async fn close(self) {
        if tokio::time::timeout(CLOSING, self.task).await.is_err() {
            tracing::debug!("a connection to the control socket was cut");
        }
        // Another daemon's socket may be there by now.
        if self.daemon.0.lock.as_ref().is_some_and(|lock| lock.check(&self.daemon.0.places).is_ok()) {
            let _ = fs::remove_file(self.daemon.0.places.socket());
        }
    }
}

/// Begins to answer. The daemon holds the lock, so a socket that is there is a dead one's.
pub(super) fn serve(daemon: &Daemon) -> Result<Control, Failure> {
    let places = daemon.0.places.clone();
    places.check_socket_path()?;
    let socket = places.socket();
    let trouble = |action: &str, error: std::io::Error| {
        let shown = socket.display().to_string();
        let remedy = "look at the state directory and its disk: `jottad doctor` checks them";
        Failure::of_system(format_args!("{action} {shown}"), &error).path(shown).hint(remedy)
    };
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(trouble("removing", error)),
        _ => {}
    }
    let listener = UnixListener::bind(&socket).map_err(|error| trouble("listening on", error))?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))
        .map_err(|error| trouble("protecting", error))?;
    let service = router(daemon.clone()).into_make_service_with_connect_info::<Peer>();
    let mut stopping = daemon.stopping();
    let served = axum::serve(listener, service).with_graceful_shutdown(async move {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    });
    let task = tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::error!(%error, "the control socket failed");
        }
    });
    Ok(Control { task, daemon: daemon.clone() })
}

/// Answers a question without a socket: who asks is this very process.
pub(crate) async fn answer(daemon: &Daemon, request: extract::Request) -> Response {
    match questions(daemon.clone()).with_state(daemon.clone()).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn router(daemon: Daemon) -> Router {
    let version = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
    questions(daemon.clone())
        // The only answer that has no end.
        .route("/v1/events", get(events))
        .layer(DefaultBodyLimit::max(LONGEST_ORDER))
        .layer(middleware::from_fn(peer::check))
        .layer(middleware::map_response(move |mut response: Response| {
            response.headers_mut().insert(HeaderName::from_static(VERSION_HEADER), version.clone());
            async move { response }
        }))
        .with_state(daemon)
}

/// Everything that has an answer with an end.
fn questions(daemon: Daemon) -> Router<Daemon> {
    Router::new()
        .route("/v1/status", get(show_status))
        .route("/v1/problems", get(problems))
        .route("/v1/conflicts", get(conflicts))
        .route("/v1/plan", get(plan))
        .route("/v1/held", get(deciding::held))
        .route("/v1/why", get(why))
        .route("/v1/log", get(log))
        .route("/v1/sync", post(sync))
        .route("/v1/verify", post(verify))
        .route("/v1/verification", get(verification))
        .route("/v1/pause", post(pause))
        .route("/v1/resume", post(resume))
        .route("/v1/approve", post(deciding::approve))
        .route("/v1/reject", post(deciding::reject))
        .route("/v1/reload", post(reload))
        .route("/metrics", get(openmetrics))
        .fallback(async || Refusal::not_found(Failure::usage("the control API has no such path")))
        .layer(middleware::from_fn_with_state(daemon, in_time))
}

/// Answers a question in time, be it with an excuse.
async fn in_time(State(daemon): State<Daemon>, request: extract::Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(DEADLINE, next.run(request)).await {
        return response;
    }
    let message = format!("no answer was found within {} s", DEADLINE.as_secs());
    let restart = RunBy::of_this_process(&daemon.0.places).await.restart();
    let failure = Failure::new(Exit::Stalled, message)
        .hint(format!("`jottad status` shows which folder is stalled; if none is, {restart}"));
    Refusal(StatusCode::GATEWAY_TIMEOUT, failure).into_response()
}

async fn show_status(State(daemon): State<Daemon>) -> Json<StatusDocument> {
    Json(daemon.status().await)
}

async fn openmetrics(State(daemon): State<Daemon>) -> impl IntoResponse {
    let text = metrics::text(&daemon.status().await);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text)
}

async fn events(State(daemon): State<Daemon>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let start = (daemon.events().subscribe(), daemon.stopping());
    let stream = unfold(start, async |(mut listener, mut stopping)| {
        let event = tokio::select! {
            event = listener.recv() => event?,
            () = ended(&mut stopping) => return None,
        };
        let message = Event::default().json_data(&event).unwrap_or_default();
        Some((Ok(message), (listener, stopping)))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE))
}

async fn ended(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

async fn problems(State(daemon): State<Daemon>) -> Result<Json<ProblemsDocument>, Refusal> {
    let folders = daemon.folders();
    // What is being started knows them in a moment.
    futures_util::future::join_all(folders.iter().map(|folder| folder.starts_within(LONGEST_START))).await;
    let mut problems = Vec::new();
    for (folder, handle) in running(&daemon, None)? {
        let found = handle.problems().await?;
        problems.extend(found.iter().map(|problem| ProblemDocument::new(folder.name(), problem)));
    }
    if daemon.purpose() == Purpose::Rest {
        // What the last run was at is left as it was.
        for problem in &mut problems {
            problem.being_tried = false;
        }
    }
    let left_out = left_out(&daemon, None).await;
    Ok(Json(ProblemsDocument { schema: SCHEMA, problems, left_out }))
}

async fn conflicts(
    State(daemon): State<Daemon>,
    query: RawQuery,
) -> Result<Json<ConflictsDocument>, Refusal> {
    let query = Query::parse(query)?;
    let name = query.text("folder")?;
    let mut conflicts = Vec::new();
    for (folder, handle) in running(&daemon, name.as_deref())? {
        let found = handle.conflicts().await?;
        conflicts.extend(found.iter().map(|conflict| ConflictDocument {
            folder: folder.name().to_owned(),
            path: path_text(&conflict.path),
            copy: path_text(&conflict.copy),
        }));
    }
    let left_out = left_out(&daemon, name.as_deref()).await;
    Ok(Json(ConflictsDocument { schema: SCHEMA, conflicts, left_out }))
}

async fn plan(State(daemon): State<Daemon>, query: RawQuery) -> Result<Json<PlanDocument>, Refusal> {
    let query = Query::parse(query)?;
    let limit = query.number("limit")?.unwrap_or(USUAL_LIMIT);
    let name = query.text("folder")?;
    let mut folders = Vec::new();
    for (folder, handle) in running(&daemon, name.as_deref())? {
        let plan = handle.plan(usize::try_from(limit).unwrap_or(usize::MAX)).await?;
        let operations = plan.operations.iter().map(OperationDocument::from).collect();
        let foreseen = handle.foresee(now()).await?;
        let would_hold = foreseen.iter().map(|foreseen| describe_foreseen(folder.config(), foreseen));
        let would_hold = would_hold.collect();
        let (name, count, bytes) = (folder.name().to_owned(), plan.count, plan.bytes);
        let unconfirmed = plan.unconfirmed;
        let held = handle.hold().await?.map(|hold| describe_hold(folder.config(), &hold, daemon.purpose()));
        let held = held.filter(HeldStatus::is_of_everything);
        let document = status::documents(&[folder]).await.pop();
        folders.push(PlannedFolder {
            name,
            operations,
            count,
            bytes,
            unconfirmed,
            verdict: document.as_ref().map(|document| document.verdict),
            paused: document.as_ref().and_then(|document| document.paused),
            unseen_directories: document.and_then(|document| document.unseen_directories),
            held,
            would_hold,
        });
    }
    let left_out = left_out(&daemon, name.as_deref()).await;
    Ok(Json(PlanDocument { schema: SCHEMA, folders, left_out }))
}

async fn why(State(daemon): State<Daemon>, query: RawQuery) -> Result<Json<WhyDocument>, Refusal> {
    let query = Query::parse(query)?;
    let bytes = query.bytes("path").ok_or_else(|| Refusal::bad_request(Failure::usage("which path?")))?;
    let path = Path::new(std::ffi::OsStr::from_bytes(&bytes));
    let shown = shown_path(path).to_string();
    let folders = daemon.folders();
    let found = place_in(path, folders.iter().map(|folder| folder.config().local.as_path()));
    if let Some((folder, relative)) = found.and_then(|(at, path)| Some((folders.get(at)?, path))) {
        let is_before_first_pass = daemon.purpose() == Purpose::Rest && !folder.was_compared().await;
        let first = is_before_first_pass.then(|| FirstPass::at(&relative, folder.config(), &daemon.0.places));
        let explanation = match folder.handle() {
            Some(handle) => handle.explain(relative.clone()).await?,
            None if first.is_some() => {
                folder.explain_before_first_run(relative.clone()).await.map_err(Refusal::conflict)?
            }
            None => return Err(not_running(&daemon, folder)),
        };
        let root = folder.config().local.clone();
        let explanation = with_what_is_there(explanation, root, &relative, first).await;
        return Ok(Json(WhyDocument::new(folder.name(), path_text(&relative), &explanation)));
    }
    let wrong = daemon.wrong();
    let wrong = wrong.iter().find(|wrong| {
        let local = daemon.0.places.expand(Path::new(&wrong.local));
        local.is_absolute() && below(path, &local).is_some()
    });
    if let Some(wrong) = wrong {
        return Err(Refusal(StatusCode::CONFLICT, held_as_written(wrong).path(shown)));
    }
    let failure = Failure::usage(format!("{shown} is in no folder")).path(shown);
    Err(Refusal::not_found(failure.hint("`jottad folder list` shows the folders")))
}

/// Adds what is on the disk at this moment, which may take long on a disk that does not answer.
async fn with_what_is_there(
    explanation: Explanation,
    root: PathBuf,
    path: &RelativePath,
    first: Option<FirstPass>,
) -> Explanation {
    let asked = path.clone();
    match tokio::task::spawn_blocking(move || whereabouts::look(&root, &asked)).await {
        Ok(found) => whereabouts::complete(explanation, path, &found, first.as_ref()),
        Err(_) => explanation,
    }
}

async fn log(State(daemon): State<Daemon>, query: RawQuery) -> Result<Json<Vec<LogDocument>>, Refusal> {
    let query = Query::parse(query)?;
    let limit = query.number("limit")?.unwrap_or(USUAL_LIMIT);
    let mut lines = Vec::new();
    for (folder, handle) in running(&daemon, query.text("folder")?.as_deref())? {
        let found = handle.log(0, limit).await?;
        lines.extend(found.iter().map(|line| LogDocument::new(folder.name(), line)));
    }
    // Each folder's lines stay in their order.
    lines.sort_by_key(|line| line.at.0);
    let surplus = lines.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Json(lines.split_off(surplus)))
}

async fn sync(
    State(daemon): State<Daemon>,
    order: Json<OrderDocument>,
) -> Result<Json<AcceptedDocument>, Refusal> {
    let at = Time(now());
    let is_meant = |folder: &RunningFolder| order.folder.as_deref().is_none_or(|name| folder.name() == name);
    let mut asleep = daemon.folders();
    asleep.retain(|folder| is_meant(folder) && folder.handle().is_none());
    let mut folders = Vec::new();
    if order.folder.is_none() || asleep.is_empty() {
        // Those that run do not wait for the others.
        folders = ask(&daemon, &order, Request::SyncNow).await?.0.folders;
    }
    for folder in &asleep {
        folder.wake().await;
    }
    let starting = asleep.iter().map(|folder| folder.starts_within(LONGEST_START));
    let started = futures_util::future::join_all(starting).await;
    for (folder, has_started) in asleep.iter().zip(started) {
        // What was being started has not heard of the order: it need not look at everything by itself.
        if let Some(handle) = folder.handle().filter(|_| has_started) {
            handle.request(Request::SyncNow).await?;
        }
        folders.push(folder.name().to_owned());
    }
    Ok(accepted(&daemon, folders, at))
}

async fn verify(
    State(daemon): State<Daemon>,
    order: Json<OrderDocument>,
) -> Result<Json<AcceptedDocument>, Refusal> {
    // What is being started reads its files in a moment.
    let folders = daemon.folders();
    futures_util::future::join_all(folders.iter().map(|folder| folder.starts_within(LONGEST_START))).await;
    ask(&daemon, &order, Request::Verify).await
}

/// How far the files were read again.
async fn verification(
    State(daemon): State<Daemon>,
    query: RawQuery,
) -> Result<Json<VerifiedDocument>, Refusal> {
    let query = Query::parse(query)?;
    let mut folders = Vec::new();
    for (folder, handle) in running(&daemon, query.text("folder")?.as_deref())? {
        let verification = handle.verification().await?;
        folders.extend(verification.map(|found| VerificationDocument::new(folder.name(), &found)));
    }
    Ok(Json(VerifiedDocument { schema: SCHEMA, folders }))
}

async fn pause(
    State(daemon): State<Daemon>,
    order: Json<OrderDocument>,
) -> Result<Json<AcceptedDocument>, Refusal> {
    let request = Request::Pause(order.seconds.map(Duration::from_secs));
    match daemon.purpose() {
        Purpose::Rest => note(&daemon, &order, &request).await,
        _ => ask_started(&daemon, &order, request).await,
    }
}

async fn resume(
    State(daemon): State<Daemon>,
    order: Json<OrderDocument>,
) -> Result<Json<AcceptedDocument>, Refusal> {
    match daemon.purpose() {
        Purpose::Rest => note(&daemon, &order, &Request::Resume).await,
        _ => ask_started(&daemon, &order, Request::Resume).await,
    }
}

async fn reload(State(daemon): State<Daemon>) -> Result<Json<AcceptedDocument>, Refusal> {
    let reloading = {
        let daemon = daemon.clone();
        // By itself, so that it is not left half done when nobody waits for the answer any more.
        tokio::spawn(async move { daemon.reload().await })
    };
    match tokio::time::timeout(RELOADING, reloading).await {
        Ok(Ok(done)) => done.map_err(Refusal::bad_request)?,
        Ok(Err(error)) => {
            let failure = Failure::failed(format!("following the configuration failed: {error}"))
                .hint(RunBy::of_this_process(&daemon.0.places).await.restart());
            return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, failure));
        }
        Err(_) => tracing::warn!("following the configuration takes long; it goes on"),
    }
    let folders = daemon.folders().iter().map(|folder| folder.name().to_owned()).collect();
    Ok(accepted(&daemon, folders, Time(now())))
}

fn accepted(daemon: &Daemon, folders: Vec<String>, at: Time) -> Json<AcceptedDocument> {
    let noted = daemon.purpose() == Purpose::Rest;
    Json(AcceptedDocument { schema: SCHEMA, folders, at, noted, about: None, shown_first: false })
}

/// Hands a request to one folder or all.
async fn ask(
    daemon: &Daemon,
    order: &OrderDocument,
    request: Request,
) -> Result<Json<AcceptedDocument>, Refusal> {
    let at = Time(now());
    let mut folders = Vec::new();
    for (folder, handle) in running(daemon, order.folder.as_deref())? {
        order_to(daemon, &folder, &handle, request.clone()).await?;
        folders.push(folder.name().to_owned());
    }
    Ok(accepted(daemon, folders, at))
}

/// The same, also to what is being started: an order that nobody has heard is none.
async fn ask_started(
    daemon: &Daemon,
    order: &OrderDocument,
    request: Request,
) -> Result<Json<AcceptedDocument>, Refusal> {
    let folders = daemon.folders();
    futures_util::future::join_all(folders.iter().map(|folder| folder.starts_within(LONGEST_START))).await;
    let accepted = ask(daemon, order, request).await?;
    match folders.first() {
        Some(folder) if accepted.folders.is_empty() => Err(not_running(daemon, folder)),
        _ => Ok(accepted),
    }
}

/// Hands a request to a folder. At rest nobody starts one anew that has ended over it, so why is told.
async fn order_to(
    daemon: &Daemon,
    folder: &RunningFolder,
    handle: &FolderHandle,
    request: Request,
) -> Result<(), Refusal> {
    match handle.request(request).await {
        Err(FolderRequestError::Stopped(_)) if daemon.purpose() == Purpose::Rest => {
            let name = folder.name();
            let index = folder.index_file(&daemon.0.places).unwrap_or_default().display().to_string();
            let FolderEnd { reason, lacks_room } = handle.ended().await;
            let failure = Failure::failed(format!("noting that for {name:?} in {index}: {reason}"));
            let failure = failure.path(index).no_room_if(lacks_room);
            let failure = if lacks_room {
                failure
            } else {
                failure.hint("look at the state directory and its disk: `jottad doctor` checks them")
            };
            Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, failure))
        }
        done => Ok(done?),
    }
}

/// Writes down for the next run whether one folder or all are paused, also where there was no run yet. One
/// that cannot be told keeps none of the others from it.
async fn note(
    daemon: &Daemon,
    order: &OrderDocument,
    request: &Request,
) -> Result<Json<AcceptedDocument>, Refusal> {
    let at = Time(now());
    let name = order.folder.as_deref();
    // Of a name that nobody has, or whose folder is held, the usual thing is said.
    if let Some(name) = name.filter(|name| !daemon.folders().iter().any(|folder| folder.name() == *name)) {
        running(daemon, Some(name))?;
    }
    let mut folders = daemon.folders();
    folders.retain(|folder| name.is_none_or(|name| folder.name() == name));
    let (mut noted, mut refusal) = (Vec::new(), None);
    for folder in folders {
        let done = match folder.handle() {
            Some(handle) => order_to(daemon, &folder, &handle, request.clone()).await,
            None if folder.index_file(&daemon.0.places).is_some_and(|index| index.exists()) => {
                Err(not_running(daemon, &folder))
            }
            // There was no run yet, so nothing is paused.
            None if *request == Request::Resume => Ok(()),
            None => folder
                .note_before_first_run(&daemon.0.places, request.clone())
                .await
                .map_err(Refusal::conflict),
        };
        match done {
            Ok(()) => noted.push(folder.name().to_owned()),
            Err(refused) => refusal = refusal.or(Some(refused)),
        }
    }
    match refusal {
        Some(refusal) => Err(refusal),
        None => Ok(accepted(daemon, noted, at)),
    }
}

/// What the status says of the folders that do not run, or of the one of a name if it does not.
async fn resting(daemon: &Daemon, name: Option<&str>) -> Vec<FolderDocument> {
    let is_meant = |of: &str| name.is_none_or(|name| name == of);
    let mut folders = daemon.folders();
    folders.retain(|folder| is_meant(folder.name()) && folder.handle().is_none());
    let mut documents = status::documents(&folders).await;
    let wrong = daemon.wrong();
    documents.extend(wrong.iter().filter(|wrong| is_meant(&wrong.name)).map(status::wrong_document));
    documents
}

/// The folders of which nothing is known, because they do not run, and why.
async fn left_out(daemon: &Daemon, name: Option<&str>) -> Vec<LeftOutFolder> {
    resting(daemon, name).await.into_iter().map(LeftOutFolder::from).collect()
}

/// The folders that run, or the one of a name; an error if that one is unknown or does not run.
fn running(daemon: &Daemon, name: Option<&str>) -> Result<Vec<(Arc<RunningFolder>, FolderHandle)>, Refusal> {
    let mut folders = daemon.folders();
    if let Some(name) = name {
        folders.retain(|folder| folder.name() == name);
        if let Some(wrong) = daemon.wrong().into_iter().find(|wrong| wrong.name == name) {
            return Err(Refusal(StatusCode::CONFLICT, held_as_written(&wrong)));
        }
        let Some(folder) = folders.first() else {
            return Err(Refusal::not_found(Failure::usage(format!("no folder is called {name:?}"))));
        };
        if folder.handle().is_none() {
            return Err(not_running(daemon, folder));
        }
    }
    Ok(folders.into_iter().filter_map(|folder| Some((Arc::clone(&folder), folder.handle()?))).collect())
}

/// Nothing is known of a folder that cannot run as it is configured.
fn held_as_written(wrong: &WrongFolder) -> Failure {
    let failure =
        Failure::new(Exit::Held, format!("the folder {:?} is held: {}", wrong.name, wrong.reason()));
    match wrong.choices().first() {
        Some((means, command)) => failure.hint(format!("{means}: {command}")),
        None => failure,
    }
}

/// Why nothing is known of a folder at the moment.
fn not_running(daemon: &Daemon, folder: &RunningFolder) -> Refusal {
    let name = folder.name();
    let failure = match folder.obstacle() {
        Some(reason) if folder.kept_by() == Some(KeptBy::TakenPlace) => {
            let held = status::taken_place(folder.config(), reason);
            Failure::new(Exit::Held, format!("the folder {name:?} is held: {}", held.reason))
                .hint(held.choices_in_words())
        }
        Some(reason) if daemon.purpose() == Purpose::Rest => {
            Failure::failed(format!("nothing is known of the folder {name:?}: {reason}")).hint(format!(
                "compare it with `jottad run --once`, or keep it in step with `{}`",
                start_command(&daemon.0.places)
            ))
        }
        Some(reason) => Failure::failed(format!("the folder {name:?} is not running: {reason}"))
            .hint("see `jottad status`"),
        None => Failure::failed(format!("the folder {name:?} is not running")).hint("see `jottad status`"),
    };
    Refusal(StatusCode::SERVICE_UNAVAILABLE, failure)
}

#[cfg(test)]
mod tests;
