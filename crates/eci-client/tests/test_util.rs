//! Holds the cloud in memory to what its users rely on.
#![cfg(all(feature = "test-util", feature = "client"))]

use std::time::Duration;

use eci_client::model::{
    ContainerGroup, ContainerGroupId, ContainerState, CreateContainer, CreateContainerGroupRequest,
    DeleteContainerGroupRequest, DescribeContainerGroupStatusRequest, DescribeContainerGroupsRequest,
    DescribeRegionsRequest, Status, Tag,
};
use eci_client::test_util::FakeEci;
use eci_client::{ErrorKind, FollowLog, LogItem};

fn request(name: &str) -> CreateContainerGroupRequest {
    CreateContainerGroupRequest {
        container_group_name: name.into(),
        client_token: Some(format!("{name}-1")),
        tag: vec![Tag { key: "team".into(), value: name.into() }],
        container: vec![CreateContainer { name: "main".into(), image: "i".into(), ..Default::default() }],
        ..Default::default()
    }
}

async fn create(cloud: &FakeEci, name: &str) -> ContainerGroupId {
    cloud.client().create_container_group(&request(name)).await.expect("a group").container_group_id
}

async fn group(cloud: &FakeEci, id: &ContainerGroupId) -> ContainerGroup {
    let filter =
        DescribeContainerGroupsRequest { container_group_ids: vec![id.clone()], ..Default::default() };
    cloud.client().list_container_groups(&filter).await.expect("groups").remove(0)
}

#[tokio::test]
async fn a_group_moves_when_it_is_told_to_and_ends_with_its_containers() {
    let cloud = FakeEci::new();
    let id = create(&cloud, "web").await;
    for status in [Status::Scheduling, Status::Pending, Status::Running, Status::Running] {
        assert_eq!(group(&cloud, &id).await.status, status);
        cloud.step();
    }
    cloud.end(&id, 3);
    cloud.step();
    cloud.run(&id);
    let ended = group(&cloud, &id).await;
    let run = ended.containers[0].current_state.as_ref().expect("a run");
    assert_eq!((ended.status, run.exit_code), (Status::Failed, 3));
    assert_eq!(run.state, ContainerState::Terminated);
}

#[tokio::test]
async fn one_client_token_makes_one_group() {
    let cloud = FakeEci::new();
    let id = create(&cloud, "web").await;
    assert_eq!(create(&cloud, "web").await, id);
    let other = CreateContainerGroupRequest { cpu: Some(8.0), ..request("web") };
    let error = cloud.client().create_container_group(&other).await.expect_err("a mismatch");
    assert_eq!(error.kind(), ErrorKind::IdempotentParameterMismatch);
    assert_ne!(create(&cloud, "db").await, id);
}

#[tokio::test]
async fn lists_are_filtered_by_tag_and_status() {
    let cloud = FakeEci::new();
    let (web, _) = (create(&cloud, "web").await, create(&cloud, "db").await);
    cloud.run(&web);
    let tag = vec![Tag { key: "team".into(), value: "web".into() }];
    let tagged = DescribeContainerGroupStatusRequest { tag, ..Default::default() };
    let statuses = cloud.client().list_container_group_statuses(&tagged).await.expect("statuses");
    assert_eq!((statuses.len(), &statuses[0].status), (1, &Status::Running));
    let pending = DescribeContainerGroupsRequest { status: Some(Status::Pending), ..Default::default() };
    assert!(cloud.client().list_container_groups(&pending).await.expect("groups").is_empty());
}

#[tokio::test]
async fn answers_are_lost_before_or_after_the_effect() {
    let cloud = FakeEci::new();
    let id = create(&cloud, "web").await;
    let delete = DeleteContainerGroupRequest { container_group_id: id, ..Default::default() };
    let kind = async || cloud.client().delete_container_group(&delete).await.map_err(|error| error.kind());
    cloud.lose_answer_before("DeleteContainerGroup", 1);
    assert_eq!(kind().await.err(), Some(ErrorKind::Indeterminate));
    cloud.lose_answer_after("*", 1);
    assert_eq!(kind().await.err(), Some(ErrorKind::Indeterminate));
    assert_eq!(kind().await.err(), Some(ErrorKind::NotFound), "the second call had its effect");
    assert_eq!(cloud.calls("DeleteContainerGroup").len(), 3);
}

#[tokio::test]
async fn it_throttles_refuses_and_answers_as_told() {
    let cloud = FakeEci::new();
    let regions = async || cloud.client().describe_regions(&DescribeRegionsRequest::default()).await;
    cloud.throttle("DescribeRegions", 1, Some(Duration::from_secs(7)));
    let kind = ErrorKind::Throttled { retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(regions().await.expect_err("throttled").kind(), kind);
    cloud.refuse("DescribeRegions", 1, 403, "Forbidden.RAM");
    assert_eq!(regions().await.expect_err("denied").kind(), ErrorKind::Denied);
    cloud.answer("DescribeRegions", serde_json::json!({ "Regions": [{ "RegionId": "cn-fake" }] }));
    assert_eq!(regions().await.expect("a reply").regions[0].region_id, "cn-fake");
}

#[tokio::test(start_paused = true)]
async fn its_logs_can_be_followed_over_a_restart() {
    let cloud = FakeEci::new();
    let id = create(&cloud, "web").await;
    cloud.write_log(&id, "main", "first run");
    let mut log = cloud.client().follow_log(FollowLog::new(id.clone(), "main"));
    let mut next = async || match log.next().await {
        Some(Ok(LogItem::Line(line))) => line.text.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(next().await, "first run");
    cloud.restart(&id, "main");
    cloud.write_log(&id, "main", "second run");
    assert_eq!(next().await, "Some(Ok(Restarted))");
    assert_eq!(next().await, "second run");
}
