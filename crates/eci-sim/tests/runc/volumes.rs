//! Volumes, and what a restart and an update make of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eci_sim::Settings;
use serde_json::Value;

use crate::caller::{Caller, eventually};
use crate::machine::{create, is_running, log, log_with, output, simulator, until};

const FOREVER: &str = "trap 'exit 0' TERM; while true; do sleep 0.1; done";

async fn events(caller: &Caller) -> Vec<Value> {
    let reply = caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await;
    reply["ContainerGroups"][0]["Events"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_in_memory_has_its_size_and_is_shared() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let writer = "df -k /cache | tail -1 | awk '{print $1, $2}'; echo shared > /cache/note; \
                  dd if=/dev/zero of=/cache/big bs=1M count=9 2>/dev/null || echo full";
    let reader = "until [ -f /seen/note ]; do sleep 0.1; done; cat /seen/note";
    let more = [
        ("RestartPolicy", "Never"),
        ("Volume.1.Name", "cache"),
        ("Volume.1.Type", "EmptyDirVolume"),
        ("Volume.1.EmptyDirVolume.Medium", "Memory"),
        ("Volume.1.EmptyDirVolume.SizeLimit", "8Mi"),
        ("Container.1.VolumeMount.1.Name", "cache"),
        ("Container.1.VolumeMount.1.MountPath", "/cache"),
        ("Container.2.VolumeMount.1.Name", "cache"),
        ("Container.2.VolumeMount.1.MountPath", "/seen"),
        ("Container.2.VolumeMount.1.ReadOnly", "true"),
    ];
    let id = create(&caller, &[("main", writer), ("other", reader)], &more).await;
    until(&caller, &id, "success", |group| group["Status"] == "Succeeded").await;
    assert_eq!(log(&caller, &id, "main").await, "tmpfs 8192\nfull\n");
    assert_eq!(log(&caller, &id, "other").await, "shared\n");
    let unmounted = || async { (!output("mount", &[]).contains(&id)).then_some(()) };
    eventually("no mount is left", unmounted).await;
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_that_cannot_be_made_is_told_and_the_container_waits() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let more = [
        ("Volume.1.Name", "far"),
        ("Volume.1.Type", "NFSVolume"),
        ("Volume.1.NFSVolume.Server", "nas.example"),
        ("Volume.1.NFSVolume.Path", "/"),
        ("Container.1.VolumeMount.1.Name", "far"),
        ("Container.1.VolumeMount.1.MountPath", "/far"),
    ];
    let id = create(&caller, &[("main", FOREVER)], &more).await;
    let told = || async {
        let all = events(&caller).await;
        let event = all.iter().find(|event| event["Reason"] == "FailedMount")?;
        (event["Count"].as_u64() >= Some(2)).then(|| event["Message"].as_str().unwrap().to_owned())
    };
    let message = eventually("a mount that fails again", told).await;
    assert!(message.contains("\"far\"") && message.contains("NFSVolume"), "{message}");
    let waits = |group: &Value| {
        group["Status"] == "Pending" && group["Containers"][0]["CurrentState"]["State"] == "Waiting"
    };
    until(&caller, &id, "a container that waits", waits).await;
    // With the volume gone the container starts.
    let update = [
        ("ContainerGroupId", id.as_str()),
        ("Container.1.Name", "main"),
        ("Container.1.Image", "busybox"),
        ("Container.1.Command.1", "sleep"),
        ("Container.1.Command.2", "3600"),
    ];
    caller.ok("UpdateContainerGroup", &update).await;
    until(&caller, &id, "running", is_running).await;
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_asks_to_end_and_empties_the_volumes() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let script = "echo there: $(ls /data); touch /data/left; echo kept > /etc/left; \
                  trap 'sleep 0.2; touch /data/late; exit 0' TERM; while true; do sleep 0.1; done";
    let more = [
        ("Volume.1.Name", "data"),
        ("Volume.1.Type", "EmptyDirVolume"),
        ("Container.1.VolumeMount.1.Name", "data"),
        ("Container.1.VolumeMount.1.MountPath", "/data"),
    ];
    let id = create(&caller, &[("main", script)], &more).await;
    log_with(&caller, &id, "main", "there:").await;
    caller.ok("RestartContainerGroup", &[("ContainerGroupId", &id)]).await;
    let again = |group: &Value| is_running(group) && group["Containers"][0]["RestartCount"] == 1;
    until(&caller, &id, "a second run", again).await;
    assert_eq!(log_with(&caller, &id, "main", "there:").await, "there:\n");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_brings_other_files_and_leaves_other_containers_alone() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let (old, new) = (STANDARD.encode("old"), STANDARD.encode("new"));
    let show = format!("cat /conf/file; echo; {FOREVER}");
    let volume = |content| {
        [
            ("Volume.1.Name", "conf"),
            ("Volume.1.Type", "ConfigFileVolume"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "file"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", content),
            ("Container.1.VolumeMount.1.Name", "conf"),
            ("Container.1.VolumeMount.1.MountPath", "/conf"),
        ]
    };
    let id = create(&caller, &[("main", &show), ("other", FOREVER)], &volume(old.as_str())).await;
    assert_eq!(log_with(&caller, &id, "main", "old").await, "old\n");
    until(&caller, &id, "running", is_running).await;
    let more = [&volume(new.as_str())[..], &[("Container.1.WorkingDir", "/tmp")]].concat();
    let scripts = crate::machine::containers(&[("main", &show), ("other", FOREVER)]);
    let all = scripts.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<_> = all.filter(|(name, _)| *name != "ContainerGroupName").collect();
    caller.ok("UpdateContainerGroup", &[&all[..], &more, &[("ContainerGroupId", &id)]].concat()).await;
    log_with(&caller, &id, "main", "new").await;
    let group = until(&caller, &id, "running", is_running).await;
    assert_eq!(group["Containers"][1]["RestartCount"], 0, "{group}");
    simulator.shutdown().await;
}
