//! Starts and stops a simulator.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::auth::{AccessKey, Identity, Keyring};
use crate::clock::{Clock, SystemClock};
use crate::control::ControlRequest;
use crate::document::{self, Item};
use crate::error::Error;
use crate::keep::{self, Keeper, Kept};
use crate::runtime::{self, Oci, RuntimeOptions, drive};
use crate::server::{self, About, Shared};
use crate::settings::Settings;
use crate::state::addresses::Addresses;
use crate::state::faults::Asked;
use crate::state::record::{Start, What};
use crate::state::{Cloud, Network, VSwitch};

/// The access key that is accepted when none is configured.
pub const TEST_ACCESS_KEY_ID: &str = "eci-sim-test-id";
/// The secret of [`TEST_ACCESS_KEY_ID`].
pub const TEST_ACCESS_KEY_SECRET: &str = "eci-sim-test-secret";

/// How a simulator starts; `Config::default()` suits most tests.
pub struct Config {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub allow_non_loopback: bool,
    /// The region of requests that name none.
    pub region: String,
    pub access_keys: Vec<AccessKey>,
    /// The vSwitches of the account; empty accepts every id.
    pub v_switches: Vec<VSwitch>,
    /// The security groups of the account; empty accepts every id.
    pub security_groups: Vec<String>,
    /// Where the groups' addresses come from.
    pub address_range: String,
    /// The same seed gives the same ids; `None` draws one.
    pub seed: Option<u64>,
    pub settings: Settings,
    /// A file of identities beside the access keys, YAML or JSON: a list of what `POST /_sim/accounts` takes to add one.
    pub identities: Option<PathBuf>,
    /// A file of faults that are there from the start, YAML or JSON: a list of what `POST /_sim/faults` takes.
    pub faults: Option<PathBuf>,
    /// A folder that keeps everything over restarts, a kill included; it is made where there is none.
    pub state: Option<PathBuf>,
    /// Groups live by a time of their own, which begins here and moves only by `POST /_sim/clock`. The times of requests are
    /// checked against the clock all the same.
    pub virtual_time: Option<Timestamp>,
    pub clock: Arc<dyn Clock>,
    pub runtime: RuntimeOptions,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_non_loopback: false,
            region: "cn-hangzhou".to_owned(),
            access_keys: vec![AccessKey::new(TEST_ACCESS_KEY_ID, TEST_ACCESS_KEY_SECRET)],
            v_switches: Vec::new(),
            security_groups: Vec::new(),
            address_range: "10.250.0.0/16".to_owned(),
            seed: None,
            settings: Settings::default(),
            identities: None,
            faults: None,
            state: None,
            virtual_time: None,
            clock: Arc::new(SystemClock),
            runtime: RuntimeOptions::default(),
        }
    }
}

/// A simulator that listens. Dropping it stops it.
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Simulator {
    /// Binds the address and serves from then on, on the current tokio runtime.
    ///
    /// # Errors
    /// When the configuration makes no sense, or the address cannot be listened on.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let Config { listen, allow_non_loopback, clock, .. } = &config;
        if !listen.ip().to_canonical().is_loopback() && !allow_non_loopback {
            return Err(Error::NotLoopback(*listen));
        }
        let (listen, clock) = (*listen, Arc::clone(clock));
        let (runtime, address_range) = (config.runtime.clone(), config.address_range.clone());
        let faults: Vec<Asked> = items(config.faults.as_ref()).await?;
        let identities: Vec<Identity> = items(config.identities.as_ref()).await?;
        let folder = config.state.clone();
        let (mut cloud, mut start) = cloud(config, faults)?;
        let lifetimes: Vec<_> = identities.iter().map(Identity::lifetime).collect();
        for identity in identities {
            cloud.keyring.add(identity.into_key());
        }
        let kept = folder.as_deref().map(|folder| Keeper::open(folder, cloud.anew())).transpose()?;
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::AddressInUse(listen),
            _ => Error::Listen { address: listen, source },
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let choice = runtime::choose(&runtime.kind);
        let oci = match &choice.program {
            None => None,
            Some(program) => {
                let instance = getrandom::u32().map_err(|error| Error::Seed(error.to_string()))?;
                Some(Arc::new(Oci::start(program, &runtime, &address_range, instance).await?))
            }
        };
        start.gateway = oci.as_ref().map(|oci| oci.gateway());
        let keeper = match (begin(&mut cloud, start, kept, clock.now()), &oci) {
            (Err(error), Some(oci)) => {
                oci.end().await;
                return Err(error);
            }
            (begun, _) => begun?,
        };
        let now = cloud.advance(clock.now());
        lifetimes.into_iter().flatten().for_each(|(id, lifetime)| cloud.keyring.limit(&id, now, lifetime));
        cloud.address = Some(address);
        let about = About { runtime: choice.sentence, seed: cloud.seed };
        let shared = Arc::new(Shared::new(cloud, clock, oci.clone(), keeper, about));
        if let Some(oci) = &oci {
            shared.tasks.spawn(drive(Arc::clone(oci), Arc::clone(&shared)));
        }
        shared.tasks.spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What runs the containers, in words; also why, where it is not what was asked for.
    pub fn runtime(&self) -> &str {
        &self.shared.about.runtime
    }

    /// The seed that makes this run repeat.
    pub fn seed(&self) -> u64 {
        self.shared.about.seed
    }

    /// The control API without HTTP: `control("POST", "settings", &json!({"pull_ms": 0}))`.
    ///
    /// The path is what follows `/_sim/`, with its query. Returns the HTTP status and the body.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.shared.control(ControlRequest { method, path, query, body: body.to_string().as_bytes() })
    }

    /// Waits until it has ended by itself, and tells why: its state could not be written, so it answers no more.
    pub async fn failed(&self) -> Error {
        self.shared.stop.cancelled().await;
        match self.shared.failure() {
            Some(error) => error,
            // It is being dropped.
            None => std::future::pending().await,
        }
    }

    /// Closes every connection and waits until nothing of it runs.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.put_away();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// Repeats what a folder has kept, begins one more run, and writes that down.
fn begin(
    cloud: &mut Cloud,
    start: Start,
    kept: Option<(Keeper, Kept)>,
    wall: Timestamp,
) -> Result<Option<Keeper>, Error> {
    let refuse = |directory: &Path, problem: String| Error::State { path: directory.to_owned(), problem };
    let Some((mut keeper, Kept { records, tally })) = kept else {
        cloud.begin(wall, &start).expect("a first run has nothing to agree with");
        return Ok(None);
    };
    for (line, record) in records {
        let repeated = cloud.replay(record);
        repeated.map_err(|problem| refuse(&keeper.journal_path(), keep::damaged(line, &problem)))?;
    }
    cloud
        .begin(wall, &start)
        .map_err(|problem| refuse(keeper.directory(), format!("cannot be used: {problem}")))?;
    cloud.recall(tally);
    cloud.unsaved = Some(Vec::new());
    cloud.keep(What::Start(Box::new(start)));
    keeper.save(cloud);
    keeper.failure().map_or(Ok(Some(keeper)), Err)
}

/// The items of a file, none where there is no file.
async fn items<T: Item>(path: Option<&PathBuf>) -> Result<Vec<T>, Error> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|source| Error::Read { path: path.clone(), source })?;
    document::read(&text).map_err(|problem| Error::Script { path: path.clone(), problem })
}

/// A cloud in which nothing has happened, and how it is to begin.
pub(crate) fn cloud(config: Config, faults: Vec<Asked>) -> Result<(Cloud, Start), Error> {
    let Config { region, access_keys, v_switches, security_groups, address_range, settings, .. } = config;
    let seed = match config.seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(|error| Error::Seed(error.to_string()))?,
    };
    let start = Start {
        region: region.clone(),
        network: Network { v_switches, security_groups },
        address_range: address_range.clone(),
        settings: settings.clone(),
        seed,
        seed_is_given: config.seed.is_some(),
        virtual_time: config.virtual_time,
        gateway: None,
        faults,
    };
    let addresses = Addresses::of_range(&address_range)?;
    let cloud = Cloud::new(region, settings, Keyring::new(access_keys), addresses, seed);
    Ok((cloud, start))
}
