//! Prepares one attempt: parameters into the URL or the body, signed with the time and nonce of now.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    InvalidHeaderName, USER_AGENT,
};
use http::{Method, Request};

use super::{API_VERSION, Client};
use crate::credentials::AccessKey;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::model::{Action, Parameters};
use crate::sign::{Outgoing, SignatureVersion, Unsigned};

/// Longer parameters travel in the body. Gateways refuse URLs from 8 KiB on, some proxies from 4 KiB.
const LONGEST_QUERY: usize = 2 * 1024;

/// Headers that prove the key.
const SENSITIVE: [&str; 3] = ["authorization", "x-acs-security-token", "x-acs-bearer-token"];

/// The headers of a signature. Names that are known need not be checked and copied for each request.
const OF_SIGNATURE: [HeaderName; 8] = [
    HeaderName::from_static("x-acs-action"),
    HeaderName::from_static("x-acs-content-sha256"),
    HeaderName::from_static("x-acs-date"),
    HeaderName::from_static("x-acs-signature-nonce"),
    HeaderName::from_static("x-acs-version"),
    AUTHORIZATION,
    CONTENT_TYPE,
    HOST,
];

/// Sent but not signed, as `Accept` is: proxies may change either.
const SELF: &str = concat!("eci-client/", env!("CARGO_PKG_VERSION"));

impl Client {
    /// The parameters of a request, the client's region added where it names none.
    pub(super) fn parameters<A: Action>(&self, request: &A) -> Parameters {
        let mut parameters = request.parameters();
        if A::REGIONAL && parameters.get("RegionId").is_none() {
            parameters.insert("RegionId", self.region_id());
        }
        parameters
    }

    pub(super) fn prepare(
        &self,
        action: &'static str,
        parameters: &Parameters,
        key: &AccessKey,
    ) -> Result<Request<Bytes>, Error> {
        let none = Parameters::default();
        let (query, form) =
            if self.in_body(parameters, key) { (&none, parameters) } else { (parameters, &none) };
        let unsigned = Unsigned {
            method: "POST",
            host: self.shared.endpoint.host(),
            action,
            version: API_VERSION,
            query,
            form,
            headers: &BTreeMap::new(),
        };
        let (now, nonce) = (self.shared.skew.corrected(self.shared.clock.now()), self.shared.nonces.next());
        let outgoing = self.shared.signature.sign(&unsigned, key, now, &nonce);
        http_request(&self.shared.endpoint, unsigned.method, outgoing).map_err(|error| {
            // Host, action and digest are ours: what does not fit into a header is the key or the nonce.
            let message = "the key cannot travel in a header: is there a line break in it?";
            Error::new(action, ErrorKind::InvalidCredentials, message).caused_by(error)
        })
    }

    /// Whether parameters travel in the body: when they are long, and when a secret would be among those in the URL,
    /// because URLs are logged on their way.
    fn in_body(&self, parameters: &Parameters, key: &AccessKey) -> bool {
        let token_is_parameter = self.shared.signature == SignatureVersion::V1 && key.is_temporary();
        parameters.joined_length() > LONGEST_QUERY || parameters.holds_secret() || token_is_parameter
    }
}

/// The request as it travels.
pub(crate) fn http_request(
    endpoint: &Endpoint,
    method: &str,
    outgoing: Outgoing,
) -> Result<Request<Bytes>, http::Error> {
    let mut headers = HeaderMap::with_capacity(outgoing.headers.len() + 3);
    for (name, value) in outgoing.headers {
        let is_sensitive = SENSITIVE.contains(&name.as_str());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from(value))?;
        // `Debug` of the request then leaves it out, whoever prints it.
        value.set_sensitive(is_sensitive);
        headers.append(header_name(&name)?, value);
    }
    // hyper leaves the length of an empty body out, and some gateways answer that with 411.
    headers.insert(CONTENT_LENGTH, HeaderValue::from(outgoing.body.len()));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(SELF));
    let mut request = Request::new(Bytes::from(outgoing.body));
    *request.method_mut() = Method::from_bytes(method.as_bytes())?;
    *request.uri_mut() = endpoint.uri(&outgoing.query)?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn header_name(name: &str) -> Result<HeaderName, InvalidHeaderName> {
    match OF_SIGNATURE.iter().find(|known| *known == name) {
        Some(known) => Ok(known.clone()),
        None => name.parse(),
    }
}
