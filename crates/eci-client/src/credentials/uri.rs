//! Asks a local service for temporary keys, by plain GET.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Uri};

use super::cache::Cache;
use super::instance;
use super::surroundings::{Surroundings, send};
use super::{AccessKey, CredentialsError, ProvideCredentials};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A URI that answers with temporary keys. It may hold a secret, so it is never shown.
///
/// One on this machine or in its private networks is asked directly, as the metadata service is; another one by the way
/// that leads to STS, which may be a proxy.
pub struct CredentialsUri {
    service: Arc<Service>,
    cache: Cache,
}

struct Service {
    uri: String,
    surroundings: Surroundings,
}

impl CredentialsUri {
    /// Asks this URI, `http` or `https`.
    pub fn new(uri: impl Into<String>, surroundings: &Surroundings) -> Self {
        let service = Service { uri: uri.into(), surroundings: surroundings.clone() };
        Self { service: Arc::new(service), cache: Cache::new(&surroundings.clock) }
    }

    /// The one that `ALIBABA_CLOUD_CREDENTIALS_URI` names; `None` if it is not set.
    pub fn from_environment(surroundings: &Surroundings) -> Option<Self> {
        Some(Self::new(surroundings.var("ALIBABA_CLOUD_CREDENTIALS_URI")?, surroundings))
    }
}

impl Service {
    async fn fetch(self: Arc<Self>) -> Result<Option<AccessKey>, CredentialsError> {
        let request = Request::get(&self.uri).header("accept", "application/json").body(Bytes::new());
        let request = request.map_err(|_| CredentialsError::refused("the credentials URI is not a URI"))?;
        let Surroundings { transport, metadata_transport, .. } = &self.surroundings;
        let transport = if is_near(request.uri()) { metadata_transport } else { transport };
        let response = send(&**transport, request, TIMEOUT).await?;
        let status = response.status();
        if status.is_success() {
            return instance::read(response.body()).map(Some);
        }
        let message = format!("the credentials URI answers with HTTP {}", status.as_u16());
        if status.is_server_error() {
            Err(CredentialsError::unreachable(message))
        } else {
            Err(CredentialsError::refused(message))
        }
    }
}

/// Whether a proxy would look for it in vain: `localhost`, a name without a dot, an address that is not routed.
fn is_near(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(address)) => {
            // 100.64.0.0/10 holds the vendor's own services, the metadata among them.
            let is_shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
            address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
        }
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => !host.trim_end_matches('.').contains('.') || host.ends_with(".localhost"),
    }
}

#[async_trait]
impl ProvideCredentials for CredentialsUri {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.cache.key(Arc::clone(&self.service).fetch()).await
    }

    fn refused(&self, key: &AccessKey) {
        self.cache.forget(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_told_from_what_a_proxy_may_reach() {
        let near = |uri: &str| is_near(&uri.parse().expect("a URI"));
        for uri in [
            "http://localhost:8080/k",
            "http://keys/k",
            "http://127.0.0.1/k",
            "http://[::1]:1/k",
            "http://10.1.2.3/k",
            "http://192.168.0.1/k",
            "http://172.20.0.1/k",
            "http://100.100.100.200/k",
            "http://169.254.1.1/k",
            "http://[fd00::1]/k",
            "http://[fe80::1]/k",
            "http://keys.localhost/k",
        ] {
            assert!(near(uri), "{uri}");
        }
        for uri in
            ["https://keys.example.com/k", "http://8.8.8.8/k", "http://100.1.1.1/k", "http://[2001:db8::1]/k"]
        {
            assert!(!near(uri), "{uri}");
        }
    }
}
