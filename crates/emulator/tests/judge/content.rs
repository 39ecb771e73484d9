//! Content: up, down, in part, resumed, with metadata, under faults.

use jottad_emulator::{Effect, Fault, Matching, RandomFaults};
use serde_json::Value;

use crate::rclone::{Rclone, SMALL_TREE, small_tree};

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_tree_is_there_and_equal() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    small_tree(&local);
    let source = local.to_str().unwrap();
    rclone.run(["copy", source, "r:t", "--create-empty-src-dirs"]);
    rclone.run(["check", "--download", source, "r:t"]);
    let back = rclone.local("back");
    rclone.run(["copy", "r:t", back.to_str().unwrap(), "--create-empty-src-dirs"]);
    rclone.run(["check", source, back.to_str().unwrap()]);
    for policy in ["without-files", "every-folder"] {
        rclone.state().set_switch("U02", policy).unwrap();
        assert_eq!(rclone.list("r:t", &[]), SMALL_TREE, "{policy}");
        assert_eq!(rclone.list("r:t", &["--fast-list"]), SMALL_TREE, "{policy}");
    }
    assert_eq!(rclone.run(["lsf", "r:"]), "t/\n");
    assert_eq!(rclone.run(["lsf", "r:t/empty dir", "-R", "--fast-list"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sync_sends_nothing_and_a_third_what_changed() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    small_tree(&local);
    let sync = ["sync", local.to_str().unwrap(), "r:t", "--create-empty-src-dirs"];
    rclone.run(sync);
    rclone.state().reset_counters();
    rclone.run(sync);
    assert_eq!(rclone.state().counters().of("allocate"), 0);
    std::fs::write(local.join("one.txt"), "other").unwrap();
    std::fs::remove_dir_all(local.join("dir/deep")).unwrap();
    rclone.run(sync);
    assert_eq!(rclone.state().counters().of("upload"), 1);
    rclone.run(["check", "--download", local.to_str().unwrap(), "r:t"]);
    assert_eq!(rclone.state().entry("Jotta/Archive/t/one.txt").unwrap().revisions, 2);
    assert!(rclone.state().entry("Jotta/Archive/t/dir/deep/three").unwrap().deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_upload_of_a_big_file_is_resumed() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    let content: Vec<u8> = (0..12_000_000_u32).map(|number| (number / 7 % 251) as u8).collect();
    std::fs::write(local.join("big"), &content).unwrap();
    rclone
        .state()
        .add_fault(Fault::once(Matching::endpoint("upload"), Effect::CutRequest { after: 5_000_000 }));
    rclone.run(["copy", local.to_str().unwrap(), "r:t", "--retries", "2"]);
    assert_eq!(rclone.state().content("Jotta/Archive/t/big").unwrap(), content);
    let received = rclone.state().counters().bytes_in;
    assert!(received < 12_100_000, "{received} bytes were sent for 12,000,000");
    rclone.run(["check", "--download", local.to_str().unwrap(), "r:t"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_and_streams_and_hashes() {
    let Some(rclone) = Rclone::start().await else { return };
    let input = rclone.local("in").join("text");
    std::fs::write(&input, "0123456789").unwrap();
    rclone.feed(&input, &["rcat", "r:t/piped"]);
    assert_eq!(rclone.run(["cat", "r:t/piped"]), "0123456789");
    assert_eq!(rclone.run(["cat", "r:t/piped", "--offset", "3", "--count", "4"]), "3456");
    assert_eq!(rclone.run(["cat", "r:t/piped", "--tail", "2"]), "89");
    assert_eq!(rclone.run(["md5sum", "r:t"]), "781e5e245d69b566979b86e28d23f2c7  piped\n");
    let size: Value = serde_json::from_str(&rclone.run(["size", "r:t", "--json"])).unwrap();
    assert_eq!((&size["count"], &size["bytes"]), (&1.into(), &10.into()));
    let about: Value = serde_json::from_str(&rclone.run(["about", "r:", "--json"])).unwrap();
    assert_eq!((&about["used"], about.get("total")), (&10.into(), None));
    rclone.state().set_capacity(Some(100));
    let about: Value = serde_json::from_str(&rclone.run(["about", "r:", "--json"])).unwrap();
    assert_eq!((&about["total"], &about["free"]), (&100.into(), &90.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_and_metadata_are_kept() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    std::fs::write(local.join("a.txt"), "a").unwrap();
    let when =
        ["--metadata-set", "btime=2020-01-02T03:04:05Z", "--metadata-set", "mtime=2021-01-02T03:04:05Z"];
    let copy = ["copy", "-M", local.to_str().unwrap(), "r:t"];
    rclone.run(copy.iter().chain(&when));
    let listed: Value = serde_json::from_str(&rclone.run(["lsjson", "-M", "r:t"])).unwrap();
    let metadata = &listed[0]["Metadata"];
    assert_eq!(metadata["btime"], "2020-01-02T03:04:05Z", "{listed}");
    assert_eq!(metadata["mtime"], "2021-01-02T03:04:05Z", "{listed}");
    assert_eq!(metadata["content-type"], "text/plain", "{listed}");
    rclone.run(["touch", "-t", "2022-01-02T03:04:05", "r:t/a.txt"]);
    let entry = rclone.state().entry("Jotta/Archive/t/a.txt").unwrap();
    assert_eq!((entry.modified, entry.revisions), (Some(1_641_092_645), 1));
    rclone.run(["touch", "r:t/new"]);
    assert_eq!(rclone.state().content("Jotta/Archive/t/new").unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_goes_there_and_back_and_along_with_a_copy() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    std::fs::write(local.join("a.txt"), "a").unwrap();
    let set =
        ["--metadata-set", "btime=2020-01-02T03:04:05Z", "--metadata-set", "mtime=2021-01-02T03:04:05Z"];
    rclone.run(["copy", "-M", local.to_str().unwrap(), "r:t"].iter().chain(&set));
    rclone.run(["copyto", "-M", "r:t/a.txt", "r:t/copy.txt"]);
    let listed: Value = serde_json::from_str(&rclone.run(["lsjson", "-M", "r:t"])).unwrap();
    for file in listed.as_array().unwrap() {
        let metadata = &file["Metadata"];
        assert_eq!(metadata["mtime"], "2021-01-02T03:04:05Z", "{file}");
        assert_eq!(metadata["btime"], "2020-01-02T03:04:05Z", "{file}");
        // When the content came, by the service's clock.
        assert!(metadata["utime"].as_str().is_some_and(|time| time > "2022"), "{file}");
    }
    let back = rclone.local("back");
    rclone.run(["copy", "-M", "r:t", back.to_str().unwrap()]);
    let modified = std::fs::metadata(back.join("a.txt")).unwrap().modified().unwrap();
    let seconds = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(seconds, 1_609_556_645);
}

#[tokio::test(flavor = "multi_thread")]
async fn big_files_are_sent_from_disk_and_from_a_pipe_and_fetched_in_parts() {
    const SIZE: u64 = 96 << 20;
    let Some(rclone) = Rclone::start().await else { return };
    let (local, back) = (rclone.local("src"), rclone.local("back"));
    // Every mebibyte says which one it is.
    let file = std::fs::File::create(local.join("big")).unwrap();
    for mebibyte in 0..SIZE >> 20 {
        let place = mebibyte << 20;
        std::os::unix::fs::FileExt::write_all_at(&file, &place.to_be_bytes(), place).unwrap();
    }
    let source = local.to_str().unwrap();
    rclone.run(["copy", source, "r:t", "--jottacloud-md5-memory-limit", "1M"]);
    rclone.feed(&local.join("big"), &["rcat", "r:t/piped", "--streaming-upload-cutoff", "1M"]);
    assert_eq!(
        rclone.state().entry("Jotta/Archive/t/piped").unwrap().md5,
        rclone.state().entry("Jotta/Archive/t/big").unwrap().md5
    );
    rclone.state().reset_counters();
    let parts =
        ["--multi-thread-cutoff", "16M", "--multi-thread-streams", "4", "--multi-thread-chunk-size", "16M"];
    rclone.run(["copy", "r:t/big", back.to_str().unwrap()].iter().chain(&parts));
    assert!(rclone.state().counters().of("content") >= 4, "{:?}", rclone.state().counters());
    rclone.run(["check", "--download", source, back.to_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_account_is_an_error() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    std::fs::write(local.join("a"), "more than ten bytes").unwrap();
    rclone.state().set_capacity(Some(10));
    rclone.fail(["copy", local.to_str().unwrap(), "r:t", "--retries", "1"]);
    assert!(rclone.state().entry("Jotta/Archive/t/a").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_overcome_by_trying_again() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    for number in 0..30 {
        std::fs::write(local.join(number.to_string()), format!("content {number}")).unwrap();
    }
    rclone.state().set_random_faults(RandomFaults::percent(10.0));
    let flags = ["--retries", "20", "--no-traverse", "--low-level-retries", "3"];
    rclone.output(["sync", local.to_str().unwrap(), "r:t"].iter().chain(&flags));
    assert!(rclone.state().counters().faults > 0);
    rclone.state().clear_faults();
    rclone.run(["sync", local.to_str().unwrap(), "r:t"]);
    rclone.run(["check", "--download", local.to_str().unwrap(), "r:t"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_without_its_end_is_not_believed() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    small_tree(&local);
    rclone.run(["copy", local.to_str().unwrap(), "r:t"]);
    for effect in [Effect::WithoutStats, Effect::WrongStats, Effect::TruncateResponse { after: 200 }] {
        rclone.state().add_fault(Fault::always(Matching::endpoint("liststream"), effect.clone()));
        let output =
            rclone.output(["lsf", "-R", "--fast-list", "r:t", "--retries", "1", "--low-level-retries", "1"]);
        assert!(!output.status.success(), "{effect:?}");
        rclone.state().clear_faults();
    }
}
