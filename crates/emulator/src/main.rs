//! The emulator as a program: options in, addresses and a login token out, then it serves until it is
//! stopped.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use jottad_emulator::{Emulator, EmulatorConfig, FaultArgument, LegacyLogin, Switches};
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
It prints lines of the form key=value: base_url, login_token, and with --proxy-listen also proxy_url, ca_file and
proxy_login_token.

jottad against the base URL, in its config file:
  [service]
  jfs_url = \"http://127.0.0.1:PORT\"
  api_url = \"http://127.0.0.1:PORT\"
  www_url = \"http://127.0.0.1:PORT\"
  id_url  = \"http://127.0.0.1:PORT\"
then: echo LOGIN_TOKEN | jottad login --token-stdin

rclone, or jottad with its default config, through the proxy:
  export HTTPS_PROXY=http://127.0.0.1:PROXY_PORT SSL_CERT_FILE=ca.pem
  rclone config create emulated jottacloud    (answer with PROXY_LOGIN_TOKEN)

The control endpoint is below base_url/control/: GET tree, entry, content, counters, requests, switches, usage;
POST counters/reset, login-token, faults, switches, act, expire-tokens, revoke-sessions, access-lifetime, quota,
lock, clock. For example:
  curl -d '{\"act\":\"put\",\"path\":\"Jotta/Archive/a.txt\",\"content\":{\"text\":\"hi\"}}' BASE_URL/control/act
  curl -d '{\"add\":[{\"matching\":{\"endpoint\":\"upload\"},\"times\":2,
            \"effect\":{\"kind\":\"cut-request\",\"after\":1000}}]}' BASE_URL/control/faults";

/// A Jottacloud on localhost.
#[derive(Parser)]
#[command(version, after_help = HELP)]
struct Options {
    /// Where to serve plain HTTP (loopback only; port 0 takes any free one)
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where to serve as a CONNECT proxy with TLS
    #[arg(long)]
    proxy_listen: Option<SocketAddr>,
    /// Where to write the proxy's certificate authority
    #[arg(long, default_value = "jottad-emulator-ca.pem")]
    ca_file: PathBuf,
    /// How long each request waits, for example 20ms
    #[arg(long, default_value = "0ms", value_parser = parse_duration)]
    latency: Duration,
    /// The answer to an open question about the service, for example U02=every-folder
    #[arg(long = "switch", value_name = "SWITCH=ANSWER")]
    switches: Vec<String>,
    /// Draw all answers from this seed
    #[arg(long, value_name = "SEED")]
    random_switches: Option<u64>,
    /// List all switches with their answers, the default first, and exit
    #[arg(long)]
    list_switches: bool,
    /// A rate of random faults (reads=5, writes, contents, logins, all), or one scripted fault in JSON
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<FaultArgument>,
    /// Bytes that the account may hold; unlimited when not given
    #[arg(long)]
    capacity: Option<u64>,
    /// How many seconds access tokens live
    #[arg(long, default_value_t = 3600)]
    access_lifetime: u64,
    /// Accept the legacy login with this password
    #[arg(long, value_name = "PASSWORD")]
    legacy_password: Option<String>,
    /// Ask legacy logins for this code of six digits too
    #[arg(long, value_name = "CODE", requires = "legacy_password")]
    one_time_code: Option<String>,
    /// Also write the login token to this file
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// What ids, tokens and random faults are drawn from
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut out = std::io::stdout();
    if options.list_switches {
        for info in Switches::ALL {
            writeln!(out, "{} {}: {}", info.id, info.answers.join(" | "), info.question)?;
        }
        return Ok(());
    }
    let (config, scripted) = configure(&options)?;
    // Before anybody is told where it is: who knows that may stop it.
    let stopped = stopped()?;
    let emulator = Emulator::start(config).await?;
    for fault in scripted {
        emulator.state().add_fault(fault);
    }
    let token = emulator.login_token();
    if let Some(file) = &options.token_file {
        std::fs::write(file, &token).with_context(|| format!("cannot write {}", file.display()))?;
    }
    writeln!(out, "base_url={}", emulator.base_url())?;
    writeln!(out, "login_token={token}")?;
    if let Some(proxy_url) = emulator.proxy_url() {
        let token = emulator.state().login_token_for("id.jottacloud.com", "jottacloud");
        writeln!(out, "proxy_url={proxy_url}")?;
        writeln!(out, "ca_file={}", options.ca_file.display())?;
        writeln!(out, "proxy_login_token={token}")?;
    }
    out.flush()?;
    stopped.await;
    emulator.shutdown().await;
    Ok(())
}

fn configure(options: &Options) -> anyhow::Result<(EmulatorConfig, Vec<jottad_emulator::Fault>)> {
    let mut config = EmulatorConfig {
        listen: options.listen,
        proxy_listen: options.proxy_listen,
        ca_file: options.proxy_listen.map(|_| options.ca_file.clone()),
        latency: options.latency,
        seed: options.seed,
        ..EmulatorConfig::default()
    };
    config.account.capacity = options.capacity;
    config.tokens.legacy = options
        .legacy_password
        .clone()
        .map(|password| LegacyLogin { password, one_time_code: options.one_time_code.clone() });
    config.tokens.access_lifetime = Duration::from_secs(options.access_lifetime);
    if let Some(seed) = options.random_switches {
        config.switches = Switches::random(seed);
    }
    for switch in &options.switches {
        config.switches.apply(switch)?;
    }
    let mut scripted = Vec::new();
    for fault in &options.faults {
        match fault {
            FaultArgument::Rate { class, percent } => config.faults.set(class, *percent),
            FaultArgument::Scripted(fault) => scripted.push(fault.as_ref().clone()),
        }
    }
    Ok((config, scripted))
}

/// From now on SIGINT and SIGTERM do not end the program at once, and are waited for.
fn stopped() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// `20ms`, `2s`, `0`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = |_| format!("{text:?} is no duration, try 20ms or 2s");
    if let Some(milliseconds) = text.strip_suffix("ms") {
        return milliseconds.parse().map(Duration::from_millis).map_err(wrong);
    }
    text.strip_suffix('s').unwrap_or(text).parse().map(Duration::from_secs).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, expected) in [("20ms", Some(20)), ("2s", Some(2000)), ("0", Some(0)), ("x", None)] {
            assert_eq!(parse_duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn the_options_are_consistent() {
        use clap::CommandFactory as _;
        Options::command().debug_assert();
    }
}
