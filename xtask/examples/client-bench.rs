//! Measures `eci-client` without a network: `client-bench PAGE SECONDS`, PAGE being an answer that lists groups.
//!
//! Prints JSON: microseconds (medians) for `create` and `page`, and the sizes they were measured at.

#![allow(clippy::print_stdout, reason = "a program's output")]

use std::error::Error;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::model::{
    ConfigFileToPath, ConfigFileVolume, ContainerPort, CreateContainer, CreateContainerGroupRequest,
    DescribeContainerGroupStatusRequest, EnvironmentVar, Protocol, RestartPolicy, Tag, Volume, VolumeMount,
    VolumeType,
};
use eci_client::{AccessKey, Client, Transport, TransportError};
use mimalloc::MiMalloc;
use serde_json::json;

/// As in `virtual-node`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Gives every request the same answer.
struct Answered(Bytes);

#[async_trait]
impl Transport for Answered {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        // The request is whole, down to its last header.
        std::hint::black_box(&request);
        Ok(http::Response::new(self.0.clone()))
    }
}

fn client(answer: impl Into<Bytes>) -> Result<Client, Box<dyn Error>> {
    let client = Client::builder("cn-hangzhou")
        .credentials(AccessKey::new("id", "secret"))
        .endpoint("http://127.0.0.1:1")
        .transport(Answered(answer.into()))
        .build()?;
    Ok(client)
}

/// What a program has at hand when it makes a request; making texts is not what is measured.
struct Texts {
    names: [String; 2],
    keys: [String; 2],
    variables: Vec<(String, String)>,
    content: String,
}

impl Texts {
    fn new() -> Self {
        Self {
            names: [0, 1].map(|number| format!("container-{number}")),
            keys: [0, 1].map(|number| format!("key-{number}")),
            variables: (0..15).map(|index| (format!("VARIABLE_{index}"), format!("value {index}"))).collect(),
            content: "a2V5ID0gdmFsdWUK".repeat(20),
        }
    }
}

fn container(name: &str, texts: &Texts) -> CreateContainer {
    let variable = |(key, value): &(String, String)| EnvironmentVar {
        key: key.clone(),
        value: Some(value.clone().into()),
        ..Default::default()
    };
    CreateContainer {
        name: name.to_owned(),
        image: "registry.example/team/app:1.2.3".into(),
        cpu: Some(0.5),
        memory: Some(1.0),
        command: vec!["/bin/sh".into(), "-c".into(), "exec app --flag".into()],
        environment_var: texts.variables.iter().map(variable).collect(),
        port: vec![ContainerPort { port: 8080, protocol: Some(Protocol::Tcp) }],
        volume_mount: vec![VolumeMount {
            name: "files".into(),
            mount_path: "/etc/app".into(),
            read_only: Some(true),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A request of 100 parameters, the region among them; bench.py makes the same ones.
fn create_request(texts: &Texts) -> CreateContainerGroupRequest {
    let file = ConfigFileToPath {
        path: "app.conf".into(),
        content: texts.content.clone().into(),
        ..Default::default()
    };
    let volume = Volume {
        name: "files".into(),
        r#type: VolumeType::ConfigFile,
        config_file_volume: Some(ConfigFileVolume { config_file_to_path: vec![file], ..Default::default() }),
        ..Default::default()
    };
    CreateContainerGroupRequest {
        region_id: Some("cn-hangzhou".into()),
        container_group_name: "bench".into(),
        v_switch_id: vec!["vsw-local1".into()],
        security_group_id: Some("sg-local1".into()),
        client_token: Some("token".into()),
        restart_policy: Some(RestartPolicy::Always),
        cpu: Some(1.0),
        memory: Some(2.0),
        tag: texts.keys.iter().map(|key| Tag { key: key.clone(), value: "value".into() }).collect(),
        container: texts.names.iter().map(|name| container(name, texts)).collect(),
        volume: vec![volume],
        ..Default::default()
    }
}

#[allow(clippy::disallowed_methods, reason = "a measurement needs the real time")]
fn now() -> Instant {
    Instant::now()
}

/// The median of single runs, after some that warm up.
async fn median_microseconds<T>(seconds: Duration, work: impl AsyncFn() -> T) -> f64 {
    for _ in 0..100 {
        work().await;
    }
    let mut times = Vec::new();
    let started = now();
    while times.is_empty() || started.elapsed() < seconds {
        let start = now();
        std::hint::black_box(work().await);
        times.push(start.elapsed());
    }
    let (_, median, _) = {
        let middle = times.len() / 2;
        times.select_nth_unstable(middle)
    };
    median.as_secs_f64() * 1e6
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: client-bench PAGE SECONDS";
    let page = std::fs::read(arguments.next().ok_or(usage)?)?;
    let seconds = Duration::from_secs_f64(arguments.next().ok_or(usage)?.parse()?);

    let creating = client(r#"{"RequestId":"r","ContainerGroupId":"eci-1"}"#)?;
    let texts = Texts::new();
    let create = async || creating.create_container_group(&create_request(&texts)).await;
    assert_eq!(create().await?.container_group_id.as_str(), "eci-1");
    let reading = client(page)?;
    let read = async || {
        reading.describe_container_group_status(&DescribeContainerGroupStatusRequest::default()).await
    };
    let items = read().await?.data.len();

    println!(
        "{}",
        json!({
            "create": median_microseconds(seconds, create).await,
            "page": median_microseconds(seconds, read).await,
            "parameters": create_request(&texts).parameters().len(),
            "items": items,
        })
    );
    Ok(())
}
