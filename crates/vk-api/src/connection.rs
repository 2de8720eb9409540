//! Carries one connection from the handshake to its end, with a time limit on everything a client may leave undone.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::BoxError;
use crate::io::WriteTimeout;
use crate::respond::Body;
use crate::service::Service;

/// Time limits and sizes. The defaults are meant to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time; further ones wait to be accepted.
    pub connections: usize,
    /// Logs followed at one time; further ones are answered 503.
    pub streams: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the head of a request; on HTTP/1.1 counted from the answer before it, so longer than a scrape interval.
    pub header: Duration,
    /// For a connection on which nothing is asked.
    pub idle: Duration,
    /// For a client to take what is written to it.
    pub write: Duration,
    /// For answers under way when the process ends.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            streams: 512,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(30),
            idle: Duration::from_secs(120),
            write: Duration::from_secs(60),
            shutdown: Duration::from_secs(10),
        }
    }
}

/// Bytes of a request's head, as RFC 9110 servers commonly take; a token has about 1 KB.
const HEAD_BYTES: u32 = 32 * 1024;
/// Requests at one time on one HTTP/2 connection.
const CONCURRENT_REQUESTS: u32 = 128;
/// For a connection that was idle to go after it was told.
const FAREWELL: Duration = Duration::from_secs(5);

/// What all connections share.
pub(crate) struct Connections {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) service: Arc<Service>,
    pub(crate) limits: Limits,
    /// Finish what is under way.
    pub(crate) drain: CancellationToken,
    /// Stop.
    pub(crate) abort: CancellationToken,
}

impl Connections {
    pub(crate) async fn serve(&self, socket: TcpStream) {
        let tls = tokio::select! {
            biased;
            () = self.drain.cancelled() => return,
            tls = self.handshake(socket) => tls,
        };
        if let Some(tls) = tls {
            tokio::select! {
                biased;
                () = self.abort.cancelled() => {}
                () = self.serve_requests(tls) => {}
            }
        }
    }

    async fn handshake(&self, socket: TcpStream) -> Option<TlsStream<WriteTimeout<TcpStream>>> {
        let stream = WriteTimeout::new(socket, self.limits.write);
        match timeout(self.limits.handshake, self.acceptor.accept(stream)).await {
            Ok(Ok(tls)) => Some(tls),
            Ok(Err(error)) => {
                debug!(%error, "handshake failed");
                None
            }
            Err(_) => {
                debug!("handshake given up");
                None
            }
        }
    }

    /// The protocol is the one that the handshake agreed on: nothing is guessed from the first bytes, which might
    /// never come.
    async fn serve_requests(&self, tls: TlsStream<WriteTimeout<TcpStream>>) {
        let (_, session) = tls.get_ref();
        let chain: Arc<[CertificateDer<'static>]> = session.peer_certificates().unwrap_or_default().into();
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let activity = Activity::default();
        let service = hyper::service::service_fn(|request| {
            let (service, chain, busy) = (Arc::clone(&self.service), Arc::clone(&chain), activity.begin());
            async move {
                let response = service.answer(&request, &chain).await;
                Ok::<_, Infallible>(response.map(|body| BusyBody { body, _busy: busy }))
            }
        });
        let stream = TokioIo::new(tls);
        let ended = if is_http2 {
            let connection = http2().serve_connection(stream, service);
            self.converse(connection, |connection| connection.graceful_shutdown(), &activity).await
        } else {
            let connection = http1(self.limits.header).serve_connection(stream, service).with_upgrades();
            self.converse(connection, |connection| connection.graceful_shutdown(), &activity).await
        };
        if let Err(error) = ended {
            debug!(%error, "connection broke");
        }
    }

    async fn converse<C>(
        &self,
        connection: C,
        finish: impl FnOnce(Pin<&mut C>),
        activity: &Activity,
    ) -> Result<(), hyper::Error>
    where
        C: Future<Output = Result<(), hyper::Error>>,
    {
        let mut connection = pin!(connection);
        let idle = tokio::select! {
            biased;
            () = self.drain.cancelled() => false,
            () = activity.idle_for(self.limits.idle) => true,
            ended = connection.as_mut() => return ended,
        };
        finish(connection.as_mut());
        if idle {
            return timeout(FAREWELL, connection).await.unwrap_or(Ok(()));
        }
        // Until the whole server's time is over.
        connection.await
    }
}

fn http1(header: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header).max_buf_size(HEAD_BYTES as usize);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES)
        .max_concurrent_streams(CONCURRENT_REQUESTS)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(15));
    builder
}

/// Counts the requests under way on one connection.
#[derive(Default)]
struct Activity(watch::Sender<usize>);

/// One request under way, until its answer's body is gone.
struct Busy(watch::Sender<usize>);

impl Activity {
    fn begin(&self) -> Busy {
        self.0.send_modify(|busy| *busy += 1);
        Busy(self.0.clone())
    }

    /// Returns when nothing was under way for so long.
    async fn idle_for(&self, limit: Duration) {
        let mut count = self.0.subscribe();
        loop {
            // Neither can fail: `self` holds a sender.
            let _ = count.wait_for(|busy| *busy == 0).await;
            let since = Instant::now();
            if timeout(limit, count.changed()).await.is_err() && since.elapsed() >= limit {
                return;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|busy| *busy -= 1);
    }
}

/// An answer's body that keeps its connection from counting as idle.
struct BusyBody {
    body: Body,
    _busy: Busy,
}

impl hyper::body::Body for BusyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_when_nothing_was_asked_for_long_enough() {
        let started = Instant::now();
        Activity::default().idle_for(LIMIT).await;
        assert_eq!(started.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_no_idleness_however_long_it_takes() {
        let (activity, started) = (Activity::default(), Instant::now());
        let first = activity.begin();
        let work = async {
            tokio::time::sleep(10 * LIMIT).await;
            let second = activity.begin();
            drop(first);
            tokio::time::sleep(LIMIT / 2).await;
            drop(second);
        };
        tokio::join!(activity.idle_for(LIMIT), work);
        assert_eq!(started.elapsed(), 11 * LIMIT + LIMIT / 2);
    }
}
