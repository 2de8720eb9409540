//! Calls every action's method once over real HTTP, and follows every list to its end.
#![cfg(feature = "client")]

use std::collections::BTreeSet;

use eci_client::model::*;
use eci_client::{AccessKey, Client, ErrorKind};
use futures::StreamExt;
use serde_json::{Value, json};

use self::scripted::{Scripted, Step};

mod filled;
mod published;
mod scripted;

fn client(server: &Scripted) -> Client {
    Client::builder("cn-test")
        .credentials(AccessKey::new("the-id", "the-secret"))
        .endpoint(server.endpoint())
        .build()
        .expect("a client")
}

/// What arrived last: the action, and the names of its parameters from query or body.
fn arrived(server: &Scripted) -> (String, BTreeSet<String>) {
    let recorded = server.recorded();
    let request = recorded.last().expect("a request");
    let parameters = format!("{}{}", request.query(), request.body);
    let names =
        parameters.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned());
    (request.header("x-acs-action").to_owned(), names.collect())
}

/// Calls each method with the filled request of its name; the server answers each with the published reply.
macro_rules! call_each {
    ($($method:ident),* $(,)?) => {
        let table = published::actions();
        let requests = [$( (stringify!($method), row(&filled::$method())) ),*];
        let replies = requests.iter().map(|(_, (action, _))| published::reply(&table[action]).to_string());
        let server = Scripted::start(replies.map(|reply| Step::ok(&reply))).await;
        let eci = client(&server);
        let mut expected = requests.into_iter();
        $(
            let reply = eci.$method(&filled::$method()).await.expect(stringify!($method));
            assert_eq!(reply.request_id, "text", "{}", stringify!($method));
            assert_eq!(expected.next(), Some((stringify!($method), arrived(&server))));
        )*
        let called: BTreeSet<String> =
            server.recorded().iter().map(|request| request.header("x-acs-action").to_owned()).collect();
        assert_eq!(called, table.keys().cloned().collect());
    };
}

/// The action and the names of its parameters as they have to arrive.
fn row<A: Action>(request: &A) -> (String, BTreeSet<String>) {
    let parameters = request.parameters();
    (A::NAME.to_owned(), parameters.iter().map(|(name, _)| name.to_owned()).collect())
}

#[tokio::test]
async fn every_action_has_a_method_that_sends_it_and_reads_its_reply() {
    call_each! {
        commit_container, copy_data_cache, create_container_group, create_data_cache, create_image_cache,
        create_instance_ops_task, create_virtual_node, delete_container_group, delete_data_cache,
        delete_image_cache, delete_virtual_node, describe_available_resource, describe_commit_container_task,
        describe_container_group_events, describe_container_group_metric, describe_container_group_price,
        describe_container_group_status, describe_container_groups, describe_container_log,
        describe_data_caches, describe_image_caches, describe_instance_ops_records,
        describe_multi_container_group_metric, describe_regions, describe_virtual_nodes,
        exec_container_command, list_tag_resources, list_usage, resize_container_group_volume,
        restart_container_group, tag_resources, untag_resources, update_container_group, update_data_cache,
        update_image_cache, update_virtual_node,
    }
}

/// Two pages of an action's published reply; the first leads to the second.
fn pages(action: &str) -> [Step; 2] {
    let page = |token: &str| {
        let mut page: Value = published::reply(&published::actions()[action]);
        page["NextToken"] = json!(token);
        Step::ok(&page.to_string())
    };
    [page("token-1"), page("")]
}

macro_rules! list_each {
    ($($method:ident: $request:ty),* $(,)?) => { $(
        let request = <$request>::default();
        let server = Scripted::start(pages(<$request as Action>::NAME)).await;
        let items = client(&server).$method(&request).await.expect(stringify!($method));
        assert_eq!(items.len(), 2, "{}", stringify!($method));
        let tokens: Vec<bool> =
            server.recorded().iter().map(|request| request.query().contains("NextToken=token-1")).collect();
        assert_eq!(tokens, [false, true], "{}", stringify!($method));
    )* };
}

#[tokio::test]
async fn every_list_follows_its_tokens_to_the_end() {
    list_each! {
        list_container_groups: DescribeContainerGroupsRequest,
        list_container_group_statuses: DescribeContainerGroupStatusRequest,
        list_commit_container_tasks: DescribeCommitContainerTaskRequest,
        list_image_caches: DescribeImageCachesRequest,
        list_data_caches: DescribeDataCachesRequest,
        list_virtual_nodes: DescribeVirtualNodesRequest,
        list_all_tag_resources: ListTagResourcesRequest,
    }
}

#[tokio::test]
async fn events_come_in_one_page_or_in_as_many_as_there_are_tokens() {
    let action = "DescribeContainerGroupEvents";
    let [first, last] = pages(action);
    let server = Scripted::start([last.clone(), first, last]).await;
    let eci = client(&server);
    for expected in [1, 2] {
        let mut pages = eci.pages(DescribeContainerGroupEventsRequest::default());
        let mut groups = Vec::new();
        while let Some(page) = pages.next().await.expect("a page") {
            groups.extend(page);
        }
        assert_eq!(groups.len(), expected);
        let event = &groups[0].events[0];
        assert_eq!(event.involved_object.as_ref().and_then(|object| object.kind.as_deref()), Some("text"));
    }
}

#[tokio::test]
async fn a_stream_of_items_fetches_a_page_when_the_last_is_used_up() {
    let server = Scripted::start(pages("DescribeImageCaches")).await;
    let mut items = client(&server).items(DescribeImageCachesRequest::default());
    for page in 1..=2 {
        let cache = items.next().await.expect("an item").expect("a page");
        assert_eq!(cache.images, ["text"]);
        assert_eq!(server.recorded().len(), page);
    }
    assert!(items.next().await.is_none());
    assert!(items.next().await.is_none(), "an ended stream stays ended");
    assert_eq!(server.recorded().len(), 2);
}

#[tokio::test]
async fn an_error_ends_a_stream_of_items() {
    let [first, _] = pages("DescribeImageCaches");
    let server = Scripted::start([first, Step::error(403, "Forbidden.RAM", "m")]).await;
    let mut items = client(&server).items(DescribeImageCachesRequest::default());
    assert!(items.next().await.is_some_and(|item| item.is_ok()));
    let error = items.next().await.expect("an item").expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(items.next().await.is_none());
}
