//! What the API server knows and a pod's translation needs: the objects that the pod names.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1 as corev1;

/// The objects that one pod names, read by the node. A provider never asks the API server itself.
///
/// What the pod marks `optional` and does not exist is simply not in the maps; whatever it requires is there, with
/// the keys it requires, or the node would not have asked for the pod to be started.
#[derive(Clone, Default)]
pub struct Resolved {
    /// ConfigMaps of the pod's namespace by name.
    pub config_maps: BTreeMap<String, corev1::ConfigMap>,
    /// Secrets of the pod's namespace by name, pull secrets included.
    pub secrets: BTreeMap<String, corev1::Secret>,
    /// Services of the pod's namespace, and `default/kubernetes`.
    pub services: Vec<corev1::Service>,
    /// Service-account tokens, one for each distinct request among the pod's projected volumes.
    pub tokens: BTreeMap<TokenKey, TokenValue>,
}

/// What distinguishes two token requests of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenKey {
    /// `audience` of the projection; `None` is the API server's own.
    pub audience: Option<String>,
    /// `expirationSeconds` of the projection as stored (the API server fills in 3600).
    pub expiration_seconds: Option<i64>,
}

/// A bearer token. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenValue(String);

impl TokenValue {
    /// Wraps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself, for the file that will hold it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenValue([REDACTED])")
    }
}

/// Names only: contents of Secrets and ConfigMaps never print.
impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("config_maps", &self.config_maps.keys())
            .field("secrets", &self.secrets.keys())
            .field("services", &self.services.len())
            .field("tokens", &self.tokens.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    #[test]
    fn contents_of_secrets_and_tokens_do_not_print() {
        let secret = corev1::Secret {
            data: Some([("password".to_owned(), ByteString(b"hunter2".to_vec()))].into()),
            ..Default::default()
        };
        let resolved = Resolved {
            secrets: [("db".to_owned(), secret)].into(),
            tokens: [(TokenKey::default(), TokenValue::new("eyJ.token"))].into(),
            ..Default::default()
        };
        let printed = format!("{resolved:?} {:?}", TokenValue::new("eyJ.token"));
        assert!(printed.contains("db"));
        assert!(!printed.contains("hunter2") && !printed.contains("104, 117") && !printed.contains("eyJ"));
    }
}
