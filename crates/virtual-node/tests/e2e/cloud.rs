//! The simulated cloud of one test: asked by signed calls as any client would, and told what to do wrong.

use std::collections::BTreeMap;
use std::path::Path;

use eci_client::model::{
    ContainerGroup, CreateContainer, CreateContainerGroupRequest, DescribeContainerGroupsRequest, Tag,
};
use eci_client::{AccessKey, Client};
use serde_json::{Value, json};
use vk_testkit::programs::{Account, Simulator};

use crate::bed::program;

/// A simulator and a client of it.
pub(crate) struct Cloud {
    simulator: Simulator,
    client: Client,
}

/// The tag that names the pod of a group.
const POD_UID: &str = "virtual-node.pod-uid";

impl Cloud {
    pub(crate) fn start(account: &Account, arguments: &[&str], log: &Path) -> Self {
        let simulator = Simulator::start(&program("eci-sim"), account, arguments, log).unwrap();
        let key = AccessKey::new(&account.access_key_id, &account.access_key_secret);
        let client =
            Client::builder(&account.region).endpoint(simulator.endpoint()).credentials(key).build().unwrap();
        Cloud { simulator, client }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.simulator.endpoint()
    }

    /// Every group of the account, by a signed call.
    pub(crate) async fn groups(&self) -> Vec<ContainerGroup> {
        self.client.list_container_groups(&DescribeContainerGroupsRequest::default()).await.unwrap()
    }

    /// Every group that carries the pod's UID, by a signed call.
    pub(crate) async fn groups_of(&self, uid: &str) -> Vec<ContainerGroup> {
        let tag = Tag { key: POD_UID.to_owned(), value: uid.to_owned() };
        let request = DescribeContainerGroupsRequest { tag: vec![tag], ..Default::default() };
        self.client.list_container_groups(&request).await.unwrap()
    }

    /// Ids of all groups that a signed call finds.
    pub(crate) async fn group_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.groups().await.iter().map(|group| group.container_group_id.to_string()).collect();
        ids.sort();
        ids
    }

    /// Groups that exist or ever existed with the pod's UID, whether or not a call can see them.
    pub(crate) fn ever_created_for(&self, uid: &str) -> Vec<Value> {
        let all = self.simulator.get("/_sim/groups").unwrap();
        let groups = all["groups"].as_array().unwrap().iter();
        groups.filter(|group| group["tags"].to_string().contains(uid)).cloned().collect()
    }

    /// Makes a group that no virtual node made, as a colleague would in the console, and returns its id.
    pub(crate) async fn create_foreign_group(&self, account: &Account) -> String {
        let container = CreateContainer { name: "mine".into(), image: "nginx".into(), ..Default::default() };
        let request = CreateContainerGroupRequest {
            container_group_name: "by-hand".into(),
            v_switch_id: vec![account.v_switch.clone()],
            security_group_id: Some(account.security_group.clone()),
            container: vec![container],
            ..Default::default()
        };
        self.client.create_container_group(&request).await.unwrap().container_group_id.to_string()
    }

    /// What the cloud was asked for, in order, with what came of it.
    pub(crate) fn requests(&self, action: &str) -> Vec<Value> {
        let answer = self.simulator.get(&format!("/_sim/requests?action={action}")).unwrap();
        answer["requests"].as_array().unwrap().clone()
    }

    /// How often each action was called.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.simulator.get("/_sim/counts").unwrap()["counts"].clone()).unwrap()
    }

    /// Asks for a fault: `{"action": …, "kind": …}`.
    pub(crate) fn fault(&self, fault: Value) {
        self.simulator.post("/_sim/faults", &fault).unwrap();
    }

    /// From now on no fault happens.
    pub(crate) fn no_more_faults(&self) {
        self.simulator.delete("/_sim/faults").unwrap();
    }

    /// Changes settings of the simulator.
    pub(crate) fn set(&self, settings: Value) {
        self.simulator.post("/_sim/settings", &settings).unwrap();
    }

    /// Takes the access key away, as if somebody had deleted it.
    pub(crate) fn withdraw_key(&self, account: &Account) {
        let change = json!({"access_key_id": account.access_key_id, "change": "remove"});
        self.simulator.post("/_sim/accounts", &change).unwrap();
    }

    /// Gives the access key back.
    pub(crate) fn restore_key(&self, account: &Account) {
        let Account { access_key_id, access_key_secret, .. } = account;
        let change = json!({"access_key_id": access_key_id, "change": "add", "secret": access_key_secret});
        self.simulator.post("/_sim/accounts", &change).unwrap();
    }
}

/// A parameter of a request as it was sent.
pub(crate) fn parameter<'a>(request: &'a Value, name: &str) -> &'a str {
    request["parameters"][name].as_str().unwrap_or_default()
}

/// What came of requests, for people: HTTP status, error code, fault.
pub(crate) fn outcomes(requests: &[Value]) -> String {
    requests.iter().map(|request| request["outcome"].to_string()).collect::<Vec<_>>().join("\n")
}
