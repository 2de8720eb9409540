//! The core without HTTP or signatures: what each action does to the cloud, at times that the test decides.

mod caches;
mod controls;
mod creation;
mod deletion;
mod logs;
mod placement;
mod questions;
mod reading;
mod renewal;
mod replay;
mod replies;
mod resources;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;
use crate::clock::later;
use crate::control::{self, ControlRequest};
use crate::params::Parameters;

struct World {
    cloud: Cloud,
    caller: AccessKey,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self::with(json!({}))
    }

    fn with(settings: Value) -> Self {
        let settings = Settings::default().changed(&settings).unwrap();
        let addresses = Addresses::of_range("10.250.0.0/16").unwrap();
        let cloud = Cloud::new("cn-hangzhou".into(), settings, Keyring::default(), addresses, 1);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        Self { cloud, caller: AccessKey::new("id", "secret"), now }
    }

    fn wait(&mut self, milliseconds: i64) {
        self.now = later(self.now, SignedDuration::from_millis(milliseconds));
    }

    fn set(&mut self, settings: Value) {
        self.control("POST", "settings", settings);
    }

    fn control(&mut self, method: &str, path: &str, body: Value) -> Value {
        let body = body.to_string();
        let request = ControlRequest { method, path, query: "", body: body.as_bytes() };
        let (status, reply) = control::handle(&mut self.cloud, self.now, request);
        assert_eq!(status, 200, "{reply}");
        reply
    }

    fn call(&mut self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let mut all: Parameters = [("RegionId".to_owned(), "cn-hangzhou".to_owned())].into();
        all.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let call = Call { parameters: Arc::new(all), ..Call::read(&crate::wire::Request::default()) };
        let now = self.cloud.advance(self.now);
        let caller = self.caller.clone();
        self.cloud
            .checked(now, action, &caller, &call)
            .map_err(|error| format!("{} {}", error.status, error.code))
    }

    fn create_with(&mut self, more: &[(&str, &str)]) -> Result<String, String> {
        let base =
            [("ContainerGroupName", "web"), ("Container.1.Name", "main"), ("Container.1.Image", "nginx")];
        let reply = self.call("CreateContainerGroup", &[&base[..], more].concat())?;
        Ok(reply["ContainerGroupId"].as_str().unwrap().to_owned())
    }

    fn create(&mut self, more: &[(&str, &str)]) -> String {
        self.create_with(more).unwrap()
    }

    fn script(&mut self, script: &str, more: &[(&str, &str)]) -> String {
        let command = [
            ("Container.1.Command.1", "sh"),
            ("Container.1.Command.2", "-c"),
            ("Container.1.Command.3", script),
        ];
        self.create(&[&command[..], more].concat())
    }

    fn delete(&mut self, id: &str) -> Result<Value, String> {
        self.call("DeleteContainerGroup", &[("ContainerGroupId", id)])
    }

    fn ids(&mut self, filter: &[(&str, &str)]) -> Vec<String> {
        let reply = self.call("DescribeContainerGroups", filter).unwrap();
        texts(&reply["ContainerGroups"], "ContainerGroupId")
    }

    fn status_ids(&mut self, filter: &[(&str, &str)]) -> Vec<String> {
        let reply = self.call("DescribeContainerGroupStatus", filter).unwrap();
        texts(&reply["Data"], "ContainerGroupId")
    }

    fn group(&mut self, id: &str) -> Value {
        let ids = json!([id]).to_string();
        let reply =
            self.call("DescribeContainerGroups", &[("ContainerGroupIds", &ids), ("WithEvent", "true")]);
        reply.unwrap()["ContainerGroups"][0].clone()
    }

    fn status_of(&mut self, id: &str) -> Value {
        let ids = json!([id]).to_string();
        self.call("DescribeContainerGroupStatus", &[("ContainerGroupIds", &ids)]).unwrap()["Data"][0].clone()
    }

    fn log(&mut self, id: &str, more: &[(&str, &str)]) -> Result<String, String> {
        let which = [("ContainerGroupId", id), ("ContainerName", "main")];
        let reply = self.call("DescribeContainerLog", &[&which[..], more].concat())?;
        Ok(reply["Content"].as_str().unwrap().to_owned())
    }
}

fn texts(list: &Value, name: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

fn tag(world: &mut World, value: &str) -> String {
    world.create(&[
        ("Tag.1.Key", "owner"),
        ("Tag.1.Value", value),
        ("Tag.2.Key", "all"),
        ("Tag.2.Value", "x"),
    ])
}

/// All ids over all pages, and how many pages there were.
fn all_pages(world: &mut World, action: &str, list: &str, more: &[(&str, &str)]) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut token) = (Vec::new(), 0, String::new());
    loop {
        let mut parameters = more.to_vec();
        if !token.is_empty() {
            parameters.push(("NextToken", &token));
        }
        let reply = world.call(action, &parameters).unwrap();
        ids.extend(texts(&reply[list], "ContainerGroupId"));
        pages += 1;
        token = reply["NextToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            return (ids, pages);
        }
    }
}
