//! Leads connections through proxies: a tunnel (`CONNECT`) for HTTPS and for web sockets, forwarding for plain HTTP.
//!
//! Through a tunnel the proxy sees the host only. What it is told of its user's password is never shown.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::header::HeaderValue;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

/// Which connections go through which proxy.
///
/// A proxy is `http://[user:password@]host[:port]`, or `https://…` if it is itself reached over TLS.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    except: String,
}

impl Proxies {
    /// None: every connection goes straight to its host.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of the process's environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or
    /// not.
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Those of these variables, named as in [`Proxies::from_environment`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let either = |name: &str| said(&name.to_uppercase()).or_else(|| said(&name.to_lowercase()));
        // In a CGI program `HTTP_PROXY` is what a visitor sent as the header `Proxy`.
        let http =
            if variable("REQUEST_METHOD").is_some() { said("http_proxy") } else { either("http_proxy") };
        let all = either("all_proxy");
        Self {
            http: http.or_else(|| all.clone()),
            https: either("https_proxy").or(all),
            except: either("no_proxy").unwrap_or_default(),
        }
    }

    /// Sends connections to `https://` hosts through this proxy.
    #[must_use]
    pub fn https(mut self, proxy: impl Into<String>) -> Self {
        self.https = Some(proxy.into());
        self
    }

    /// Sends requests to `http://` hosts through this proxy.
    #[must_use]
    pub fn http(mut self, proxy: impl Into<String>) -> Self {
        self.http = Some(proxy.into());
        self
    }

    /// Leaves these hosts out: domains (their subdomains included), addresses, networks such as `10.0.0.0/8`, or `*`;
    /// separated by commas.
    #[must_use]
    pub fn except(mut self, hosts: impl Into<String>) -> Self {
        self.except = hosts.into();
        self
    }

    /// # Errors
    ///
    /// What is given as a proxy is none that is understood.
    pub(super) fn matcher(&self) -> io::Result<Arc<Matcher>> {
        let mut builder = Matcher::builder().no(self.except.as_str());
        if let Some(proxy) = &self.http {
            builder = builder.http(understood(proxy)?);
        }
        if let Some(proxy) = &self.https {
            builder = builder.https(understood(proxy)?);
        }
        Ok(Arc::new(builder.build()))
    }
}

/// The proxy, if the matcher will not silently pass over it.
fn understood(proxy: &str) -> io::Result<&str> {
    let anywhere = Uri::from_static("http://host/");
    let proxy = proxy.trim();
    let read = Matcher::builder().http(proxy).build().intercept(&anywhere);
    let known = read.is_some_and(|read| matches!(read.uri().scheme_str(), Some("http" | "https")));
    // Not quoted: there may be a password in it.
    known.then_some(proxy).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "a proxy is not of the form http[s]://[user:password@]host[:port]",
        )
    })
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("except", &self.except)
            .finish()
    }
}

/// What a request that is forwarded (not tunnelled) has to show to the proxy.
pub(super) fn authorization(proxies: &Matcher, uri: &Uri) -> Option<HeaderValue> {
    let proxy = proxies.intercept(uri).filter(|_| uri.scheme() == Some(&Scheme::HTTP))?;
    let mut value = proxy.basic_auth()?.clone();
    value.set_sensitive(true);
    Some(value)
}

type BoxError = Box<dyn StdError + Send + Sync>;

/// A proxy that refused, or is not there. Says which way was wanted; of the proxy only what went wrong.
#[derive(Debug, thiserror::Error)]
#[error("no tunnel through the proxy to {to:?}")]
struct NoTunnel {
    to: String,
    source: BoxError,
}

/// Connects to a host, or to the proxy on the way to it.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) tcp: HttpConnector,
    pub(super) to_proxy: HttpsConnector<HttpConnector>,
    pub(super) proxies: Arc<Matcher>,
    /// Also where nothing is encrypted: a proxy that forwards single requests lets no web socket through.
    pub(super) only_tunnels: bool,
}

impl Service<Uri> for Route {
    type Response = Routed;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Routed, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.intercept(&host) else {
            let connecting = self.tcp.call(host);
            return Box::pin(async { Ok(Routed::to_host(MaybeHttpsStream::Http(connecting.await?))) });
        };
        if self.only_tunnels || host.scheme() == Some(&Scheme::HTTPS) {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            return Box::pin(async move {
                let host = with_port(host)?;
                let to = host.authority().map_or_else(String::new, ToString::to_string);
                let connected = tunnel.call(host).await;
                Ok(Routed::to_host(connected.map_err(|error| NoTunnel { to, source: error.into() })?))
            });
        }
        let connecting = self.to_proxy.call(proxy.uri().clone());
        Box::pin(async { Ok(Routed { stream: connecting.await?, forwarded: true }) })
    }
}

/// The same with its scheme's port, where it has none: a tunnel takes 443 for granted.
fn with_port(host: Uri) -> Result<Uri, http::Error> {
    if host.port().is_some() {
        return Ok(host);
    }
    let port = if host.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let authority = format!("{}:{port}", host.host().unwrap_or_default());
    let scheme = host.scheme().unwrap_or(&Scheme::HTTP).clone();
    Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build()
}

/// A connection that leads to the host, or to a proxy that forwards.
#[derive(Debug)]
pub(super) struct Routed {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    forwarded: bool,
}

impl Routed {
    fn to_host(stream: MaybeHttpsStream<TokioIo<TcpStream>>) -> Self {
        Self { stream, forwarded: false }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut MaybeHttpsStream<TokioIo<TcpStream>>> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Connection for Routed {
    /// A proxy that forwards is given whole URLs.
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.forwarded)
    }
}

impl Read for Routed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buf)
    }
}

impl Write for Routed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// The proxy a URL goes through.
    fn through(proxies: &Proxies, url: &'static str) -> Option<String> {
        let matcher = proxies.matcher().expect("proxies that are understood");
        matcher.intercept(&Uri::from_static(url)).map(|proxy| proxy.uri().to_string())
    }

    #[test]
    fn variables_are_read_in_either_case() {
        let proxies = from(&[
            ("HTTPS_PROXY", "http://p:1"),
            ("http_proxy", "q:2"),
            ("no_proxy", "vpc.example, 10.0.0.0/8"),
        ]);
        assert_eq!(through(&proxies, "https://eci.example/").as_deref(), Some("http://p:1/"));
        assert_eq!(through(&proxies, "http://eci.example/").as_deref(), Some("http://q:2/"));
        for direct in ["https://eci.vpc.example/", "https://vpc.example/", "http://10.1.2.3:80/"] {
            assert_eq!(through(&proxies, direct), None, "{direct}");
        }
        assert_eq!(through(&from(&[("ALL_PROXY", "p:1")]), "https://x/").as_deref(), Some("http://p:1/"));
        assert_eq!(through(&from(&[("HTTPS_PROXY", "")]), "https://x/"), None);
    }

    #[test]
    fn a_visitor_of_a_cgi_program_chooses_no_proxy() {
        let proxies = from(&[("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(through(&proxies, "http://eci.example/"), None);
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        for proxy in ["socks5://user:hunter2@p:1", "ftp://user:hunter2@p", "http://", "a b"] {
            let error = Proxies::none().https(proxy).matcher().expect_err("no proxy");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let shown = format!("{:?}", Proxies::none().https("http://user:hunter2@p:1").except("x"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_tunnel_leads_to_the_schemes_own_port() {
        for (host, expected) in [
            ("http://h/", "http://h:80/"),
            ("https://h/", "https://h:443/"),
            ("http://[::1]/", "http://[::1]:80/"),
            ("https://h:8443/", "https://h:8443/"),
        ] {
            assert_eq!(with_port(Uri::from_static(host)).expect("a URL"), Uri::from_static(expected));
        }
    }

    #[test]
    fn only_forwarded_requests_show_the_password_themselves() {
        let matcher = Proxies::none().http("http://a:b@p").https("http://a:b@p").matcher().expect("proxies");
        assert!(
            authorization(&matcher, &Uri::from_static("http://h/")).is_some_and(|value| value.is_sensitive())
        );
        assert_eq!(authorization(&matcher, &Uri::from_static("https://h/")), None);
    }
}
