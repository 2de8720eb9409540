//! The control API, and the indexes behind it all.

use super::*;

#[test]
fn lines_can_be_written_into_a_log() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    world.control(
        "POST",
        &format!("groups/{id}/logs"),
        json!({"container": "main", "lines": ["one", "two"]}),
    );
    world.wait(1);
    assert_eq!(world.log(&id, &[("Tail", "2")]).unwrap(), "one\ntwo\n");
}

#[test]
fn a_container_can_be_ended_and_made_unready() {
    let mut world = World::new();
    let id = world.create(&[("RestartPolicy", "Never")]);
    world.wait(1_000);
    let path = format!("groups/{id}/containers/main");
    world.control("POST", &path, json!({"ready": false}));
    assert_eq!(world.group(&id)["Containers"][0]["Ready"], false);
    world.control("POST", &path, json!({"exit_code": 137, "signal": 9, "reason": "OOMKilled"}));
    let state = world.group(&id)["Containers"][0]["CurrentState"].clone();
    assert_eq!(
        (&state["ExitCode"], &state["Signal"], &state["Reason"]),
        (&json!(137), &json!(9), &json!("OOMKilled"))
    );
    let events = world.group(&id)["Events"].as_array().unwrap().clone();
    let told = events.iter().find(|event| event["Reason"] == "OOMKilled").expect("the event of it");
    assert_eq!(told["Type"], "Warning");
    let body = json!({"exit_code": 1}).to_string();
    let request = ControlRequest { method: "POST", path: &path, query: "", body: body.as_bytes() };
    assert_eq!(control::handle(&mut world.cloud, world.now, request).0, 409);
}

#[test]
fn a_status_can_be_forced() {
    let mut world = World::new();
    for (status, time) in
        [("Expired", "ExpiredTime"), ("Failed", "FailedTime"), ("Succeeded", "SucceededTime")]
    {
        let id = world.create(&[]);
        world.wait(1_000);
        world.control(
            "POST",
            &format!("groups/{id}/status"),
            json!({"status": status, "message": "by hand"}),
        );
        let group = world.group(&id);
        assert_eq!(group["Status"], status);
        assert_ne!(group[time], "");
    }
    let id = world.create(&[]);
    world.control("POST", &format!("groups/{id}/status"), json!({"status": "ScheduleFailed"}));
    assert_eq!(world.group(&id)["Status"], "ScheduleFailed");
}

#[test]
fn a_group_can_be_taken_away_at_once() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    world.control("DELETE", &format!("groups/{id}"), Value::Null);
    assert!(world.ids(&[]).is_empty());
}

#[test]
fn time_can_be_moved_ahead() {
    let mut world = World::new();
    let id = world.script("sleep 7200", &[("RestartPolicy", "Never")]);
    world.control("POST", "clock", json!({"advance_ms": 7_300_000}));
    assert_eq!(world.group(&id)["Status"], "Succeeded");
    for ms in [32 * 24 * 3_600_000_u64, u64::MAX] {
        let body = json!({ "advance_ms": ms }).to_string();
        let request = ControlRequest { method: "POST", path: "clock", query: "", body: body.as_bytes() };
        let (status, reply) = control::handle(&mut world.cloud, world.now, request);
        assert_eq!(status, 400);
        assert!(reply.to_string().contains("advance_ms: at most 31 days"), "{reply}");
    }
}

#[test]
fn a_few_among_ten_thousand_groups_are_found_by_index() {
    let mut world = World::with(json!({"schedule_ms": 0, "pull_ms": 0, "start_ms": 0}));
    for n in 0..10_000 {
        let value = format!("n{n}");
        let tags = [
            ("Tag.1.Key", "cluster"),
            ("Tag.1.Value", "c"),
            ("Tag.2.Key", "pod"),
            ("Tag.2.Value", value.as_str()),
        ];
        world.create(&tags);
    }
    world.wait(600_000);
    let cluster = [("Tag.1.Key", "cluster"), ("Tag.1.Value", "c")];
    let changed = world.create(&cluster);
    let since = [&cluster[..], &[("SinceSecond", "60")]].concat();
    assert_eq!(world.status_ids(&since), [changed]);
    assert_eq!(world.ids(&[("Tag.1.Key", "pod"), ("Tag.1.Value", "n9999")]).len(), 1);
    let store = &world.cloud.store;
    assert_eq!(store.changed_since(later(world.now, SignedDuration::from_secs(-60))).count(), 1);
    assert_eq!(store.tagged("pod", "n9999").unwrap().len(), 1);
    let all = world.call("DescribeContainerGroupStatus", &cluster).unwrap();
    assert_eq!((all["TotalCount"].as_u64(), all["Data"].as_array().unwrap().len()), (Some(10_001), 200));
}
