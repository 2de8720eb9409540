//! Opens the web socket that a reply names, by the client's own transport and within its deadline.

use http::Uri;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::Client;
use crate::error::{Error, ErrorKind};
use crate::stream::exec::{ACTION, Socket};

/// Longer messages break the connection; what the cloud sends at most is not known, a page of a log has 1 MB.
const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;

impl Client {
    /// Whether a web socket may be opened there: a URL in a reply must not lead the caller's network elsewhere.
    pub(crate) fn may_open(&self, uri: &Uri) -> bool {
        self.shared.endpoint.may_name(uri)
    }

    /// Connects and shakes hands. Errors never hold the URL.
    pub(crate) async fn open_web_socket(&self, uri: Uri) -> Result<Socket, Error> {
        timeout(self.deadline, self.shake_hands(uri)).await.unwrap_or_else(|_| {
            let message = format!("the web socket did not open within {:?}", self.deadline);
            Err(Error::new(ACTION, ErrorKind::Indeterminate, message))
        })
    }

    async fn shake_hands(&self, uri: Uri) -> Result<Socket, Error> {
        let stream = self.shared.transport.connect(&uri).await.map_err(|error| {
            Error::new(ACTION, ErrorKind::Unavailable, "the web socket cannot be reached").caused_by(error)
        })?;
        let request = uri
            .into_client_request()
            .map_err(|_| Error::new(ACTION, ErrorKind::Bug, "the web socket's address is none"))?;
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(LONGEST_MESSAGE);
        config.max_frame_size = Some(LONGEST_MESSAGE);
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(SocketError::Http(response)) => {
                let error = Error::new(ACTION, ErrorKind::Unavailable, "the web socket was refused");
                Err(error.with_status(response.status().as_u16()))
            }
            Err(error) => {
                let message = "the web socket broke off before it was open";
                Err(Error::new(ACTION, ErrorKind::Indeterminate, message).caused_by(error))
            }
        }
    }
}
