//! Complete and incomplete listings, under every policy that the service might have (protocol 4.4, U-01 to
//! U-03).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::FutureExt as _;
use proptest::prelude::*;
use tokio_util::io::StreamReader;

use super::*;

const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";

fn archive(path: &str) -> RemotePath {
    RemotePath::parse(&format!("Jotta/Archive{path}")).unwrap()
}

fn list(text: &[u8], directory: &RemotePath) -> Result<Vec<String>, XmlError> {
    let listing = async {
        let mut entries = Entries::open(text, directory).await?;
        let mut seen = Vec::new();
        while let Some(batch) = entries.next_batch().await? {
            assert!(!batch.is_empty());
            seen.extend(batch.into_iter().map(|entry| match entry {
                StreamedEntry::Folder(path) => format!("{path}/"),
                StreamedEntry::File { path, .. } => path.to_string(),
                StreamedEntry::Unusable { path, reason } => format!("unusable {path}: {reason}"),
            }));
        }
        Ok(seen)
    };
    listing.now_or_never().expect("memory is never pending")
}

fn file(folder: &str, name: &str) -> String {
    format!(
        "<file><path>{folder}</path><filename>{name}</filename><md5>{MD5}</md5><size>1</size>\
         <modified>2026-01-02T03:04:05.000Z</modified><created>2026-01-02T03:04:05.000Z</created></file>\n"
    )
}

fn folder(path: &str) -> String {
    format!("<folder><path>{path}</path></folder>\n")
}

fn document(entries: &[String], folders: u64, files: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<liststream>\n{}<stats><folders>{folders}</folders>\
         <files>{files}</files></stats>\n</liststream>\n",
        entries.concat()
    )
}

#[test]
fn an_entry_that_cannot_be_used_is_told_and_leaves_the_listing_complete() {
    let deep = format!("/Archive{}", "/d".repeat(951));
    let entries = [
        file("/Archive", "a.txt"),
        file("/Archive", "a/b"),
        folder("/Archive//x"),
        file("/Archive//x", "c.txt"),
        folder("/Archive//x"),
        folder(&deep),
        folder(&format!("{deep}/below")),
        file(&format!("{deep}/below"), "d.txt"),
        file("/Archive/d", "b.txt"),
    ];
    let shown: String = format!("unusable {deep}").chars().take("unusable ".len() + 300).collect();
    let expected = [
        "a.txt".to_owned(),
        "unusable /Archive/a/b: the name is empty or holds a slash".to_owned(),
        "unusable /Archive//x: the path holds an empty name".to_owned(),
        "unusable /Archive//x/c.txt: the path holds an empty name".to_owned(),
        format!("{shown}: the path is too deep"),
        "d/".to_owned(),
        "d/b.txt".to_owned(),
    ];
    let listed = list(document(&entries, 5, 5).as_bytes(), &archive("")).unwrap();
    assert_eq!(listed, expected);
    assert!(list(document(&entries, 4, 5).as_bytes(), &archive("")).is_err(), "the counts still prove it");
}

/// What is too deep may be many entries below one folder. One folder is told for all of them, but another one
/// beside it is told, too.
#[test]
fn the_deepest_folder_is_usable_and_of_those_below_each_is_told_once() {
    for top in ["", "/top"] {
        let deepest = format!("/Archive{top}{}", "/d".repeat(DEEPEST));
        let entries = [
            folder(&deepest),
            folder(&format!("{deepest}/one")),
            folder(&format!("{deepest}/one/below")),
            file(&format!("{deepest}/one"), "f"),
            folder(&format!("{deepest}/two")),
        ];
        let listed = list(document(&entries, 4, 1).as_bytes(), &archive(top)).unwrap();
        let usable = listed.iter().filter(|entry| !entry.starts_with("unusable")).count();
        assert_eq!((usable, listed.len() - usable), (DEEPEST, 2), "{top:?}");
    }
}

/// How many entries each batch of a listing has.
fn batches(entries: &[String], folders: u64, files: u64) -> Vec<usize> {
    let text = document(entries, folders, files);
    let directory = archive("");
    let listing = async {
        let mut entries = Entries::open(text.as_bytes(), &directory).await.unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = entries.next_batch().await.unwrap() {
            batches.push(batch.len());
        }
        batches
    };
    listing.now_or_never().expect("memory is never pending")
}

#[test]
fn a_batch_is_full_with_so_many_entries_or_so_many_names() {
    let shallow: Vec<String> = (0..=BATCH).map(|number| file("/Archive", &format!("f{number}"))).collect();
    assert_eq!(batches(&shallow, 1, BATCH as u64 + 1), [BATCH, 1]);
    // The folders above the first file have half as many names as that on average.
    let depth = 124;
    let place = format!("/Archive{}", "/d".repeat(depth));
    let full = (BATCH_NAMES - depth * (depth + 1) / 2) / (depth + 1);
    assert_eq!(depth * (depth + 1) / 2 + full * (depth + 1), BATCH_NAMES);
    let deep: Vec<String> = (0..=full).map(|number| file(&place, &format!("f{number}"))).collect();
    assert_eq!(batches(&deep, 1, full as u64 + 1), [depth + full, 1]);
    // Folders count as well.
    let depth = 400;
    let each = depth * (depth + 1) / 2;
    let apart: Vec<String> =
        (0..2).map(|number| folder(&format!("/Archive/{number}{}", "/d".repeat(depth - 1)))).collect();
    assert!(each >= BATCH_NAMES);
    assert_eq!(batches(&apart, 2, 0), [depth, depth]);
}

#[test]
fn folders_come_before_what_is_in_them_under_both_policies() {
    let expected = [
        "a.txt",
        "empty/",
        "reports/",
        "reports/2025/",
        "reports/2025/b &amp; c.txt".replace("&amp;", "&").as_str(),
    ]
    .map(str::to_owned);
    let files = [file("/Archive", "a.txt"), file("/Archive/reports/2025", "b &amp; c.txt")];
    let sparse = [files[0].clone(), folder("/Archive/empty"), folder("/Archive/reports"), files[1].clone()];
    let full = [
        folder("/Archive"),
        files[0].clone(),
        folder("/Archive/empty"),
        folder("/Archive/reports"),
        folder("/Archive/reports/2025"),
        files[1].clone(),
    ];
    assert_eq!(list(document(&sparse, 4, 2).as_bytes(), &archive("")).unwrap(), expected);
    assert_eq!(list(document(&full, 4, 2).as_bytes(), &archive("")).unwrap(), expected);
}

#[test]
fn folders_above_that_are_never_named_are_reported_but_not_counted() {
    let entries = [file("/Archive/a/b/c", "x"), folder("/Archive/a")];
    assert_eq!(
        list(document(&entries, 2, 1).as_bytes(), &archive("")).unwrap(),
        ["a/", "a/b/", "a/b/c/", "a/b/c/x"]
    );
}

#[test]
fn an_empty_folder_is_listed_either_way() {
    assert_eq!(list(document(&[folder("/Archive/x")], 1, 0).as_bytes(), &archive("/x")).unwrap(), [""; 0]);
    assert_eq!(list(document(&[], 0, 0).as_bytes(), &archive("/x")).unwrap(), [""; 0]);
}

#[test]
fn the_root_has_any_name_and_the_path_any_letter_case() {
    let text = document(&[file("/archive/Reports", "a.txt")], 1, 1).replace("liststream", "whatever");
    assert_eq!(list(text.as_bytes(), &archive("/reports")).unwrap(), ["a.txt"]);
}

/// A line end after each of a million entries, or a little less before each: together more than any element
/// may hold.
#[test]
fn what_stands_between_entries_may_be_as_much_as_there_are_entries() {
    let mut entries: Vec<String> = (0..20).map(|number| file("/Archive", &format!("f{number}"))).collect();
    for entry in &mut entries {
        entry.push_str(&" ".repeat(100_000));
    }
    let text = document(&entries, 1, 20);
    assert!(text.len() > 1 << 20);
    assert_eq!(list(text.as_bytes(), &archive("")).unwrap().len(), 20);
}

#[test]
fn what_does_not_add_up_is_refused() {
    let one = file("/Archive", "a");
    for (text, directory) in [
        (document(std::slice::from_ref(&one), 1, 2), archive("")),
        (document(std::slice::from_ref(&one), 2, 1), archive("")),
        (document(std::slice::from_ref(&one), 0, 1), archive("")),
        // Without counts, with two, with entries after them, with counts that are none.
        (format!("<l>{one}</l>"), archive("")),
        (document(&["<stats><folders>0</folders><files>0</files></stats>".to_owned()], 0, 0), archive("")),
        (format!("<l><stats><folders>1</folders><files>1</files></stats>{one}</l>"), archive("")),
        ("<l><stats><folders>x</folders><files>0</files></stats></l>".to_owned(), archive("")),
        ("<l><stats><folders>0</folders></stats></l>".to_owned(), archive("")),
        // Of another folder.
        (document(std::slice::from_ref(&one), 1, 1), archive("/x")),
        (document(&[file("/Sync", "a")], 1, 1), archive("")),
        (document(&[file("Archive", "a")], 1, 1), archive("")),
        // Broken entries.
        (document(&[one.replace(MD5, "none")], 1, 1), archive("")),
        (document(&[one.replace("<size>1</size>", "")], 1, 1), archive("")),
        (document(&[format!("<error><message>x</message></error>{one}")], 1, 1), archive("")),
    ] {
        assert!(list(text.as_bytes(), &directory).is_err(), "{text}");
    }
}

#[test]
fn a_million_entries_need_no_memory_of_their_own() {
    // The folders' hashes are what grows: 50,000 folders of 20 files, 24 bytes for each folder.
    let mut folders = Folders::default();
    for number in 0..50_000 {
        let name = StoredName::new(format!("folder {number}")).unwrap();
        assert!(!folders.note(&[name], true));
    }
    assert!(folders.seen.capacity() * 24 < 4 << 20);
}

/// A tree as a listing may show it.
fn trees() -> impl Strategy<Value = BTreeSet<(Vec<u8>, Option<u8>)>> {
    let folder = prop::collection::vec(0u8..3, 0..4);
    prop::collection::btree_set((folder, prop::option::of(0u8..4)), 0..20)
}

/// Every folder first (or only those without files), then files; returns the text and the number of distinct
/// folders named.
fn written(tree: &BTreeSet<(Vec<u8>, Option<u8>)>, all_folders: bool) -> String {
    let path = |folder: &[u8]| {
        folder.iter().fold("/Archive".to_owned(), |mut path, name| {
            let _ = write!(path, "/ø {name}");
            path
        })
    };
    let folders: BTreeSet<&[u8]> =
        tree.iter().flat_map(|(folder, _)| (0..=folder.len()).map(|at| &folder[..at])).collect();
    let mut entries = Vec::new();
    let mut files = 0;
    for parent in &folders {
        let inside: Vec<_> =
            tree.iter().filter(|(folder, file)| folder == parent && file.is_some()).collect();
        if all_folders || inside.is_empty() {
            entries.push(folder(&path(parent)));
        }
        for (parent, name) in inside {
            files += 1;
            entries.push(file(&path(parent), &format!("f{}", name.unwrap_or_default())));
        }
    }
    document(&entries, folders.len() as u64, files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn both_policies_list_the_same_tree(tree in trees()) {
        let sparse = list(written(&tree, false).as_bytes(), &archive("")).unwrap();
        let full = list(written(&tree, true).as_bytes(), &archive("")).unwrap();
        let sorted = |entries: &[String]| entries.iter().cloned().collect::<BTreeSet<_>>();
        prop_assert_eq!(sorted(&sparse), sorted(&full));
        prop_assert_eq!(sorted(&sparse).len(), sparse.len(), "something was reported twice");
    }

    #[test]
    fn no_prefix_is_complete(tree in trees(), all_folders: bool) {
        let text = written(&tree, all_folders);
        for cut in 0..text.trim_end().len() {
            prop_assert!(list(&text.as_bytes()[..cut], &archive("")).is_err(), "cut at {}", cut);
        }
    }

    #[test]
    fn a_listing_that_lost_entries_is_refused(tree in trees(), all_folders: bool, victim in any::<prop::sample::Index>()) {
        let text = written(&tree, all_folders);
        let lines: Vec<&str> = text.lines().collect();
        let entries: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with("<f")).collect();
        prop_assume!(!entries.is_empty());
        let victim = entries[victim.index(entries.len())];
        // A folder that is named a second time, as its first file's, may be lost without harm.
        let path = lines[victim].strip_prefix("<folder>").map(|rest| rest.split("</path>").next().unwrap());
        prop_assume!(path.is_none_or(|path| !lines.iter().any(|line| line.starts_with(&format!("<file>{path}</path>")))));
        let rest: Vec<&str> = lines.iter().enumerate().filter(|(at, _)| *at != victim).map(|(_, line)| *line).collect();
        prop_assert!(list(rest.join("\n").as_bytes(), &archive("")).is_err());
    }
}

/// All batches of a text that comes in pieces, and how it ended.
fn batches_and_end(
    text: &[u8],
    cuts: &[prop::sample::Index],
    directory: &RemotePath,
    reads_plain: bool,
) -> (Vec<Vec<StreamedEntry>>, Result<(), String>) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let pieces = cuts.windows(2).map(|cut| Ok(Bytes::copy_from_slice(&text[cut[0]..cut[1]])));
    let input = StreamReader::new(futures_util::stream::iter(pieces.collect::<Vec<std::io::Result<_>>>()));
    let mut batches = Vec::new();
    let listing = async {
        let mut entries = if reads_plain {
            Entries::open(input, directory).await?
        } else {
            Entries::open_without_plain(input, directory).await?
        };
        while let Some(batch) = entries.next_batch().await? {
            batches.push(batch);
        }
        Ok(())
    };
    let end = listing.now_or_never().expect("memory is never pending");
    (batches, end.map_err(|error: XmlError| error.to_string()))
}

/// Lists as the service writes them, with something else here and there.
fn odd_entries() -> impl Strategy<Value = Vec<String>> {
    let path = prop_oneof![
        30 => "/Archive(/[ab]){0,3}",
        10 => "/Archive(/[ab&ø ]|/a&amp;b|/&#97;|/&lt;){1,2}",
        1 => "/(ARCHIVE|archive|Sync|Archive/|)(/[abA]){0,2}|Archive/a|/Archive/a//b|",
    ];
    let name = prop_oneof![
        20 => "[a-c]{1,3}",
        5 => "[ab;ø .>\r\n\t]{1,2}|a&amp;b|&quot;|&apos;|&gt;&lt;|&#x61;",
        1 => "&nbsp;|&#0;|&|a/b|<!\\[CDATA\\[<x>&\\]\\]>|<!-- x -->a|a<b>c</b>d|",
    ];
    let hash = prop_oneof![
        20 => Just(format!("<md5>{MD5}</md5>")),
        1 => "(<md5>[ \n]?([0-9a-fA-F]{32}|[0-9a-f]{31}|none)</md5>){0,2}",
    ];
    let size = prop_oneof![
        20 => "<size>[0-9]{1,3}</size>",
        1 => "(<size>( |\\+|-|&#49;|)[0-9]{0,21} ?</size>){0,2}",
    ];
    let time = prop_oneof![
        10 => Just("<modified>2026-01-02T03:04:05.000Z</modified>".to_owned()),
        1 => "<(modified|created)>(soon||&#49;)</(modified|created)>",
        1 => "(<(modified|created)>2026-0[0-3]-[0-3][0-9]-?T0[0-9]:04:05(\\.[0-9]{1,3})?(Z|\\+0100)\
              </(modified|created)>){0,3}",
    ];
    let other = prop_oneof![
        20 => Just(String::new()),
        2 => "<(path|filename|other)>(x|&amp;|&no;)?</(path|filename|other)>",
        1 => "<other/>|<!-- x -->|\r\n ?|x|<a b=\"c\"/>",
    ];
    let file = (path.clone(), name, hash, size, time, other.clone(), 0..8usize).prop_map(
        |(path, name, hash, size, time, other, order)| {
            let (path, name) = (format!("<path>{path}</path>"), format!("<filename>{name}</filename>"));
            let mut fields = [path, name, hash, size, time, other];
            let last = fields.len() - 1;
            fields.swap(order.saturating_sub(2).min(last), last);
            format!("<file>{}</file>", fields.concat())
        },
    );
    let folder =
        (path, other).prop_map(|(path, other)| format!("<folder><path>{path}</path>{other}</folder>"));
    let harmless = "<new>x</new>|<!-- x -->|<\\?x y\\?>|x&amp;";
    let harmful = "<stats><folders>1</folders><files>0</files></stats>|<error><message>x</message></error>\
        |<file/>|<folder/>|<file a=\"b\"></file>|&no;|</liststream>|<liststream>|<!DOCTYPE a>|</file>\
        |<file><path>/Archive</path>";
    let between = prop_oneof!["\n?", "[ \t\r\n]{0,3}"];
    let entry = prop_oneof![80 => file, 20 => folder, 4 => harmless, 1 => harmful];
    prop::collection::vec((entry, between).prop_map(|(entry, between)| entry + &between), 0..20)
}

/// Changes as those that meet bytes on their way.
fn changed(mut text: Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    for (at, byte, kind) in changes {
        let at = at.index(text.len());
        match kind {
            0 => text[at] = *byte,
            1 => drop(text.remove(at)),
            2 => text.insert(at, *byte),
            3 => text.truncate(at + 1),
            4 => text.insert(at, b"<>/&; \n"[usize::from(*byte) % 7]),
            _ => {}
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// What is read without a tree of elements is what the tree gives: the entries, the batches, the error.
    #[test]
    fn plain_entries_are_read_as_all_others_are(
        entries in odd_entries(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        folders in 0..4u64, files in 0..12u64, deeper: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..8u8), 0..3),
    ) {
        let text = changed(document(&entries, folders, files).into_bytes(), &changes);
        let directory = archive(if deeper { "/a" } else { "" });
        let expected = batches_and_end(&text, &cuts, &directory, false);
        prop_assert_eq!(batches_and_end(&text, &cuts, &directory, true), expected);
    }
}

#[test]
fn batches_of_plain_entries_are_those_of_all_others() {
    let deep = format!("/Archive{}", "/d".repeat(DEEPEST));
    let mut entries: Vec<String> =
        (0..3 * BATCH).map(|number| file("/Archive/a", &number.to_string())).collect();
    entries.extend((0..300).map(|number| file(&deep[..deep.len() - 2], &number.to_string())));
    entries.extend([folder(&deep), file(&deep, "x"), file("/Archive/a", "x"), folder(&format!("{deep}/x"))]);
    let text = document(&entries, 4, 3 * BATCH as u64 + 302);
    let cuts: Vec<prop::sample::Index> = Vec::new();
    let expected = batches_and_end(text.as_bytes(), &cuts, &archive(""), false);
    assert_eq!(expected.1, Ok(()));
    assert_eq!(batches_and_end(text.as_bytes(), &cuts, &archive(""), true), expected);
}

/// A root that is empty has no children, whatever follows it.
#[test]
fn nothing_is_taken_from_behind_a_root_that_is_empty() {
    for text in ["<l/>", "<l></l>", "<l><x/></l>", "<l/><x/>"] {
        let text = text.to_owned() + &file("/Archive", "a").repeat(BATCH + 1);
        let (batches, end) = batches_and_end(text.as_bytes(), &[], &archive(""), true);
        assert!(batches.is_empty() && end.is_err(), "{text}");
    }
}
