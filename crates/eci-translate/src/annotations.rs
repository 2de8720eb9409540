//! Names the annotations of pods: those written back from the cloud, and those this version does not act on.
//!
//! The keys are the vendor's, so that tools made for its virtual nodes find what they look for. A key that the vendor
//! also reads as a wish (`eci-vswitch`, `eci-security-group`) is never written: that would overwrite the wish.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::ContainerGroup;
use eci_client::model::request::CreateContainerGroupRequest;

/// Id of the container group that runs the pod.
pub const INSTANCE_ID_ANNOTATION: &str = "k8s.aliyun.com/eci-instance-id";
/// The attempt that made, or is about to make, that group; a key of our own.
pub const ATTEMPT_ANNOTATION: &str = "k8s.aliyun.com/eci-attempt";
/// vCPU of the group, `2.0`.
pub const INSTANCE_CPU_ANNOTATION: &str = "k8s.aliyun.com/eci-instance-cpu";
/// Memory of the group in GiB, `4.0`.
pub const INSTANCE_MEMORY_ANNOTATION: &str = "k8s.aliyun.com/eci-instance-mem";
/// What is billed: a size, `2.0-4.0Gi`, or an instance type.
pub const INSTANCE_SPEC_ANNOTATION: &str = "k8s.aliyun.com/eci-instance-spec";
/// Zone of the group.
pub const INSTANCE_ZONE_ANNOTATION: &str = "k8s.aliyun.com/eci-instance-zone";
/// Category of compute that the group got.
pub const COMPUTE_CATEGORY_ANNOTATION: &str = "k8s.aliyun.com/eci-instance-compute-category";
/// VPC of the group.
pub const VPC_ANNOTATION: &str = "k8s.aliyun.com/eci-vpc";
/// Network interface of the group.
pub const NETWORK_INTERFACE_ANNOTATION: &str = "k8s.aliyun.com/eni-instance-id";
/// Elastic IP address of the group.
pub const EIP_ANNOTATION: &str = "k8s.aliyun.com/allocated-eipAddress";
/// IPv6 address of the group.
pub const IPV6_ANNOTATION: &str = "k8s.aliyun.com/allocated-ipv6Address";

/// All that is written back; no wish of anybody's.
const WRITTEN: &[&str] = &[
    INSTANCE_ID_ANNOTATION,
    ATTEMPT_ANNOTATION,
    INSTANCE_CPU_ANNOTATION,
    INSTANCE_MEMORY_ANNOTATION,
    INSTANCE_SPEC_ANNOTATION,
    INSTANCE_ZONE_ANNOTATION,
    COMPUTE_CATEGORY_ANNOTATION,
    VPC_ANNOTATION,
    NETWORK_INTERFACE_ANNOTATION,
    EIP_ANNOTATION,
    IPV6_ANNOTATION,
];

/// The annotations of the pod that ask the vendor's virtual node for something and have no effect here.
pub(crate) fn without_effect(pod: &corev1::Pod) -> impl Iterator<Item = &str> {
    let keys = pod.metadata.annotations.iter().flatten().map(|(key, _)| key.as_str());
    keys.filter(|key| {
        let asks = key.starts_with("k8s.aliyun.com/");
        let limits = ["kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth"].contains(key);
        (asks || limits) && !WRITTEN.contains(key)
    })
}

/// The size that a request asks for.
pub(crate) fn of_request(request: &CreateContainerGroupRequest) -> BTreeMap<String, String> {
    size(request.cpu.unwrap_or_default(), request.memory.unwrap_or_default(), None)
}

/// What the cloud tells of a group.
pub(crate) fn of_group(group: &ContainerGroup) -> BTreeMap<String, String> {
    let mut annotations = size(group.cpu, group.memory, group.instance_type.as_deref());
    let category = group.compute_category.as_ref().map(|category| category.as_str());
    let facts = [
        (INSTANCE_ID_ANNOTATION, Some(group.container_group_id.as_str())),
        (INSTANCE_ZONE_ANNOTATION, group.zone_id.as_deref()),
        (COMPUTE_CATEGORY_ANNOTATION, category),
        (VPC_ANNOTATION, group.vpc_id.as_deref()),
        (NETWORK_INTERFACE_ANNOTATION, group.eni_instance_id.as_deref()),
        (EIP_ANNOTATION, group.internet_ip.as_deref()),
        (IPV6_ANNOTATION, group.ipv6_address.as_deref()),
    ];
    for (key, value) in facts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            annotations.insert(key.to_owned(), value.to_owned());
        }
    }
    annotations
}

/// Numbers as the vendor writes them, with one decimal at least.
fn size(cpu: f64, memory_gib: f64, instance_type: Option<&str>) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    if cpu > 0.0 && memory_gib > 0.0 {
        annotations.insert(INSTANCE_CPU_ANNOTATION.to_owned(), format!("{cpu:?}"));
        annotations.insert(INSTANCE_MEMORY_ANNOTATION.to_owned(), format!("{memory_gib:?}"));
        annotations.insert(INSTANCE_SPEC_ANNOTATION.to_owned(), format!("{cpu:?}-{memory_gib:?}Gi"));
    }
    if let Some(instance_type) = instance_type {
        annotations.insert(INSTANCE_SPEC_ANNOTATION.to_owned(), instance_type.to_owned());
    }
    annotations
}
