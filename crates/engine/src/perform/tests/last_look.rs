//! What is looked at right before an operation, and what of it keeps the operation from being done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

/// A service that finds a path under every spelling, and what was done on it.
#[derive(Default)]
struct Service {
    has: BTreeMap<String, RemoteNode>,
    /// A look at anything ends so.
    fails: Option<RemoteErrorKind>,
    /// A listing of a tree breaks off behind its entries.
    breaks_off: bool,
    /// A move seems to be done, and its answer was lost.
    is_unsure: bool,
    /// What comes to be of a file while it is sent.
    meanwhile: Option<(PathBuf, &'static str)>,
    done: Mutex<Vec<String>>,
}

/// A listing of a tree, which may break off.
struct Tree {
    entries: Vec<ListedEntry>,
    breaks_off: bool,
}

impl RemoteListing for Tree {
    async fn next_batch(&mut self) -> Result<Option<Vec<ListedEntry>>, RemoteError> {
        let entries = std::mem::take(&mut self.entries);
        if entries.is_empty() && self.breaks_off {
            return Err(RemoteError::new(RemoteErrorKind::Incomplete, "it broke off".to_owned()));
        }
        Ok((!entries.is_empty()).then_some(entries))
    }

    fn unusable(&self) -> &[UnusableEntry] {
        &[]
    }
}

impl Service {
    fn having(entries: &[(&str, RemoteNode)]) -> Self {
        let has = entries.iter().map(|(path, node)| ((*path).to_owned(), *node)).collect();
        Self { has, ..Self::default() }
    }

    fn note(&self, what: &str, path: &StoredPath) {
        self.done.lock().unwrap().push(format!("{what} {path}"));
    }

    fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }
}

impl Remote for Service {
    type Listing = Tree;

    async fn list_tree(&self, directory: &StoredPath) -> Result<Tree, RemoteError> {
        let top = if directory.is_root() { String::new() } else { format!("{directory}/") };
        let below = self.has.iter().filter_map(|(path, node)| Some((path.strip_prefix(&top)?, *node)));
        let entries = below.map(|(path, node)| ListedEntry { path: stored(path), node }).collect();
        Ok(Tree { entries, breaks_off: self.breaks_off })
    }

    async fn list_directory(
        &self,
        directory: &StoredPath,
    ) -> Result<Vec<(StoredName, RemoteNode)>, RemoteError> {
        let entries = self.has.iter().map(|(path, node)| (stored(path), *node));
        let wanted = directory.to_string();
        let is_inside = |path: &StoredPath| {
            path.parent().is_some_and(|parent| parent.to_string().eq_ignore_ascii_case(&wanted))
        };
        let inside = entries.filter(|(path, _)| is_inside(path));
        Ok(inside.map(|(path, node)| (path.name().unwrap().clone(), node)).collect())
    }

    async fn look(&self, path: &StoredPath) -> Result<Option<Sighted>, RemoteError> {
        if let Some(kind) = self.fails {
            return Err(RemoteError::new(kind, "the service answered an error".to_owned()));
        }
        let wanted = path.to_string();
        let found = self.has.iter().find(|(there, _)| there.eq_ignore_ascii_case(&wanted));
        Ok(found.map(|(_, node)| (*node).into()))
    }

    async fn upload<C: LocalContent>(&self, path: &StoredPath, _: File, _: C) -> Result<(), RemoteError> {
        self.note("upload", path);
        if let Some((file, content)) = &self.meanwhile {
            std::fs::write(file, content).unwrap();
        }
        Ok(())
    }

    async fn download<S: StagedFile>(
        &self,
        path: &StoredPath,
        _: Content,
        staged: &mut S,
    ) -> Result<(), RemoteError> {
        self.note("download", path);
        staged.write(b"new").unwrap();
        Ok(())
    }

    async fn make_directory(&self, path: &StoredPath) -> Result<(), RemoteError> {
        self.note("make", path);
        Ok(())
    }

    async fn trash(&self, path: &StoredPath, _: Kind) -> Result<(), RemoteError> {
        self.note("trash", path);
        Ok(())
    }

    async fn move_entry(
        &self,
        from: &StoredPath,
        _: &StoredPath,
        _: Kind,
    ) -> Result<MoveAnswer, RemoteError> {
        self.note("move", from);
        Ok(if self.is_unsure { MoveAnswer::SeemsDone } else { MoveAnswer::Done })
    }

    async fn set_modified(&self, path: &StoredPath, _: Content, _: Timestamp) -> Result<(), RemoteError> {
        self.note("time", path);
        Ok(())
    }

    async fn change_stamp(&self) -> Result<String, RemoteError> {
        Ok("1".to_owned())
    }
}

/// A root with a file in it, `f`, and directories `d` and `d/e` with a file each.
struct World {
    place: tempfile::TempDir,
    disk: LocalDisk,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("d/e")).unwrap();
        for file in ["f", "d/g", "d/e/h"] {
            std::fs::write(place.path().join(file), "old").unwrap();
        }
        let disk = LocalDisk::open(place.path().to_owned()).unwrap();
        Self { place, disk }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    async fn node(&self, path: &str) -> DiskNode {
        self.disk.stat(&local(path)).await.unwrap().unwrap()
    }

    async fn file(&self, path: &str) -> FileStat {
        let DiskNode::File(stat) = self.node(path).await else { panic!("{path} is no file") };
        stat
    }

    async fn identity(&self, path: &str) -> Identity {
        self.node(path).await.identity().unwrap()
    }

    /// What a directory holds.
    async fn digest(&self, path: &str) -> TreeDigest {
        local_digest(&self.disk, &local(path)).await.unwrap().unwrap()
    }

    async fn root(&self) -> Identity {
        self.disk.root().await.unwrap().identity
    }

    /// Does something and tells in a word how that ended.
    async fn tell(&self, task: Task, service: &Service) -> &'static str {
        let command = Command { id: CommandId(1), task, mounts: Vec::new() };
        let event = perform(command, &self.disk, service, |_, _| async {}).await;
        let Event::Completed(_, Outcome::Operation(result)) = event else { panic!("{event:?}") };
        match result {
            Ok(Achieved::Done | Achieved::LocalFile(_) | Achieved::LocalDirectory(_)) => "done",
            Ok(Achieved::Outdated) => "outdated",
            Ok(Achieved::InDoubt) => "in doubt",
            Err(OperationError::LocalChanged { .. }) => "changed here",
            Err(OperationError::RemoteChanged { .. }) => "changed there",
            Err(OperationError::NotShown(_)) => "not shown",
            Err(OperationError::Remote(_)) => "failed there",
            Err(OperationError::Disk(_)) => "failed here",
            Err(error) => panic!("{error}"),
        }
    }
}

fn local(path: &str) -> RelativePath {
    RelativePath::parse(path.as_bytes()).unwrap()
}

/// What others have saved.
fn other() -> File {
    File { content: Content { size: 3, md5: Md5::from_bytes([8; 16]) }, ..file() }
}

const DIRECTORY: RemoteNode = RemoteNode::Directory;

fn known() -> RemoteNode {
    RemoteNode::File(file())
}

fn others() -> RemoteNode {
    RemoteNode::File(other())
}

#[tokio::test]
async fn an_upload_overwrites_only_what_it_was_said_to() {
    let (nothing, content) = (Replaces::Nothing, Replaces::File(file().content));
    for (replaces, there, expected) in [
        (nothing, None, "done"),
        (nothing, Some(known()), "changed there"),
        (nothing, Some(DIRECTORY), "changed there"),
        (content, None, "changed there"),
        (content, Some(known()), "done"),
        (content, Some(others()), "changed there"),
        (content, Some(DIRECTORY), "changed there"),
        (Replaces::Anything, Some(others()), "done"),
    ] {
        let world = World::new();
        let service = Service::having(&there.map_or([("x", DIRECTORY)], |node| [("f", node)]));
        let stat = world.file("f").await;
        let task = Task::Upload { path: local("f"), remote: stored("f"), stat, file: file(), replaces };
        assert_eq!(world.tell(task, &service).await, expected, "{replaces:?}, {there:?}");
        assert_eq!(service.done().len(), usize::from(expected == "done"), "{replaces:?}, {there:?}");
    }
}

/// What was sent counts, but is not what is there by now.
#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_is_outdated() {
    for (edited, expected) in [(None, "done"), (Some("f"), "outdated"), (Some("x"), "done")] {
        let world = World::new();
        let meanwhile = edited.map(|file| (world.at(file), "edited"));
        let service = Service { meanwhile, ..Service::default() };
        let stat = world.file("f").await;
        let replaces = Replaces::Nothing;
        let task = Task::Upload { path: local("f"), remote: stored("f"), stat, file: file(), replaces };
        assert_eq!(world.tell(task, &service).await, expected, "{edited:?}");
    }
}

#[tokio::test]
async fn a_directory_is_made_there_only_if_it_is_still_one_here() {
    for (path, expected) in [("d", "done"), ("f", "changed here"), ("none", "changed here")] {
        let (world, service) = (World::new(), Service::default());
        let task = Task::MakeRemoteDirectory { path: local(path), remote: stored("d") };
        assert_eq!(world.tell(task, &service).await, expected, "{path}");
        assert_eq!(service.done().len(), usize::from(expected == "done"), "{path}");
    }
}

#[tokio::test]
async fn a_file_is_moved_there_only_as_it_is_known() {
    let known_content = Some(file().content);
    for (content, there, is_unsure, expected) in [
        (known_content, known(), false, "done"),
        (known_content, known(), true, "in doubt"),
        (known_content, others(), false, "changed there"),
        (known_content, DIRECTORY, false, "changed there"),
        (None, others(), false, "done"),
    ] {
        let world = World::new();
        let service = Service { is_unsure, ..Service::having(&[("f", there)]) };
        let task = Task::MoveRemote { from: stored("f"), to: stored("t"), kind: Kind::File, content };
        assert_eq!(world.tell(task, &service).await, expected, "{content:?}, {there:?}");
        assert_eq!(service.done().is_empty(), expected == "changed there", "{content:?}, {there:?}");
    }
}

/// A rename of others is followed once it is whole: a late service may show both ends, or neither.
#[tokio::test]
async fn a_move_of_others_is_followed_only_if_both_its_ends_show_it() {
    for (path, node, there, expected) in [
        ("f", known(), &[("t", known())][..], "done"),
        ("f", known(), &[("t", others())], "changed there"),
        ("f", known(), &[("t", DIRECTORY)], "changed there"),
        ("f", known(), &[], "changed there"),
        ("f", known(), &[("t", known()), ("f", known())], "changed there"),
        ("d", DIRECTORY, &[("t", DIRECTORY)], "done"),
        ("d", DIRECTORY, &[("t", known())], "changed there"),
        ("d", DIRECTORY, &[], "changed there"),
        ("d", DIRECTORY, &[("t", DIRECTORY), ("d", DIRECTORY)], "changed there"),
    ] {
        let world = World::new();
        let identity = world.identity(path).await;
        let followed = Some(Followed::Move { from: stored(path), to: stored("t"), node });
        let task = Task::MoveLocal { from: local(path), to: local("t"), identity, followed };
        assert_eq!(world.tell(task, &Service::having(there)).await, expected, "{path}: {there:?}");
        assert_eq!(world.at("t").exists(), expected == "done", "{path}: {there:?}");
    }
}

#[tokio::test]
async fn another_spelling_is_followed_only_if_a_listing_shows_it() {
    for (shown, to, expected) in [("F", "F", "done"), ("f", "F", "changed there"), ("Ä", "Ä", "done")] {
        let world = World::new();
        let identity = world.identity("f").await;
        let followed = Some(Followed::Spelling(stored(to)));
        let task = Task::MoveLocal { from: local("f"), to: local(to), identity, followed };
        assert_eq!(world.tell(task, &Service::having(&[(shown, known())])).await, expected, "{shown}");
        assert_eq!(world.at(to).exists(), expected == "done", "{shown}");
    }
}

#[tokio::test]
async fn what_is_back_here_or_below_another_root_is_not_removed_there() {
    for (path, is_known, is_same_root, expected) in [
        ("gone", false, true, "done"),
        ("gone", false, false, "failed here"),
        // It came back, or what took its place is another one.
        ("f", false, true, "changed here"),
        ("d", false, true, "changed here"),
        ("link", false, true, "changed here"),
        // A directory, or another file, took its place before that was decided.
        ("d", true, true, "done"),
        ("f", true, true, "done"),
        ("link", true, true, "changed here"),
    ] {
        let world = World::new();
        std::os::unix::fs::symlink("nowhere", world.at("link")).unwrap();
        let service = Service::having(&[("r", known())]);
        let root = if is_same_root { world.root().await } else { world.identity("d").await };
        let there = if is_known { Some(world.node(path).await) } else { None };
        let task = Task::TrashRemote {
            root,
            path: local(path),
            local: there,
            remote: stored("r"),
            expected: RemoteExpectation::File(file()),
        };
        assert_eq!(world.tell(task, &service).await, expected, "{path}, known: {is_known}");
        assert_eq!(service.done().len(), usize::from(expected == "done"), "{path}, known: {is_known}");
    }
}

/// A late service says of a directory, too, that it is not there; of a file that is what was wanted.
#[tokio::test]
async fn what_is_not_there_need_not_be_removed_unless_it_is_a_directory() {
    for (expected, told) in [
        (RemoteExpectation::File(file()), "done"),
        (RemoteExpectation::Directory(TreeDigest::default()), "changed there"),
    ] {
        let (world, service) = (World::new(), Service::default());
        let root = world.root().await;
        let task =
            Task::TrashRemote { root, path: local("gone"), local: None, remote: stored("r"), expected };
        assert_eq!(world.tell(task, &service).await, told);
        assert_eq!(service.done(), [""; 0]);
    }
}

/// What was not listed to its end may hold anything.
#[tokio::test]
async fn a_directory_there_goes_only_with_what_it_was_known_to_hold() {
    let mut digest = TreeDigest::default();
    digest.add_remote_file(&stored("a"), file().content);
    for (inside, breaks_off, expected) in [
        (&[("d", DIRECTORY), ("d/a", known())][..], false, "done"),
        // Directories in it hold nothing that could be lost.
        (&[("d", DIRECTORY), ("d/a", known()), ("d/b", DIRECTORY)], false, "done"),
        (&[("d", DIRECTORY), ("d/a", known()), ("d/b", known())], false, "changed there"),
        (&[("d", DIRECTORY), ("d/a", others())], false, "changed there"),
        (&[("d", DIRECTORY)], false, "changed there"),
        (&[("d", DIRECTORY), ("d/a", known())], true, "not shown"),
        (&[("d", known())], false, "changed there"),
    ] {
        let world = World::new();
        let service = Service { breaks_off, ..Service::having(inside) };
        let task = Task::TrashRemote {
            root: world.root().await,
            path: local("gone"),
            local: None,
            remote: stored("d"),
            expected: RemoteExpectation::Directory(digest),
        };
        assert_eq!(world.tell(task, &service).await, expected, "{inside:?}");
        assert_eq!(service.done().len(), usize::from(expected == "done"), "{inside:?}");
    }
}

/// What one of them is edited into before it goes.
type Edit = fn(&World);

#[tokio::test]
async fn what_goes_to_the_local_trash_is_what_it_was_said_to_be() {
    let edits: [(&str, Edit, &str); 10] = [
        ("f", |_| {}, "done"),
        ("f", |world| std::fs::write(world.at("f"), "edited").unwrap(), "changed here"),
        ("f", |world| std::fs::remove_file(world.at("f")).unwrap(), "changed here"),
        (
            "f",
            |world| {
                std::fs::remove_file(world.at("f")).unwrap();
                std::fs::create_dir(world.at("f")).unwrap();
            },
            "changed here",
        ),
        ("d", |_| {}, "done"),
        ("d", |world| std::fs::write(world.at("d/new"), "").unwrap(), "changed here"),
        ("d", |world| std::fs::write(world.at("d/e/h"), "edited").unwrap(), "changed here"),
        ("d", |world| std::fs::remove_file(world.at("d/e/h")).unwrap(), "changed here"),
        ("d", |world| std::os::unix::fs::symlink("x", world.at("d/e/link")).unwrap(), "changed here"),
        (
            "d",
            |world| {
                std::fs::rename(world.at("d"), world.at("moved")).unwrap();
                std::fs::create_dir(world.at("d")).unwrap();
            },
            "changed here",
        ),
    ];
    for (number, (path, edit, expected)) in edits.into_iter().enumerate() {
        let world = World::new();
        let known = match world.node(path).await {
            DiskNode::File(stat) => LocalExpectation::File(stat),
            _ => LocalExpectation::Directory(world.identity(path).await, world.digest(path).await),
        };
        edit(&world);
        let was_there = world.at(path).exists();
        let task = Task::TrashLocal { path: local(path), remote: stored(path), expected: known };
        assert_eq!(world.tell(task, &Service::default()).await, expected, "{number}");
        assert_eq!(world.at(path).exists(), was_there && expected != "done", "{number}");
    }
}

/// Another directory in the place of the one that goes may hold just the same.
#[tokio::test]
async fn another_directory_than_the_one_that_was_looked_at_stays() {
    let world = World::new();
    let expected = LocalExpectation::Directory(world.identity("d/e").await, world.digest("d").await);
    let task = Task::TrashLocal { path: local("d"), remote: stored("d"), expected };
    assert_eq!(world.tell(task, &Service::default()).await, "changed here");
    assert!(world.at("d").is_dir());
}

#[tokio::test]
async fn what_the_service_still_has_under_this_very_name_stays_here() {
    for (there, fails, expected) in [
        (&[][..], None, "done"),
        (&[("d/g", known())], None, "changed there"),
        // Something else took its place there.
        (&[("d/g", DIRECTORY)], None, "done"),
        // It is another row's entry.
        (&[("d", DIRECTORY), ("d/G", known())], None, "done"),
        (&[("D", DIRECTORY), ("D/g", known())], None, "done"),
        // A listing that shows neither spelling may be late.
        (&[("D/g", known())], None, "changed there"),
        (&[], Some(RemoteErrorKind::NotFound), "done"),
        (&[], Some(RemoteErrorKind::Unavailable), "failed there"),
    ] {
        let world = World::new();
        let service = Service { fails, ..Service::having(there) };
        let expected_file = LocalExpectation::File(world.file("d/g").await);
        let task = Task::TrashLocal { path: local("d/g"), remote: stored("d/g"), expected: expected_file };
        assert_eq!(world.tell(task, &service).await, expected, "{there:?}, {fails:?}");
        assert_eq!(world.at("d/g").exists(), expected != "done", "{there:?}, {fails:?}");
    }
}

#[tokio::test]
async fn a_time_is_set_there_only_on_the_content_that_it_belongs_to() {
    for (there, expected) in [
        (&[("f", known())][..], "done"),
        (&[("f", others())], "changed there"),
        (&[("f", DIRECTORY)], "changed there"),
        (&[], "changed there"),
    ] {
        let (world, service) = (World::new(), Service::having(there));
        let task = Task::SetRemoteTime { remote: stored("f"), file: file() };
        assert_eq!(world.tell(task, &service).await, expected, "{there:?}");
        assert_eq!(service.done().len(), usize::from(expected == "done"), "{there:?}");
    }
}

#[tokio::test]
async fn a_fetched_file_takes_the_place_of_what_was_known_to_be_there_alone() {
    for (path, replaced, expected) in [
        ("new", None, "done"),
        ("f", Some("f"), "done"),
        ("f", Some("d/g"), "changed here"),
        ("f", None, "changed here"),
        ("d", None, "changed here"),
        ("d", Some("f"), "changed here"),
        ("new", Some("f"), "changed here"),
    ] {
        let (world, service) = (World::new(), Service::default());
        let replaces = match replaced {
            Some(path) => Some(world.file(path).await),
            None => None,
        };
        let task =
            Task::Download { path: local(path), remote: stored(path), file: file(), replaces, twin: None };
        assert_eq!(world.tell(task, &service).await, expected, "{path}, {replaced:?}");
        assert_eq!(service.done().len(), usize::from(expected == "done"), "{path}, {replaced:?}");
    }
}

/// Nothing travels for what is here already, if the service still has just that.
#[tokio::test]
async fn a_local_file_with_the_content_is_copied_if_the_service_still_has_it() {
    for (is_others, expected) in [(false, "done"), (true, "changed there")] {
        let world = World::new();
        let twin = world.file("f").await;
        let md5 = world.disk.hash(&local("f"), &twin).await.unwrap();
        let same = File { content: Content { size: 3, md5 }, ..file() };
        let there = if is_others { others() } else { RemoteNode::File(same) };
        let service = Service::having(&[("n", there)]);
        let task = Task::Download {
            path: local("n"),
            remote: stored("n"),
            file: same,
            replaces: None,
            twin: Some((local("f"), twin)),
        };
        assert_eq!(world.tell(task, &service).await, expected, "{there:?}");
        assert_eq!(service.done(), [""; 0], "nothing was fetched");
        let copied = std::fs::read_to_string(world.at("n")).ok();
        assert_eq!(copied.as_deref(), (!is_others).then_some("old"));
    }
}

#[tokio::test]
async fn what_was_decided_below_a_disk_is_not_done_without_it() {
    let world = World::new();
    let path = local("d");
    let mount = ExpectedMount { path: path.clone(), mount: Mount { file_system: 7 } };
    let stat = world.file("f").await;
    let tasks = [
        Task::Scan { directory: path.clone() },
        Task::Hash { files: vec![(local("f"), stat)] },
        Task::MakeRemoteDirectory { path, remote: stored("d") },
    ];
    for task in tasks {
        let service = Service::default();
        let command = Command { id: CommandId(1), task: task.clone(), mounts: vec![mount.clone()] };
        let Event::Completed(_, outcome) = perform(command, &world.disk, &service, |_, _| async {}).await
        else {
            panic!()
        };
        let error = match (task, outcome) {
            (Task::Scan { .. }, Outcome::Scanned(Err(error)))
            | (Task::Hash { .. }, Outcome::Hashed(Err(error)))
            | (Task::MakeRemoteDirectory { .. }, Outcome::Operation(Err(OperationError::Disk(error)))) => {
                error
            }
            other => panic!("{other:?}"),
        };
        assert!(matches!(error.kind, DiskErrorKind::MountChanged), "{error}");
        assert_eq!(service.done(), [""; 0]);
    }
}

#[tokio::test]
async fn a_listing_ends_as_it_came_to_its_end() {
    for breaks_off in [false, true] {
        let world = World::new();
        let service = Service { breaks_off, ..Service::having(&[("a", known())]) };
        let listed = Mutex::new(Vec::new());
        let listing = |_, batch: Vec<ListedEntry>| {
            listed.lock().unwrap().extend(batch);
            async {}
        };
        let command = Command { id: CommandId(1), task: Task::ListTree, mounts: Vec::new() };
        let event = perform(command, &world.disk, &service, listing).await;
        let Event::Completed(_, Outcome::ListingEnded(ended)) = event else { panic!("{event:?}") };
        assert_eq!(listed.lock().unwrap().len(), 1);
        assert_eq!(
            ended.map_err(|error| error.kind),
            if breaks_off { Err(RemoteErrorKind::Incomplete) } else { Ok(Vec::new()) }
        );
    }
    let unusable = vec![UnusableEntry { path: "a//b".to_owned(), reason: "it has no name".to_owned() }];
    let remote = OneDirectory { unusable: unusable.clone(), ..OneDirectory::default() };
    let command = Command { id: CommandId(1), task: Task::ListTree, mounts: Vec::new() };
    let event = perform(command, &World::new().disk, &remote, |_, _| async {}).await;
    let Event::Completed(_, Outcome::ListingEnded(Ok(ended))) = event else { panic!("{event:?}") };
    assert_eq!(ended, unusable);
}

#[test]
fn only_a_source_that_changed_is_said_to_have_changed() {
    let error = |kind: DiskErrorKind| std::io::Error::other(kind);
    for (error, expected) in [
        (error(DiskErrorKind::Changed), true),
        (error(DiskErrorKind::NotFound), false),
        (std::io::Error::other("changed"), false),
        (std::io::ErrorKind::NotFound.into(), false),
    ] {
        assert_eq!(is_source_changed(&error), expected, "{error}");
    }
}
