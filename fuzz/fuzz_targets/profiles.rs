//! Reads files in which profiles say how to come by a key, of the command line tool (JSON) and of the vendor's libraries (INI):
//! made of their words, or any text at all.
//!
//! No file makes the client panic or turn in circles, and no error shows a secret. A file that describes a key in full gives
//! that key.
#![no_main]

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Write;
use std::io;
use std::path::Path;

use arbitrary::Arbitrary;
use async_trait::async_trait;
use bytes::Bytes;
use eci_client::credentials::{CliProfile, Commands, Files, IniProfile, Surroundings};
use eci_client::{ProvideCredentials, Transport, TransportError};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

const SECRET: &str = "hush-secret-of-the-key";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    is_cli: bool,
    file: File<'a>,
}

#[derive(Arbitrary, Debug)]
enum File<'a> {
    Any(&'a [u8]),
    Of { current: u8, profiles: Vec<Profile<'a>> },
}

#[derive(Arbitrary, Debug)]
struct Profile<'a> {
    name: u8,
    mode: u8,
    values: Vec<(u8, Text<'a>)>,
}

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Secret,
    /// One of the profiles.
    Named(u8),
    Number(i16),
    Truth(bool),
    Any(&'a str),
}

const NAMES: [&str; 3] = ["default", "one", "two"];
const CLI_MODES: [&str; 9] = [
    "AK",
    "StsToken",
    "RamRoleArn",
    "EcsRamRole",
    "RamRoleArnWithRoleName",
    "ChainableRamRoleArn",
    "OIDC",
    "External",
    "CloudSSO",
];
const INI_MODES: [&str; 6] =
    ["access_key", "sts", "ram_role_arn", "oidc_role_arn", "ecs_ram_role", "rsa_key_pair"];
const CLI_KEYS: [&str; 16] = [
    "access_key_id",
    "access_key_secret",
    "sts_token",
    "ram_role_arn",
    "ram_session_name",
    "role_session_name",
    "expired_seconds",
    "policy",
    "external_id",
    "sts_region",
    "enable_vpc",
    "ram_role_name",
    "oidc_provider_arn",
    "oidc_token_file",
    "source_profile",
    "process_command",
];
const INI_KEYS: [&str; 11] = [
    "access_key_id",
    "access_key_secret",
    "security_token",
    "role_arn",
    "role_session_name",
    "session_name",
    "policy",
    "external_id",
    "role_name",
    "oidc_provider_arn",
    "oidc_token_file_path",
];

fn of<'a>(choices: &[&'a str], choice: u8) -> &'a str {
    choices[usize::from(choice) % choices.len()]
}

impl Text<'_> {
    fn json(&self) -> Value {
        match self {
            Self::Secret => json!(SECRET),
            Self::Named(choice) => json!(of(&NAMES, *choice)),
            Self::Number(number) => json!(number),
            Self::Truth(truth) => json!(truth),
            Self::Any(text) => json!(text),
        }
    }

    fn plain(&self) -> String {
        match self.json() {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }
}

impl File<'_> {
    fn bytes(&self, is_cli: bool) -> Vec<u8> {
        match self {
            Self::Any(bytes) => bytes.to_vec(),
            Self::Of { current, profiles } if is_cli => {
                let profiles: Vec<Value> = profiles.iter().map(Profile::json).collect();
                json!({ "current": of(&NAMES, *current), "profiles": profiles }).to_string().into_bytes()
            }
            Self::Of { profiles, .. } => profiles.iter().map(Profile::ini).collect::<String>().into_bytes(),
        }
    }
}

impl Profile<'_> {
    fn json(&self) -> Value {
        let mut values: Map<String, Value> =
            self.values.iter().map(|(key, text)| (of(&CLI_KEYS, *key).to_owned(), text.json())).collect();
        values.insert("name".to_owned(), json!(of(&NAMES, self.name)));
        values.insert("mode".to_owned(), json!(of(&CLI_MODES, self.mode)));
        Value::Object(values)
    }

    fn ini(&self) -> String {
        let mut text = format!("[{}]\ntype = {}\n", of(&NAMES, self.name), of(&INI_MODES, self.mode));
        for (key, value) in &self.values {
            writeln!(text, "{} = {}", of(&INI_KEYS, *key), value.plain()).expect("a text takes everything");
        }
        text
    }
}

/// Whatever the path, the same file; no program, and no network.
struct World(Vec<u8>);

#[async_trait]
impl Files for World {
    async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == Path::new("profiles") { Ok(self.0.clone()) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

struct Nothing;

#[async_trait]
impl Commands for Nothing {
    async fn run(&self, program: &str, _: &[String]) -> io::Result<Vec<u8>> {
        // A key or nonsense.
        let key = json!({ "mode": "AK", "access_key_id": "id", "access_key_secret": SECRET });
        Ok(if program.len() % 2 == 0 { key.to_string().into_bytes() } else { SECRET.as_bytes().to_vec() })
    }
}

#[async_trait]
impl Transport for Nothing {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Err(TransportError::not_sent("there is no network"))
    }
}

/// The error and all that caused it, in both forms.
fn shown(error: &dyn Error) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(inner) = source {
        write!(shown, " {inner} {inner:?}").expect("a text takes everything");
        source = inner.source();
    }
    shown
}

thread_local! {
    static RUNTIME: RefCell<Runtime> =
        RefCell::new(Builder::new_current_thread().enable_time().build().expect("a runtime"));
}

fuzz_target!(|input: Input<'_>| {
    let bytes = input.file.bytes(input.is_cli);
    let surroundings =
        Surroundings::over(Nothing).environment(|_: &str| None).files(World(bytes.clone())).commands(Nothing);
    let source: Box<dyn ProvideCredentials> = match input.is_cli {
        true => Box::new(CliProfile::new("profiles", &surroundings)),
        false => Box::new(IniProfile::new("profiles", &surroundings)),
    };
    match RUNTIME.with_borrow(|runtime| runtime.block_on(source.provide())) {
        Ok(Some(key)) => {
            let debug = format!("{key:?}");
            // An id is shown, and a careless file may hold the secret there too.
            assert!(key.id() == SECRET || key.id().contains(SECRET) || !debug.contains(SECRET), "{debug}");
        }
        Ok(None) => {}
        Err(error) => {
            // Names of profiles and modes are shown; only in a file of our own making is it known that they hold no secret.
            if matches!(input.file, File::Of { .. }) {
                assert!(!shown(&error).contains(SECRET), "{}", shown(&error));
            }
        }
    }
});
