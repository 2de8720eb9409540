//! Image caches as groups use them, and the tokens and quotas around them.

use super::replies::assert_declared;
use super::*;

fn cache(world: &mut World, images: &[&str], more: &[(&str, &str)]) -> String {
    let names: Vec<String> = (1..=images.len()).map(|number| format!("Image.{number}")).collect();
    let mut all = vec![("ImageCacheName", "c")];
    all.extend(names.iter().map(String::as_str).zip(images.iter().copied()));
    all.extend(more);
    let reply = world.call("CreateImageCache", &all).unwrap();
    world.wait(1_000);
    reply["ImageCacheId"].as_str().unwrap().to_owned()
}

fn caches(world: &mut World, filter: &[(&str, &str)]) -> Vec<Value> {
    let reply = world.call("DescribeImageCaches", filter).unwrap();
    if reply["TotalCount"] != 0 {
        assert_declared("DescribeImageCaches", &reply);
    }
    reply["ImageCaches"].as_array().unwrap().clone()
}

fn status_after(world: &mut World, milliseconds: i64, more: &[(&str, &str)]) -> Value {
    let id = world.create(more);
    world.wait(milliseconds);
    world.group(&id)["Status"].clone()
}

#[test]
fn a_cache_that_is_named_makes_the_pull_unnecessary() {
    let mut world = World::with(json!({"pull_ms": 60_000}));
    let id = cache(&mut world, &["nginx:latest"], &[]);
    assert_eq!(status_after(&mut world, 1_000, &[]), "Pending");
    assert_eq!(status_after(&mut world, 1_000, &[("ImageSnapshotId", &id)]), "Running");
    assert_ne!(caches(&mut world, &[])[0]["LastMatchedTime"], "");
    let always = [("ImageSnapshotId", id.as_str()), ("Container.1.ImagePullPolicy", "Always")];
    assert_eq!(status_after(&mut world, 1_000, &always), "Pending", "the registry is asked all the same");
    assert_eq!(
        world.create_with(&[("ImageSnapshotId", "imc-none")]),
        Err("404 ImageSnapshot.NotFound".into())
    );
    let bad = cache(&mut world, &["does-not-exist"], &[]);
    let refused = world.create_with(&[("ImageSnapshotId", &bad)]);
    assert_eq!(refused, Err("400 ImageSnapshot.IncorrectStatus".into()));
}

#[test]
fn a_group_that_matches_no_cache_makes_one_for_the_next() {
    let mut world = World::with(json!({"pull_ms": 60_000}));
    let auto = [("AutoMatchImageCache", "true"), ("EphemeralStorage", "20")];
    let first = world.create(&auto);
    world.wait(1_000);
    assert_eq!(world.group(&first)["Status"], "Pending");
    let made = caches(&mut world, &[]);
    assert_eq!(made[0]["ImageCacheName"], format!("auto-create-for-{first}"));
    assert_eq!((&made[0]["ImageCacheSize"], &made[0]["Status"]), (&json!(50), &json!("Ready")));
    assert_eq!(status_after(&mut world, 1_000, &auto), "Running");
    let usage = world.call("ListUsage", &[]).unwrap()["Attributes"].clone();
    assert_eq!((&usage["UsedAutoImageCacheCount"], &usage["UsedImageCacheCount"]), (&json!(1), &json!(0)));
    world.wait(29 * 86_400_000);
    assert_eq!(caches(&mut world, &[]).len(), 1, "30 days after its last use");
    world.wait(86_400_000);
    assert!(caches(&mut world, &[]).is_empty());
    world.create(&auto);
    world.wait(7 * 86_400_000 + 1);
    assert!(caches(&mut world, &[]).is_empty(), "7 days without any use");
}

#[test]
fn an_image_that_must_not_be_pulled_has_to_be_there() {
    let mut world = World::new();
    let never = ("Container.1.ImagePullPolicy", "Never");
    let id = world.create(&[never]);
    world.wait(60_000);
    let group = world.group(&id);
    assert_eq!(group["Status"], "Pending");
    assert_eq!(group["Containers"][0]["CurrentState"]["Reason"], "ErrImageNeverPull");
    let cache = cache(&mut world, &["nginx"], &[]);
    assert_eq!(status_after(&mut world, 1_000, &[never, ("ImageSnapshotId", &cache)]), "Running");
}

#[test]
fn caches_match_by_images_then_size_then_age() {
    let mut world = World::new();
    let one = cache(&mut world, &["nginx"], &[]);
    let both = cache(&mut world, &["nginx", "redis"], &[("ImageCacheSize", "40")]);
    let newer = cache(&mut world, &["nginx"], &[("Flash", "true")]);
    let mut matched = |more: &[(&str, &str)]| {
        let wanted = [("MatchImage.1", "nginx:latest"), ("MatchImage.2", "redis")];
        let found = caches(&mut world, &[&wanted[..], more].concat());
        texts(&Value::Array(found), "ImageCacheId")
    };
    assert_eq!(matched(&[]), [both.clone(), newer.clone(), one]);
    assert_eq!(matched(&[("ImageFullMatch", "true")]), std::slice::from_ref(&both));
    assert_eq!(matched(&[("ImageMatchCountRequest", "2")]), [both]);
    let flash = caches(&mut world, &[("ImageCacheId", &newer)])[0].clone();
    assert!(!flash["FlashSnapshotId"].as_str().unwrap().is_empty());
    let by_snapshot = caches(&mut world, &[("SnapshotId", flash["SnapshotId"].as_str().unwrap())]);
    assert_eq!(by_snapshot[0]["ImageCacheId"], newer.as_str());
}

#[test]
fn a_cache_that_failed_tells_so_for_a_day() {
    let mut world = World::new();
    let id = cache(&mut world, &["does-not-exist"], &[]);
    let failed = caches(&mut world, &[("ImageCacheId", &id)])[0].clone();
    assert_eq!(
        (&failed["Status"], texts(&failed["Events"], "Reason")),
        (&json!("Failed"), vec!["Creating".into(), "Failed".into()])
    );
    world.wait(86_400_000);
    assert!(caches(&mut world, &[]).is_empty());
}

#[test]
fn a_quota_of_caches_is_kept_by_refusing_or_by_dropping_the_least_used() {
    let mut world = World::with(json!({"cache_quota": 2}));
    let first = cache(&mut world, &["a"], &[("EliminationStrategy", "LRU")]);
    cache(&mut world, &["b"], &[]);
    let third = cache(&mut world, &["c"], &[]);
    let left = texts(&Value::Array(caches(&mut world, &[])), "ImageCacheId");
    assert!(left.contains(&third) && !left.contains(&first), "{left:?}");
    let more = world.call("CreateImageCache", &[("ImageCacheName", "c"), ("Image.1", "d")]);
    assert_eq!(more, Err("403 QuotaExceeded".into()));
}

#[test]
fn a_cache_that_is_being_built_cannot_be_updated() {
    let mut world = World::new();
    let id = world.call("CreateImageCache", &[("ImageCacheName", "c"), ("Image.1", "a")]).unwrap();
    let id = id["ImageCacheId"].as_str().unwrap().to_owned();
    let update = [("ImageCacheId", id.as_str()), ("Image.1", "b")];
    assert_eq!(world.call("UpdateImageCache", &update), Err("400 ImageCache.IncorrectStatus".into()));
    world.wait(1_000);
    assert!(world.call("UpdateImageCache", &update).is_ok());
}

#[test]
fn images_take_as_long_as_their_size_says() {
    let mut world = World::with(json!({"image_sizes": ["nginx*=200", "*=10"], "pull_mib_per_s": 20}));
    let id = world.create(&[]);
    world.wait(10_000);
    assert_eq!(world.group(&id)["Status"], "Pending");
    world.wait(700);
    assert_eq!(world.group(&id)["Status"], "Running");
    assert_eq!(status_after(&mut world, 2_000, &[("Container.1.Image", "busybox")]), "Running");
}

#[test]
fn a_restart_and_a_delete_of_a_cache_are_done_once_for_a_token() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    let restart = [("ContainerGroupId", id.as_str()), ("ClientToken", "t")];
    world.call("RestartContainerGroup", &restart).unwrap();
    world.wait(1_000);
    world.call("RestartContainerGroup", &restart).unwrap();
    assert_eq!(world.group(&id)["Status"], "Running", "the second call did nothing");
    world.set(json!({"restart_client_token": "ignored"}));
    world.call("RestartContainerGroup", &restart).unwrap();
    assert_eq!(world.group(&id)["Status"], "Restarting");
    let cache = cache(&mut world, &["nginx"], &[]);
    let delete = [("ImageCacheId", cache.as_str()), ("ClientToken", "t")];
    world.call("DeleteImageCache", &delete).unwrap();
    assert!(world.call("DeleteImageCache", &delete).is_ok());
    world.set(json!({"update_client_token": "ignored"}));
    assert_eq!(world.call("DeleteImageCache", &delete), Err("404 InvalidParameter.NotFound".into()));
    world.set(json!({"update_client_token": "honoured"}));
    let other = [("ImageCacheId", "imc-other"), ("ClientToken", "t")];
    assert_eq!(world.call("DeleteImageCache", &other), Err("400 IdempotentParameterMismatch".into()));
}

#[test]
fn a_commit_to_a_repository_that_is_missing_fails_in_its_last_phase() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    let image = [
        ("ContainerGroupId", id.as_str()),
        ("ContainerName", "main"),
        ("Image.Repository", "does-not-exist"),
        ("Image.Tag", "1"),
    ];
    world.call("CommitContainer", &image).unwrap();
    world.wait(1_000);
    let failed = [("ContainerGroupId", id.as_str()), ("TaskStatus", "Failed")];
    let task = world.call("DescribeCommitContainerTask", &failed).unwrap()["CommitTasks"][0].clone();
    assert_eq!(texts(&task["CommitPhaseInfos"], "Status"), ["Succeeded", "Succeeded", "Failed"]);
    assert_ne!(task["StatusMessage"], "");
}
