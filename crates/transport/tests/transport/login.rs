//! Logging in and staying so (protocol 2).

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use jottad_emulator::{Effect, Emulator, EmulatorConfig, Fault, Matching};
use jottad_transport::{
    Client, ClientOptions, CredentialFile, Endpoints, Error, ErrorKind, HostIdentity, LoginToken, Quota,
    SealingKey, Session,
};
use tempfile::TempDir;

use crate::account::{Account, credential_file, host, http, log_in, path};

fn client(emulator: &Emulator, session: Session) -> Client {
    Client::new(Endpoints::on_one_host(&emulator.base_url()), session, ClientOptions::default()).unwrap()
}

#[tokio::test]
async fn a_login_is_kept_in_a_private_file_and_taken_up_again() {
    let account = Account::open().await;
    let file = credential_file(&account.directory);
    let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let session = Session::open(http(), file, &host()).unwrap();
    assert_eq!(session.brand(), "jottacloud");
    let customer = client(&account.emulator, session).customer().await.unwrap();
    assert_eq!(customer.username, "u7k2m9qp0example");
    assert_eq!(customer.quota, Some(Quota::Unlimited));
    assert_eq!(account.state().counters().of("token"), 0, "no new token was needed");
    let names: Vec<_> =
        std::fs::read_dir(account.directory.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{names:?}");
}

#[tokio::test]
async fn a_used_login_token_is_refused_with_words() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let directory = TempDir::new().unwrap();
    let token = LoginToken::parse(&emulator.login_token()).unwrap();
    Session::log_in(http(), &token, credential_file(&directory), &host()).await.unwrap();
    let again = Session::log_in(http(), &token, credential_file(&directory), &host()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::LoginNeeded);
    assert!(again.to_string().contains("used up"), "{again}");
    assert!(Session::open(http(), credential_file(&directory), &host()).is_ok(), "the first login is kept");
}

#[tokio::test]
async fn a_login_token_is_not_spent_when_the_login_cannot_be_kept() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let directory = TempDir::new().unwrap();
    let token = LoginToken::parse(&emulator.login_token()).unwrap();
    let nowhere = CredentialFile::new(directory.path().join("missing/credentials.json"));
    let error = Session::log_in(http(), &token, nowhere, &host()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(emulator.state().counters().of("token"), 0);
    assert!(Session::log_in(http(), &token, credential_file(&directory), &host()).await.is_ok());
}

#[tokio::test]
async fn a_login_copied_from_another_machine_is_not_used() {
    let account = Account::open().await;
    let file = credential_file(&account.directory);
    let elsewhere = HostIdentity::from_machine_id("another machine");
    let error = Session::open(http(), file.clone(), &elsewhere).unwrap_err();
    assert!(matches!(error, Error::LoginOfOtherMachine { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::LoginNeeded);
    assert!(Session::open(http(), file, &HostIdentity::from_machine_id("")).is_ok());
}

#[tokio::test]
async fn a_login_that_is_copied_over_a_running_one_is_not_used_either() {
    let account = Account::open().await;
    let elsewhere = TempDir::new().unwrap();
    let token = LoginToken::parse(&account.emulator.login_token()).unwrap();
    let other = HostIdentity::from_machine_id("another machine");
    Session::log_in(http(), &token, credential_file(&elsewhere), &other).await.unwrap();
    std::fs::copy(credential_file(&elsewhere).path(), credential_file(&account.directory).path()).unwrap();
    account.state().expire_access_tokens();
    account.state().reset_counters();
    let error = account.client.customer().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginNeeded);
    assert!(error.to_string().contains("another machine"), "{error}");
    assert_eq!(account.state().counters().of("token"), 0);
}

#[tokio::test]
async fn a_granted_login_tells_whose_it_is_before_anything_is_kept() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let directory = TempDir::new().unwrap();
    log_in(&emulator, &directory).await.unwrap();
    let before = std::fs::read(credential_file(&directory).path()).unwrap();
    let token = LoginToken::parse(&emulator.login_token()).unwrap();
    let granted = token.spend(http(), credential_file(&directory), &host()).await.unwrap();
    assert_eq!(granted.username().as_deref(), Some("u7k2m9qp0example"));
    let customer = granted.customer(&Endpoints::on_one_host(&emulator.base_url())).await.unwrap();
    assert_eq!(customer.email.as_deref(), Some("kari@example.net"));
    drop(granted);
    assert_eq!(std::fs::read(credential_file(&directory).path()).unwrap(), before);
    // The old login has a family of its own and goes on.
    let session = Session::open(http(), credential_file(&directory), &host()).unwrap();
    emulator.state().expire_access_tokens();
    client(&emulator, session).customer().await.unwrap();
}

#[tokio::test]
async fn a_sealed_login_shows_no_token_and_needs_its_key() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("credentials.sealed");
    let key = SealingKey::generate().unwrap();
    let file = CredentialFile::sealed(&path, key.clone());
    let token = LoginToken::parse(&emulator.login_token()).unwrap();
    let session = Session::log_in(http(), &token, file.clone(), &host()).await.unwrap();
    let client = client(&emulator, session);
    // Renewals seal too, and two programs with the key share the login.
    let other = Session::open(http(), file.clone(), &host()).unwrap();
    for _ in 0..3 {
        emulator.state().expire_access_tokens();
        client.customer().await.unwrap();
        let other = Client::new(
            Endpoints::on_one_host(&emulator.base_url()),
            other.clone(),
            ClientOptions::default(),
        );
        other.unwrap().customer().await.unwrap();
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("token"), "{text}");
    // A copy is recognised without the key.
    let elsewhere = HostIdentity::from_machine_id("another machine");
    let without_key = CredentialFile::new(&path);
    assert!(matches!(without_key.check_host(&elsewhere), Err(Error::LoginOfOtherMachine { .. })));
    without_key.check_host(&host()).unwrap();
    for wrong in [without_key, CredentialFile::sealed(&path, SealingKey::generate().unwrap())] {
        let error = Session::open(http(), wrong, &host()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginNeeded);
        assert!(error.to_string().contains("sealed"), "{error}");
    }
    let plain = CredentialFile::sealed(credential_file(&directory).path(), key);
    log_in(&emulator, &directory).await.unwrap();
    assert!(plain.load().unwrap_err().to_string().contains("not sealed"));
}

#[tokio::test]
async fn nobody_is_logged_in_with_a_missing_or_damaged_file() {
    let directory = TempDir::new().unwrap();
    let file = credential_file(&directory);
    for content in [None, Some(""), Some("{}"), Some("\u{0}\u{0}"), Some("{\"format\":99}")] {
        if let Some(content) = content {
            std::fs::write(file.path(), content).unwrap();
        }
        let error = Session::open(http(), file.clone(), &host()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginNeeded, "{content:?}");
    }
}

#[tokio::test]
async fn many_requests_with_an_expired_token_renew_it_once() {
    let account = Account::open().await;
    account.state().expire_access_tokens();
    let archive = path("Jotta/Archive");
    let looks = (0..20).map(|_| account.client.look(&archive));
    for look in futures_util::future::join_all(looks).await {
        look.unwrap();
    }
    assert_eq!(account.state().counters().of("token"), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    // Just as long as the margin: good for a minute, and to be renewed from its first moment on.
    emulator.state().set_access_lifetime(Duration::from_mins(1));
    let directory = TempDir::new().unwrap();
    let client = client(&emulator, log_in(&emulator, &directory).await.unwrap());
    emulator.state().reset_counters();
    client.customer().await.unwrap();
    let counters = emulator.state().counters();
    assert_eq!((counters.of("token"), counters.by_status.get(&401)), (1, None));
}

#[tokio::test]
async fn a_revoked_login_is_asked_about_once() {
    let account = Account::open().await;
    account.state().revoke_sessions();
    account.state().expire_access_tokens();
    for _ in 0..3 {
        let error = account.client.customer().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginNeeded);
    }
    assert_eq!(account.state().counters().of("token"), 1);
}

#[tokio::test]
async fn a_new_login_by_another_program_brings_a_dead_one_back() {
    let account = Account::open().await;
    account.state().revoke_sessions();
    account.state().expire_access_tokens();
    assert_eq!(account.client.customer().await.unwrap_err().kind(), ErrorKind::LoginNeeded);
    log_in(&account.emulator, &account.directory).await.unwrap();
    account.client.customer().await.unwrap();
}

#[tokio::test]
async fn a_service_that_refuses_a_fresh_token_is_not_asked_in_a_circle() {
    let account = Account::open().await;
    account.state().add_fault(Fault::always(Matching::endpoint("metadata"), Effect::status(401)));
    let error = account.client.look(&path("Jotta/Archive")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginNeeded);
    assert_eq!(account.state().counters().of("metadata"), 2);
    account.state().clear_faults();
    assert!(account.client.look(&path("Jotta/Archive")).await.is_ok(), "the login is still good");
}

#[tokio::test]
async fn two_programs_share_a_login_without_killing_it() {
    let account = Account::open().await;
    let other = Session::open(http(), credential_file(&account.directory), &host()).unwrap();
    let other = client(&account.emulator, other);
    for _ in 0..3 {
        account.state().expire_access_tokens();
        let (one, two) = tokio::join!(account.client.customer(), other.customer());
        one.unwrap();
        two.unwrap();
    }
    // The second one takes over what the first one wrote, whether it comes while or after.
    assert_eq!(account.state().counters().of("token"), 3);
}

#[tokio::test]
async fn a_dropped_request_does_not_interrupt_the_renewal() {
    let account = Account::open().await;
    account.state().expire_access_tokens();
    account.fault("token", Effect::Delay { milliseconds: 200 });
    let dropped = tokio::time::timeout(Duration::from_millis(100), account.client.customer()).await;
    assert!(dropped.is_err());
    let kept = || std::fs::read(credential_file(&account.directory).path()).unwrap();
    let before = kept();
    account.client.session().settle().await;
    assert_ne!(kept(), before, "what came is kept by then");
    assert_eq!(account.state().counters().of("token"), 1);
    account.client.customer().await.unwrap();
    assert_eq!(account.state().counters().of("token"), 1);
    let reopened = Session::open(http(), credential_file(&account.directory), &host()).unwrap();
    client(&account.emulator, reopened).customer().await.unwrap();
}

#[tokio::test]
async fn a_lost_renewal_is_tried_again_and_its_end_is_told() {
    for (answer, survives) in [("strict", false), ("grace-30s", true), ("no-rotation", true)] {
        let account = Account::open().await;
        account.state().set_switch("U24", answer).unwrap();
        account.state().expire_access_tokens();
        account.fault("token", Effect::ResetAfter);
        let first = account.client.customer().await;
        let second = account.client.customer().await;
        if survives {
            assert!(second.is_ok(), "{answer}: {second:?}");
        } else {
            assert_eq!(second.unwrap_err().kind(), ErrorKind::LoginNeeded);
        }
        assert!(first.is_err(), "{answer}");
    }
}

#[tokio::test]
async fn trouble_with_the_login_service_is_not_the_end_of_the_login() {
    let account = Account::open().await;
    account.state().expire_access_tokens();
    account.state().add_fault(Fault::always(Matching::endpoint("token"), Effect::status(503)));
    let error = account.client.customer().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerFault);
    account.state().clear_faults();
    account.client.customer().await.unwrap();
}

/// A token is renewed a while before it ends. Until then it is as good as before.
#[tokio::test]
async fn a_token_that_cannot_be_renewed_yet_is_used_to_its_end() {
    for (lifetime, is_used) in [(60, true), (0, false)] {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        emulator.state().set_access_lifetime(Duration::from_secs(lifetime));
        let directory = TempDir::new().unwrap();
        let client = client(&emulator, log_in(&emulator, &directory).await.unwrap());
        emulator.state().add_fault(Fault::always(Matching::endpoint("token"), Effect::status(503)));
        let answer = client.customer().await;
        assert_eq!(answer.is_ok(), is_used, "{answer:?}");
        // Who has logged out elsewhere is told so at once.
        emulator.state().clear_faults();
        emulator.state().revoke_sessions();
        assert_eq!(client.customer().await.unwrap_err().kind(), ErrorKind::LoginNeeded);
    }
}

#[tokio::test]
async fn a_renewal_that_fails_fails_for_all_who_wait_for_it() {
    let account = Account::open().await;
    account.state().expire_access_tokens();
    account.state().add_fault(Fault::always(Matching::endpoint("token"), Effect::status(503)));
    let archive = path("Jotta/Archive");
    let looks = (0..20).map(|_| account.client.look(&archive));
    for look in futures_util::future::join_all(looks).await {
        assert_eq!(look.unwrap_err().kind(), ErrorKind::ServerFault);
    }
    assert!(account.state().counters().of("token") < 5, "{:?}", account.state().counters());
}

#[tokio::test]
async fn tokens_that_cannot_be_written_are_not_asked_for() {
    let account = Account::open().await;
    account.state().expire_access_tokens();
    // A directory in the place of the temporary file: writing fails for root too.
    let blocked = account.directory.path().join("credentials.json.new");
    std::fs::create_dir(&blocked).unwrap();
    let error = account.client.customer().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(account.state().counters().of("token"), 0);
    std::fs::remove_dir(&blocked).unwrap();
    account.client.customer().await.unwrap();
}

/// The service has spent the old tokens by then: the new ones are neither used nor forgotten until they are
/// written.
#[tokio::test]
async fn tokens_that_came_and_could_not_be_written_are_not_used_until_they_are() {
    for key in [None, Some(SealingKey::generate().unwrap())] {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("credentials");
        let is_sealed = key.is_some();
        let file = match key {
            Some(key) => CredentialFile::sealed(&path, key),
            None => CredentialFile::new(&path),
        };
        let token = LoginToken::parse(&emulator.login_token()).unwrap();
        let session = Session::log_in(http(), &token, file.clone(), &host()).await.unwrap();
        let client = client(&emulator, session);
        let state = emulator.state();
        let old = std::fs::read(&path).unwrap();
        state.expire_access_tokens();
        state.reset_counters();
        state.add_fault(Fault::once(Matching::endpoint("token"), Effect::Delay { milliseconds: 200 }));
        // While the service answers a directory takes the place of the file: writing fails for root too.
        let swap = async {
            while state.counters().of("token") == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            std::fs::remove_file(&path).unwrap();
            std::fs::create_dir(&path).unwrap();
        };
        let (result, ()) = tokio::join!(client.customer(), swap);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Local, "sealed: {is_sealed}");
        assert_eq!(client.customer().await.unwrap_err().kind(), ErrorKind::Local, "sealed: {is_sealed}");
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, old).unwrap();
        client.customer().await.unwrap();
        assert_eq!(state.counters().of("token"), 1, "sealed: {is_sealed}");
        let kept = Session::open(http(), file, &host()).unwrap();
        self::client(&emulator, kept).customer().await.unwrap();
        assert_eq!(state.counters().of("token"), 1, "what was kept is what came: sealed: {is_sealed}");
    }
}

#[tokio::test]
async fn logging_out_forgets_the_tokens() {
    let account = Account::open().await;
    credential_file(&account.directory).remove().unwrap();
    account.state().expire_access_tokens();
    assert_eq!(account.client.customer().await.unwrap_err().kind(), ErrorKind::LoginNeeded);
    assert_eq!(account.state().counters().of("token"), 0);
}

#[tokio::test]
async fn no_secret_is_ever_printed() {
    let account = Account::open().await;
    let kept = credential_file(&account.directory).load().unwrap().unwrap();
    let text = std::fs::read_to_string(credential_file(&account.directory).path()).unwrap();
    let printed = format!("{:?} {kept:?} {:?}", account.client, account.client.session());
    let secrets: Vec<_> = text.lines().filter(|line| line.contains("_token\"")).collect();
    assert_eq!(secrets.len(), 2);
    for line in secrets {
        let secret = line.split('"').nth(3).unwrap();
        assert!(secret.len() > 8 && !printed.contains(secret), "{line}");
    }
}
