//! Shows a group as DescribeContainerGroups does: from the parameters of its create, and from its life.
//!
//! Request and reply spell many things differently; the names here are those of the published reply table.
//! Values that are not set are empty texts and empty structures, empty lists are left out, as in the
//! published sample.

use serde_json::{Map, Value, json};

use crate::clock::seconds_text;
use crate::group::{Container, ContainerKind, Event, Exit, Facts, Group, Incarnation, Status};
use crate::params::Node;
use crate::settings::MountReadOnly;

/// The variable that nearly every image brings along; replies list it with those of the request.
const IMAGE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn group(group: &Group, with_events: bool, read_only: MountReadOnly) -> Value {
    let Group { facts, life, .. } = group;
    let root = facts.root();
    let placed = life.placed_at.is_some();
    // An EIP goes with the instance, which is released as soon as the group has ended.
    let bound = placed && !life.status().is_terminal();
    let ended = |status: Status| match life.ended_at {
        Some(at) if life.status() == status => seconds_text(at),
        _ => String::new(),
    };
    let mut reply = json!({
        "ContainerGroupId": facts.id,
        "ContainerGroupName": facts.name(),
        "RegionId": facts.region,
        "ZoneId": facts.zone,
        "VpcId": facts.vpc,
        "VSwitchId": facts.v_switch,
        "SecurityGroupId": facts.security_group,
        "ResourceGroupId": root.text_or_empty("ResourceGroupId"),
        "Status": life.status().name(),
        "RestartPolicy": root.text("RestartPolicy").unwrap_or("Always"),
        "CreationTime": seconds_text(facts.created_at),
        "SucceededTime": ended(Status::Succeeded),
        "FailedTime": ended(Status::Failed),
        "ExpiredTime": ended(Status::Expired),
        "IntranetIp": if placed { facts.address.to_string() } else { String::new() },
        "InternetIp": facts.internet_ip.filter(|_| bound).map(|ip| ip.to_string()).unwrap_or_default(),
        "Ipv6Address": facts.ipv6.filter(|_| placed).map(|ip| ip.to_string()).unwrap_or_default(),
        "EniInstanceId": if placed { facts.id.replacen("eci-", "eni-", 1) } else { String::new() },
        "InstanceType": facts.instance_type,
        "Cpu": facts.size.cpu,
        "Memory": facts.size.memory,
        "Discount": 0,
        "EphemeralStorage": root.number::<i64>("EphemeralStorage").unwrap_or(0),
        "ComputeCategory": facts.compute_category,
        "SpotStrategy": root.text("SpotStrategy").filter(|_| facts.is_spot).unwrap_or("NoSpot"),
        "SpotPriceLimit": root.number::<f64>("SpotPriceLimit").unwrap_or(0.0),
        "RamRoleName": root.text_or_empty("RamRoleName"),
        "DnsPolicy": root.text_or_empty("DnsPolicy"),
        "DnsConfig": dns(&root),
        "EciSecurityContext": sysctls(&root),
        "Containers": life.apps.iter().map(|container| self::container(facts, &root, container, read_only)).collect::<Vec<_>>(),
    });
    let reply_members = reply.as_object_mut().expect("a reply is an object");
    let init =
        life.init.iter().map(|container| self::container(facts, &root, container, read_only)).collect();
    add_list(reply_members, "InitContainers", init);
    add_list(reply_members, "Volumes", root.items("Volume").into_iter().map(volume).collect());
    add_list(
        reply_members,
        "Tags",
        facts.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect(),
    );
    add_list(reply_members, "HostAliases", root.items("HostAliase").into_iter().map(host_alias).collect());
    if with_events {
        add_list(reply_members, "Events", life.events.iter().map(|found| event(facts, found)).collect());
    }
    reply
}

fn add_list(members: &mut Map<String, Value>, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        members.insert(name.to_owned(), Value::Array(items));
    }
}

fn dns(root: &Node<'_>) -> Value {
    let mut members = Map::new();
    let texts = |name: &str| root.texts(name).into_iter().map(Value::from).collect();
    add_list(&mut members, "NameServers", texts("DnsConfig.NameServer"));
    add_list(&mut members, "Searches", texts("DnsConfig.Search"));
    add_list(
        &mut members,
        "Options",
        root.items("DnsConfig.Option").into_iter().map(name_and_value).collect(),
    );
    Value::Object(members)
}

fn sysctls(root: &Node<'_>) -> Value {
    let mut members = Map::new();
    add_list(
        &mut members,
        "Sysctls",
        root.items("SecurityContext.Sysctl").into_iter().map(name_and_value).collect(),
    );
    Value::Object(members)
}

fn name_and_value(node: &Node<'_>) -> Value {
    json!({"Name": node.text_or_empty("Name"), "Value": node.text_or_empty("Value")})
}

fn host_alias(alias: &Node<'_>) -> Value {
    json!({"Ip": alias.text_or_empty("Ip"), "Hostnames": alias.texts("Hostname")})
}

fn event(facts: &Facts, event: &Event) -> Value {
    json!({
        "Count": event.count,
        "FirstTimestamp": seconds_text(event.first),
        "LastTimestamp": seconds_text(event.last),
        "Message": event.message,
        "Name": format!("{}.{:x}", facts.name(), event.first.as_microsecond()),
        "Reason": event.reason,
        "Type": if event.is_warning { "Warning" } else { "Normal" },
    })
}

fn container(facts: &Facts, root: &Node<'_>, container: &Container, read_only: MountReadOnly) -> Value {
    let list = root.items(container.kind.list());
    let node = list[container.index];
    let mut reply = json!({
        "Name": container.name,
        "Image": container.image,
        "ImagePullPolicy": node.text("ImagePullPolicy").unwrap_or("IfNotPresent"),
        "WorkingDir": node.text_or_empty("WorkingDir"),
        "Cpu": node.number::<f64>("Cpu").unwrap_or(0.0),
        "Memory": node.number::<f64>("Memory").unwrap_or(0.0),
        "Gpu": node.number::<i64>("Gpu").unwrap_or(0),
        "Ready": container.is_ready(),
        "RestartCount": container.restarts,
        "CurrentState": current_state(container),
        "PreviousState": ended_state(container.previous.as_ref()),
        "SecurityContext": security_context(node),
    });
    let members = reply.as_object_mut().expect("a reply is an object");
    let texts = |name: &str| node.texts(name).into_iter().map(Value::from).collect();
    // The reply tables of the two kinds of containers differ in this one letter.
    let commands = if container.kind == ContainerKind::Init { "Command" } else { "Commands" };
    add_list(members, commands, texts("Command"));
    add_list(members, "Args", texts("Arg"));
    add_list(members, "EnvironmentVars", variables(facts, node));
    add_list(members, "Ports", node.items("Port").into_iter().map(port).collect());
    let mounts =
        node.items("VolumeMount").into_iter().map(|mount| self::mount(mount, container.kind, read_only));
    add_list(members, "VolumeMounts", mounts.collect());
    if container.kind == ContainerKind::App {
        for flag in ["Stdin", "StdinOnce", "Tty"] {
            members.insert(flag.to_owned(), Value::Bool(node.flag(flag)));
        }
        for probe in ["LivenessProbe", "ReadinessProbe"] {
            members.insert(probe.to_owned(), self::probe(node.member(probe)));
        }
    }
    reply
}

fn current_state(container: &Container) -> Value {
    if let Some((reason, message)) = container.waiting() {
        return state("Waiting", "", "", &Exit { reason: reason.to_owned(), message, ..Exit::default() });
    }
    match &container.current {
        Some(current) if current.ended.is_none() => {
            state("Running", &seconds_text(current.started_at), "", &Exit::default())
        }
        ended => ended_state(ended.as_ref()),
    }
}

fn ended_state(incarnation: Option<&Incarnation>) -> Value {
    let ended = incarnation.and_then(|incarnation| Some((incarnation, incarnation.ended.as_ref()?)));
    match ended {
        Some((incarnation, (at, exit))) => {
            state("Terminated", &seconds_text(incarnation.started_at), &seconds_text(*at), exit)
        }
        None => state("", "", "", &Exit::default()),
    }
}

fn state(name: &str, start: &str, finish: &str, exit: &Exit) -> Value {
    json!({
        "State": name,
        "DetailStatus": exit.reason,
        "StartTime": start,
        "FinishTime": finish,
        "ExitCode": exit.code,
        "Signal": exit.signal,
        "Reason": exit.reason,
        "Message": exit.message,
    })
}

fn variables(facts: &Facts, node: &Node<'_>) -> Vec<Value> {
    if node.flag("EnvironmentVarHide") {
        return Vec::new();
    }
    let variable = |variable: &Node<'_>| {
        let field_ref = match variable.text("FieldRef.FieldPath") {
            Some(path) => json!({"FieldPath": path}),
            None => json!({}),
        };
        json!({
            "Key": variable.text_or_empty("Key"),
            "Value": variable.text_or_empty("Value"),
            "ValueFrom": {"FieldRef": field_ref},
        })
    };
    let mut variables: Vec<Value> = node.items("EnvironmentVar").into_iter().map(variable).collect();
    let own_path = node.items("EnvironmentVar").iter().any(|variable| variable.text("Key") == Some("PATH"));
    if !own_path && !facts.id.is_empty() {
        variables.push(json!({"Key": "PATH", "Value": IMAGE_PATH, "ValueFrom": {"FieldRef": {}}}));
    }
    variables
}

fn port(port: &Node<'_>) -> Value {
    json!({"Port": port.number::<i64>("Port").unwrap_or(0), "Protocol": port.text("Protocol").unwrap_or("TCP")})
}

fn mount(mount: &Node<'_>, kind: ContainerKind, read_only: MountReadOnly) -> Value {
    let mut reply = json!({
        "Name": mount.text_or_empty("Name"),
        "MountPath": mount.text_or_empty("MountPath"),
        "MountPropagation": mount.text("MountPropagation").unwrap_or("None"),
    });
    match (mount.flag("ReadOnly"), read_only) {
        (false, MountReadOnly::WhenTrue) => {}
        (false, MountReadOnly::Null) => reply["ReadOnly"] = Value::Null,
        (is_read_only, _) => reply["ReadOnly"] = json!(is_read_only),
    }
    if kind == ContainerKind::App {
        reply["SubPath"] = json!(mount.text_or_empty("SubPath"));
    }
    reply
}

fn security_context(node: &Node<'_>) -> Value {
    let Some(context) = node.member("SecurityContext") else { return json!({}) };
    let mut reply = Map::new();
    if let Some(user) = context.number::<i64>("RunAsUser") {
        reply.insert("RunAsUser".to_owned(), user.into());
    }
    reply.insert("ReadOnlyRootFilesystem".to_owned(), context.flag("ReadOnlyRootFilesystem").into());
    let mut capability = Map::new();
    let added = context.texts("Capability.Add").into_iter().map(Value::from).collect();
    add_list(&mut capability, "Adds", added);
    reply.insert("Capability".to_owned(), Value::Object(capability));
    Value::Object(reply)
}

fn probe(probe: Option<&Node<'_>>) -> Value {
    let Some(probe) = probe else { return json!({}) };
    let number = |name: &str, default: i64| probe.number::<i64>(name).unwrap_or(default);
    let mut reply = json!({
        "InitialDelaySeconds": number("InitialDelaySeconds", 0),
        "PeriodSeconds": number("PeriodSeconds", 10),
        "TimeoutSeconds": number("TimeoutSeconds", 1),
        "SuccessThreshold": number("SuccessThreshold", 1),
        "FailureThreshold": number("FailureThreshold", 3),
        "HttpGet": {},
        "TcpSocket": {},
    });
    if probe.has("HttpGet") {
        reply["HttpGet"] = json!({
            "Path": probe.text_or_empty("HttpGet.Path"),
            "Port": number("HttpGet.Port", 0),
            "Scheme": probe.text("HttpGet.Scheme").unwrap_or("HTTP"),
        });
    }
    if probe.has("TcpSocket") {
        reply["TcpSocket"] = json!({"Port": number("TcpSocket.Port", 0), "Host": ""});
    }
    let members = reply.as_object_mut().expect("a reply is an object");
    add_list(members, "Execs", probe.texts("Exec.Command").into_iter().map(Value::from).collect());
    reply
}

/// Fields of a volume, as the request spells them and as the reply does.
const VOLUME_TEXTS: &[(&str, &str)] = &[
    ("Name", "Name"),
    ("Type", "Type"),
    ("NFSVolume.Path", "NFSVolumePath"),
    ("NFSVolume.Server", "NFSVolumeServer"),
    ("EmptyDirVolume.Medium", "EmptyDirVolumeMedium"),
    ("EmptyDirVolume.SizeLimit", "EmptyDirVolumeSizeLimit"),
    ("FlexVolume.Driver", "FlexVolumeDriver"),
    ("FlexVolume.FsType", "FlexVolumeFsType"),
    ("FlexVolume.Options", "FlexVolumeOptions"),
    ("DiskVolume.DiskId", "DiskVolumeDiskId"),
    ("DiskVolume.FsType", "DiskVolumeFsType"),
];

fn volume(volume: &Node<'_>) -> Value {
    let mut reply: Map<String, Value> = VOLUME_TEXTS
        .iter()
        .map(|(request, reply)| ((*reply).to_owned(), Value::from(volume.text_or_empty(request))))
        .collect();
    reply.insert("NFSVolumeReadOnly".to_owned(), volume.flag("NFSVolume.ReadOnly").into());
    let file = |file: &Node<'_>| json!({"Path": file.text_or_empty("Path"), "Content": file.text_or_empty("Content")});
    let files = volume.items("ConfigFileVolume.ConfigFileToPath").into_iter().map(file).collect();
    add_list(&mut reply, "ConfigFileVolumeConfigFileToPaths", files);
    Value::Object(reply)
}
