//! Which calls prove an absence, in which order, and what the cloud may answer to each.

use std::time::Duration;

use mockall::Sequence;
use serde_json::json;
use vk_core::{ErrorKind, Fetched, LogProvider, LogQuery, Provider};

use super::answers::{Bench, bench, error, group, group_of, id, status, tagged};
use crate::cloud::MockCloud;

const GRACE: Duration = Duration::from_secs(30);

/// A cloud whose first complete list shows these groups of the node.
fn showing(names: &'static [&'static str], order: &mut Sequence) -> MockCloud {
    let mut cloud = MockCloud::new();
    let statuses = move |_: &_| Ok(names.iter().map(|name| status(name)).collect());
    let groups = move |_: &_| Ok(names.iter().map(|name| group(name)).collect());
    cloud.expect_statuses().times(1).in_sequence(order).returning(statuses);
    cloud.expect_groups().times(1).in_sequence(order).returning(groups);
    cloud
}

#[tokio::test]
async fn an_empty_answer_is_checked_by_the_clusters_tag_and_then_by_name() {
    let mut order = Sequence::new();
    let mut cloud = showing(&["a"], &mut order);
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![]));
    cloud.expect_some_groups().times(1).in_sequence(&mut order).returning(|filter| {
        assert_eq!(filter.tag.len(), 1, "the cluster's tag alone");
        Ok(vec![])
    });
    cloud.expect_log().times(1).in_sequence(&mut order).returning(|request| {
        assert_eq!((request.container_group_id.as_str(), request.container_name.as_str()), ("eci-a", "app"));
        Err(error(ErrorKind::NotFound))
    });
    let Bench { provider, .. } = bench(cloud);
    provider.observe(None).await.unwrap();
    assert_eq!(provider.fetch(&[id("a")]).await.unwrap(), Fetched { present: vec![], absent: vec![id("a")] });
}

#[tokio::test]
async fn only_a_clear_not_found_by_name_proves_anything() {
    let answers = [
        Ok("a line\n".to_owned()),
        Ok(String::new()),
        Err(error(ErrorKind::Denied)),
        Err(error(ErrorKind::InvalidCredentials)),
        Err(error(ErrorKind::Conflict)),
        Err(error(ErrorKind::Unavailable)),
        Err(error(ErrorKind::Throttled { retry_after: None })),
        Err(error(ErrorKind::Bug)),
    ];
    for answer in answers {
        let mut order = Sequence::new();
        let mut cloud = showing(&["a"], &mut order);
        cloud.expect_groups().returning(|_| Ok(vec![]));
        cloud.expect_some_groups().returning(|_| Ok(vec![]));
        cloud.expect_log().times(1).return_once(move |_| answer);
        let Bench { provider, .. } = bench(cloud);
        provider.observe(None).await.unwrap();
        assert_eq!(*provider.fetch(&[id("a")]).await.unwrap_err().kind(), ErrorKind::Denied);
    }
}

#[tokio::test]
async fn what_the_clusters_list_shows_is_not_absent_whatever_the_reading_by_name_said() {
    let mut order = Sequence::new();
    let mut cloud = showing(&["a"], &mut order);
    cloud.expect_groups().returning(|_| Ok(vec![]));
    cloud.expect_some_groups().times(1).returning(|_| Ok(vec![group("a"), group("b")]));
    let Bench { provider, .. } = bench(cloud);
    provider.observe(None).await.unwrap();
    let fetched = provider.fetch(&[id("a"), id("c")]).await.unwrap();
    assert_eq!(fetched, Fetched { present: vec![], absent: vec![id("c")] });
}

#[tokio::test]
async fn a_group_that_tells_no_tags_is_neither_present_nor_absent() {
    let mut cloud = MockCloud::new();
    cloud.expect_groups().returning(|_| Ok(vec![tagged("a", json!([])), group("b")]));
    let Bench { provider, .. } = bench(cloud);
    let fetched = provider.fetch(&[id("a"), id("b")]).await.unwrap();
    assert_eq!((fetched.present.len(), fetched.absent), (1, vec![]));
}

#[tokio::test]
async fn a_lookup_finds_the_groups_of_that_uid_in_this_cluster_alone() {
    let key = |name: &str| vk_core::PodKey {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
    };
    let mut cloud = MockCloud::new();
    let answer = || vec![group("a"), group("b"), group_of("cluster-2", "node-1", "a")];
    cloud.expect_groups().times(1).returning(move |_| Ok(answer()));
    cloud.expect_groups().times(1).returning(|_| Ok(vec![tagged("a", json!([]))]));
    let Bench { provider, .. } = bench(cloud);
    let found = provider.find(&key("a")).await.unwrap();
    assert_eq!(found.iter().map(|group| &group.key).collect::<Vec<_>>(), [&key("a")]);
    // An answer in which one of them may be hidden is no complete one.
    assert_eq!(*provider.find(&key("a")).await.unwrap_err().kind(), ErrorKind::Bug);
}

#[tokio::test]
async fn a_group_that_tells_no_tags_is_not_touched() {
    let mut cloud = MockCloud::new();
    cloud.expect_groups().returning(|_| Ok(vec![tagged("a", json!([]))]));
    let Bench { provider, .. } = bench(cloud);
    assert_eq!(*provider.delete_pod(&id("a"), GRACE).await.unwrap_err().kind(), ErrorKind::Conflict);
    let log = provider.read_log(&id("a"), "app", &LogQuery::default()).await;
    assert_eq!(*log.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn nothing_is_deleted_when_it_cannot_be_read_whose_it_is() {
    let mut cloud = MockCloud::new();
    cloud.expect_groups().returning(|_| Err(error(ErrorKind::Throttled { retry_after: None })));
    let refused = bench(cloud).provider.delete_pod(&id("a"), GRACE).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Throttled { .. }));
}

#[tokio::test]
async fn a_group_whose_deletion_was_accepted_is_nobodys_witness_although_it_is_still_shown() {
    let mut order = Sequence::new();
    let mut cloud = showing(&["a"], &mut order);
    cloud.expect_delete().times(1).in_sequence(&mut order).returning(|_| Ok(()));
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![group("a")]));
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|filter| {
        assert_eq!(filter.container_group_ids.len(), 1, "only what was asked for");
        Ok(vec![])
    });
    cloud.expect_some_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![group("a")]));
    let Bench { provider, .. } = bench(cloud);
    provider.observe(None).await.unwrap();
    provider.delete_pod(&id("a"), GRACE).await.unwrap();
    assert_eq!(provider.fetch(&[id("a")]).await.unwrap().present.len(), 1);
    assert_eq!(provider.fetch(&[id("x")]).await.unwrap().absent, [id("x")]);
}

#[tokio::test]
async fn the_clouds_not_found_for_a_deletion_is_proof() {
    let mut cloud = MockCloud::new();
    cloud.expect_groups().returning(|_| Ok(vec![]));
    cloud.expect_some_groups().returning(|_| Ok(vec![]));
    cloud.expect_delete().times(1).returning(|_| Err(error(ErrorKind::NotFound)));
    let Bench { provider, .. } = bench(cloud);
    assert_eq!(*provider.fetch(&[id("a")]).await.unwrap_err().kind(), ErrorKind::Denied);
    provider.delete_pod(&id("a"), GRACE).await.unwrap();
    assert_eq!(provider.fetch(&[id("a")]).await.unwrap().absent, [id("a")]);
}

#[tokio::test]
async fn what_is_proven_is_told_although_the_rest_is_not() {
    let mut cloud = MockCloud::new();
    cloud.expect_groups().returning(|_| Ok(vec![]));
    cloud.expect_some_groups().returning(|_| Ok(vec![]));
    cloud.expect_delete().times(1).returning(|_| Ok(()));
    let Bench { provider, .. } = bench(cloud);
    provider.delete_pod(&id("a"), GRACE).await.unwrap();
    let fetched = provider.fetch(&[id("a"), id("b")]).await.unwrap();
    assert_eq!(fetched, Fetched { present: vec![], absent: vec![id("a")] });
}

#[tokio::test]
async fn an_empty_sweep_is_an_error_while_a_group_can_be_shown_to_live() {
    let mut order = Sequence::new();
    let mut cloud = showing(&["a", "b"], &mut order);
    cloud.expect_statuses().times(1).in_sequence(&mut order).returning(|_| Ok(vec![]));
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![]));
    cloud.expect_some_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![]));
    cloud.expect_log().times(1).in_sequence(&mut order).returning(|_| Ok("a line\n".to_owned()));
    let Bench { provider, .. } = bench(cloud);
    provider.observe(None).await.unwrap();
    let denied = provider.observe(None).await.unwrap_err();
    assert_eq!(*denied.kind(), ErrorKind::Denied);
    assert!(denied.chain().contains("eci-a"), "{}", denied.chain());
}

#[tokio::test]
async fn an_empty_sweep_is_incomplete_while_a_group_may_live() {
    let mut order = Sequence::new();
    let mut cloud = showing(&["a", "b"], &mut order);
    cloud.expect_statuses().times(1).in_sequence(&mut order).returning(|_| Ok(vec![]));
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![]));
    cloud.expect_some_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![]));
    cloud.expect_log().times(1).in_sequence(&mut order).returning(|_| Err(error(ErrorKind::NotFound)));
    cloud.expect_log().times(1).in_sequence(&mut order).returning(|_| Err(error(ErrorKind::Unavailable)));
    let Bench { provider, .. } = bench(cloud);
    provider.observe(None).await.unwrap();
    let observation = provider.observe(None).await.unwrap();
    assert!(observation.groups.is_empty() && !observation.complete);
}

#[tokio::test]
async fn an_empty_sweep_reports_what_the_other_list_shows() {
    let mut cloud = MockCloud::new();
    cloud.expect_statuses().returning(|_| Ok(vec![]));
    cloud.expect_groups().returning(|_| Ok(vec![group("a")]));
    let observation = bench(cloud).provider.observe(None).await.unwrap();
    assert_eq!(observation.groups.len(), 1);
    assert!(!observation.complete);
}

#[tokio::test(start_paused = true)]
async fn proof_that_a_group_is_gone_is_kept_for_an_outage_and_not_for_ever() {
    let mut cloud = MockCloud::new();
    cloud.expect_statuses().returning(|_| Ok(vec![status("z")]));
    cloud.expect_groups().returning(|filter| {
        let asks_for_z = filter.container_group_ids.iter().any(|id| id.as_str() == "eci-z");
        Ok(if asks_for_z { vec![group("z")] } else { vec![] })
    });
    cloud.expect_delete().returning(|_| Ok(()));
    let Bench { provider, .. } = bench(cloud);
    provider.delete_pod(&id("a"), GRACE).await.unwrap();
    tokio::time::advance(Duration::from_secs(1800)).await;
    provider.observe(None).await.unwrap();
    assert!(provider.index().is_gone(&id("a")));
    tokio::time::advance(Duration::from_secs(1801)).await;
    provider.observe(None).await.unwrap();
    assert!(!provider.index().is_gone(&id("a")));
}
