//! Every name of protocol 8.3, through every kind of request.

use jottad_core::{Name, StoredName, decode_name, encode_name};
use jottad_emulator::Act;
use jottad_transport::{RemotePath, Sighting, StreamedEntry};

use crate::account::{Account, content, facts, path};

/// Local names, one for each vector.
const VECTORS: &[&[u8]] = &[
    b"report.txt",
    b"...",
    b".hidden",
    "．".as_bytes(),
    "．．".as_bytes(),
    "．a".as_bytes(),
    b"a:b",
    b"a?b*c",
    b"<x>|\"y\"",
    b"100%",
    b"a%20b",
    b"a+b&c=d",
    b"#tag;@,$",
    b"it's (1) [2]!",
    b" lead",
    b"trail ",
    b"trail.",
    b"~x",
    b"back\\slash",
    b"a\nb",
    b"a\tb\r",
    b"\x1f\x7f",
    "␊".as_bytes(),
    "␀".as_bytes(),
    "␡".as_bytes(),
    "␠".as_bytes(),
    "a：b".as_bytes(),
    "a／b".as_bytes(),
    "50％".as_bytes(),
    "‛".as_bytes(),
    "‛‛".as_bytes(),
    "‛FF".as_bytes(),
    "a‛：".as_bytes(),
    "‛．".as_bytes(),
    b"\xff",
    b"a\xbf\xfeb",
    b"\xc3(",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    "\u{fffd}".as_bytes(),
    "æøå Ω".as_bytes(),
    "e\u{301}".as_bytes(),
    "😀".as_bytes(),
    "＃＆".as_bytes(),
];

fn stored(local: &[u8]) -> StoredName {
    encode_name(&Name::new(local).unwrap())
}

#[tokio::test]
async fn every_name_goes_there_and_back() {
    let account = Account::open().await;
    let client = &account.client;
    let root = path("Jotta/Archive/names");
    for (number, local) in VECTORS.iter().enumerate() {
        let name = stored(local);
        let bytes = number.to_string().into_bytes();
        let folder = root.join(name.clone());
        let file = folder.join(name.clone());
        client.make_folder(&folder).await.unwrap();
        client.upload(&file, &facts(&bytes), &mut bytes.as_slice()).await.unwrap();
        assert_eq!(client.look(&file).await.unwrap().file().unwrap().content, content(&bytes), "{name}");
        // Away and back again, as file and as folder, so that the name is a destination too.
        let (file_away, folder_away) = (folder.join(stored(b"away")), root.join(stored(b"away")));
        client.move_file(&file, &file_away).await.unwrap();
        client.move_file(&file_away, &file).await.unwrap();
        client.move_folder(&folder, &folder_away).await.unwrap();
        client.move_folder(&folder_away, &folder).await.unwrap();
        client.copy_file(&file, &folder.join(stored(b"copy"))).await.unwrap();
        client.trash_file(&folder.join(stored(b"copy"))).await.unwrap();
    }
    let listing = client.folder(&root).await.unwrap().unwrap();
    let mut expected: Vec<StoredName> = VECTORS.iter().map(|local| stored(local)).collect();
    let mut listed: Vec<StoredName> =
        listing.folders.into_iter().filter(|it| it.trashed.is_none()).map(|it| it.name).collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
    let mut stream = client.list_stream(&root).await.unwrap();
    let mut files = 0;
    while let Some(batch) = stream.next_batch().await.unwrap() {
        for entry in batch {
            if let StreamedEntry::File { path, .. } = entry {
                let [folder, file] = path.names() else { panic!("{path}") };
                assert_eq!(folder, file);
                assert!(expected.contains(file));
                files += 1;
            }
        }
    }
    assert_eq!(files, VECTORS.len());
}

#[tokio::test]
async fn names_of_other_programs_are_used_as_they_are() {
    let account = Account::open().await;
    account.state().set_switch("U05", "none").unwrap();
    for raw in ["a:b", "‛a", "‛41", "100%", "a%20b", "..／x", "．．", "␠a", "x?y#z"] {
        account.state().act(&Act::put(&format!("Jotta/Archive/{raw}"), raw.as_bytes())).unwrap();
        let name = StoredName::new(raw).unwrap();
        let place = path("Jotta/Archive").join(name.clone());
        let seen = account.client.look(&place).await.unwrap();
        assert_eq!(
            seen.file().unwrap().content,
            content(raw.as_bytes()),
            "{raw} decodes to {:?}",
            decode_name(&name)
        );
        account.client.trash_file(&place).await.unwrap();
        assert!(matches!(account.client.look(&place).await.unwrap(), Sighting::TrashedFile(_)), "{raw}");
    }
}

#[tokio::test]
async fn a_name_that_would_climb_is_never_sent() {
    let account = Account::open().await;
    for raw in [".", ".."] {
        let place: RemotePath = path("Jotta/Archive/x").join(StoredName::new(raw).unwrap());
        assert!(account.client.look(&place).await.is_err());
        assert!(account.client.trash_folder(&place).await.is_err());
        assert!(account.client.destroy_folder(&place).await.is_err());
        assert!(account.client.move_folder(&path("Jotta/Archive/y"), &place).await.is_err());
        assert!(account.client.upload(&place, &facts(b"x"), &mut &b"x"[..]).await.is_err());
    }
    assert_eq!(account.state().counters().requests, 0);
}
