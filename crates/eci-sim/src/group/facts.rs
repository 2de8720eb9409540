//! What a group was created with, and what the scripted runtime reads off it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::incarnation::hex_digest;
use super::switches::Switches;
use crate::params::{Node, Parameters};
use crate::size::{Size, Spec};
use crate::state::catalog::without_latest;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerKind {
    Init,
    App,
}

impl ContainerKind {
    /// The list of the request that holds containers of this kind.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Init => "InitContainer",
            Self::App => "Container",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestartPolicy {
    Always,
    OnFailure,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// One place and size that a group may get; the list is tried in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offer {
    pub(crate) zone: String,
    pub(crate) v_switch: String,
    pub(crate) spec: Spec,
    pub(crate) is_spot: bool,
}

/// What does not change while the group lives, except by an update.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) zone: String,
    pub(crate) v_switch: String,
    pub(crate) security_group: String,
    pub(crate) vpc: String,
    pub(crate) size: Size,
    /// The specification it has, as the request lists it; empty when it lists none.
    pub(crate) instance_type: String,
    pub(crate) compute_category: String,
    /// It may be taken back; a group that was degraded to pay-as-you-go may not.
    pub(crate) is_spot: bool,
    /// Where it may be placed, and as what; zone, vSwitch, size and the rest are those of the one it got.
    pub(crate) offers: Vec<Offer>,
    pub(crate) address: Ipv4Addr,
    /// The address of its EIP, and IPv6 where it was asked for.
    pub(crate) internet_ip: Option<Ipv4Addr>,
    pub(crate) ipv6: Option<Ipv6Addr>,
    /// Images that are on its disk already.
    pub(crate) cached_images: BTreeSet<String>,
    /// Its containers are run by a runtime instead of read off their command lines.
    pub(crate) is_real: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
    /// The parameters of the create, with those of updates; replies are rendered from them.
    pub(crate) parameters: Arc<Parameters>,
}

impl Facts {
    pub(crate) fn root(&self) -> Node<'_> {
        Node::root(&self.parameters)
    }

    pub(crate) fn name(&self) -> &str {
        self.parameter("ContainerGroupName")
    }

    pub(crate) fn client_token(&self) -> Option<&str> {
        self.parameters.get("ClientToken").map(String::as_str)
    }

    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map(String::as_str).unwrap_or_default()
    }

    fn seconds(&self, name: &str) -> Option<SignedDuration> {
        self.parameter(name).parse().ok().map(SignedDuration::from_secs)
    }

    /// Zone, vSwitch and size are from now on those of the offer.
    pub(super) fn take(&mut self, offer: Offer) {
        let Offer { zone, v_switch, spec, is_spot } = offer;
        self.zone = zone;
        self.v_switch = v_switch;
        self.size = spec.size;
        self.instance_type = spec.instance_type;
        self.compute_category = spec.category;
        self.is_spot = is_spot;
    }

    /// What stock and prices know its size by.
    pub(crate) fn kind(&self) -> String {
        let (instance_type, category) = (self.instance_type.clone(), self.compute_category.clone());
        Spec { instance_type, category, size: self.size }.kind()
    }

    /// For how long the address waits for the next group of this name on this vSwitch; `None` when it does not.
    pub(crate) fn address_kept(&self) -> Option<SignedDuration> {
        let hours = self.parameter("FixedIpRetainHour").parse().unwrap_or(48);
        self.parameter("FixedIp").eq_ignore_ascii_case("true").then(|| SignedDuration::from_hours(hours))
    }

    /// What a kept address is found again by.
    pub(crate) fn address_owner(&self) -> String {
        format!("{}/{}/{}/{}", self.account, self.region, self.v_switch, self.name())
    }

    /// The cloud disks that were made for the group, and whether the request says that they go with it.
    pub(crate) fn made_disks(&self) -> Vec<(String, Option<bool>)> {
        let root = self.root();
        let of_cloud = root
            .items("Volume")
            .into_iter()
            .filter(|volume| volume.text("FlexVolume.Driver") == Some("alicloud/disk"));
        let disk = |volume: &Node<'_>| {
            let options: Value = serde_json::from_str(volume.text("FlexVolume.Options")?).ok()?;
            let goes = match &options["deleteWithInstance"] {
                Value::Bool(goes) => Some(*goes),
                Value::String(text) => Some(text.eq_ignore_ascii_case("true")),
                _ => None,
            };
            let name = format!("{}/{}", self.id, volume.text_or_empty("Name"));
            let id = format!("d-{}", &hex_digest(&name)[..20]);
            options["volumeId"].as_str().is_none().then_some((id, goes))
        };
        of_cloud.filter_map(disk).collect()
    }

    /// The price, CNY an hour, that a spot group never pays more than.
    pub(crate) fn spot_limit(&self) -> Option<f64> {
        let limit = self.parameter("SpotPriceLimit").parse().ok();
        limit.filter(|_| self.parameter("SpotStrategy") == "SpotWithPriceLimit")
    }

    /// How long a spot group is protected from being taken back: an hour unless it says 0.
    pub(crate) fn spot_protection(&self) -> SignedDuration {
        SignedDuration::from_hours(self.parameter("SpotDuration").parse().unwrap_or(1))
    }

    pub(crate) fn restart_policy(&self) -> RestartPolicy {
        match self.parameter("RestartPolicy") {
            "Never" => RestartPolicy::Never,
            "OnFailure" => RestartPolicy::OnFailure,
            _ => RestartPolicy::Always,
        }
    }

    pub(crate) fn grace(&self) -> SignedDuration {
        self.seconds("TerminationGracePeriodSeconds").unwrap_or(SignedDuration::from_secs(30))
    }

    pub(crate) fn active_deadline(&self) -> Option<SignedDuration> {
        self.seconds("ActiveDeadlineSeconds")
    }

    /// How long the group may stay pending: four hours unless it says otherwise.
    pub(crate) fn max_pending(&self) -> SignedDuration {
        let minutes = self.parameter("MaxPendingMinute").parse().unwrap_or(240);
        SignedDuration::from_mins(minutes)
    }

    /// Names and images of the containers of a kind, in order.
    pub(crate) fn containers(&self, kind: ContainerKind) -> Vec<(String, String)> {
        let root = self.root();
        let container = |node: &Node<'_>| (node.text_or_empty("Name"), node.text_or_empty("Image"));
        root.items(kind.list()).into_iter().map(container).collect()
    }

    /// Whether an image is there without a pull.
    pub(super) fn is_cached(&self, image: &str) -> bool {
        self.cached_images.contains(without_latest(image))
    }

    /// The `ImagePullPolicy` of each container of a kind, in order.
    pub(super) fn pull_policies(&self, kind: ContainerKind) -> Vec<PullPolicy> {
        let policy = |container: &Node<'_>| match container.text("ImagePullPolicy") {
            Some("Always") => PullPolicy::Always,
            Some("Never") => PullPolicy::Never,
            _ => PullPolicy::IfNotPresent,
        };
        self.root().items(kind.list()).into_iter().map(policy).collect()
    }

    /// What the environment of each container of a kind switches, in order.
    pub(super) fn switches(&self, kind: ContainerKind) -> Vec<Switches> {
        self.root().items(kind.list()).into_iter().map(Switches::of).collect()
    }

    pub(crate) fn has_readiness_probe(&self, index: usize) -> bool {
        self.root().items(ContainerKind::App.list())[index].has("ReadinessProbe")
    }

    /// Whether the last lines of the log become the message of a failed container that wrote none.
    pub(crate) fn falls_back_to_logs(&self, kind: ContainerKind, index: usize) -> bool {
        let root = self.root();
        root.items(kind.list())[index].text("TerminationMessagePolicy") == Some("FallbackToLogsOnError")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::validate::tests::create_with;

    /// A group made at second 0 of 2026 with the given parameters.
    pub(crate) fn facts(changes: &[(&str, &str)]) -> Facts {
        let offer = Offer {
            zone: "cn-hangzhou-i".into(),
            v_switch: "vsw-1".into(),
            spec: Spec {
                instance_type: String::new(),
                category: String::new(),
                size: crate::size::DEFAULT_SIZE,
            },
            is_spot: false,
        };
        Facts {
            id: "eci-bp1test".into(),
            account: "default".into(),
            region: "cn-hangzhou".into(),
            zone: "cn-hangzhou-i".into(),
            v_switch: "vsw-1".into(),
            security_group: "sg-1".into(),
            vpc: "vpc-1".into(),
            size: crate::size::DEFAULT_SIZE,
            instance_type: String::new(),
            compute_category: String::new(),
            is_spot: false,
            offers: vec![offer],
            address: Ipv4Addr::new(10, 250, 0, 1),
            internet_ip: None,
            ipv6: None,
            cached_images: BTreeSet::new(),
            is_real: false,
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            tags: BTreeMap::new(),
            parameters: Arc::new(create_with(changes)),
        }
    }

    #[test]
    fn a_container_sees_its_variables_and_files() {
        let facts = facts(&[
            ("Container.1.EnvironmentVar.1.Key", "IP"),
            ("Container.1.EnvironmentVar.1.FieldRef.FieldPath", "status.podIP"),
            ("Container.1.EnvironmentVar.2.Key", "ID"),
            ("Container.1.EnvironmentVar.2.Value", "__ECI_ID__"),
            ("Volume.1.Name", "conf"),
            ("Volume.1.Type", "ConfigFileVolume"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "sub/app.ini"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", "aGk="),
            ("Container.1.VolumeMount.1.Name", "conf"),
            ("Container.1.VolumeMount.1.MountPath", "/etc/app/"),
        ]);
        let (_, seen) = facts.program(ContainerKind::App, 0);
        assert_eq!(seen.variables["IP"], "10.250.0.1");
        assert_eq!(seen.variables["ID"], "eci-bp1test");
        assert_eq!(seen.variables["HOSTNAME"], "web");
        assert_eq!(seen.files["/etc/app/sub/app.ini"], b"hi");
    }
}
