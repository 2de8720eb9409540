//! The binary: flags in, one line out when it listens, until it is told to stop.
//!
//! Programs read the line on stdout; what a person wants to know stands on stderr.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use eci_sim::{
    AccessKey, Config, RuntimeKind, RuntimeOptions, Settings, Simulator, TEST_ACCESS_KEY_ID,
    TEST_ACCESS_KEY_SECRET, VSwitch,
};
use jiff::Timestamp;
use tracing_subscriber::EnvFilter;

/// A local ECI: the cloud's OpenAPI over HTTP, for tests and demonstrations.
///
/// Prints one line, `listening on http://ADDRESS`, when it is ready; that address in a browser shows groups, requests,
/// faults and settings. `--strict` and what follows it can also be changed while it runs: POST /_sim/settings with its
/// name, hyphens as underscores.
#[derive(Parser)]
#[command(name = "eci-sim", version, allow_negative_numbers = true)]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Listen also where other machines can connect; anyone who knows the access keys may then create groups
    #[arg(long)]
    allow_non_loopback: bool,
    /// The region of requests that name none, and the only one under --foreign-region refuse
    #[arg(long, default_value = "cn-hangzhou", value_name = "REGION")]
    region: String,
    /// An accepted access key, [ACCOUNT/]ID:SECRET[:SECURITY-TOKEN]; may be repeated. Without any it is
    /// eci-sim-test-id:eci-sim-test-secret
    #[arg(
        long,
        env = "ECI_SIM_ACCESS_KEYS",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "KEY"
    )]
    access_key: Vec<AccessKey>,
    /// A vSwitch of the account, ID or ID=ZONE; may be repeated. Without any, every id is accepted
    #[arg(long, value_name = "V-SWITCH")]
    v_switch: Vec<String>,
    /// A security group of the account; may be repeated. Without any, every id is accepted
    #[arg(long, value_name = "ID")]
    security_group: Vec<String>,
    /// Where the addresses of groups come from
    #[arg(long, default_value = "10.250.0.0/16", value_name = "RANGE")]
    address_range: String,
    /// Makes ids repeat from run to run
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// A file of identities beside the access keys: a YAML or JSON list of access_key_id, secret and, where wanted,
    /// security_token, expires_in_s, account, allow, deny, policy (a RAM policy document)
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// A file of faults that are there from the start: a YAML or JSON list of what POST /_sim/faults takes
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// A folder that keeps everything over restarts, a kill included; it is made where there is none
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Groups live by a time of their own, which begins at START and moves only by POST /_sim/clock. The times of
    /// requests are checked against the machine's clock all the same
    #[arg(long, value_name = "START", num_args = 0..=1, default_missing_value = "2026-01-01T00:00:00Z")]
    virtual_time: Option<Timestamp>,
    /// What runs containers: scripted (nothing runs, what they do is read off their command lines), runc, or the
    /// path of another OCI runtime. Other than scripted needs root; without, it is scripted all the same, which the start
    /// tells
    #[arg(long, default_value = "scripted", value_name = "RUNTIME")]
    runtime: RuntimeKind,
    /// A folder of OCI image layouts, named as the images are; without it there is busybox, made from the installed
    /// static one
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Where a runtime other than scripted keeps what it makes while it runs
    #[arg(long, default_value = "/run/eci-sim", value_name = "DIR")]
    runtime_dir: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

impl Arguments {
    fn into_config(self) -> Config {
        let Self {
            listen,
            allow_non_loopback,
            region,
            access_key,
            v_switch,
            security_group,
            address_range,
            seed,
            identities,
            faults,
            state,
            virtual_time,
            runtime,
            images,
            runtime_dir,
            settings,
        } = self;
        let mut config = Config::default();
        if !access_key.is_empty() {
            config.access_keys = access_key;
        }
        let v_switches = v_switch.into_iter().map(|text| match text.split_once('=') {
            Some((id, zone)) => VSwitch { id: id.to_owned(), zone: zone.to_owned() },
            None => VSwitch { zone: format!("{region}-a"), id: text },
        });
        config.v_switches = v_switches.collect();
        let security_groups = security_group;
        Config {
            listen,
            allow_non_loopback,
            region,
            security_groups,
            address_range,
            seed,
            identities,
            faults,
            state,
            virtual_time,
            settings,
            runtime: RuntimeOptions { kind: runtime, images, directory: runtime_dir },
            ..config
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, with its causes; nothing can be done when nobody reads it.
            let _ = writeln!(std::io::stderr(), "eci-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("ECI_SIM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let with_colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(with_colours)
        .with_writer(std::io::stderr)
        .init();
    // Before anybody knows that it runs, and may ask it to end.
    let stopped = stopped().context("waiting for a signal")?;
    let keys = arguments.access_key.len();
    let simulator = Simulator::start(arguments.into_config()).await?;
    // Whoever started it may not listen to this.
    let _ = introduce(&simulator, keys);
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", simulator.url())
        .and_then(|()| stdout.flush())
        .context("writing the address")?;
    let failure = tokio::select! {
        () = stopped => None,
        failure = simulator.failed() => Some(failure),
    };
    simulator.shutdown().await;
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// Tells a person what has started. Secrets are not told, but for the one that everybody knows.
fn introduce(simulator: &Simulator, keys: usize) -> std::io::Result<()> {
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "runtime: {}", simulator.runtime())?;
    match keys {
        0 => writeln!(stderr, "access key: {TEST_ACCESS_KEY_ID} with the secret {TEST_ACCESS_KEY_SECRET}")?,
        given => writeln!(stderr, "access keys: the {given} given")?,
    }
    writeln!(stderr, "seed: {} (--seed repeats a run)", simulator.seed())?;
    writeln!(stderr, "page: {}/", simulator.url())
}

/// Ends when the process is asked to end.
fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_negative_number_is_refused_as_one() {
        let refused = Arguments::command().try_get_matches_from(["eci-sim", "--pull-ms", "-5"]).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("invalid value '-5' for '--pull-ms <MS>'"), "{text}");
    }

    #[test]
    fn every_switch_is_explained() {
        let mut command = Arguments::command();
        command.build();
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() >= 10, "{} is not explained", argument.get_id());
        }
    }
}
