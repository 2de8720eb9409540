//! When a list may be called complete, and which window an increment asks for.

use std::time::Duration;

use mockall::Sequence;
use mockall::predicate::always;
use serde_json::json;
use vk_core::{Cursor, ErrorKind, GroupId, ObservedPod, Provider};

use super::answers::{Bench, bench, error, group, group_of, id, status, tagged};
use crate::cloud::MockCloud;

fn ids(groups: &[ObservedPod]) -> Vec<GroupId> {
    groups.iter().map(|group| group.group.clone()).collect()
}

#[tokio::test]
async fn a_filter_that_lets_strangers_through_is_not_trusted() {
    let mut cloud = MockCloud::new();
    let shown = || ["a", "b", "c", "d"].map(status).to_vec();
    cloud.expect_statuses().times(2).returning(move |_| Ok(shown()));
    // Read once: whose they are does not change.
    cloud.expect_groups().times(1).returning(|_| {
        Ok(vec![
            group("a"),
            group_of("cluster-2", "node-1", "b"),
            group_of("cluster-1", "node-2", "c"),
            tagged("d", json!([{"Key": "team", "Value": "shop"}])),
        ])
    });
    let Bench { provider, skipped, .. } = bench(cloud);
    for _ in 0..2 {
        let observation = provider.observe(None).await.unwrap();
        assert!(observation.complete);
        assert_eq!(ids(&observation.groups), [id("a")]);
        assert_eq!(skipped.count(), 3);
    }
}

#[tokio::test]
async fn a_group_that_tells_no_tags_may_be_ours() {
    let mut cloud = MockCloud::new();
    cloud.expect_statuses().returning(|_| Ok(vec![status("a"), status("b")]));
    cloud.expect_groups().returning(|_| Ok(vec![group("a"), tagged("b", json!([]))]));
    let observation = bench(cloud).provider.observe(None).await.unwrap();
    assert!(!observation.complete);
    assert_eq!(ids(&observation.groups), [id("a")]);
}

#[tokio::test]
async fn a_sweep_with_groups_that_cannot_be_read_is_an_error_and_keeps_what_is_known() {
    let mut cloud = MockCloud::new();
    let mut order = Sequence::new();
    cloud.expect_statuses().times(1).in_sequence(&mut order).returning(|_| Ok(vec![status("a")]));
    cloud
        .expect_statuses()
        .times(2)
        .in_sequence(&mut order)
        .returning(|_| Ok(vec![status("a"), status("b")]));
    let mut order = Sequence::new();
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![group("a")]));
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Err(error(ErrorKind::Unavailable)));
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![group("b")]));
    let Bench { provider, .. } = bench(cloud);
    provider.observe(None).await.unwrap();
    assert_eq!(*provider.observe(None).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let observation = provider.observe(None).await.unwrap();
    assert_eq!((ids(&observation.groups), observation.complete), (vec![id("a"), id("b")], true));
}

#[tokio::test]
async fn a_group_that_vanishes_while_it_is_listed_hides_nothing() {
    let mut cloud = MockCloud::new();
    let mut order = Sequence::new();
    let shown = || Ok(vec![status("a"), status("b")]);
    cloud.expect_statuses().times(1).in_sequence(&mut order).returning(move |_| shown());
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![group("a")]));
    let second = |filter: &eci_client::model::DescribeContainerGroupStatusRequest| {
        let asked: Vec<_> = filter.container_group_ids.iter().map(|id| id.as_str()).collect();
        assert_eq!(asked, ["eci-b", "eci-a"], "what vanished, and one that is known to be there");
        Ok(vec![status("a")])
    };
    cloud.expect_statuses().times(1).in_sequence(&mut order).returning(second);
    let observation = bench(cloud).provider.observe(None).await.unwrap();
    assert!(observation.complete);
    assert_eq!(ids(&observation.groups), [id("a")]);
}

#[tokio::test]
async fn a_group_that_is_still_listed_or_may_be_leaves_the_sweep_incomplete() {
    let seconds = [
        // Still there: the full reading lags behind.
        Ok(vec![status("a"), status("b")]),
        // Nothing is shown any more, not even what is there: reading may have ceased to be permitted.
        Ok(vec![]),
        Err(error(ErrorKind::Unavailable)),
    ];
    for second in seconds {
        let mut cloud = MockCloud::new();
        let mut order = Sequence::new();
        let shown = || Ok(vec![status("a"), status("b")]);
        cloud.expect_statuses().times(1).in_sequence(&mut order).returning(move |_| shown());
        cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![group("a")]));
        cloud.expect_statuses().times(1).in_sequence(&mut order).return_once(move |_| second);
        let observation = bench(cloud).provider.observe(None).await.unwrap();
        assert!(!observation.complete);
        assert_eq!(ids(&observation.groups), [id("a")]);
    }
}

#[tokio::test]
async fn a_listed_group_that_cannot_be_read_yet_is_no_want_of_permission_while_others_can() {
    for (shown, denied) in [(vec![group_of("cluster-1", "node-2", "z")], false), (vec![], true)] {
        let mut cloud = MockCloud::new();
        cloud.expect_statuses().times(2).returning(|_| Ok(vec![status("a")]));
        cloud.expect_groups().times(1).returning(|_| Ok(vec![]));
        cloud.expect_some_groups().times(1).return_once(move |_| Ok(shown));
        match bench(cloud).provider.observe(None).await {
            Ok(observation) => assert!(!denied && !observation.complete && observation.groups.is_empty()),
            Err(error) => assert!(denied && *error.kind() == ErrorKind::Denied, "{}", error.chain()),
        }
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_read_again_although_nothing_shows_it_any_more() {
    let mut cloud = MockCloud::new();
    let mut order = Sequence::new();
    cloud
        .expect_statuses()
        .times(2)
        .in_sequence(&mut order)
        .returning(|_| Ok(vec![status("a"), status("b")]));
    cloud.expect_statuses().times(2).in_sequence(&mut order).returning(|_| Ok(vec![]));
    let mut order = Sequence::new();
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|_| Ok(vec![group("a")]));
    cloud.expect_groups().times(1).in_sequence(&mut order).returning(|filter| {
        assert_eq!(filter.container_group_ids.len(), 1);
        assert_eq!(filter.container_group_ids[0].as_str(), "eci-b");
        Ok(vec![group("b")])
    });
    let Bench { provider, .. } = bench(cloud);
    let first = provider.observe(None).await.unwrap();
    let second = provider.observe(Some(first.cursor)).await.unwrap();
    assert_eq!((ids(&second.groups), second.complete), (vec![id("b")], false));
    let third = provider.observe(Some(second.cursor)).await.unwrap();
    assert!(third.groups.is_empty());
}

#[tokio::test]
async fn a_group_shown_twice_by_shifting_pages_is_one_group() {
    let mut cloud = MockCloud::new();
    cloud.expect_statuses().returning(|_| Ok(vec![status("a"), status("b"), status("a")]));
    cloud.expect_groups().returning(|_| Ok(vec![group("a"), group("b")]));
    let observation = bench(cloud).provider.observe(None).await.unwrap();
    assert_eq!(ids(&observation.groups), [id("a"), id("b")]);
}

#[tokio::test(start_paused = true)]
async fn a_complete_sweep_drops_what_it_did_not_show() {
    let mut cloud = MockCloud::new();
    let mut order = Sequence::new();
    let many: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let (all, full) = (many.clone(), many);
    let shown = move |_: &_| Ok(all.iter().map(|name| status(name)).collect());
    cloud.expect_statuses().times(1).in_sequence(&mut order).returning(shown);
    cloud.expect_statuses().times(2).in_sequence(&mut order).returning(|_| Ok(vec![status("7")]));
    cloud.expect_groups().times(5).returning(move |_| Ok(full.iter().map(|name| group(name)).collect()));
    let Bench { provider, .. } = bench(cloud);
    assert_eq!(provider.observe(None).await.unwrap().groups.len(), 100);
    // Kept for as long as a group may be invisible, then dropped.
    provider.observe(None).await.unwrap();
    assert_eq!(provider.index().len(), 100);
    tokio::time::advance(Duration::from_secs(61)).await;
    provider.observe(None).await.unwrap();
    assert_eq!(provider.index().len(), 1);
}

/// The window that an increment asks for when `seconds` have passed by the clock and by the stopwatch.
async fn window(by_clock: i64, by_stopwatch: u64) -> Option<i32> {
    let mut cloud = MockCloud::new();
    let mut order = Sequence::new();
    cloud.expect_statuses().times(1).in_sequence(&mut order).returning(|_| Ok(vec![status("a")]));
    let (asked, answer) = std::sync::mpsc::channel();
    cloud.expect_statuses().times(1).in_sequence(&mut order).with(always()).returning(move |filter| {
        asked.send(filter.since_second).unwrap();
        Ok(vec![status("a")])
    });
    cloud.expect_groups().returning(|_| Ok(vec![group("a")]));
    let Bench { provider, clock, .. } = bench(cloud);
    let first = provider.observe(None).await.unwrap();
    clock.turn(by_clock);
    tokio::time::advance(Duration::from_secs(by_stopwatch)).await;
    let second = provider.observe(Some(first.cursor)).await.unwrap();
    let window = answer.recv().unwrap();
    assert_eq!(second.complete, window.is_none());
    window
}

#[tokio::test(start_paused = true)]
async fn windows_overlap_and_stay_within_what_the_cloud_takes() {
    assert_eq!(window(1, 1).await, Some(61));
    assert_eq!(window(300, 300).await, Some(311));
    assert_eq!(window(3589, 3589).await, Some(3600));
    assert_eq!(window(3590, 3590).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_somebody_sets_back_or_ahead_leaves_no_gap() {
    // Two minutes back while five passed: the stopwatch knows.
    assert_eq!(window(180, 300).await, Some(311));
    // Back beyond the cursor: nobody can say how long it was.
    assert_eq!(window(-600, 300).await, None);
    assert_eq!(window(1000, 5).await, Some(1011));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_an_earlier_process_goes_by_the_clock_alone() {
    let mut cloud = MockCloud::new();
    cloud.expect_statuses().times(1).returning(|filter| {
        assert_eq!(filter.since_second, Some(111));
        Ok(vec![])
    });
    let Bench { provider, clock, .. } = bench(cloud);
    let cursor = Cursor(provider.clock.now());
    clock.turn(100);
    assert!(!provider.observe(Some(cursor)).await.unwrap().complete);
}
