//! What the examples have in common: how they reach the API, and how they end.

use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use eci_client::credentials::{Chain, Surroundings};
use eci_client::transport::Proxies;
use eci_client::{AccessKey, Client, CredentialsError, ErrorKind, HyperTransport};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Id and secret of the key that `eci-sim` knows from its start.
const SIMULATOR: (&str, &str) = ("eci-sim-test-id", "eci-sim-test-secret");

/// Where the API answers, and whose key signs.
#[derive(Args)]
pub(crate) struct Connection {
    /// Where the API answers, unless it is the region's own endpoint
    #[arg(long)]
    endpoint: Option<String>,
    /// The id of the access key. Without one: the simulator's where there is an endpoint, else what the environment,
    /// profiles and the machine's role offer, as with the vendor's own tools
    #[arg(long, env = "ALIBABA_CLOUD_ACCESS_KEY_ID", requires = "access_key_secret")]
    access_key_id: Option<String>,
    /// Its secret; better left to the environment
    #[arg(long, env = "ALIBABA_CLOUD_ACCESS_KEY_SECRET", hide_env_values = true, requires = "access_key_id")]
    access_key_secret: Option<String>,
    /// The token of a temporary key
    #[arg(long, env = "ALIBABA_CLOUD_SECURITY_TOKEN", hide_env_values = true, default_value = "")]
    security_token: String,
}

impl Connection {
    /// A client of a region.
    pub(crate) fn client(&self, region: &str) -> Result<Client> {
        let key = |id, secret| AccessKey::new(id, secret).with_security_token(&self.security_token);
        let proxied = HyperTransport::builder().proxies(Proxies::from_environment()).build()?;
        let builder = Client::builder(region).transport(proxied);
        let builder = match (&self.access_key_id, &self.access_key_secret, &self.endpoint) {
            (Some(id), Some(secret), _) => builder.credentials(key(id.as_str(), secret.as_str())),
            (_, _, Some(_)) => builder.credentials(key(SIMULATOR.0, SIMULATOR.1)),
            _ => builder.credentials(Chain::official(&Surroundings::system()?)),
        };
        let builder = match &self.endpoint {
            Some(endpoint) => builder.endpoint(endpoint),
            None => builder,
        };
        Ok(builder.build()?)
    }
}

/// The program's exit code; an error goes to stderr with its causes, and with what to do about it.
pub(crate) fn end(result: Result<ExitCode>) -> ExitCode {
    let error = match result {
        Ok(code) => return code,
        Err(error) => error,
    };
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprintln!("caused by: {inner}");
        cause = inner.source();
    }
    if let Some(advice) = error.downcast_ref().and_then(advice) {
        eprintln!("{advice}");
    }
    ExitCode::FAILURE
}

fn advice(error: &eci_client::Error) -> Option<&'static str> {
    const KEY: &str = "Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET to a valid key, and \
        ALIBABA_CLOUD_SECURITY_TOKEN too if it is a temporary one; or give the --endpoint of a simulator.";
    if error.source().is_some_and(|source| source.is::<CredentialsError>()) {
        return Some(KEY);
    }
    match error.kind() {
        ErrorKind::InvalidCredentials => Some(KEY),
        ErrorKind::Denied => Some("The owner of the account has to permit the key this action (RAM)."),
        ErrorKind::NotFound => Some("The example list_groups shows what there is in a region."),
        ErrorKind::InvalidRequest | ErrorKind::Misconfigured => Some("See --help for what can be given."),
        ErrorKind::Unavailable => {
            Some("Check the region or --endpoint, and the proxies HTTPS_PROXY, HTTP_PROXY and NO_PROXY.")
        }
        _ => None,
    }
}
