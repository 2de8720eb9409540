//! Carries HTTP requests: the seam, and its default on hyper and rustls.
//!
//! The one thing a transport must tell is whether a request that failed may have reached the server; on it rests
//! whether a create may simply be repeated.

#[cfg(feature = "hyper")]
mod hyper;
#[cfg(feature = "hyper")]
mod proxy;

use std::error::Error as StdError;

use async_trait::async_trait;
use bytes::Bytes;

#[cfg(feature = "hyper")]
pub use self::hyper::{HyperTransport, HyperTransportBuilder};
#[cfg(feature = "hyper")]
pub use self::proxy::Proxies;

/// Sends one HTTP request and reads its answer in full.
///
/// # Guarantees
///
/// Called from many tasks at once. The future is dropped when the call's deadline passes; the client then assumes
/// that the server may have received the request. The client asks for nothing else: no redirects, no retries.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends the request. An HTTP status of any value is an answer, not an error.
    ///
    /// # Errors
    ///
    /// There is no whole answer. [`TransportError::not_sent`] only when not a byte of the request can have reached
    /// the server.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError>;

    /// Opens a connection for a web socket, with TLS where the scheme is `wss`. What the path and the query hold is a
    /// secret and not for the transport. A transport that does not override this cannot run commands.
    ///
    /// # Errors
    ///
    /// [`TransportError::not_sent`]: there is no connection.
    #[cfg(feature = "exec")]
    async fn connect(&self, _uri: &http::Uri) -> Result<Box<dyn Connection>, TransportError> {
        let unsupported = std::io::ErrorKind::Unsupported;
        Err(TransportError::not_sent(std::io::Error::new(unsupported, "this transport opens no web sockets")))
    }
}

/// A connection that bytes go over, both ways. Anything that reads and writes is one.
#[cfg(feature = "exec")]
pub trait Connection: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static {}

#[cfg(feature = "exec")]
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static> Connection for T {}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", if *.may_have_been_received { "no answer to the request" } else { "cannot connect" })]
pub struct TransportError {
    may_have_been_received: bool,
    source: Box<dyn StdError + Send + Sync>,
}

impl TransportError {
    /// The request did not leave: no address, connection refused, TLS handshake failed.
    pub fn not_sent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { may_have_been_received: false, source: source.into() }
    }

    /// The request began to leave; what became of it is not known.
    pub fn unanswered(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { may_have_been_received: true, source: source.into() }
    }

    /// Whether the server may have received the request.
    pub fn may_have_been_received(&self) -> bool {
        self.may_have_been_received
    }
}
