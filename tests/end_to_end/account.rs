//! What the account holds, and that a person hears of it before it is full.

use jottad_emulator::Act;

use crate::stage::{World, wait_until};

#[test]
fn a_quota_is_shown_and_warned_of_in_time() {
    let world = World::new();
    world.service.does(Act::put("Jotta/Archive/big", &[7; 900]));
    for (capacity, words, warning) in [
        (None, "unlimited", serde_json::Value::Null),
        (Some(10_000), "(9 %)", serde_json::Value::Null),
        (Some(1000), "90 %, nearly full", "nearly_full".into()),
        (Some(900), "it is full, uploads will fail", "full".into()),
    ] {
        world.service.set_capacity(capacity);
        world.machine.jottad(["account"]).expect(0).says(words).says("device");
        let account = world.machine.jottad(["account", "--json"]).expect(0).json();
        assert_eq!(account["quota_bytes"], serde_json::json!(capacity));
        assert_eq!(account["unlimited"], capacity.is_none());
        assert_eq!((&account["used_bytes"], &account["quota_warning"]), (&900.into(), &warning));

        let daemon = world.start();
        wait_until("the account was asked for", || {
            !world.machine.status()["account"]["checked_at"].is_null()
        });
        let status = world.machine.status();
        assert_eq!(status["account"]["quota_bytes"], serde_json::json!(capacity));
        assert_eq!(status["account"]["unlimited"], capacity.is_none());
        assert_eq!(status["account"]["quota_warning"], warning);
        let shown = world.machine.jottad(["status"]).stdout;
        assert_eq!(shown.contains("account: "), !warning.is_null(), "{shown}");
        assert_eq!(shown.contains(words), !warning.is_null(), "{shown}");
        assert_eq!(daemon.log().contains(words), !warning.is_null(), "{}", daemon.log());
        daemon.stop();
    }
}
