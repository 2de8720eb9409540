//! Answers one request: who is it, may they, and then the endpoint. Nothing is served in any other order.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use k8s_openapi::List;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use rustls_pki_types::CertificateDer;
use tracing::{debug, warn};

use crate::authn::{Authenticator, Unauthenticated};
use crate::authz::{Authorizer, Unauthorized};
use crate::logs::Logs;
use crate::metrics::{Metrics, RequestLabels};
use crate::pods::Pods;
use crate::respond::{self, Body};
use crate::route::{Endpoint, Route};
use crate::user::User;

/// Writes the process's metrics in the OpenMetrics text format.
pub type Exposition = Arc<dyn Fn() -> String + Send + Sync>;

pub(crate) struct Service {
    pub(crate) authenticator: Authenticator,
    pub(crate) authorizer: Authorizer,
    pub(crate) pods: Arc<dyn Pods>,
    pub(crate) logs: Logs,
    pub(crate) exposition: Exposition,
    pub(crate) metrics: Metrics,
}

impl Service {
    /// The answer to a request of whoever holds the keys of `chain`. Bodies are not read: no route takes one.
    pub(crate) async fn answer<B>(
        &self,
        request: &Request<B>,
        chain: &[CertificateDer<'_>],
    ) -> Response<Body> {
        let route = Route::of(request.uri().path());
        let response = match self.admit(request, &route, chain).await {
            Ok(user) => {
                // Neither path nor query: both are the client's to choose, and may hold what must not be logged.
                debug!(user = ?user.name, path = route.template, method = %request.method(), "request admitted");
                self.serve(request, route.endpoint).await
            }
            Err(refusal) => *refusal,
        };
        let labels = RequestLabels {
            path: route.template,
            method: known(request.method()),
            code: response.status().as_u16().into(),
        };
        self.metrics.requests.get_or_create(&labels).inc();
        response
    }

    async fn admit<B>(
        &self,
        request: &Request<B>,
        route: &Route,
        chain: &[CertificateDer<'_>],
    ) -> Result<User, Box<Response<Body>>> {
        let user = self.authenticator.authenticate(chain, request.headers()).await;
        let user = user.map_err(|refusal| Box::new(unauthenticated(refusal)))?;
        let verb = route.verb(request.method());
        let decision = self.authorizer.authorize(&user, &verb, route.subresources).await;
        decision.map_err(|refusal| Box::new(unauthorized(refusal)))?;
        Ok(user)
    }

    async fn serve<B>(&self, request: &Request<B>, endpoint: Endpoint) -> Response<Body> {
        let get = request.method() == Method::GET;
        match endpoint {
            Endpoint::NotFound => respond::text(StatusCode::NOT_FOUND, "404 page not found"),
            Endpoint::NotSupported(what) => respond::text(
                StatusCode::NOT_IMPLEMENTED,
                format!("{what} is not supported yet by this node"),
            ),
            _ if !get => respond::method_not_allowed(),
            Endpoint::Healthz => respond::text(StatusCode::OK, "ok"),
            Endpoint::Metrics => respond::open_metrics((self.exposition)()),
            Endpoint::Pods => self.list_pods().await,
            Endpoint::ContainerLogs(path) => {
                self.logs.respond(path, request.uri().query().unwrap_or_default()).await
            }
        }
    }

    async fn list_pods(&self) -> Response<Body> {
        let pods = match self.pods.list().await {
            Ok(items) => List { items, metadata: ListMeta::default() },
            Err(error) => {
                warn!(%error, "pods not listed");
                let text = format!("the pods of this node could not be listed: {error}");
                return respond::text(StatusCode::SERVICE_UNAVAILABLE, text);
            }
        };
        match serde_json::to_vec(&pods) {
            Ok(body) => respond::json(body),
            Err(error) => {
                let text = format!("the pods of this node could not be written: {error}");
                respond::text(StatusCode::INTERNAL_SERVER_ERROR, text)
            }
        }
    }
}

fn unauthenticated(refusal: Unauthenticated) -> Response<Body> {
    match refusal {
        Unauthenticated::Rejected(reason) => {
            respond::text(StatusCode::UNAUTHORIZED, format!("Unauthorized: {reason}"))
        }
        Unauthenticated::Unavailable(reason) => respond::text(StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

fn unauthorized(refusal: Unauthorized) -> Response<Body> {
    match refusal {
        Unauthorized::Forbidden(reason) => respond::text(StatusCode::FORBIDDEN, reason),
        Unauthorized::Unavailable(reason) => respond::text(StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

/// The method as a label: a client may invent methods, but no time series.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
