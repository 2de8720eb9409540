//! Adds up what the containers of a pod ask for: vCPU, memory, ephemeral storage. Anything else is refused.
//!
//! Limits count, requests where there is no limit: a container group has one size and no bursting beyond it. Init
//! containers run one at a time before the others, so the largest of them counts if it is larger than the sum. What
//! the pod asks for as a whole (`spec.resources`) counts if it is more than that, which leaves its containers a share.

use k8s_openapi::api::core::v1 as corev1;

use super::report::{Path, Report, items};
use crate::limits;
use crate::quantity::Amount;
use crate::size::Size;

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;

/// A container whose variable of this name is `TRUE` is not counted, by ECI's own rule.
const NOT_COUNTED: &str = "__ECI_RESOURCE_IGNORE__";

/// What a pod asks for.
#[derive(Debug)]
pub(crate) struct Demand {
    /// The size that the group will have.
    pub(crate) group: Size,
    /// GiB of ephemeral storage beyond what is free.
    pub(crate) extra_ephemeral_gib: Option<i32>,
    /// What each container asks for, in order.
    pub(crate) containers: Vec<Size>,
    /// As `containers`, for init containers.
    pub(crate) init_containers: Vec<Size>,
}

/// What one container, or the pod as a whole, asks for.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    size: Size,
    ephemeral: Amount,
}

impl Share {
    fn plus(self, other: Self) -> Self {
        Self { size: self.size.plus(other.size), ephemeral: self.ephemeral.plus(other.ephemeral) }
    }

    fn max(self, other: Self) -> Self {
        Self { size: self.size.max(other.size), ephemeral: self.ephemeral.max(other.ephemeral) }
    }
}

impl Demand {
    /// Reads the resources of the pod and of all its containers.
    pub(crate) fn of(spec: &corev1::PodSpec, report: &mut Report) -> Self {
        let containers = shares(&spec.containers, "containers", report);
        let init_containers = shares(items(spec.init_containers.as_ref()), "initContainers", report);
        let whole = share(spec.resources.as_ref(), &Path::spec().field("resources"), report).size;
        // Requests of the pod may be the API server's sum of those of its containers, and bind nobody.
        let limits =
            spec.resources.as_ref().map(|it| corev1::ResourceRequirements { requests: None, ..it.clone() });
        let bound = share(limits.as_ref(), &Path::spec().field("resources"), report).size;

        let counted = spec.containers.iter().zip(&containers).filter(|(container, _)| is_counted(container));
        let sum = counted.fold(Share::default(), |sum, (_, share)| sum.plus(*share));
        let most = init_containers.iter().fold(sum, |most, share| most.max(*share));
        if exceeds(most.size.cpu_milli, bound.cpu_milli) || exceeds(most.size.memory_mib, bound.memory_mib) {
            let reason = "its containers ask for more than the pod as a whole, and ECI cannot share a limit among them";
            report.reject(&Path::spec().field("resources"), reason);
        }
        let size = most.size.max(whole);
        Self {
            group: sold(size, report),
            extra_ephemeral_gib: extra_ephemeral(most.ephemeral, report),
            containers: containers.iter().map(|share| share.size).collect(),
            init_containers: init_containers.iter().map(|share| share.size).collect(),
        }
    }
}

/// Whether containers ask for more than the pod as a whole may have, which need not be bounded.
fn exceeds(containers: i64, bound: i64) -> bool {
    bound > 0 && containers > bound
}

fn shares(containers: &[corev1::Container], list: &str, report: &mut Report) -> Vec<Share> {
    let paths = (0..).map(|index| Path::spec().item(list, index).field("resources"));
    containers.iter().zip(paths).map(|(it, path)| share(it.resources.as_ref(), &path, report)).collect()
}

fn is_counted(container: &corev1::Container) -> bool {
    let says_so = |variable: &corev1::EnvVar| {
        variable.name == NOT_COUNTED
            && variable.value.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("true"))
    };
    !items(container.env.as_ref()).iter().any(says_so)
}

/// Reads `resources`, refusing each resource that ECI has no parameter for.
fn share(resources: Option<&corev1::ResourceRequirements>, path: &Path, report: &mut Report) -> Share {
    let Some(corev1::ResourceRequirements { claims, limits, requests }) = resources else {
        return Share::default();
    };
    report.reject_any(path, "claims", claims.as_ref(), "ECI has no dynamic resource allocation");
    let mut share = Share::default();
    let mut ephemeral_limit = Amount::default();
    // Requests first, so that limits win; but a limit on ephemeral storage only says when to evict.
    for (list, quantities) in [("requests", requests), ("limits", limits)] {
        for (name, quantity) in quantities.iter().flatten() {
            let place = || path.entry(list, name);
            let Some(amount) = Amount::of(quantity) else {
                report.reject(&place(), "is not a quantity");
                continue;
            };
            // The API server copies a limit into the requests; one refusal is enough.
            let repeated =
                list == "requests" && limits.as_ref().is_some_and(|limits| limits.contains_key(name));
            match (name.as_str(), list) {
                _ if !amount.is_positive() => {}
                ("cpu", _) => share.size.cpu_milli = amount.in_thousandths(),
                ("memory", _) => share.size.memory_mib = amount.in_units_of(MIB),
                ("ephemeral-storage", "requests") => share.ephemeral = amount,
                ("ephemeral-storage", _) => ephemeral_limit = amount,
                _ if repeated => {}
                ("nvidia.com/gpu", _) => report.reject(
                    &place(),
                    "ECI runs GPUs only on a GPU instance type, and there is no way yet to name one; \
                     run this pod on a node with GPUs",
                ),
                _ => report.reject(&place(), "ECI has no such resource"),
            }
        }
    }
    if share.ephemeral == Amount::default() {
        share.ephemeral = ephemeral_limit;
    }
    share
}

fn sold(demand: Size, report: &mut Report) -> Size {
    demand.sellable().unwrap_or_else(|| {
        let largest = Size::LARGEST;
        let reason = format!(
            "together they ask for more than the largest container group has, {} vCPU and {} GiB",
            largest.cpu(),
            largest.memory_gib()
        );
        report.reject(&Path::spec().field("containers"), reason);
        largest
    })
}

fn extra_ephemeral(demand: Amount, report: &mut Report) -> Option<i32> {
    let extra = demand.in_units_of(GIB) - limits::FREE_EPHEMERAL_GIB;
    if extra > limits::EXTRA_EPHEMERAL_GIB {
        let most = limits::FREE_EPHEMERAL_GIB + limits::EXTRA_EPHEMERAL_GIB;
        let reason = format!(
            "together they ask for more ephemeral storage than a container group can have, {most} GiB"
        );
        report.reject(&Path::spec().field("containers"), reason);
    }
    i32::try_from(extra).ok().filter(|extra| *extra > 0)
}
