//! Looking, listing, hashing and opening.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::disk::DiskErrorKind;

#[test]
fn hash_is_md5() {
    let folder = Folder::new();
    for (content, md5) in [
        (String::new(), "d41d8cd98f00b204e9800998ecf8427e"),
        ("abc".into(), "900150983cd24fb0d6963f7d28e17f72"),
        ("a".repeat(1_000_000), "7707d6ae4e027c70eea2a935c2296f21"),
    ] {
        let stat = folder.write("file", content);
        assert_eq!(folder.hash("file", &stat).unwrap().to_string(), md5);
    }
}

/// One that is gone or another one by now says nothing of the others.
#[test]
fn of_several_files_each_has_its_own_hash_or_error() {
    let folder = Folder::new();
    folder.make_directory("d").unwrap();
    let files: Vec<_> = ["a", "gone", "b", "changed"]
        .map(|name| (relative(&format!("d/{name}")), folder.write(&format!("d/{name}"), name)))
        .into();
    fs::remove_file(folder.at("d/gone")).unwrap();
    folder.write("d/changed", "since");
    let hash_all = || folder.runtime.block_on(folder.disk.hash_all(&files));
    let told: Vec<_> = hash_all()
        .unwrap()
        .into_iter()
        .map(|hash| hash.map_or_else(|error| error.to_string(), |md5| md5.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            "0cc175b9c0f1b6a831c399e269772661",
            "reading d/gone: it does not exist",
            "92eb5ffee6ae2fec3ad71c777531578f",
            "reading d/changed: it changed meanwhile",
        ]
    );
    fs::rename(folder.root(), folder.root().with_extension("elsewhere")).unwrap();
    let lost = hash_all().unwrap_err();
    assert!(matches!(lost.kind, DiskErrorKind::RootLost), "{lost}");
    fs::rename(folder.root().with_extension("elsewhere"), folder.root()).unwrap();
}

#[test]
fn a_listing_has_every_kind_of_entry_and_every_name() {
    let folder = Folder::new();
    let file = folder.write("file", "12345");
    folder.make_directory("directory").unwrap();
    folder.write("directory/.jottad/listed", "");
    folder.write_unseen(".jottad/hidden", "");
    symlink("file", folder.at("link")).unwrap();
    make_fifo(&folder.at("pipe"));
    let _socket = UnixListener::bind(folder.at("socket")).unwrap();
    let long = vec![b'n'; 255];
    let strange = b"\xff\xfe \n\x1b[31m".to_vec();
    for name in [&long, &strange] {
        fs::write(folder.root().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
    }

    let mut entries = folder.list("").unwrap();
    entries.retain(|entry| entry.name.as_bytes() != long && entry.name.as_bytes() != strange);
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let entries: Vec<_> = entries.iter().map(|entry| (entry.name.to_string(), entry.node)).collect();
    assert_eq!(
        entries,
        [
            ("directory".to_owned(), DiskNode::Directory(folder.identity("directory"))),
            ("file".to_owned(), DiskNode::File(file)),
            ("link".to_owned(), DiskNode::Other(OtherKind::Symlink)),
            ("pipe".to_owned(), DiskNode::Other(OtherKind::Fifo)),
            ("socket".to_owned(), DiskNode::Other(OtherKind::Socket)),
        ]
    );
    assert_eq!(folder.list("").unwrap().len(), entries.len() + 2);
    assert_eq!(folder.names("directory"), [b".jottad"]);
    assert_eq!((file.size, file.links), (5, 1));
}

#[test]
fn a_large_directory_is_listed_to_its_end() {
    // In memory where that can be had: a disk takes seconds to make and remove so many names.
    let memory = Path::new("/dev/shm");
    let folder = Folder::below(if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() });
    for half in ["a", "b"] {
        let first = folder.at(&format!("{half}0"));
        fs::write(&first, "").unwrap();
        for number in 1..50_000 {
            fs::hard_link(&first, folder.at(&format!("{half}{number}"))).unwrap();
        }
    }
    let mut names = folder.names("");
    names.dedup();
    assert_eq!(names.len(), 100_000);
}

#[test]
fn a_busy_directory_is_listed_as_it_was_at_one_moment_or_not_at_all() {
    let folder = Folder::new();
    for number in 0..200 {
        folder.write_unseen(&format!("filler {number}"), "");
    }
    folder.write("here", "");
    let stop = AtomicBool::new(false);
    let results: Vec<_> = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = fs::rename(folder.at("here"), folder.at("there"));
                let _ = fs::rename(folder.at("there"), folder.at("here"));
            }
        });
        let results = (0..3).map(|_| folder.list("")).collect();
        stop.store(true, Ordering::Relaxed);
        results
    });
    for result in results {
        match result {
            Ok(entries) => assert_eq!(entries.len(), 201, "the entry that moves is there once"),
            Err(error) => assert_eq!(kind::<()>(Err(error)), "Changed"),
        }
    }
    assert_eq!(folder.list("").unwrap().len(), 201);
}

#[test]
fn absence_is_only_what_is_absent() {
    let folder = Folder::new();
    folder.write("directory/file", "f");
    folder.write("plain", "p");
    assert_eq!(folder.stat("missing").unwrap(), None);
    assert_eq!(folder.stat("missing/below").unwrap(), None);
    assert_eq!(folder.stat("plain/below").unwrap(), None);
    assert_eq!(kind(folder.list("missing")), "NotFound");
    assert_eq!(kind(folder.list("plain/below")), "NotFound");
    assert_eq!(kind(folder.list("plain")), "Changed");

    folder.swap_for_outside("directory");
    assert_eq!(folder.stat("directory").unwrap(), Some(DiskNode::Other(OtherKind::Symlink)));
    assert_eq!(kind(folder.stat("directory/file")), "Changed");
    assert_eq!(kind(folder.list("directory")), "Changed");
    assert_eq!(kind(folder.list("directory/file")), "Changed");
}

#[test]
fn a_file_that_is_not_the_expected_one_is_neither_hashed_nor_opened_nor_copied() {
    type Change = fn(&Folder);
    let changes: [(&str, &str, Change); 9] = [
        ("edited", "Changed", |folder| fs::write(folder.at("d/file"), "edited").unwrap()),
        ("rewritten in place at the same size and time", "Changed", |folder| {
            let modified = fs::metadata(folder.at("d/file")).unwrap().modified().unwrap();
            fs::write(folder.at("d/file"), "other bytes!").unwrap();
            fs::File::open(folder.at("d/file")).unwrap().set_modified(modified).unwrap();
        }),
        ("replaced by one of the same size and time", "Changed", |folder| {
            let modified = fs::metadata(folder.at("d/file")).unwrap().modified().unwrap();
            fs::write(folder.at("d/new"), "other bytes!").unwrap();
            fs::File::open(folder.at("d/new")).unwrap().set_modified(modified).unwrap();
            fs::rename(folder.at("d/new"), folder.at("d/file")).unwrap();
        }),
        ("a directory", "Changed", |folder| {
            fs::remove_file(folder.at("d/file")).unwrap();
            fs::create_dir(folder.at("d/file")).unwrap();
        }),
        ("a named pipe", "Changed", |folder| {
            fs::remove_file(folder.at("d/file")).unwrap();
            make_fifo(&folder.at("d/file"));
        }),
        ("a symlink to the same file", "Changed", |folder| {
            fs::rename(folder.at("d/file"), folder.at("d/moved")).unwrap();
            symlink("moved", folder.at("d/file")).unwrap();
        }),
        ("in a directory that is a symlink now", "Changed", |folder| folder.swap_for_outside("d")),
        ("deleted", "NotFound", |folder| fs::remove_file(folder.at("d/file")).unwrap()),
        ("deleted with its directory", "NotFound", |folder| fs::remove_dir_all(folder.at("d")).unwrap()),
    ];
    for (what, expected, change) in changes {
        let folder = Folder::new();
        let stat = folder.write("d/file", "twelve bytes");
        change(&folder);
        assert_eq!(kind(folder.hash("d/file", &stat)), expected, "hash: {what}");
        assert_eq!(kind(folder.open("d/file", &stat)), expected, "open: {what}");
        assert_eq!(kind(folder.copy("d/file", &stat)), expected, "copy: {what}");
        assert_eq!(files_below(&folder.at(".jottad")), Vec::<PathBuf>::new(), "{what}");
    }
}

#[test]
fn a_file_is_read_by_position() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
    let stat = folder.write("file", &content);
    let mut file = folder.open("file", &stat).unwrap();
    for offset in [0, 1, 65_536, 134_464, 199_999, 200_000, 300_000] {
        let mut buffer = [0; 1000];
        let bytes = file.read_at(offset, &mut buffer).unwrap();
        let from = usize::try_from(offset).unwrap().min(content.len());
        assert_eq!(buffer[..bytes], content[from..content.len().min(from + 1000)], "at {offset}");
    }
}

#[test]
fn the_end_of_a_file_that_changed_is_never_handed_out() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("grew", |path| {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            std::io::Write::write_all(&mut file, b"more").unwrap();
        }),
        ("shrank", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100_000).unwrap()),
        ("was rewritten", |path| fs::write(path, vec![b'x'; 200_000]).unwrap()),
        ("was replaced", |path| {
            fs::write(path.with_extension("new"), vec![b'x'; 200_000]).unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        }),
        ("was deleted", |path| fs::remove_file(path).unwrap()),
    ];
    for (what, change) in changes {
        let folder = Folder::new();
        let stat = folder.write("file", vec![b'o'; 200_000]);
        let mut file = folder.open("file", &stat).unwrap();
        let mut buffer = vec![0; 50_000];
        assert_eq!(file.read_at(0, &mut buffer).unwrap(), 50_000);
        change(&folder.at("file"));

        let handed_out = (1..5)
            .map(|part| file.read_at(part * 50_000, &mut buffer))
            .take_while(Result::is_ok)
            .map(Result::unwrap)
            .sum::<usize>();
        assert!(handed_out < 150_000, "a file that {what} was complete");
        let error = file.read_at(150_000, &mut buffer).unwrap_err();
        let reason = error.get_ref().and_then(|inner| inner.downcast_ref());
        assert!(matches!(reason, Some(DiskErrorKind::Changed)), "{what}: {error}");
    }
}

#[test]
fn reading_writes_nothing() {
    let folder = Folder::new();
    let stat = folder.write("directory/file", "f");
    folder.write("directory/other", "o");
    // The first look touches the directories' access times itself.
    stamps_below(&folder.root());
    let before = stamps_below(&folder.root());

    folder.identify().unwrap();
    folder.list("").unwrap();
    folder.list("directory").unwrap();
    folder.stat("directory/other").unwrap();
    folder.hash("directory/file", &stat).unwrap();
    folder.open("directory/file", &stat).unwrap().read_at(0, &mut [0; 10]).unwrap();
    assert_eq!(stamps_below(&folder.root()), before);
}

#[test]
fn dropping_the_future_ends_the_hashing() {
    let folder = Folder::new();
    folder.write("huge", "");
    // Hours of reading, and no space on the disk.
    fs::OpenOptions::new().write(true).open(folder.at("huge")).unwrap().set_len(8 << 40).unwrap();
    let stat = folder.file("huge");
    let Folder { runtime, disk, directory } = folder;
    let path = relative("huge");
    runtime.block_on(async {
        let mut hash = std::pin::pin!(disk.hash(&path, &stat));
        std::future::poll_fn(|context| {
            assert!(hash.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        thread::sleep(Duration::from_millis(50));
    });
    // Waits for the thread that reads.
    drop(runtime);
    drop(directory);
}

#[test]
fn a_file_that_changes_while_it_is_hashed_has_no_hash() {
    let folder = Folder::new();
    folder.write("large", "");
    let file = fs::OpenOptions::new().write(true).open(folder.at("large")).unwrap();
    file.set_len(1 << 28).unwrap();
    let stat = folder.file("large");
    let path = relative("large");
    let result = folder.runtime.block_on(async {
        let mut hash = std::pin::pin!(folder.disk.hash(&path, &stat));
        std::future::poll_fn(|context| {
            assert!(hash.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        // Reading a quarter of a gigabyte takes longer, and its start is behind us.
        thread::sleep(Duration::from_millis(60));
        let modified = file.metadata().unwrap().modified().unwrap();
        file.write_at(b"x", 0).unwrap();
        file.set_modified(modified).unwrap();
        hash.await
    });
    assert_eq!(kind(result), "Changed");
}
