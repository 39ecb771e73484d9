//! Deleting: into the trash, past it, and what is in it.

use crate::rclone::{Rclone, SMALL_TREE, small_tree};

async fn with_tree() -> Option<Rclone> {
    let rclone = Rclone::start().await?;
    let local = rclone.local("src");
    small_tree(&local);
    rclone.run(["copy", local.to_str().unwrap(), "r:t", "--create-empty-src-dirs"]);
    Some(rclone)
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_files_are_in_the_trash() {
    let Some(rclone) = with_tree().await else { return };
    rclone.run(["deletefile", "r:t/one.txt"]);
    assert!(rclone.state().entry("Jotta/Archive/t/one.txt").unwrap().deleted);
    assert!(!rclone.run(["lsf", "r:t"]).contains("one.txt"));
    let trashed = rclone.run(["lsf", "r:t", "--jottacloud-trashed-only", "--files-only"]);
    assert_eq!(trashed, "one.txt\n");
    rclone.run(["delete", "r:t"]);
    assert_eq!(rclone.list("r:t", &[]), ["dir/", "dir/deep/", "empty dir/"]);
    rclone.run(["delete", "r:t"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_folder_is_in_the_trash_until_cleanup() {
    let Some(rclone) = with_tree().await else { return };
    rclone.run(["purge", "r:t"]);
    assert_eq!(rclone.list("r:", &[]), [""; 0]);
    assert_eq!(rclone.list("r:", &["--fast-list"]), [""; 0]);
    assert!(rclone.state().entry("Jotta/Archive/t/dir/deep/three").unwrap().deleted);
    rclone.run(["cleanup", "r:"]);
    assert!(rclone.state().entry("Jotta/Archive/t").is_none());
    assert_eq!(rclone.state().usage(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_delete_leaves_nothing() {
    let Some(rclone) = with_tree().await else { return };
    rclone.run(["deletefile", "r:t/one.txt", "--jottacloud-hard-delete"]);
    assert!(rclone.state().entry("Jotta/Archive/t/one.txt").is_none());
    rclone.run(["purge", "r:t", "--jottacloud-hard-delete"]);
    assert!(rclone.state().entry("Jotta/Archive/t").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_can_be_written_again() {
    let Some(rclone) = with_tree().await else { return };
    rclone.run(["purge", "r:t"]);
    let local = rclone.local("src");
    rclone.run(["copy", local.to_str().unwrap(), "r:t", "--create-empty-src-dirs"]);
    assert_eq!(rclone.list("r:t", &["--fast-list"]), SMALL_TREE);
    rclone.run(["check", "--download", local.to_str().unwrap(), "r:t"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_versions_are_kept_when_rclone_is_told_so() {
    let Some(rclone) = with_tree().await else { return };
    let local = rclone.local("src");
    std::fs::write(local.join("one.txt"), "another one").unwrap();
    rclone.run(["copy", local.to_str().unwrap(), "r:t", "--jottacloud-no-versions"]);
    assert_eq!(rclone.state().entry("Jotta/Archive/t/one.txt").unwrap().revisions, 1);
    assert_eq!(rclone.run(["cat", "r:t/one.txt"]), "another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_in_the_trash_is_listed_when_rclone_is_told_so() {
    let Some(rclone) = with_tree().await else { return };
    let trashed = ["--jottacloud-trashed-only", "--files-only"];
    assert_eq!(rclone.list("r:t", &trashed), [""; 0]);
    rclone.run(["deletefile", "r:t/dir/two.txt"]);
    assert_eq!(rclone.list("r:t", &trashed), ["dir/two.txt"]);
    rclone.run(["purge", "r:t/dir"]);
    rclone.run(["deletefile", "r:t/one.txt"]);
    assert_eq!(rclone.list("r:t", &trashed), ["dir/deep/three", "dir/two.txt", "one.txt"]);
    assert_eq!(rclone.list("r:t", &["--files-only"]), ["empty file"]);
    // What is written again is live, and no longer in the trash.
    rclone.run(["copy", rclone.local("src").to_str().unwrap(), "r:t"]);
    assert_eq!(rclone.list("r:t", &trashed), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_with_hard_delete_leaves_nothing_in_the_trash() {
    let Some(rclone) = with_tree().await else { return };
    let local = rclone.local("src");
    std::fs::remove_file(local.join("one.txt")).unwrap();
    std::fs::remove_dir_all(local.join("dir")).unwrap();
    std::fs::write(local.join("empty file"), "not any more").unwrap();
    rclone.run([
        "sync",
        local.to_str().unwrap(),
        "r:t",
        "--jottacloud-hard-delete",
        "--create-empty-src-dirs",
    ]);
    let left: Vec<String> = rclone.state().tree().into_iter().map(|entry| entry.path).collect();
    let below: Vec<&str> = left.iter().filter_map(|path| path.strip_prefix("Jotta/Archive/t/")).collect();
    assert_eq!(below, ["empty dir", "empty file"]);
    assert_eq!(rclone.run(["cat", "r:t/empty file"]), "not any more");
    rclone.run(["rmdirs", "r:t/empty dir", "--jottacloud-hard-delete"]);
    assert!(rclone.state().entry("Jotta/Archive/t/empty dir").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_counts_or_not_and_emptying_it_frees_what_counted() {
    let Some(rclone) = with_tree().await else { return };
    let used = || {
        let about: serde_json::Value = serde_json::from_str(&rclone.run(["about", "r:", "--json"])).unwrap();
        about["used"].as_u64().unwrap()
    };
    assert_eq!(used(), 11);
    rclone.run(["purge", "r:t"]);
    for (answer, expected) in [("counts", 11), ("free", 0)] {
        rclone.state().set_switch("U36", answer).unwrap();
        assert_eq!(used(), expected, "{answer}");
    }
    rclone.state().set_switch("U36", "counts").unwrap();
    rclone.run(["cleanup", "r:"]);
    assert_eq!(used(), 0);
}
