//! A daemon that nobody has logged in to, and the config that it follows.

use std::fs;

use jottad_engine::RemoteErrorKind;
use tempfile::TempDir;

use super::*;

const DOCS: &str = "[[folder]]\nname = \"docs\"\nlocal = \"~/docs\"\nremote = \"Jotta/Archive/docs\"\n";
const PICS: &str = "[[folder]]\nname = \"pics\"\nlocal = \"~/pics\"\nremote = \"Jotta/Archive/pics\"\n";

/// `docs` runs and `pics` is held, because its table is wrong.
async fn one_of_two_runs() -> (Daemon, TempDir) {
    let place = tempfile::tempdir().unwrap();
    let top = place.path();
    fs::create_dir(top.join("docs")).unwrap();
    fs::create_dir(top.join("pics")).unwrap();
    let places =
        Places { home: top.to_owned(), config_file: top.join("config.toml"), state_dir: top.join("state") };
    fs::write(&places.config_file, format!("{DOCS}{PICS}mode = \"mirror\"\n")).unwrap();
    let config = Config::load_tolerantly(&places).unwrap();
    let daemon = Daemon::start(&places, config, Purpose::Serve).await.unwrap();
    assert_eq!(names(&daemon), ["docs"]);
    (daemon, place)
}

fn names(daemon: &Daemon) -> Vec<String> {
    daemon.folders().iter().map(|folder| folder.name().to_owned()).collect()
}

#[tokio::test]
async fn a_folder_that_became_right_is_taken_up_and_nothing_else_that_the_file_says() {
    let (daemon, _place) = one_of_two_runs().await;
    let file = &daemon.0.places.config_file;
    let followed = daemon.followed();
    let docs = daemon.folders();
    for text in [
        None,
        Some(String::new()),
        Some(DOCS.to_owned()),
        Some(PICS.to_owned()),
        Some(format!("{DOCS}poll = \"1h\"\n{PICS}")),
        Some(format!("[guard]\nhard_delete = true\n{DOCS}{PICS}")),
        Some(format!("{DOCS}{PICS}{}", PICS.replace("pics", "new"))),
        Some(format!("{DOCS}{}", PICS.replace("pics", "new"))),
        Some(format!("{DOCS}{PICS}mode = \"mirr")),
    ] {
        match &text {
            None => fs::remove_file(file).unwrap(),
            Some(text) => fs::write(file, text).unwrap(),
        }
        daemon.look_after_wrong_folders().await;
        assert_eq!(daemon.followed(), followed, "{text:?}");
        assert!(Arc::ptr_eq(&daemon.folders()[0], &docs[0]), "{text:?}");
    }
    fs::write(file, format!("{DOCS}{PICS}")).unwrap();
    daemon.look_after_wrong_folders().await;
    assert_eq!(names(&daemon), ["docs", "pics"]);
    assert!(Arc::ptr_eq(&daemon.folders()[0], &docs[0]));
    daemon.stop().await;
}

#[tokio::test]
async fn what_is_not_followed_is_told_until_it_is() {
    let (daemon, _place) = one_of_two_runs().await;
    let file = daemon.0.places.config_file.clone();
    let before = fs::read_to_string(&file).unwrap();
    // Nothing of it is new.
    daemon.reload().await.unwrap();
    assert!(daemon.unfollowed().is_none());
    let wrong = format!("{DOCS}{PICS}mode = \"other\"\n");
    // Whether the folder became right, or the file is as it was.
    for then in [before, format!("{DOCS}{PICS}")] {
        fs::write(&file, &wrong).unwrap();
        assert!(daemon.reload().await.is_err());
        assert!(daemon.unfollowed().is_some());
        fs::write(&file, then).unwrap();
        daemon.look_after_wrong_folders().await;
        assert!(daemon.unfollowed().is_none());
        assert!(daemon.wrong().is_empty() || names(&daemon) == ["docs"]);
    }
    assert_eq!(names(&daemon), ["docs", "pics"]);
    daemon.stop().await;
}

#[tokio::test]
async fn a_config_that_is_refused_does_not_keep_the_login_from_being_followed() {
    let (daemon, _place) = one_of_two_runs().await;
    let places = daemon.0.places.clone();
    fs::write(&places.config_file, "[guard\n").unwrap();
    // A login that is there and cannot be read is another trouble than none.
    fs::create_dir(places.credentials()).unwrap();
    assert!(daemon.reload().await.is_err());
    let reason = daemon.0.link.trouble().unwrap().reason;
    assert!(!reason.contains("nobody is logged in"), "{reason}");
    fs::remove_dir(places.credentials()).unwrap();
    assert!(daemon.reload().await.is_err());
    let error = daemon.0.link.client().unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::LoginNeeded);
    assert!(error.message.contains("nobody is logged in"), "{}", error.message);
    assert_eq!(names(&daemon), ["docs"]);
    daemon.stop().await;
}
