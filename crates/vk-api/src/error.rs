//! What can go wrong in the kubelet API, apart from what a request is answered with.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The cause of an error, whatever its type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the server or of what it asks others.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port could not be taken. The process ends: without it there are no logs.
    #[error("listening on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    /// A certificate file could not be read. At start fatal; later the certificate in use stays.
    #[error("reading the serving certificate from '{path}'")]
    ReadCertificate {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The files hold no certificate and key that belong together. As `ReadCertificate`.
    #[error("using the serving certificate of '{path}'")]
    UseCertificate {
        path: PathBuf,
        #[source]
        source: BoxError,
    },
    /// No certificate could be made for these names.
    #[error("making a self-signed certificate for node '{node}'")]
    SelfSigned {
        node: String,
        #[source]
        source: BoxError,
    },
    /// The TLS settings do not fit the crypto provider: a fault of this crate.
    #[error("setting up TLS")]
    Tls(#[source] rustls::Error),
    /// The client CA bundle holds no usable certificate. The bundle in use stays.
    #[error("using the client CA bundle")]
    ClientCa(#[source] BoxError),
    /// The API server was not reached in time, or refused. The request that needed it is answered 503.
    #[error("{attempted}")]
    ApiServer {
        attempted: &'static str,
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// A call of the API server that brought no answer. `attempted` says what was tried: `listing pods`.
    pub fn api_server(attempted: &'static str, source: impl Into<BoxError>) -> Self {
        Self::ApiServer { attempted, source: source.into() }
    }

    /// Message and causes in one line, for the place where it is logged or shown.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
