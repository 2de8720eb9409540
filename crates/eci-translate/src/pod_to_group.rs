//! Translates a Pod into the request that makes a container group of it.
//!
//! ```text
//!   Pod ─┬─ Demand ────────▶ size                     every part reports to one Report:
//!        ├─ Volumes ───────▶ Volume.N                   refused  → the pod is not created, all reasons at once
//!        ├─ Environment ─┐                              ignored  → it is, and an event says so
//!        └─ container ───┴─▶ Container.N, InitContainer.N
//! ```
//!
//! Every struct of the Pod is taken apart field by field, without `..`: a field that a newer Kubernetes adds breaks the
//! build until somebody has decided what becomes of it. What the API server fills in by itself (`schedulerName`,
//! `enableServiceLinks`, `terminationMessagePath`, …) says nothing about what the pod's author wants, and counts as
//! unset.

mod container;
mod demand;
mod env;
mod fields;
mod mounts;
mod network;
mod probes;
mod registry;
mod report;
mod security;
mod services;
mod volumes;

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::request::CreateContainerGroupRequest;
use eci_client::model::{RestartPolicy, ScheduleStrategy};
use vk_core::{Attempt, Placement, PodKey, Rejection, Resolved};

use self::container::Place;
use self::demand::Demand;
use self::report::{Path, Report, items};
use self::security::Kind;
use self::services::ServiceVariables;
use self::volumes::Volumes;
use crate::marks::{self, Marks};
use crate::{annotations, limits};

/// A pod, translated.
#[derive(Clone)]
pub struct Translated {
    /// What to send.
    pub request: CreateContainerGroupRequest,
    /// What the pod asks for and will not have, one sentence each, for an event. It runs without.
    pub ignored: Vec<String>,
    /// What to write back to the pod, as far as the request tells it: the size that will be billed.
    pub annotations: BTreeMap<String, String>,
}

/// Without the request's content: a Secret's value may have been expanded into a command.
impl fmt::Debug for Translated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Translated")
            .field("request", &self.request.container_group_name)
            .field("ignored", &self.ignored)
            .field("annotations", &self.annotations)
            .finish()
    }
}

/// What every part of a translation looks at.
struct Context<'a> {
    pod: &'a corev1::Pod,
    spec: &'a corev1::PodSpec,
    key: PodKey,
    inputs: &'a Resolved,
    placement: &'a Placement,
    demand: Demand,
    services: ServiceVariables,
}

impl Context<'_> {
    /// The container or init container of that name.
    fn container(&self, name: &str) -> Option<&corev1::Container> {
        let mut containers = self.spec.containers.iter().chain(items(self.spec.init_containers.as_ref()));
        containers.find(|container| container.name == name)
    }
}

/// Translates a pod: `inputs` are the objects it names, `placement` is what its node knows.
///
/// Pure: equal arguments give an equal request, so that a repeated attempt is a repeated request, but for the tokens
/// among `inputs`.
///
/// # Errors
/// Every reason why ECI cannot run the pod as it was asked for. No reason holds a value that may be secret.
pub fn container_group(
    pod: &corev1::Pod,
    attempt: Attempt,
    inputs: &Resolved,
    placement: &Placement,
) -> Result<Translated, Vec<Rejection>> {
    let (Some(key), Some(spec)) = (PodKey::of(pod), &pod.spec) else {
        return Err(vec![Rejection::new("metadata", "a pod needs a namespace, a name, a UID and a spec")]);
    };
    let mut report = Report::default();
    let mut context = Context {
        pod,
        spec,
        key,
        inputs,
        placement,
        demand: Demand::of(spec, &mut report),
        services: ServiceVariables::default(),
    };
    context.services = ServiceVariables::of(&context);
    for key in annotations::without_effect(pod) {
        report.ignore(format!("metadata.annotations[{key}]"), "has no effect yet");
    }
    let mut request = placed(&context, attempt);
    fill(&mut request, &context, &mut report);
    let annotations = annotations::of_request(&request);
    Ok(Translated { request, ignored: report.finish()?, annotations })
}

/// What node and cluster contribute.
fn placed(context: &Context<'_>, attempt: Attempt) -> CreateContainerGroupRequest {
    let Placement {
        cluster_id,
        node_name,
        // Given to containers as `status.hostIP`.
        node_ip: _,
        region_id,
        v_switch_ids,
        security_group_id,
        resource_group_id,
        // For names and addresses inside the pod.
        cluster_dns: _,
        cluster_domain: _,
        api_server_endpoint: _,
    } = context.placement;
    let set = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let marks = Marks {
        cluster_id: cluster_id.clone(),
        node_name: node_name.clone(),
        key: context.key.clone(),
        attempt,
    };
    CreateContainerGroupRequest {
        container_group_name: marks::group_name(&context.key),
        region_id: set(region_id),
        v_switch_id: v_switch_ids.iter().take(limits::V_SWITCHES).cloned().collect(),
        schedule_strategy: (v_switch_ids.len() > 1).then_some(ScheduleStrategy::VSwitchOrdered),
        security_group_id: set(security_group_id),
        resource_group_id: resource_group_id.clone(),
        client_token: Some(marks::client_token(cluster_id, &context.key.uid, attempt)),
        tag: marks::to_tags(&marks, context.pod),
        cpu: Some(context.demand.group.cpu()),
        memory: Some(context.demand.group.memory_gib()),
        ephemeral_storage: context.demand.extra_ephemeral_gib,
        ..CreateContainerGroupRequest::default()
    }
}

/// All fields of the pod's spec, in one place: what becomes of each.
fn fill(request: &mut CreateContainerGroupRequest, context: &Context<'_>, report: &mut Report) {
    let corev1::PodSpec {
        // Translated here.
        active_deadline_seconds,
        restart_policy,
        share_process_namespace,
        termination_grace_period_seconds,
        // Translated by the modules, from the context.
        containers,
        init_containers,
        dns_config: _,
        dns_policy: _,
        enable_service_links: _,
        host_aliases: _,
        hostname: _,
        hostname_override: _,
        image_pull_secrets: _,
        resources: _,
        security_context: _,
        service_account_name: _,
        set_hostname_as_fqdn: _,
        subdomain: _,
        volumes: _,
        // The scheduler, the API server and the controllers have acted on them, or the node will.
        affinity: _,
        automount_service_account_token: _,
        eviction_responders: _,
        node_name: _,
        node_selector: _,
        preemption_policy: _,
        priority: _,
        priority_class_name: _,
        readiness_gates: _,
        scheduler_name: _,
        scheduling_gates: _,
        scheduling_group: _,
        // An older spelling of `serviceAccountName`.
        service_account: _,
        tolerations: _,
        topology_spread_constraints: _,
        // Refused.
        ephemeral_containers,
        host_ipc,
        host_network,
        host_pid,
        host_users,
        os,
        overhead,
        resource_claims,
        runtime_class_name,
    } = context.spec;

    let root = Path::spec();
    let no_host = "a container group has no host to share with";
    report.reject_on(&root, "hostIPC", *host_ipc, no_host);
    report.reject_on(&root, "hostNetwork", *host_network, no_host);
    report.reject_on(&root, "hostPID", *host_pid, no_host);
    report.reject_on(&root, "hostUsers", host_users.map(|host| !host), "ECI has no user namespaces");
    report.reject_any(
        &root,
        "ephemeralContainers",
        ephemeral_containers.as_ref(),
        "ECI adds no containers to a group",
    );
    report.reject_any(
        &root,
        "resourceClaims",
        resource_claims.as_ref(),
        "ECI has no dynamic resource allocation",
    );
    let no_class = "ECI has one runtime for all container groups";
    report.reject_set(
        &root,
        "runtimeClassName",
        runtime_class_name.as_ref().filter(|it| !it.is_empty()),
        no_class,
    );
    report.reject_set(&root, "overhead", overhead.as_ref().filter(|overhead| !overhead.is_empty()), no_class);
    report.reject_set(&root, "os", os.as_ref().filter(|os| os.name != "linux"), "this node runs Linux");

    request.restart_policy = Some(RestartPolicy::from(restart_policy.as_deref().unwrap_or("Always")));
    request.active_deadline_seconds = *active_deadline_seconds;
    request.termination_grace_period_seconds = *termination_grace_period_seconds;
    request.share_process_namespace = share_process_namespace.filter(|share| *share);

    let volumes = Volumes::of(context, report);
    let sysctls = security::of_pod(context.spec, &volumes, report);
    (request.security_context, request.host_security_context) = (sysctls.safe, sysctls.host);
    request.host_name = Some(network::host_name(context, report));
    request.host_aliase = network::host_aliases(context.spec, report);
    let (policy, config) = network::dns(context, report);
    (request.dns_policy, request.dns_config) = (Some(policy), config);
    request.image_registry_credential = registry::credentials(context, report);

    let init_containers = items(init_containers.as_ref());
    if containers.len() + init_containers.len() > limits::CONTAINERS {
        let reason =
            format!("ECI takes at most {} containers, init containers among them", limits::CONTAINERS);
        report.reject(&root.field("containers"), reason);
    }
    for (index, (container, size)) in init_containers.iter().zip(&context.demand.init_containers).enumerate()
    {
        let path = root.item("initContainers", index);
        let place = Place { context, volumes: &volumes, kind: Kind::Init, path, size: *size };
        request.init_container.push(container::init(container, &place, report));
    }
    for (index, (container, size)) in containers.iter().zip(&context.demand.containers).enumerate() {
        let path = root.item("containers", index);
        let place = Place { context, volumes: &volumes, kind: Kind::Main, path, size: *size };
        request.container.push(container::main(container, &place, report));
    }
    request.volume = volumes.parameters;
}
