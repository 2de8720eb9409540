//! The documented limits of CreateContainerGroup at the level of the whole group.

use super::{Checker, container, volume};
use crate::params::Node;
use crate::size::{self, Family, Size, Spec};

/// Lists that only have a length limit, with the published maximum.
const LISTS: &[(&str, usize)] = &[
    ("ComputeCategory", 100),
    ("NtpServer", 21),
    ("DnsConfig.NameServer", 20),
    ("DnsConfig.Search", 20),
    ("DnsConfig.Option", 20),
    ("HostAliase", 101),
    ("SecurityContext.Sysctl", 101),
    ("HostSecurityContext.Sysctl", 101),
    ("ImageRegistryCredential", 11),
    ("AcrRegistryInfo", 21),
];

/// The economy category has no larger sizes.
const MAX_ECONOMY_CPU: f64 = 8.0;

const SAFE_SYSCTLS: &[&str] = &["net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"];

pub(super) fn check(checker: &mut Checker<'_>, root: &Node<'_>) {
    name(checker, root);
    checker.tags(root, 20);
    for (list, max) in LISTS {
        checker.at_most(root, list, *max);
    }
    enumerations(checker, root);
    ranges(checker, root);
    network(checker, root);
    placement(checker, root);
    sysctls(checker, root);
    registries(checker, root);
    volume::check(checker, root);
    container::check(checker, root);
    match size_of(root) {
        Ok(_) => {}
        Err(message) => checker.report("Cpu", size_code(root), message),
    }
}

fn name(checker: &mut Checker<'_>, root: &Node<'_>) {
    let Some(name) = root.text("ContainerGroupName").filter(|name| !name.is_empty()) else {
        return;
    };
    checker.length(root, "ContainerGroupName", 2, 128);
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(allowed) || name.starts_with('-') || name.ends_with('-') {
        checker.invalid("ContainerGroupName", "lower-case letters, digits and inner hyphens only");
    }
}

fn enumerations(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.one_of(root, "RestartPolicy", &["Always", "OnFailure", "Never"]);
    checker.one_of(root, "ScheduleStrategy", &["VSwitchOrdered", "VSwitchRandom"]);
    checker.one_of(root, "CpuArchitecture", &["AMD64", "ARM64"]);
    checker.one_of(root, "OsType", &["Linux", "Windows"]);
    checker.one_of(root, "SpotStrategy", &["NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo"]);
    checker.one_of(root, "DnsPolicy", &["None", "Default"]);
    checker.one_of(root, "EipISP", &["BGP", "BGP_PRO"]);
    checker.one_of(root, "DataCachePL", &["PL0", "PL1", "PL2", "PL3"]);
    checker.one_of(root, "FixedIp", &["true", "True", "false", "False"]);
    checker.one_of(root, "ImageAccelerateMode", &["nydus", "dadi", "p2p", "imc"]);
    for category in root.items("ComputeCategory") {
        checker.one_of(category, "", &["economy", "general"]);
    }
}

fn ranges(checker: &mut Checker<'_>, root: &Node<'_>) {
    for name in ["Cpu", "Memory"] {
        if root.number::<f64>(name).is_some_and(|number| number.is_nan() || number < 0.0) {
            checker.report(name, "InvalidParameter.CPU.Memory", "a size is not below 0");
        }
    }
    checker.between(root, "EphemeralStorage", 0, 5000);
    checker.between(root, "MaxPendingMinute", 10, 1440);
    checker.between(root, "SpotDuration", 0, 1);
    checker.between(root, "CpuOptionsCore", 0, 1000);
    checker.between(root, "CpuOptionsThreadsPerCore", 0, 1000);
    checker.between(root, "FixedIpRetainHour", 1, i64::MAX);
    checker.between(root, "Ipv6GatewayBandwidth", 1, 2000);
    checker.between(root, "EipBandwidth", 0, 1_000_000);
    checker.between(root, "Ipv6AddressCount", 1, 1);
    checker.between(root, "IngressBandwidth", 0, i64::MAX);
    checker.between(root, "EgressBandwidth", 0, i64::MAX);
    checker.between(root, "TerminationGracePeriodSeconds", 0, i64::MAX);
    checker.between(root, "ActiveDeadlineSeconds", 1, i64::MAX);
}

fn network(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.v_switches(root);
    if root.flag("AutoCreateEip") && root.has("EipInstanceId") {
        checker.invalid("EipInstanceId", "cannot be given together with AutoCreateEip");
    }
    if root.has("PrivateIpAddress") {
        checker.address(root, "PrivateIpAddress");
        checker.required(root, "VSwitchId");
        checker.required(root, "SecurityGroupId");
    }
    if root.text("DnsPolicy") == Some("None") && root.items("DnsConfig.NameServer").is_empty() {
        checker.report(
            "DnsConfig.NameServer.N",
            "MissingParameter",
            "DnsPolicy None needs at least one name server",
        );
    }
    for alias in root.items("HostAliase") {
        checker.required(alias, "Ip");
        checker.address(alias, "Ip");
        checker.at_most(alias, "Hostname", 51);
        if alias.items("Hostname").is_empty() {
            let parameter = alias.path_of("Hostname.1");
            checker.report(parameter, "MissingParameter", "an address needs at least one name");
        }
    }
    for server in root.items("DnsConfig.NameServer") {
        checker.address(server, "");
    }
    for option in root.items("DnsConfig.Option") {
        checker.required(option, "Name");
    }
}

fn placement(checker: &mut Checker<'_>, root: &Node<'_>) {
    let types = instance_types(root);
    if types.len() > 5 {
        checker.report("InstanceType", "InvalidParameter.ValueExceeded", "at most 5 types are allowed");
    }
    for entry in types.iter().filter(|entry| size::of_instance_type(entry).is_none()) {
        checker.invalid("InstanceType", format!("{entry:?} is neither an ECS type nor a pair like 2-4Gi"));
    }
    families(checker, root, &types);
    if is_spot(root) && root.has("ComputeCategory") {
        checker.invalid("ComputeCategory.N", "cannot be given for a spot group");
    }
    let is_arm = root.text("CpuArchitecture") == Some("ARM64");
    if root.has("ComputeCategory") && (is_arm || types.iter().any(|entry| entry.starts_with("ecs."))) {
        checker.invalid("ComputeCategory.N", "cannot be given for ARM64 or with ECS types");
    }
    if root.text("SpotStrategy") == Some("SpotWithPriceLimit") {
        checker.required(root, "SpotPriceLimit");
        spot_limit(checker, root);
    }
    if root.text("OsType") == Some("Windows") {
        let message = "Windows is for accounts that were invited only";
        checker.report("OsType", "Forbidden.OnlyForInvitedTest", message);
    }
    if root.text("CorePattern").is_some_and(|pattern| pattern.starts_with('|')) {
        checker.invalid("CorePattern", "must not begin with a pipe");
    }
}

/// CNY an hour, with at most three decimals.
fn spot_limit(checker: &mut Checker<'_>, root: &Node<'_>) {
    let Some(limit) = root.number::<f64>("SpotPriceLimit") else { return };
    let thousandths = limit * 1000.0;
    if limit <= 0.0 {
        checker.invalid("SpotPriceLimit", "must be above 0");
    } else if (thousandths - thousandths.round()).abs() > 1e-6 {
        checker.invalid("SpotPriceLimit", "has at most three decimals");
    }
}

/// ECS types are sold for groups, fit the processor asked for, and have their GPUs used.
fn families(checker: &mut Checker<'_>, root: &Node<'_>, types: &[&str]) {
    let wants_arm = root.text("CpuArchitecture") == Some("ARM64");
    let uses_gpu = root
        .items("Container")
        .iter()
        .any(|container| container.number::<u32>("Gpu").is_some_and(|count| count > 0));
    if uses_gpu && !types.iter().any(|entry| size::family_of(entry) == Family::Gpu) {
        checker.invalid("InstanceType", "a container wants GPUs, and no type has any");
    }
    for entry in types.iter().filter(|entry| entry.starts_with("ecs.")) {
        match size::family_of(entry) {
            Family::Unknown => {
                let message = format!("{entry} is no type that container groups can have");
                checker.report("InstanceType", "InvalidInstanceTypeForEciBuy", message);
            }
            family if (family == Family::Arm) != wants_arm => {
                let message = format!("{entry} does not have the architecture asked for");
                checker.report("InstanceType", "InstanceTypeNotMatchCpuArch", message);
            }
            Family::Gpu if !uses_gpu => {
                checker.invalid("Container.N.Gpu", format!("{entry} has GPUs, and no container wants any"));
            }
            _ => {}
        }
    }
}

fn sysctls(checker: &mut Checker<'_>, root: &Node<'_>) {
    for sysctl in root.items("SecurityContext.Sysctl").iter().chain(&root.items("HostSecurityContext.Sysctl"))
    {
        checker.required(sysctl, "Name");
        checker.required(sysctl, "Value");
    }
    for sysctl in root.items("SecurityContext.Sysctl") {
        checker.one_of(sysctl, "Name", SAFE_SYSCTLS);
    }
    for sysctl in root.items("HostSecurityContext.Sysctl") {
        if !sysctl.text("Name").is_none_or(is_unsafe_sysctl) {
            checker.invalid(sysctl.path_of("Name"), "is not among the kernel parameters that may be changed");
        }
    }
}

fn is_unsafe_sysctl(name: &str) -> bool {
    let families = ["kernel.shm", "kernel.msg", "fs.mqueue.", "net."];
    let excluded = ["kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies"];
    (families.iter().any(|family| name.starts_with(family))
        && !excluded.contains(&name)
        && !SAFE_SYSCTLS.contains(&name))
        || ["kernel.sem", "vm.min_free_kbytes"].contains(&name)
}

pub(super) fn registries(checker: &mut Checker<'_>, root: &Node<'_>) {
    for credential in root.items("ImageRegistryCredential") {
        checker.required(credential, "Server");
        checker.required(credential, "UserName");
        checker.required(credential, "Password");
        if credential.text("Server").is_some_and(|server| server.contains("://")) {
            checker.invalid(credential.path_of("Server"), "must not have a scheme");
        }
    }
    for registry in root.items("AcrRegistryInfo") {
        checker.at_most(registry, "Domain", 100);
    }
}

fn instance_types<'a>(root: &Node<'a>) -> Vec<&'a str> {
    root.text("InstanceType").map(|list| list.split(',').map(str::trim).collect()).unwrap_or_default()
}

fn is_spot(root: &Node<'_>) -> bool {
    root.text("SpotStrategy").is_some_and(|strategy| strategy != "NoSpot")
}

fn size_code(root: &Node<'_>) -> &'static str {
    if is_spot(root) { "InvalidSpotCpuMemorySpec" } else { "InvalidParameter.CPU.Memory" }
}

/// The size that the group will have and be billed for unless a later specification is taken, or why there is
/// none.
pub(crate) fn size_of(root: &Node<'_>) -> Result<Size, String> {
    let first = specs_of(root)?.into_iter().next();
    first.map(|spec| spec.size).ok_or_else(|| "no specification is left".to_owned())
}

/// The specifications that are tried in order, at least one, or why there is none.
pub(crate) fn specs_of(root: &Node<'_>) -> Result<Vec<Spec>, String> {
    let region = root.text("RegionId").unwrap_or_default();
    let sold = |wish: Size| size::sellable(wish, region, is_spot(root));
    let listed = instance_types(root).into_iter().filter_map(|entry| {
        let size = size::of_instance_type(entry)?;
        let size = if entry.starts_with("ecs.") { Some(size) } else { sold(size) };
        Some(Spec { instance_type: entry.to_owned(), category: String::new(), size: size? })
    });
    let listed: Vec<Spec> = listed.collect();
    // What is no type at all is told of elsewhere.
    let names_any = instance_types(root).into_iter().any(|entry| size::of_instance_type(entry).is_some());
    if names_any {
        return if listed.is_empty() { Err("none of the types is sold".to_owned()) } else { Ok(listed) };
    }
    let wish = wish(root);
    let none = || format!("no size sold holds {} vCPU and {} GiB", wish.cpu, wish.memory);
    let size = sold(wish).ok_or_else(none)?;
    let mut categories = root.texts("ComputeCategory");
    if categories.is_empty() {
        categories.push(String::new());
    }
    categories.retain(|category| category != "economy" || size.cpu <= MAX_ECONOMY_CPU);
    let specs = categories.into_iter().map(|category| Spec { instance_type: String::new(), category, size });
    let specs: Vec<Spec> = specs.collect();
    if specs.is_empty() { Err(none()) } else { Ok(specs) }
}

/// The size asked for: the group's, else what its containers need together, else the default.
fn wish(root: &Node<'_>) -> Size {
    let of = |name: &str| root.number::<f64>(name).unwrap_or(0.0);
    let own = Size { cpu: of("Cpu"), memory: of("Memory") };
    if own.cpu > 0.0 || own.memory > 0.0 {
        return own;
    }
    // Init containers run before the others and one at a time, so the largest of them counts once, as in
    // Kubernetes. The reference marks this as inferred.
    let need = |name: &str| {
        let each = |list: &str| {
            let counted = root.items(list).into_iter().filter(|container| !is_ignored(container));
            counted.map(|container| container.number::<f64>(name).unwrap_or(0.0)).collect::<Vec<f64>>()
        };
        each("InitContainer").into_iter().fold(each("Container").iter().sum(), f64::max)
    };
    let sum = Size { cpu: need("Cpu"), memory: need("Memory") };
    if sum.cpu > 0.0 || sum.memory > 0.0 { sum } else { size::DEFAULT_SIZE }
}

/// `__ECI_RESOURCE_IGNORE__=TRUE` keeps a container out of the sum.
fn is_ignored(container: &Node<'_>) -> bool {
    container
        .items("EnvironmentVar")
        .iter()
        .any(|variable| variable.text("Key") == Some("__ECI_RESOURCE_IGNORE__") && variable.flag("Value"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{create_with, problems};
    use super::*;

    fn size(changes: &[(&str, &str)]) -> (f64, f64) {
        let parameters = create_with(changes);
        let size = size_of(&Node::root(&parameters)).unwrap();
        (size.cpu, size.memory)
    }

    #[test]
    fn names_are_lower_case_with_inner_hyphens() {
        for good in ["ab", "a-1", &"x".repeat(128)] {
            assert_eq!(problems(&[("ContainerGroupName", good)]), Vec::<String>::new(), "{good}");
        }
        for bad in ["a", "-ab", "ab-", "a.b", "A1", "a_b"] {
            assert_eq!(
                problems(&[("ContainerGroupName", bad)]),
                ["ContainerGroupName InvalidParameter"],
                "{bad}"
            );
        }
        let long = "x".repeat(129);
        assert_eq!(
            problems(&[("ContainerGroupName", &long)]),
            ["ContainerGroupName InvalidParameter.LengthExceeded"]
        );
    }

    #[test]
    fn the_size_comes_from_the_group_then_its_containers_then_the_default() {
        assert_eq!(size(&[]), (2.0, 4.0));
        assert_eq!(size(&[("Container.1.Cpu", "0.3"), ("Container.1.Memory", "0.6")]), (0.5, 1.0));
        assert_eq!(size(&[("Container.1.Cpu", "8"), ("Cpu", "1"), ("Memory", "2")]), (1.0, 2.0));
        let with_init = [
            ("Container.1.Cpu", "1"),
            ("Container.1.Memory", "2"),
            ("InitContainer.1.Name", "init"),
            ("InitContainer.1.Image", "busybox"),
            ("InitContainer.1.Cpu", "2"),
            ("InitContainer.1.Memory", "1"),
        ];
        assert_eq!(size(&with_init), (2.0, 2.0));
        assert_eq!(size(&[("InstanceType", "4-8Gi,ecs.c6.2xlarge")]), (4.0, 8.0));
    }

    #[test]
    fn a_container_that_says_so_is_left_out_of_the_size() {
        let changes = [
            ("Container.1.Cpu", "4"),
            ("Container.1.EnvironmentVar.1.Key", "__ECI_RESOURCE_IGNORE__"),
            ("Container.1.EnvironmentVar.1.Value", "TRUE"),
            ("Container.2.Name", "side"),
            ("Container.2.Image", "busybox"),
            ("Container.2.Cpu", "0.25"),
            ("Container.2.Memory", "0.5"),
        ];
        assert_eq!(size(&changes), (0.25, 0.5));
    }

    #[test]
    fn a_size_nobody_sells_is_refused() {
        assert_eq!(problems(&[("Cpu", "65"), ("Memory", "1")]), ["Cpu InvalidParameter.CPU.Memory"]);
        assert_eq!(problems(&[("Cpu", "-1"), ("Memory", "2")]), ["Cpu InvalidParameter.CPU.Memory"]);
        assert_eq!(problems(&[("Cpu", "1"), ("Memory", "-2")]), ["Memory InvalidParameter.CPU.Memory"]);
        let spot = [("SpotStrategy", "SpotAsPriceGo"), ("Cpu", "65"), ("Memory", "1")];
        assert_eq!(problems(&spot), ["Cpu InvalidSpotCpuMemorySpec"]);
        for small in
            [[("Cpu", "1"), ("Memory", "2")], [("Container.1.Cpu", "0.5"), ("Container.1.Memory", "1")]]
        {
            let small = [&spot[..1], &small].concat();
            assert_eq!(problems(&small), ["Cpu InvalidSpotCpuMemorySpec"], "{small:?}");
        }
        let small = [spot[0], ("InstanceType", "1-2Gi")];
        assert_eq!(problems(&small), ["Cpu InvalidSpotCpuMemorySpec"]);
        assert_eq!(problems(&[spot[0], ("InstanceType", "1-2Gi,2-4Gi")]), Vec::<String>::new());
        let economy = [("ComputeCategory.1", "economy"), ("Cpu", "12"), ("Memory", "12")];
        assert_eq!(problems(&economy), ["Cpu InvalidParameter.CPU.Memory"]);
    }

    #[test]
    fn parameters_that_exclude_or_need_others_are_checked() {
        assert_eq!(
            problems(&[("AutoCreateEip", "true"), ("EipInstanceId", "eip-1")]),
            ["EipInstanceId InvalidParameter"]
        );
        assert_eq!(
            problems(&[("PrivateIpAddress", "10.0.0.9")]),
            ["VSwitchId MissingParameter", "SecurityGroupId MissingParameter"]
        );
        assert_eq!(problems(&[("DnsPolicy", "None")]), ["DnsConfig.NameServer.N MissingParameter"]);
        assert_eq!(problems(&[("SpotStrategy", "SpotWithPriceLimit")]), ["SpotPriceLimit MissingParameter"]);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        for (name, value) in [
            ("EphemeralStorage", "5001"),
            ("MaxPendingMinute", "9"),
            ("Ipv6AddressCount", "2"),
            ("SpotDuration", "2"),
        ] {
            let expected = format!("{name} InvalidParameter.ValueExceeded");
            assert_eq!(problems(&[(name, value)]), [expected]);
        }
    }

    #[test]
    fn registry_credentials_are_complete_and_without_scheme() {
        let found = problems(&[
            ("ImageRegistryCredential.1.Server", "https://registry.example"),
            ("ImageRegistryCredential.1.UserName", "u"),
        ]);
        assert_eq!(
            found,
            [
                "ImageRegistryCredential.1.Password MissingParameter",
                "ImageRegistryCredential.1.Server InvalidParameter"
            ]
        );
    }

    #[test]
    fn sysctls_go_by_the_published_families() {
        let safe = [
            ("SecurityContext.Sysctl.1.Name", "net.ipv4.ip_unprivileged_port_start"),
            ("SecurityContext.Sysctl.1.Value", "0"),
        ];
        assert_eq!(problems(&safe), Vec::<String>::new());
        assert_eq!(
            problems(&[
                ("SecurityContext.Sysctl.1.Name", "kernel.sem"),
                ("SecurityContext.Sysctl.1.Value", "1")
            ]),
            ["SecurityContext.Sysctl.1.Name InvalidParameter"]
        );
        assert_eq!(
            problems(&[
                ("HostSecurityContext.Sysctl.1.Name", "net.core.somaxconn"),
                ("HostSecurityContext.Sysctl.1.Value", "1")
            ]),
            Vec::<String>::new()
        );
        assert_eq!(
            problems(&[
                ("HostSecurityContext.Sysctl.1.Name", "net.ipv4.tcp_syncookies"),
                ("HostSecurityContext.Sysctl.1.Value", "1")
            ]),
            ["HostSecurityContext.Sysctl.1.Name InvalidParameter"]
        );
    }

    #[test]
    fn ecs_types_are_sold_fit_the_processor_and_have_their_gpus_used() {
        let found = |changes: &[(&str, &str)]| problems(changes);
        let arm = ("CpuArchitecture", "ARM64");
        assert_eq!(found(&[("InstanceType", "ecs.t5.large")]), ["InstanceType InvalidInstanceTypeForEciBuy"]);
        assert_eq!(found(&[("InstanceType", "ecs.g8y.large")]), ["InstanceType InstanceTypeNotMatchCpuArch"]);
        assert_eq!(
            found(&[("InstanceType", "ecs.c6.large"), arm]),
            ["InstanceType InstanceTypeNotMatchCpuArch"]
        );
        assert_eq!(found(&[("InstanceType", "ecs.g8y.large"), arm]), Vec::<String>::new());
        let gpu = ("InstanceType", "ecs.gn6i-c4g1.xlarge");
        assert_eq!(found(&[gpu]), ["Container.N.Gpu InvalidParameter"]);
        assert_eq!(found(&[gpu, ("Container.1.Gpu", "1")]), Vec::<String>::new());
    }

    #[test]
    fn instance_types_are_at_most_five_and_well_formed() {
        assert_eq!(problems(&[("InstanceType", "a-b")]), ["InstanceType InvalidParameter"]);
        let six = ["2-4Gi"; 6].join(",");
        assert_eq!(problems(&[("InstanceType", &six)]), ["InstanceType InvalidParameter.ValueExceeded"]);
    }

    #[test]
    fn what_a_hostile_caller_sends_is_refused_by_its_own_code() {
        const VOLUME: [(&str, &str); 1] = [("Volume.1.Name", "v")];
        const MOUNT: [(&str, &str); 3] = [
            ("Volume.1.Type", "EmptyDirVolume"),
            ("Container.1.VolumeMount.1.Name", "v"),
            ("Container.1.VolumeMount.1.MountPath", "/data"),
        ];
        const FLEX: [(&str, &str); 2] =
            [("Volume.1.Type", "FlexVolume"), ("Volume.1.FlexVolume.Driver", "alicloud/disk")];
        const LIMIT: [(&str, &str); 1] = [("SpotStrategy", "SpotWithPriceLimit")];
        let exec = ("Container.1.LivenessProbe.Exec.Command.1", "true");
        for (given, (name, wrong), right, problem) in [
            (&[][..], ("Container.1.Port.1.Port", "10250"), "8080", "InvalidParameter"),
            (&[], ("Container.1.Gpu", "1"), "0", "InstanceType InvalidParameter"),
            (&[], ("OsType", "Windows"), "Linux", "Forbidden.OnlyForInvitedTest"),
            (&[], ("VSwitchId", "vsw-1,,vsw-2"), "vsw-1,vsw-2", "InvalidParameter"),
            (&[], ("FixedIpRetainHour", "0"), "24", "InvalidParameter.ValueExceeded"),
            (&[], ("Ipv6GatewayBandwidth", "2001"), "2000", "InvalidParameter.ValueExceeded"),
            (&[], ("Ipv6GatewayBandwidth", "abc"), "2000", "InvalidParameter"),
            (&[], ("DataCachePL", "PL9"), "PL1", "InvalidParameter"),
            (&[], ("DnsConfig.NameServer.1", "dns.example"), "10.0.0.2", "InvalidParameter"),
            (&LIMIT, ("SpotPriceLimit", "0"), "0.5", "InvalidParameter"),
            (&LIMIT, ("SpotPriceLimit", "0.1234"), "0.123", "InvalidParameter"),
            (
                &[exec],
                ("Container.1.LivenessProbe.TimeoutSeconds", "0"),
                "1",
                "InvalidParameter.ValueExceeded",
            ),
            (&MOUNT, ("Container.1.VolumeMount.1.MountPath", "data"), "/data", "InvalidParameter"),
            (&MOUNT, ("Container.1.VolumeMount.1.SubPath", "../up"), "in/side", "InvalidParameter"),
            (&MOUNT, ("Volume.1.EmptyDirVolume.SizeLimit", "much"), "1.5Gi", "InvalidParameter"),
            (&FLEX, ("Volume.1.FlexVolume.Options", "{}"), r#"{"volumeId":"d-1"}"#, "MissingParameter"),
            (
                &FLEX,
                ("Volume.1.FlexVolume.Options", r#"{"volumeSize":"10"}"#),
                r#"{"volumeSize":"20"}"#,
                "InvalidParameter",
            ),
        ] {
            let is_volume = name.starts_with("Volume.") || name.contains("VolumeMount");
            let base = if is_volume { &VOLUME[..] } else { &[] };
            let of = |value: &str| problems(&[base, given, &[(name, value)]].concat());
            let expected =
                if problem.contains(' ') { problem.to_owned() } else { format!("{name} {problem}") };
            assert_eq!(of(wrong), [expected], "{name}={wrong}");
            assert_eq!(of(right), Vec::<String>::new(), "{name}={right}");
        }
    }

    #[test]
    fn what_depends_on_another_parameter_is_missed() {
        let alias = [("HostAliase.1.Ip", "10.0.0.9")];
        assert_eq!(problems(&alias), ["HostAliase.1.Hostname.1 MissingParameter"]);
        let sysctl = [("SecurityContext.Sysctl.1.Name", "net.ipv4.ping_group_range")];
        assert_eq!(problems(&sysctl), ["SecurityContext.Sysctl.1.Value MissingParameter"]);
        let probe = [("Container.1.ReadinessProbe.HttpGet.Path", "/")];
        assert_eq!(problems(&probe), ["Container.1.ReadinessProbe.HttpGet.Port MissingParameter"]);
        let hook = [("Container.1.LifecyclePreStopHandlerHttpGetPath", "/bye")];
        assert_eq!(problems(&hook), ["Container.1.LifecyclePreStopHandlerHttpGetPort MissingParameter"]);
        let twice = [
            ("Volume.1.Name", "v"),
            ("Volume.1.Type", "EmptyDirVolume"),
            ("Container.1.VolumeMount.1.Name", "v"),
            ("Container.1.VolumeMount.1.MountPath", "/data"),
            ("Container.1.VolumeMount.2.Name", "v"),
            ("Container.1.VolumeMount.2.MountPath", "/data/"),
        ];
        assert_eq!(problems(&twice), ["Container.1.VolumeMount.2.MountPath InvalidParameter"]);
    }
}
