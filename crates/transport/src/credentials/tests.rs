//! The file of a login, and who gets at it.

use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;

fn credentials() -> Credentials {
    Credentials {
        brand: "jottacloud".to_owned(),
        flow: Flow::Standard,
        token_endpoint: "https://id.example".to_owned(),
        client_id: "client".to_owned(),
        client_secret: None,
        access_token: "access".into(),
        refresh_token: "refresh".into(),
        expires_at: SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
        lifetime: Duration::from_hours(1),
        host: HostIdentity::from_machine_id("a"),
    }
}

fn file_in(directory: &TempDir) -> CredentialFile {
    CredentialFile::new(directory.path().join("credentials"))
}

fn mode(file: &CredentialFile) -> u32 {
    fs::metadata(file.path()).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_file_that_others_could_get_at_is_closed_to_them_whoever_looks_at_it() {
    for (before, is_exposed) in [
        (0o600, false),
        (0o400, false),
        (0o700, false),
        (0o640, true),
        (0o620, true),
        (0o604, true),
        (0o601, true),
        (0o777, true),
    ] {
        let directory = TempDir::new().unwrap();
        let file = file_in(&directory);
        let open = || {
            file.reserve().unwrap().commit(&credentials()).unwrap();
            fs::set_permissions(file.path(), fs::Permissions::from_mode(before)).unwrap();
        };
        open();
        let closed = file.close_if_exposed().map(|(mode, result)| (mode, result.is_ok()));
        assert_eq!(closed, is_exposed.then_some((before, true)), "{before:o}");
        let after = if is_exposed { 0o600 } else { before };
        assert_eq!(mode(&file), after, "{before:o}");
        open();
        assert!(file.load().unwrap().is_some());
        assert_eq!(mode(&file), after, "{before:o}");
    }
    assert!(file_in(&TempDir::new().unwrap()).close_if_exposed().is_none());
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_none() {
    let directory = TempDir::new().unwrap();
    let file = file_in(&directory);
    assert!(file.load().unwrap().is_none());
    // Something else than a directory on the way to it.
    fs::write(directory.path().join("other"), "").unwrap();
    let below_a_file = CredentialFile::new(directory.path().join("other/credentials"));
    assert_eq!(below_a_file.load().unwrap_err().kind(), ErrorKind::Local);
    // It opens, and cannot be read.
    fs::create_dir(file.path()).unwrap();
    assert_eq!(file.load().unwrap_err().kind(), ErrorKind::Local);
    assert_eq!(file.remove().unwrap_err().kind(), ErrorKind::Local);
    fs::remove_dir(file.path()).unwrap();
    // What is no text is damaged, and only a new login helps.
    fs::write(file.path(), b"\xff\xfe").unwrap();
    assert_eq!(file.load().unwrap_err().kind(), ErrorKind::LoginNeeded);
}

#[test]
fn a_login_is_forgotten_once_and_it_is_fine_if_there_is_none() {
    let directory = TempDir::new().unwrap();
    let file = file_in(&directory);
    file.reserve().unwrap().commit(&credentials()).unwrap();
    for _ in 0..2 {
        file.remove().unwrap();
        assert!(file.load().unwrap().is_none());
    }
}

#[test]
fn what_was_reserved_and_is_not_needed_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let file = file_in(&directory);
    drop(file.reserve().unwrap());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_sealed_file_is_told_from_one_of_another_version() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("credentials");
    let sealed = CredentialFile::sealed(&path, SealingKey::generate().unwrap());
    sealed.reserve().unwrap().commit(&credentials()).unwrap();
    assert_eq!(
        CredentialFile::new(&path).load().unwrap_err().to_string(),
        format!("login needed: the credentials in {} are sealed", path.display())
    );
}

#[test]
fn tokens_are_the_same_if_both_are() {
    let one = credentials();
    assert!(one.same_tokens(&credentials()));
    assert!(!one.same_tokens(&Credentials { refresh_token: "other".into(), ..credentials() }));
    assert!(!one.same_tokens(&Credentials { access_token: "other".into(), ..credentials() }));
}

#[test]
fn the_directory_that_is_synced_is_the_one_of_the_file() {
    let directory = TempDir::new().unwrap();
    sync_directory(&directory.path().join("file")).unwrap();
    sync_directory(Path::new("file")).unwrap();
    assert!(sync_directory(&directory.path().join("missing/file")).is_err());
}
