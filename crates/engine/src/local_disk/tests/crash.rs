//! What is left when the process is killed at any moment.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::*;

const TEST: &str = "local_disk::tests::crash::a_killed_daemon_leaves_every_version_whole";
const ROOT: &str = "JOTTAD_TEST_CRASH_ROOT";
const KILLS: u64 = 12;

/// Replaces one file by version after version, and says which is durable, until it is killed.
fn replace_for_ever(root: PathBuf) {
    let runtime = runtime();
    let disk = LocalDisk::open(root).unwrap();
    let path = relative("letters/file");
    runtime.block_on(async {
        let root = disk.root().await.unwrap();
        disk.claim_root(&root, "id").await.unwrap();
        disk.make_directory(&relative("letters")).await.unwrap();
        loop {
            let there = match disk.stat(&path).await.unwrap() {
                Some(DiskNode::File(stat)) => Some(stat),
                _ => None,
            };
            let version = there.map_or(0, |stat| stat.size) + 1;
            let mut staged = disk.stage(0).await.unwrap();
            for _ in 0..version {
                staged.write(b"v").unwrap();
            }
            disk.place(staged, &path, LONG_AGO, there.as_ref()).await.unwrap();
            println!("\nplaced {version}");
        }
    });
}

#[test]
fn a_killed_daemon_leaves_every_version_whole() {
    if let Some(root) = std::env::var_os(ROOT) {
        replace_for_ever(root.into());
    }
    let folder = Folder::new();
    let mut placed = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
            .env(ROOT, folder.root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let numbers = |line: String| line.strip_prefix("placed ")?.parse::<u64>().ok();
        placed = lines.by_ref().find_map(numbers).expect("the child places something");
        // At another point of its work each time.
        thread::sleep(Duration::from_micros(kill * 700));
        child.kill().unwrap();
        child.wait().unwrap();
        placed = lines.filter_map(numbers).last().unwrap_or(placed);

        let live = read(folder.at("letters/file"));
        let mut versions: Vec<_> =
            folder.trashed().into_iter().map(|(_, content)| content.len() as u64).collect();
        versions.push(live.len() as u64);
        versions.sort_unstable();
        versions.dedup();
        assert!(live.len() as u64 >= placed, "version {placed} was durable");
        assert!((1..=placed).all(|version| versions.contains(&version)), "{placed}: {versions:?}");
    }
    assert!(placed >= KILLS);
}
