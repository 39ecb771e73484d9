//! Moving, copying, making and removing by path, on the server's side.

use crate::rclone::{Rclone, SMALL_TREE, small_tree};

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_move_without_an_upload() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    small_tree(&local);
    rclone.run(["copy", local.to_str().unwrap(), "r:t", "--create-empty-src-dirs"]);
    rclone.state().reset_counters();
    rclone.run(["moveto", "r:t/one.txt", "r:t/new folder/uno & co.txt"]);
    rclone.run(["moveto", "r:t/new folder/uno & co.txt", "r:t/one.txt"]);
    rclone.run(["rmdir", "r:t/new folder"]);
    rclone.run(["moveto", "r:t", "r:elsewhere/t2"]);
    assert_eq!(rclone.list("r:elsewhere/t2", &[]), SMALL_TREE);
    let counters = rclone.state().counters();
    assert_eq!((counters.of("mv"), counters.of("mvDir"), counters.of("allocate")), (2, 1, 0));
    assert!(rclone.fail(["lsf", "r:t"]).contains("not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn letter_case_alone_can_be_changed() {
    let Some(rclone) = Rclone::start().await else { return };
    let input = rclone.local("in").join("text");
    std::fs::write(&input, "x").unwrap();
    rclone.feed(&input, &["rcat", "r:dir/name"]);
    rclone.run(["moveto", "r:dir/name", "r:dir/NAME"]);
    assert_eq!(rclone.list("r:", &[]), ["dir/", "dir/NAME"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_made_on_the_server() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    small_tree(&local);
    rclone.run(["copy", local.to_str().unwrap(), "r:t"]);
    rclone.state().reset_counters();
    rclone.run(["copyto", "r:t/one.txt", "r:t/copy.txt"]);
    rclone.run(["copy", "r:t/dir", "r:t/dir copy"]);
    // A copy onto a tombstone would be one too; rclone has to notice and mend it.
    rclone.run(["deletefile", "r:t/copy.txt"]);
    rclone.run(["copyto", "r:t/one.txt", "r:t/copy.txt"]);
    rclone.run(["copyto", "r:t/dir/two.txt", "r:t/copy.txt"]);
    assert_eq!(rclone.run(["cat", "r:t/copy.txt"]), "two two");
    assert_eq!(rclone.run(["cat", "r:t/dir copy/deep/three"]), "3");
    let counters = rclone.state().counters();
    assert_eq!((counters.of("cp"), counters.of("upload")), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_made_and_removed() {
    let Some(rclone) = Rclone::start().await else { return };
    rclone.run(["mkdir", "r:a/b/c"]);
    rclone.run(["mkdir", "r:a/b/c"]);
    assert_eq!(rclone.run(["lsf", "r:a/b"]), "c/\n");
    assert!(rclone.fail(["rmdir", "r:a/b"]).contains("not empty"));
    rclone.run(["rmdirs", "r:a"]);
    assert!(rclone.fail(["lsf", "r:a"]).contains("not found"));
    assert!(rclone.run(["lsd", "r:"]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_made_and_taken_away() {
    let Some(rclone) = Rclone::start().await else { return };
    let input = rclone.local("in").join("text");
    std::fs::write(&input, "for all to see").unwrap();
    rclone.feed(&input, &["rcat", "r:t/shared"]);
    let link = rclone.run(["link", "r:t/shared"]);
    let path = link.trim().strip_prefix("https://www.jottacloud.com").unwrap();
    let url = format!("{}{path}", rclone.emulator.base_url());
    assert_eq!(reqwest::get(&url).await.unwrap().text().await.unwrap(), "for all to see");
    assert_eq!(rclone.run(["link", "r:t/shared"]), link);
    rclone.run(["link", "--unlink", "r:t/shared"]);
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 404);
    assert!(rclone.run(["link", "r:t"]).starts_with("https://"));
    assert!(rclone.fail(["link", "r:t/nothing"]).contains("not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_shared_as_an_archive_until_it_is_not() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    small_tree(&local);
    rclone.run(["copy", local.to_str().unwrap(), "r:t"]);
    let link = rclone.run(["link", "r:t"]);
    let path = link.trim().strip_prefix("https://www.jottacloud.com").unwrap();
    let url = format!("{}{path}", rclone.emulator.base_url());
    let archive = reqwest::get(&url).await.unwrap().bytes().await.unwrap();
    assert!(archive.starts_with(b"PK"), "{:?}", archive.get(..4));
    rclone.run(["link", "--unlink", "r:t"]);
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_trees_are_copied_and_moved_on_the_server() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    small_tree(&local);
    let source = local.to_str().unwrap();
    rclone.run(["copy", source, "r:t", "--create-empty-src-dirs"]);
    rclone.state().reset_counters();
    rclone.run(["sync", "r:t", "r:copy", "--create-empty-src-dirs"]);
    assert_eq!(rclone.list("r:copy", &[]), SMALL_TREE);
    // A place that was deleted before: what is copied there is live.
    rclone.run(["purge", "r:copy"]);
    rclone.run(["sync", "r:t", "r:copy", "--create-empty-src-dirs"]);
    rclone.run(["check", "--download", source, "r:copy"]);
    // A tree onto one that is there: file by file, and what is there already goes to the trash.
    std::fs::write(local.join("one.txt"), "another one").unwrap();
    rclone.run(["copy", source, "r:t"]);
    let uploads = rclone.state().counters().of("upload");
    rclone.run(["move", "r:t", "r:copy", "--create-empty-src-dirs", "--delete-empty-src-dirs"]);
    assert_eq!(rclone.list("r:copy", &[]), SMALL_TREE);
    assert_eq!(rclone.run(["cat", "r:copy/one.txt"]), "another one");
    rclone.run(["check", "--download", source, "r:copy"]);
    assert_eq!((uploads, rclone.state().counters().of("upload")), (1, 1));
}
