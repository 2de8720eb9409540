//! Who may do what: several identities, temporary ones, and what those without permission get.

use std::sync::atomic::{AtomicU64, Ordering};

use eci_sim::{AccessKey, Config, Simulator};
use serde_json::{Value, json};

use crate::caller::{Caller, control, start};

const GROUPS: &str = "DescribeContainerGroups";

static FILES: AtomicU64 = AtomicU64::new(0);

/// An account with an owner, and identities as a file has them.
async fn with(identities: &str) -> (Simulator, impl Fn(&str) -> Caller) {
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("eci-sim-identities-{}-{number}.yaml", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, identities).unwrap();
    let owner = AccessKey::new("owner", "secret");
    let config = Config { access_keys: vec![owner], identities: Some(path.clone()), ..Config::default() };
    let simulator = start(config).await;
    std::fs::remove_file(path).unwrap();
    let base = Caller::of(&simulator);
    (simulator, move |id: &str| Caller { id: id.to_owned(), secret: "secret".into(), ..base.clone() })
}

async fn refused(caller: &Caller, action: &str, id: &str) -> String {
    let named = [("ContainerGroupId", id)];
    let parameters = if id.is_empty() { &[] } else { &named[..] };
    let reply = caller.call(action, parameters).await.unwrap();
    if reply.status == 200 { String::new() } else { format!("{} {}", reply.status, reply.code()) }
}

#[tokio::test]
async fn each_identity_of_an_account_may_do_what_its_lists_say() {
    let (_simulator, identity) = with(
        "
- {access_key_id: reader, secret: secret, allow: ['eci:Describe*']}
- {access_key_id: writer, secret: secret, allow: ['eci:CreateContainerGroup', 'eci:Delete*'], deny: ['eci:DeleteImage*']}
- {access_key_id: stranger, secret: secret, account: other}
",
    )
    .await;
    let (owner, reader, writer) = (identity("owner"), identity("reader"), identity("writer"));
    let id = owner.create("sleep 60", &[]).await;
    assert_eq!(reader.groups().await.len(), 1, "what is allowed is seen, by a list of allowed actions too");
    assert_eq!(refused(&reader, "DeleteContainerGroup", &id).await, "403 Forbidden.RAM");
    let web = [("ContainerGroupName", "web"), ("Container.1.Name", "a"), ("Container.1.Image", "nginx")];
    assert_eq!(reader.call("CreateContainerGroup", &web).await.unwrap().code(), "Forbidden.RAM");
    writer.create("sleep 60", &[]).await;
    assert!(writer.groups().await.is_empty(), "it may create, and sees nothing");
    assert_eq!(refused(&writer, "DeleteImageCache", "imc-1").await, "403 Forbidden.RAM", "a denial beats");
    assert_eq!(refused(&writer, "DeleteContainerGroup", &id).await, "");
    assert!(identity("stranger").groups().await.is_empty(), "another account's");
    assert_eq!(owner.groups().await.len(), 2);
}

#[tokio::test]
async fn what_a_denied_list_answers_is_a_switch() {
    let (simulator, identity) = with("- {access_key_id: nobody, secret: secret, allow: []}").await;
    let (owner, nobody) = (identity("owner"), identity("nobody"));
    owner.create("sleep 60", &[]).await;
    for (action, list) in [(GROUPS, "ContainerGroups"), ("DescribeContainerGroupStatus", "Data")] {
        let reply = nobody.ok(action, &[]).await;
        assert_eq!(
            (&reply[list], &reply["TotalCount"], &reply["NextToken"]),
            (&json!([]), &json!(0), &json!(""))
        );
    }
    control(simulator.address(), "POST", "settings", json!({"denied_reads": "forbidden"})).await;
    for action in [GROUPS, "DescribeContainerGroupStatus", "DescribeImageCaches"] {
        assert_eq!(refused(&nobody, action, "").await, "403 Forbidden.RAM", "{action}");
    }
    assert_eq!(owner.groups().await.len(), 1, "the others see what they saw");
}

#[tokio::test]
async fn a_policy_document_permits_by_action_and_resource() {
    let (simulator, identity) = with("- {access_key_id: ram, secret: secret, allow: []}").await;
    let (owner, ram) = (identity("owner"), identity("ram"));
    let (mine, other) = (owner.create("sleep 60", &[]).await, owner.create("sleep 60", &[]).await);
    let policy = json!({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": ["eci:Describe*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "eci:*ContainerGroup", "Resource": format!("acs:eci:*:*:containergroup/{mine}")},
        {"Effect": "Deny", "Action": "eci:Restart*", "Resource": "*"},
    ]});
    let change = json!({"access_key_id": "ram", "change": "permit", "policy": policy});
    assert_eq!(control(simulator.address(), "POST", "accounts", change).await.status, 200);
    assert_eq!(ram.groups().await.len(), 2);
    assert_eq!(refused(&ram, "RestartContainerGroup", &mine).await, "403 Forbidden.RAM");
    assert_eq!(refused(&ram, "DeleteContainerGroup", &other).await, "403 Forbidden.RAM");
    assert_eq!(refused(&ram, "DeleteContainerGroup", &mine).await, "");
    let conditional = json!({"access_key_id": "ram", "change": "permit", "policy": {"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}},
    ]}});
    let answer = control(simulator.address(), "POST", "accounts", conditional).await;
    assert!(answer.status == 400 && answer.body.contains("Condition"), "{}", answer.body);
}

#[tokio::test]
async fn a_policy_on_one_resource_reaches_lists_that_name_it_and_other_kinds() {
    let (simulator, identity) = with("- {access_key_id: ram, secret: secret, allow: []}").await;
    let (owner, ram) = (identity("owner"), identity("ram"));
    let (mine, other) = (owner.create("sleep 60", &[]).await, owner.create("sleep 60", &[]).await);
    let permit = async |statements: serde_json::Value| {
        let policy = json!({"Version": "1", "Statement": statements});
        let change = json!({"access_key_id": "ram", "change": "permit", "policy": policy});
        assert_eq!(control(simulator.address(), "POST", "accounts", change).await.status, 200);
    };
    let seen = async |ids: &[&str]| {
        let ids = json!(ids).to_string();
        let reply = ram.ok(GROUPS, &[("ContainerGroupIds", &ids)]).await;
        reply["ContainerGroups"].as_array().unwrap().len()
    };
    let of_mine = format!("acs:eci:*:*:containergroup/{mine}");
    permit(json!([{"Effect": "Allow", "Action": "eci:*", "Resource": of_mine}])).await;
    assert_eq!((seen(&[&mine]).await, seen(&[&other]).await, seen(&[&mine, &other]).await), (1, 0, 0));
    permit(json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "eci:*", "Resource": of_mine},
    ]))
    .await;
    assert_eq!((seen(&[&mine]).await, seen(&[&other]).await), (0, 1));
    permit(json!([{"Effect": "Allow", "Action": "eci:*", "Resource": "acs:eci:*:*:imagecache/*"}])).await;
    assert_eq!(refused(&ram, "DescribeContainerGroupPrice", "").await, "403 Forbidden.RAM");
    let cache = [("ImageCacheName", "c"), ("Image.1", "nginx"), ("VSwitchId", "v"), ("SecurityGroupId", "s")];
    ram.ok("CreateImageCache", &cache).await;
}

#[tokio::test]
async fn tags_of_a_resource_that_a_policy_leaves_out_may_not_be_changed() {
    let (simulator, identity) = with("- {access_key_id: ram, secret: secret, allow: []}").await;
    let (owner, ram) = (identity("owner"), identity("ram"));
    let (mine, other) = (owner.create("sleep 60", &[]).await, owner.create("sleep 60", &[]).await);
    let tag = async |ids: &[&str]| {
        let mut all = vec![("ResourceType".to_owned(), "ContainerGroup"), ("Tag.1.Key".to_owned(), "k")];
        all.extend(ids.iter().enumerate().map(|(index, id)| (format!("ResourceId.{}", index + 1), *id)));
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let reply = ram.call("TagResources", &all).await.unwrap();
        format!("{} {}", reply.status, reply.code())
    };
    assert_eq!(tag(&[&mine]).await, "403 Forbidden.RAM", "it may tag nothing at all");
    let policy = json!({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "eci:TagResources", "Resource": format!("acs:eci:*:*:containergroup/{mine}")},
    ]});
    let change = json!({"access_key_id": "ram", "change": "permit", "policy": policy});
    assert_eq!(control(simulator.address(), "POST", "accounts", change).await.status, 200);
    assert_eq!(tag(&[&mine]).await, "200 ");
    assert_eq!(tag(&[&other]).await, "400 NoPermission.Tag");
    assert_eq!(tag(&[&mine, &other]).await, "400 NoPermission.Tag");
    let groups = owner.ok(GROUPS, &[("Tag.1.Key", "k")]).await;
    assert_eq!(groups["ContainerGroups"].as_array().unwrap().len(), 1, "none of the two, when one may not");
}

#[tokio::test]
async fn temporary_credentials_expire_by_the_simulators_time() {
    let (simulator, identity) =
        with("- {access_key_id: STS.1, secret: secret, security_token: token, expires_in_s: 900}").await;
    let temporary = Caller { token: Some("token".into()), ..identity("STS.1") };
    for version_1 in [false, true] {
        let caller = Caller { version_1, ..temporary.clone() };
        assert_eq!(refused(&caller, "DescribeRegions", "").await, "");
    }
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 900_000})).await;
    assert_eq!(refused(&temporary, "DescribeRegions", "").await, "400 InvalidSecurityToken.Expired");
    let shown = control(simulator.address(), "GET", "accounts", Value::Null).await;
    assert!(shown.json()["accounts"][0]["expires_at"].is_string() && !shown.body.contains("secret\""));
    let renewed = json!({"access_key_id": "STS.1", "change": "add", "secret": "secret", "security_token": "next",
        "expires_in_s": 900});
    control(simulator.address(), "POST", "accounts", renewed).await;
    let renewed = Caller { token: Some("next".into()), ..temporary.clone() };
    assert_eq!(refused(&renewed, "DescribeRegions", "").await, "");
    assert_eq!(
        refused(&temporary, "DescribeRegions", "").await,
        "400 InvalidSecurityToken.MismatchWithAccessKey"
    );
}
