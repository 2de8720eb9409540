//! Serves `/containerLogs`: finds the container, reads its log, and follows it where that is asked for.
//!
//! Statuses and texts are the kubelet's, since the API server hands them on to `kubectl`. The first reading is made
//! before the answer begins, so that a failure of it has a status too.

mod follow;
mod lines;
mod polls;
mod query;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use vk_core::{ErrorKind, GroupId, LogProvider, LogQuery, ProviderError};

use crate::logs::follow::{Follow, Followed, Output};
pub use crate::logs::polls::FollowConfig;
use crate::logs::polls::{LogReader, following};
use crate::logs::query::{BadQuery, LogOptions};
use crate::metrics::{Counted, Metrics};
use crate::pods::{Located, Pods};
use crate::respond::{self, Body};
use crate::route::ContainerPath;

pub(crate) struct Logs {
    pods: Arc<dyn Pods>,
    reader: LogReader,
    /// How many logs may be followed at once.
    streams: Arc<Semaphore>,
    metrics: Metrics,
    shutdown: CancellationToken,
}

/// A container whose log can be read.
struct Target {
    path: ContainerPath,
    group: GroupId,
    running: bool,
    restart_count: i32,
}

impl Logs {
    pub(crate) fn new(
        pods: Arc<dyn Pods>,
        provider: Arc<dyn LogProvider>,
        config: FollowConfig,
        streams: usize,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            pods,
            reader: LogReader::new(provider, config, metrics.clone()),
            streams: Arc::new(Semaphore::new(streams)),
            metrics,
            shutdown,
        }
    }

    pub(crate) async fn respond(&self, path: ContainerPath, query: &str) -> Response<Body> {
        let options = match LogOptions::parse(query) {
            Ok(options) => options,
            Err(BadQuery(status, text)) => return respond::text(status, text),
        };
        let target = match self.locate(path, &options) {
            Ok(target) => target,
            Err(response) => return *response,
        };
        let answer = if options.follow && target.running && !options.previous {
            self.follow(&target, &options).await
        } else {
            self.read(&target, &options).await
        };
        answer.unwrap_or_else(|error| unreadable(&target.path, &error))
    }

    fn locate(&self, path: ContainerPath, options: &LogOptions) -> Result<Target, Box<Response<Body>>> {
        let refuse = |status, text| Err(Box::new(respond::text(status, text)));
        let ContainerPath { namespace, pod, container } = &path;
        match self.pods.locate(namespace, pod, container) {
            Located::NoSuchPod => refuse(StatusCode::NOT_FOUND, format!("pod {pod:?} does not exist")),
            Located::NoSuchContainer => {
                refuse(StatusCode::NOT_FOUND, format!("container {container:?} not found in pod {pod:?}"))
            }
            Located::NotStarted { reason } => {
                let text = format!("container {container:?} in pod {pod:?} is waiting to start: {reason}");
                refuse(StatusCode::BAD_REQUEST, text)
            }
            Located::At { restart_count: 0, .. } if options.previous => {
                let text = format!("previous terminated container {container:?} in pod {pod:?} not found");
                refuse(StatusCode::BAD_REQUEST, text)
            }
            Located::At { group, running, restart_count } => {
                Ok(Target { path, group, running, restart_count })
            }
        }
    }

    /// The log as it is now. The limit of bytes is ours to keep: it counts from the first line, and a provider may
    /// count from the last.
    async fn read(&self, target: &Target, options: &LogOptions) -> Result<Response<Body>, ProviderError> {
        if options.tail_lines == Some(0) {
            return Ok(respond::text(StatusCode::OK, ""));
        }
        let query = LogQuery {
            tail_lines: options.tail_lines,
            since: options.since,
            previous: options.previous,
            timestamps: options.timestamps,
            limit_bytes: None,
        };
        let text = self.reader.read(&target.key(), &query).await?;
        Ok(respond::text(StatusCode::OK, output(options).cut(text)))
    }

    /// The log as it is and becomes. The first reading is not cut to the wanted lines but holds all that can be had:
    /// only so is known later what was there before.
    async fn follow(&self, target: &Target, options: &LogOptions) -> Result<Response<Body>, ProviderError> {
        let Ok(permit) = Arc::clone(&self.streams).try_acquire_owned() else {
            let text = "too many logs are being followed on this node, try again later";
            return Ok(respond::text(StatusCode::SERVICE_UNAVAILABLE, text));
        };
        let first = self.reader.read(&target.key(), &following(options.since)).await?;
        let followed = self.followed(target, options, permit);
        let follow = Follow::new(followed, &first, options.tail_lines, output(options));
        Ok(respond::stream(follow.into_stream()))
    }

    fn followed(&self, target: &Target, options: &LogOptions, permit: OwnedSemaphorePermit) -> Followed {
        Followed {
            pods: Arc::clone(&self.pods),
            log: self.reader.follow(target.key()),
            path: target.path.clone(),
            group: target.group.clone(),
            restart_count: target.restart_count,
            since: options.since,
            metrics: self.metrics.clone(),
            shutdown: self.shutdown.clone(),
            _counted: Counted::new(&self.metrics.open_streams),
            _permit: permit,
        }
    }
}

impl Target {
    fn key(&self) -> polls::LogKey {
        (self.group.clone(), self.path.container.clone())
    }
}

fn output(options: &LogOptions) -> Output {
    Output { timestamps: options.timestamps, bytes_left: options.limit_bytes }
}

/// The answer to a log that could not be read at all.
fn unreadable(path: &ContainerPath, error: &ProviderError) -> Response<Body> {
    let ContainerPath { pod, container, .. } = path;
    debug!(namespace = path.namespace, pod, container, error = %error.chain(), "log not read");
    let status = match error.kind() {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Throttled { .. }
        | ErrorKind::Unavailable
        | ErrorKind::Indeterminate
        | ErrorKind::Conflict => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Rejected(_)
        | ErrorKind::InvalidRequest
        | ErrorKind::OutOfStock
        | ErrorKind::QuotaExceeded
        | ErrorKind::Denied
        | ErrorKind::InvalidCredentials
        | ErrorKind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let text =
        format!("the log of container {container:?} in pod {pod:?} could not be read: {}", error.chain());
    respond::text(status, text)
}
