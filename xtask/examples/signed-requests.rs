//! Prints signed requests of `eci-client` as JSON lines, for another signer to verify: `signed-requests [COUNT]`.
//!
//! Each is a whole call through the client, stopped where it would reach the network, so that what is printed is what
//! would travel. Time and nonce are fixed, texts are made by a generator that gives the same ones on every run.

#![allow(clippy::print_stdout, reason = "a program's output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::model::{
    CreateContainer, CreateContainerGroupRequest, DescribeContainerGroupsRequest, EnvironmentVar, Tag,
};
use eci_client::{AccessKey, Client, SignatureVersion, Transport, TransportError};
use jiff::Timestamp;
use serde_json::json;

const SECRET: &str = "hush/secret+of=a key";
const COUNT: usize = 2000;
/// Everything that encoders and signers have been seen to differ on.
const ALPHABET: &[char] = &[
    'a',
    'Z',
    '0',
    '9',
    '-',
    '_',
    '.',
    '~',
    ' ',
    '+',
    '*',
    '%',
    '&',
    '=',
    '/',
    '?',
    '#',
    ':',
    ';',
    ',',
    '!',
    '\'',
    '(',
    ')',
    '"',
    '\\',
    '\n',
    '\t',
    '\r',
    '\0',
    '\u{7f}',
    'é',
    'ß',
    '中',
    '文',
    '\u{301}',
    '\u{feff}',
    '😀',
    '\u{10ffff}',
];

/// Keeps the last request and answers none.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<http::Request<Bytes>>>>);

#[async_trait]
impl Transport for Kept {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        *self.0.lock().expect("no panic while it is held") = Some(request);
        Err(TransportError::not_sent("kept, not sent"))
    }
}

/// A linear congruential generator; its upper bits are good enough for choosing characters.
struct Generator(u64);

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn text(&mut self, longest: usize) -> String {
        let length = self.below(longest + 1);
        (0..length).map(|_| ALPHABET[self.below(ALPHABET.len())]).collect()
    }

    fn texts(&mut self, most: usize) -> Vec<String> {
        (0..self.below(most)).map(|_| self.text(12)).collect()
    }

    fn tags(&mut self) -> Vec<Tag> {
        (0..self.below(4)).map(|_| Tag { key: self.text(8), value: self.text(20) }).collect()
    }

    /// Short enough for the query.
    fn read(&mut self) -> DescribeContainerGroupsRequest {
        DescribeContainerGroupsRequest {
            container_group_name: Some(self.text(30)),
            tag: self.tags(),
            limit: Some(20),
            ..Default::default()
        }
    }

    /// Holds secrets or is long: travels in the body.
    fn write(&mut self) -> CreateContainerGroupRequest {
        let container = |generator: &mut Self| CreateContainer {
            name: generator.text(10),
            image: generator.text(40),
            command: generator.texts(5),
            arg: generator.texts(5),
            environment_var: (0..generator.below(10))
                .map(|_| EnvironmentVar {
                    key: generator.text(10),
                    value: Some(generator.text(200).into()),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        CreateContainerGroupRequest {
            container_group_name: self.text(20),
            tag: self.tags(),
            container: (0..self.below(4)).map(|_| container(self)).collect(),
            ..Default::default()
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(COUNT), |text| text.parse())?;
    let mut generator = Generator(7);
    for number in 0..count {
        let version = if number % 4 < 2 { SignatureVersion::V3 } else { SignatureVersion::V1 };
        let token = if generator.below(3) == 0 { format!("token/{number}+=") } else { String::new() };
        let kept = Kept::default();
        let client = Client::builder("cn-hangzhou")
            .credentials(AccessKey::new("the-id", SECRET).with_security_token(token))
            .endpoint(if number % 3 == 0 { "http://127.0.0.1:8080" } else { "https://eci.example" })
            .transport(kept.clone())
            .signature(version)
            .clock(|| Timestamp::UNIX_EPOCH)
            .nonce(move || format!("nonce-{number}"))
            .build()?;
        // Both fail, because the transport keeps the request.
        if number % 2 == 0 {
            let _ = client.call(&generator.read()).await;
        } else {
            let _ = client.call(&generator.write()).await;
        }
        let request = kept.0.lock().expect("no panic while it is held").take().ok_or("nothing was sent")?;
        println!("{}", line(version, &request)?);
    }
    Ok(())
}

fn line(
    version: SignatureVersion,
    request: &http::Request<Bytes>,
) -> Result<serde_json::Value, Box<dyn Error>> {
    let mut headers = BTreeMap::new();
    for (name, value) in request.headers() {
        headers.insert(name.as_str(), value.to_str()?);
    }
    Ok(json!({
        "version": format!("{version:?}"),
        "secret": SECRET,
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.uri().query().unwrap_or_default(),
        "headers": headers,
        "body": std::str::from_utf8(request.body())?,
    }))
}
