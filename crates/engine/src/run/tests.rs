//! How a folder's thread ends, and that it is told.

use jottad_core::{Content, File, Kind, Mode, Parallel, StoredName, StoredPath};

use super::*;
use crate::builders::settings;
use crate::disk::{LocalContent, StagedFile};
use crate::event::{Command, Task};
use crate::local_disk::LocalDisk;
use crate::remote::{MoveAnswer, RemoteError, RemoteListing, RemoteNode, Sighted};

/// A service whose every answer is a bug.
struct Panicking;

struct Nothing;

impl RemoteListing for Nothing {
    async fn next_batch(&mut self) -> Result<Option<Vec<ListedEntry>>, RemoteError> {
        Ok(None)
    }
}

impl Remote for Panicking {
    type Listing = Nothing;

    async fn list_tree(&self, _: &StoredPath) -> Result<Nothing, RemoteError> {
        panic!("a bug")
    }

    async fn list_directory(&self, _: &StoredPath) -> Result<Vec<(StoredName, RemoteNode)>, RemoteError> {
        panic!("a bug")
    }

    async fn look(&self, _: &StoredPath) -> Result<Option<Sighted>, RemoteError> {
        panic!("a bug")
    }

    async fn upload<C: LocalContent>(&self, _: &StoredPath, _: File, _: C) -> Result<(), RemoteError> {
        panic!("a bug")
    }

    async fn download<S: StagedFile>(
        &self,
        _: &StoredPath,
        _: Content,
        _: &mut S,
    ) -> Result<(), RemoteError> {
        panic!("a bug")
    }

    async fn make_directory(&self, _: &StoredPath) -> Result<(), RemoteError> {
        panic!("a bug")
    }

    async fn trash(&self, _: &StoredPath, _: Kind) -> Result<(), RemoteError> {
        panic!("a bug")
    }

    async fn move_entry(&self, _: &StoredPath, _: &StoredPath, _: Kind) -> Result<MoveAnswer, RemoteError> {
        panic!("a bug")
    }

    async fn set_modified(&self, _: &StoredPath, _: Content, _: Timestamp) -> Result<(), RemoteError> {
        panic!("a bug")
    }

    async fn change_stamp(&self) -> Result<String, RemoteError> {
        panic!("a bug")
    }
}

fn start(directory: &Path) -> FolderHandle {
    std::fs::create_dir(directory.join("docs")).unwrap();
    start_with(directory, Panicking)
}

fn start_with<R: Remote>(directory: &Path, remote: R) -> FolderHandle {
    let hour = Duration::from_hours(1);
    let settings = FolderSettings {
        mode: Mode::Backup,
        poll: hour,
        scan: hour,
        list: hour,
        uploads: Parallel::Fixed(1),
        downloads: Parallel::Fixed(1),
        ..settings()
    };
    let disk = LocalDisk::open(directory.join("docs")).unwrap();
    let clock = || Timestamp::from_seconds(1_795_435_200);
    FolderHandle::start(settings, &directory.join("index.sqlite"), disk, remote, clock).unwrap()
}

#[tokio::test]
async fn a_command_that_panics_ends_the_folder_and_whoever_waits_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let handle = start(directory.path());
    assert_eq!(handle.ended().await.reason, "a command panicked: a bug");
    assert!(matches!(handle.status().await, Err(FolderRequestError::Stopped(_))));
    // It stays ended for those who ask later.
    assert_eq!(handle.ended().await.reason, "a command panicked: a bug");
}

#[tokio::test]
async fn a_folder_that_is_stopped_has_ended_too() {
    let directory = tempfile::tempdir().unwrap();
    let handle = start(directory.path());
    handle.request(Request::Pause(None)).await.ok();
    handle.shutdown().await;
    let reason = handle.ended().await.reason;
    // Either the panic or the order to stop was first.
    assert!(reason == "it was stopped" || reason.contains("a bug"), "{reason}");
}

/// An empty service that never takes a file.
struct Waiting;

impl Remote for Waiting {
    type Listing = Nothing;

    async fn list_tree(&self, _: &StoredPath) -> Result<Nothing, RemoteError> {
        Ok(Nothing)
    }

    async fn list_directory(&self, _: &StoredPath) -> Result<Vec<(StoredName, RemoteNode)>, RemoteError> {
        Ok(Vec::new())
    }

    async fn look(&self, _: &StoredPath) -> Result<Option<Sighted>, RemoteError> {
        Ok(None)
    }

    async fn upload<C: LocalContent>(&self, _: &StoredPath, _: File, _: C) -> Result<(), RemoteError> {
        std::future::pending().await
    }

    async fn download<S: StagedFile>(
        &self,
        _: &StoredPath,
        _: Content,
        _: &mut S,
    ) -> Result<(), RemoteError> {
        std::future::pending().await
    }

    async fn make_directory(&self, _: &StoredPath) -> Result<(), RemoteError> {
        Ok(())
    }

    async fn trash(&self, _: &StoredPath, _: Kind) -> Result<(), RemoteError> {
        Ok(())
    }

    async fn move_entry(&self, _: &StoredPath, _: &StoredPath, _: Kind) -> Result<MoveAnswer, RemoteError> {
        panic!("nothing was moved")
    }

    async fn set_modified(&self, _: &StoredPath, _: Content, _: Timestamp) -> Result<(), RemoteError> {
        Ok(())
    }

    async fn change_stamp(&self) -> Result<String, RemoteError> {
        Ok("1".to_owned())
    }
}

async fn wait_for(handle: &FolderHandle, what: &str, is_so: impl Fn(&FolderStatus) -> bool) -> FolderStatus {
    for _ in 0..1000 {
        let status = handle.status().await.unwrap();
        if is_so(&status) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain for this: {what}, {:?}", handle.status().await)
}

#[tokio::test]
async fn a_pause_ends_what_travels_and_it_goes_on_after_it() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("docs")).unwrap();
    std::fs::write(directory.path().join("docs/a.txt"), "one").unwrap();
    let handle = start_with(directory.path(), Waiting);
    for _ in 0..2 {
        wait_for(&handle, "it is sent", |status| status.transfers.len() == 1).await;
        handle.request(Request::Pause(None)).await.unwrap();
        let status = wait_for(&handle, "it is sent no more", |status| status.transfers.is_empty()).await;
        assert_eq!(status.verdict, crate::status::Verdict::Paused);
        assert_eq!(status.pending.unwrap().uploads, 1);
        handle.request(Request::Resume).await.unwrap();
    }
    handle.shutdown().await;
}

/// A folder that only looks asks for nothing else. If it did, nothing would come of it.
#[tokio::test]
async fn where_only_a_look_was_asked_for_nothing_else_is_begun() {
    let directory = tempfile::tempdir().unwrap();
    let local = |path: &str| RelativePath::try_from(path).unwrap();
    let looks = [Task::Poll, Task::CheckRoot, Task::Scan { directory: local("") }];
    let deeds = [
        Task::MakeLocalDirectory { path: local("made") },
        Task::MakeRemoteDirectory { path: local("made"), remote: StoredPath::root() },
    ];
    for (only_looks, task, is_begun) in looks
        .into_iter()
        .map(|task| (true, task, true))
        .chain(deeds.into_iter().flat_map(|task| [(true, task.clone(), false), (false, task, true)]))
    {
        let mut performer = Performer {
            runtime: Handle::current(),
            disk: Arc::new(LocalDisk::open(directory.path().to_owned()).unwrap()),
            remote: Arc::new(Waiting),
            inbox: channel().0,
            progress: Progress::default(),
            activity: Activity::new(),
            running: BTreeMap::new(),
            turned_away: 0,
            only_looks,
        };
        assert!(!performer.take_turned_away(), "it was asked for nothing");
        performer.turned_away = 3;
        assert_eq!([performer.take_turned_away(), performer.take_turned_away()], [true, false]);
        performer.start(Command { id: CommandId(1), task: task.clone(), mounts: Vec::new() });
        assert_eq!(!performer.running.is_empty(), is_begun, "{task:?}");
    }
}

/// What a person asks while a folder runs is answered by it, and what a watcher tells reaches it.
#[tokio::test]
async fn a_running_folder_answers_and_hears() {
    let directory = tempfile::tempdir().unwrap();
    let docs = directory.path().join("docs");
    std::fs::create_dir(&docs).unwrap();
    std::fs::write(docs.join(".jottaignore"), "[z-a]\n").unwrap();
    let handle = start_with(directory.path(), Waiting);
    wait_for(&handle, "it is sent", |status| status.transfers.len() == 1).await;
    assert_eq!(handle.name(), settings().name);
    let problems = handle.problems().await.unwrap();
    let told: Vec<_> = problems.iter().map(|problem| (problem.path.to_string(), problem.kind)).collect();
    assert_eq!(told, [(".jottaignore".to_owned(), crate::status::ProblemKind::BadRule)]);
    // It has not waited long enough to be worth telling.
    let said = handle.explain(RelativePath::try_from(".jottaignore").unwrap()).await.unwrap();
    assert!(!said.reason.contains("no answer for"), "{}", said.reason);
    std::fs::create_dir(docs.join("new")).unwrap();
    handle.local_hints(vec![LocalHint::Directory(RelativePath::root())]);
    wait_for(&handle, "what is new is seen", |status| status.directories == Some(1)).await;
    handle.shutdown().await;
}

/// What a bug says is told, in whichever way it says it.
#[test]
fn the_words_of_a_panic_are_told() {
    let of = |panic: Box<dyn std::any::Any + Send>| folder_thread::panic_text(&*panic).to_owned();
    assert_eq!(of(Box::new("a word")), "a word");
    assert_eq!(of(Box::new("a text".to_owned())), "a text");
    assert_eq!(of(Box::new(7)), "without a word");
}

/// What is damaged would end the next run as well; what merely failed is as good as before.
#[test]
fn an_index_is_set_aside_if_it_is_damaged_and_only_then() {
    for is_damaged in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("index.sqlite");
        std::fs::write(&file, "an index").unwrap();
        let error = if is_damaged {
            IndexError::Damaged("rows hang in the air".to_owned())
        } else {
            IndexError::File { path: file.clone(), source: std::io::Error::other("it fails") }
        };
        let said = folder_thread::given_up(&FolderError::Index(error), &file);
        assert_eq!((said.contains("set aside as"), file.exists()), (is_damaged, !is_damaged), "{said}");
    }
}
