//! Sends the simulator requests that `eci-client` has signed, some of them spoilt afterwards: two implementations of both
//! signature versions that share no code have to agree, whatever is signed.
//!
//! An intact request never fails for its signature, a spoilt signature always does; no request makes the simulator
//! panic, every answer can be read and names its request, and none shows the secret. Parameters are named by the published
//! table, mostly, so that requests get past the gateway and groups come to live.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use bytes::Bytes;
use eci_client::AccessKey;
use eci_client::model::Parameters;
use eci_client::sign::{Outgoing, SignatureVersion, Unsigned};
use eci_sim::{Config, Offline};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const ID: &str = "id";
const SECRET: &str = "hush-secret-of-the-key";
const HOST: &str = "eci.example";
const MOST_STEPS: usize = 8;
/// Half a day before a call: every restart meanwhile is gone through, thousands of them in weeks of a container that crashes.
const LONGEST_MS: u32 = 12 * 3600 * 1000;

/// Actions and the names of their parameters.
static TABLE: LazyLock<Vec<(String, Vec<String>)>> = LazyLock::new(|| {
    let table: Value =
        serde_json::from_str(include_str!("../../crates/eci-client/tests/data/api.json")).expect("a table");
    let actions = table["actions"].as_object().expect("actions");
    let names = |action: &Value| action["request"].as_object().expect("parameters").keys().cloned().collect();
    actions.iter().map(|(name, action)| (name.clone(), names(action))).collect()
});

static CREATE: LazyLock<(String, Vec<String>)> = LazyLock::new(|| {
    TABLE.iter().find(|(name, _)| name == "CreateContainerGroup").expect("the table has it").clone()
});

#[derive(Arbitrary, Debug)]
struct Step<'a> {
    action: Result<u8, &'a str>,
    /// The parameters change a wish that would be granted, for groups to come to live.
    is_wish: bool,
    is_v1: bool,
    is_get: bool,
    /// V1 carries everything in one place.
    in_body: bool,
    parameters: Vec<(Name<'a>, Text<'a>)>,
    wants_xml: bool,
    /// That pass before the call.
    milliseconds: u32,
    spoilt: Option<u8>,
}

/// A name of the table, its lists' positions chosen; or any text.
#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Of(u16, u8),
    Any(&'a str),
}

/// Texts that actions understand, the id of the last group among them; or any.
#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Group,
    Groups,
    Number(i16),
    Word(u8),
    Any(&'a str),
}

const WORDS: [&str; 20] = [
    "true",
    "false",
    "name",
    "busybox",
    "coredump",
    "enable",
    "ContainerGroup",
    "cn-hangzhou",
    "vsw-1",
    "sg-1",
    "Never",
    "EmptyDirVolume",
    "ConfigFileVolume",
    "FlexVolume",
    "alicloud/disk",
    "{}",
    "[\"sh\"]",
    "2-4Gi",
    "ecs.c6.large",
    "IncrementalUpdate",
];

const WISH: [(&str, &str); 5] = [
    ("RegionId", "cn-hangzhou"),
    ("ContainerGroupName", "name"),
    ("Container.1.Name", "main"),
    ("Container.1.Image", "busybox"),
    ("RestartPolicy", "OnFailure"),
];

impl Step<'_> {
    fn action(&self) -> (&str, &[String]) {
        if self.is_wish {
            return (&CREATE.0, &CREATE.1);
        }
        match &self.action {
            Ok(choice) => {
                let (name, parameters) = &TABLE[usize::from(*choice) % TABLE.len()];
                (name, parameters)
            }
            Err(name) => (name, &[]),
        }
    }

    fn parameters(&self, group: &str) -> Parameters {
        let (_, names) = self.action();
        let name = |name: &Name<'_>| match name {
            Name::Of(choice, position) if !names.is_empty() => {
                names[usize::from(*choice) % names.len()].replace('N', &(position % 3 + 1).to_string())
            }
            Name::Of(..) => "X".to_owned(),
            Name::Any(name) => (*name).to_owned(),
        };
        let text = |text: &Text<'_>| match text {
            Text::Group => group.to_owned(),
            Text::Groups => format!("[{group:?}]"),
            Text::Number(number) => number.to_string(),
            Text::Word(choice) => WORDS[usize::from(*choice) % WORDS.len()].to_owned(),
            Text::Any(any) => (*any).to_owned(),
        };
        let mut parameters = Parameters::default();
        for (key, value) in WISH.iter().filter(|_| self.is_wish) {
            parameters.insert(*key, *value);
        }
        for (key, value) in &self.parameters {
            parameters.insert(name(key), text(value));
        }
        parameters
    }

    fn signed(&self, group: &str, at: Timestamp, nonce: &str) -> Outgoing {
        let mut parameters = self.parameters(group);
        if self.wants_xml {
            parameters.insert("Format", "XML");
        }
        let none = Parameters::default();
        let in_body = self.in_body && !self.is_get;
        let (query, form) = if in_body { (&none, &parameters) } else { (&parameters, &none) };
        let unsigned = Unsigned {
            method: self.method(),
            host: HOST,
            action: self.action().0,
            version: "2018-08-08",
            query,
            form,
            headers: &Default::default(),
        };
        let version = if self.is_v1 { SignatureVersion::V1 } else { SignatureVersion::V3 };
        version.sign(&unsigned, &AccessKey::new(ID, SECRET), at, nonce)
    }

    fn method(&self) -> &'static str {
        if self.is_get { "GET" } else { "POST" }
    }

    /// Changes one character of the signature, whichever way it travels.
    fn spoil(&self, outgoing: &mut Outgoing, at: u8) {
        let spoilt = |text: &str, start: usize| {
            let place = start + usize::from(at) % 20;
            let other = if text.as_bytes()[place] == b'a' { "b" } else { "a" };
            format!("{}{other}{}", &text[..place], &text[place + 1..])
        };
        let (part, name) = match (self.is_v1, outgoing.body.is_empty()) {
            (false, _) => {
                (outgoing.headers.get_mut("authorization").expect("version 3 has it"), ",Signature=")
            }
            (true, true) => (&mut outgoing.query, "&Signature="),
            (true, false) => (&mut outgoing.body, "&Signature="),
        };
        *part = spoilt(part, part.find(name).expect("it is signed") + name.len());
    }
}

fn request(step: &Step<'_>, outgoing: Outgoing) -> Option<http::Request<Bytes>> {
    let uri = format!("/?{}", outgoing.query);
    let mut request = http::Request::builder().method(step.method()).uri(uri);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    // A header or an address that HTTP does not carry never arrives.
    request.body(Bytes::from(outgoing.body)).ok()
}

fuzz_target!(|steps: Vec<Step<'_>>| {
    let config =
        Config { access_keys: vec![eci_sim::AccessKey::new(ID, SECRET)], seed: Some(1), ..Config::default() };
    let mut cloud = Offline::new(config).expect("the default configuration");
    let (mut at, mut group) = (Timestamp::from_second(1_800_000_000).expect("in range"), String::new());
    for (number, step) in steps.iter().take(MOST_STEPS).enumerate() {
        at = at
            .checked_add(SignedDuration::from_millis((step.milliseconds % LONGEST_MS).into()))
            .expect("at most a week");
        let mut outgoing = step.signed(&group, at, &format!("nonce-{number}"));
        if let Some(place) = step.spoilt {
            step.spoil(&mut outgoing, place);
        }
        let Some(request) = request(step, outgoing) else { continue };
        let answer = cloud.answer(at, &request).expect("there are no faults");
        let text = std::str::from_utf8(answer.body()).expect("an answer is text");
        assert!(!text.contains(SECRET), "{text}");
        assert!(text.contains("RequestId"), "{text}");
        let reply: Value = match text.starts_with("<?xml") {
            true => Value::Null,
            false => serde_json::from_str(text).expect("an answer is JSON"),
        };
        let is_of_signature = text.contains("Specified signature is not matched");
        match step.spoilt {
            None => assert!(!is_of_signature, "{step:?} {text}"),
            Some(_) => assert_ne!(answer.status(), 200, "{step:?} {text}"),
        }
        if let Some(id) = reply["ContainerGroupId"].as_str() {
            group = id.to_owned();
        }
    }
});
