//! Prepares one attempt: parameters into the URL or the body, signed with the time and nonce of now.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, CONTENT_LENGTH, USER_AGENT};

use super::{API_VERSION, Client};
use crate::credentials::AccessKey;
use crate::error::{Error, ErrorKind};
use crate::model::{Action, Parameters};
use crate::sign::{Outgoing, Unsigned, v3};

/// Longer parameters travel in the body. Gateways refuse URLs from 8 KiB on, some proxies from 4 KiB.
const LONGEST_QUERY: usize = 2 * 1024;

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
        let (query, form) = if in_body(parameters) { (&none, parameters) } else { (parameters, &none) };
        let unsigned = Unsigned {
            method: "POST",
            host: self.shared.endpoint.host(),
            action,
            version: API_VERSION,
            query,
            form,
            headers: &BTreeMap::new(),
        };
        let signed = v3::sign(&unsigned, key, self.shared.clock.now(), &self.shared.nonces.next());
        self.http_request(unsigned.method, signed.outgoing).map_err(|error| {
            // Host, action and digest are ours: what does not fit into a header is the key or the nonce.
            let message = "the key cannot travel in a header: is there a line break in it?";
            Error::new(action, ErrorKind::InvalidCredentials, message).caused_by(error)
        })
    }

    fn http_request(&self, method: &str, outgoing: Outgoing) -> Result<Request<Bytes>, http::Error> {
        let mut request = Request::builder().method(method).uri(self.shared.endpoint.url(&outgoing.query));
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        // hyper leaves the length of an empty body out, and some gateways answer that with 411.
        request = request.header(CONTENT_LENGTH, outgoing.body.len());
        request = request.header(ACCEPT, "application/json").header(USER_AGENT, SELF);
        request.body(Bytes::from(outgoing.body))
    }
}

/// Whether parameters travel in the body: when they are long, and when one is a secret, because URLs are logged.
fn in_body(parameters: &Parameters) -> bool {
    let length: usize = parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    length > LONGEST_QUERY || parameters.holds_secret()
}
