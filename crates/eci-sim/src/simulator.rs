//! Starts and stops a simulator.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::auth::{AccessKey, Identity, Keyring};
use crate::clock::{Clock, SystemClock};
use crate::control::ControlRequest;
use crate::document::{self, Item};
use crate::error::Error;
use crate::rng::Rng;
use crate::runtime::{self, Oci, RuntimeOptions, drive};
use crate::server::{self, About, Shared};
use crate::settings::Settings;
use crate::state::addresses::Addresses;
use crate::state::faults::Asked;
use crate::state::store::Store;
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
        let seed = match config.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(|error| Error::Seed(error.to_string()))?,
        };
        let faults: Vec<Asked> = items(config.faults.as_ref()).await?;
        let identities: Vec<Identity> = items(config.identities.as_ref()).await?;
        let mut cloud = cloud(Config { seed: Some(seed), ..config })?;
        let now = cloud.advance(clock.now());
        for identity in identities {
            cloud.keyring.add(identity.into_key(now));
        }
        for fault in faults {
            cloud.faults.add(fault, now).expect("a file's faults are checked when it is read");
        }
        let failed = |source| Error::Listen { address: listen, source };
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
        if let Some(oci) = &oci {
            cloud.is_real = true;
            cloud.store.addresses.take_exactly(oci.gateway());
        }
        cloud.address = Some(address);
        let about = About { runtime: choice.sentence, seed };
        let shared = Arc::new(Shared::new(cloud, clock, oci.clone(), about));
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

    /// Closes every connection and waits until nothing of it runs.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// The items of a file, none where there is no file.
async fn items<T: Item>(path: Option<&PathBuf>) -> Result<Vec<T>, Error> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|source| Error::Read { path: path.clone(), source })?;
    document::read(&text).map_err(|problem| Error::Script { path: path.clone(), problem })
}

/// The state a simulator starts with.
pub(crate) fn cloud(config: Config) -> Result<Cloud, Error> {
    let Config { region, access_keys, v_switches, security_groups, address_range, seed, settings, .. } =
        config;
    let seed = match seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(|error| Error::Seed(error.to_string()))?,
    };
    Ok(Cloud {
        region,
        network: Network { v_switches, security_groups },
        settings,
        keyring: Keyring::new(access_keys),
        store: Store::new(Addresses::of_range(&address_range)?),
        tokens: Default::default(),
        faults: Default::default(),
        journal: Default::default(),
        rng: Rng::new(seed),
        throttle: Default::default(),
        latencies: Rng::new(!seed),
        catalog: Default::default(),
        is_real: false,
        execs: Default::default(),
        late_creates: None,
        address: None,
        advanced: jiff::SignedDuration::ZERO,
    })
}
