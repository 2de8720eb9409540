//! What the examples ask of the command line and of the environment to reach the API.

use clap::Args;
use eci_client::{AccessKey, Client, ClientBuilder};

/// Id and secret of the key that `eci-sim` knows from its start.
const SIMULATOR: (&str, &str) = ("eci-sim-test-id", "eci-sim-test-secret");

/// Where the API answers, and whose key signs.
#[derive(Args)]
pub(crate) struct Connection {
    /// Where the API answers, unless it is the region's own endpoint
    #[arg(long)]
    endpoint: Option<String>,
    /// The id of the access key; with an endpoint of your own, the simulator's where you give none
    #[arg(long, env = "ALIBABA_CLOUD_ACCESS_KEY_ID", required_unless_present = "endpoint")]
    access_key_id: Option<String>,
    /// Its secret; better left to the environment
    #[arg(
        long,
        env = "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        hide_env_values = true,
        required_unless_present = "endpoint"
    )]
    access_key_secret: Option<String>,
}

impl Connection {
    /// The key that was given.
    pub(crate) fn key(&self) -> AccessKey {
        AccessKey::new(
            self.access_key_id.as_deref().unwrap_or(SIMULATOR.0),
            self.access_key_secret.as_deref().unwrap_or(SIMULATOR.1),
        )
    }

    /// Begins a client of a region that signs with this key.
    pub(crate) fn builder(&self, region: &str) -> ClientBuilder {
        let builder = Client::builder(region).credentials(self.key());
        match &self.endpoint {
            Some(endpoint) => builder.endpoint(endpoint),
            None => builder,
        }
    }
}
