//! rclone logs in, stays logged in, and is told when that ends.

use std::time::Duration;

use jottad_emulator::EmulatorConfig;

use crate::rclone::Rclone;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_token_is_spent_by_its_first_use() {
    let Some(rclone) = Rclone::logged_out(EmulatorConfig::default()).await else { return };
    let token = rclone.state().login_token_for("id.jottacloud.com", "jottacloud");
    rclone.run(["config", "create", "r", "jottacloud", "--non-interactive"]);
    assert_eq!(rclone.answer("standard_token", &token), "choose_device_query");
    let again = ["config", "update", "r", "--continue", "--state", "standard_token", "--result", &token];
    let output = rclone.output(again.iter().chain(&["--non-interactive"]));
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("401") || said.contains("Invalid user credentials"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_and_mountpoint_can_be_chosen() {
    let Some(rclone) = Rclone::logged_out(EmulatorConfig::default()).await else { return };
    let token = rclone.state().login_token_for("id.jottacloud.com", "jottacloud");
    rclone.run(["config", "create", "r", "jottacloud", "--non-interactive"]);
    rclone.answer("auth_type_done", "standard");
    rclone.answer("standard_token", &token);
    assert_eq!(rclone.answer("choose_device_query", "true"), "choose_device_result");
    assert_eq!(rclone.answer("choose_device_result", "laptop"), "choose_device_mountpoint");
    assert_eq!(rclone.answer("choose_device_mountpoint", "backups"), "");
    rclone.run(["mkdir", "r:folder"]);
    assert!(rclone.state().entry("laptop/backups/folder").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_tokens_are_kept_from_run_to_run() {
    let config = EmulatorConfig::default();
    let Some(rclone) = Rclone::logged_out(config).await else { return };
    // rclone takes a token with less than ten seconds left for expired, so every run has to refresh. It sends
    // the fresh one all the same: a second would be over before a busy machine has sent the request.
    rclone.state().set_access_lifetime(Duration::from_secs(9));
    rclone.log_in();
    rclone.state().reset_counters();
    for _ in 0..3 {
        rclone.run(["lsd", "r:"]);
    }
    assert!(rclone.state().counters().of("token") >= 3);
    rclone.state().revoke_sessions();
    assert!(rclone.fail(["lsd", "r:"]).contains("invalid_grant"));
}
