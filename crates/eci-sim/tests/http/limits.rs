//! Quotas, delays before something is seen, and the time that answers take.

use std::time::Duration;

use eci_sim::{Config, CreateThrottling, RateLimits, Settings};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::caller::{Caller, control, start};

const WEB: [(&str, &str); 3] =
    [("ContainerGroupName", "web"), ("Container.1.Name", "main"), ("Container.1.Image", "nginx")];
const CREATE: &str = "CreateContainerGroup";

async fn limited(settings: Settings) -> (eci_sim::Simulator, Caller) {
    let simulator = start(Config { settings, ..Config::default() }).await;
    let caller = Caller::of(&simulator);
    (simulator, caller)
}

#[tokio::test]
async fn a_call_beyond_its_quota_is_throttled_by_code_and_told_when_to_come_again() {
    let settings = Settings {
        rate_limits: RateLimits::Limits,
        quota_used_by_others: 99,
        throttling_http_status: 429,
        ..Settings::default()
    };
    let (simulator, caller) = limited(settings).await;
    assert_eq!(caller.call(CREATE, &WEB).await.unwrap().status, 200);
    let refused = caller.call(CREATE, &WEB).await.unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (429, "Throttling.User"));
    let wait: u64 = refused.headers["x-acs-retry-after"].parse().unwrap();
    assert!((1..=5_000).contains(&wait), "a fifth of a call each second: {wait}");
    control(simulator.address(), "POST", "clock", json!({"advance_ms": wait})).await;
    assert_eq!(caller.call(CREATE, &WEB).await.unwrap().status, 200, "as was told");
    let change = json!({"throttling_code": "plain", "retry_after": "absent"});
    control(simulator.address(), "POST", "settings", change).await;
    let refused = caller.call(CREATE, &WEB).await.unwrap();
    assert_eq!(refused.code(), "Throttling");
    assert!(!refused.headers.contains_key("x-acs-retry-after"));
}

#[tokio::test]
async fn a_quota_is_the_accounts_or_the_accounts_in_a_region() {
    let settings =
        Settings { rate_limits: RateLimits::FlowControl, quota_used_by_others: 99, ..Settings::default() };
    let (simulator, caller) = limited(settings).await;
    let image = |region| {
        [
            ("RegionId", region),
            ("ImageCacheName", "cache"),
            ("Image.1", "nginx"),
            ("VSwitchId", "vsw-1"),
            ("SecurityGroupId", "sg-1"),
        ]
    };
    let mut codes = Vec::new();
    for scope in ["account", "region"] {
        control(simulator.address(), "POST", "settings", json!({"quota_scope": scope})).await;
        for region in ["cn-hangzhou", "cn-beijing"] {
            for _ in 0..2 {
                codes.push(caller.call("CreateImageCache", &image(region)).await.unwrap().code());
            }
        }
    }
    let passed: Vec<bool> = codes.iter().map(|code| !code.starts_with("Throttling")).collect();
    // Two calls fit at a time: both into the first region's account bucket, or two into each region's own.
    assert_eq!(passed[..4], [true, true, false, false], "{codes:?}");
    assert_eq!(passed[4..], [true, true, true, true], "{codes:?}");
}

#[tokio::test]
async fn creates_beyond_the_quota_can_be_accepted_and_wait_or_fail() {
    let settings = Settings {
        rate_limits: RateLimits::Limits,
        quota_used_by_others: 99,
        create_throttling: CreateThrottling::Pend,
        ..Settings::default()
    };
    let (simulator, caller) = limited(settings).await;
    for _ in 0..3 {
        assert_eq!(caller.call(CREATE, &WEB).await.unwrap().status, 200);
    }
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 2_000})).await;
    let throttled = async || {
        let groups =
            caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await["ContainerGroups"].clone();
        let of = |group: &Value| {
            let events = group["Events"].as_array().unwrap();
            let is_throttled = events.iter().any(|event| event["Reason"] == "Throttling");
            (group["Status"].as_str().unwrap().to_owned(), is_throttled)
        };
        groups.as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let seen = throttled().await;
    assert_eq!(seen[0], ("Running".to_owned(), false));
    assert_eq!(seen[1..], [("Scheduling".to_owned(), true), ("Scheduling".to_owned(), true)]);
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 5_000})).await;
    assert_eq!(throttled().await[2].0, "Scheduling", "one after another");
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 5_000})).await;
    assert_eq!(throttled().await[2].0, "Running");
    control(simulator.address(), "POST", "settings", json!({"create_throttling": "fail"})).await;
    for _ in 0..4 {
        assert_eq!(caller.call(CREATE, &WEB).await.unwrap().status, 200);
    }
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 10_000})).await;
    assert_eq!(throttled().await.last().unwrap().0, "ScheduleFailed");
}

#[tokio::test]
async fn a_day_has_only_so_many_vcpu() {
    let (simulator, caller) = limited(Settings { vcpu_per_day: 5, ..Settings::default() }).await;
    let codes = async || {
        let mut codes = Vec::new();
        for _ in 0..3 {
            codes.push(caller.call(CREATE, &WEB).await.unwrap().code());
        }
        codes
    };
    assert_eq!(codes().await, ["", "", "Throttling.Vcpu.PerDay"], "two vCPU each");
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 86_400_000})).await;
    assert_eq!(codes().await, ["", "", "Throttling.Vcpu.PerDay"]);
}

#[tokio::test]
async fn a_group_is_listed_only_after_the_lag() {
    let (simulator, caller) = limited(Settings { visibility_lag_ms: 30_000, ..Settings::default() }).await;
    caller.create("sleep 3600", &[]).await;
    assert!(caller.groups().await.is_empty());
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 30_000})).await;
    assert_eq!(caller.groups().await.len(), 1);
}

#[tokio::test]
async fn answers_take_their_time_while_the_effect_is_there_at_once() {
    let settings = Settings {
        latency: vec![
            "Create*=fixed:60000".parse().unwrap(),
            "DescribeRegions=uniform:30:40".parse().unwrap(),
        ],
        ..Settings::default()
    };
    let (_simulator, caller) = limited(settings).await;
    assert!(timeout(Duration::from_millis(200), caller.call(CREATE, &WEB)).await.is_err());
    assert_eq!(caller.groups().await.len(), 1);
    let start = Instant::now();
    caller.ok("DescribeRegions", &[]).await;
    assert!(start.elapsed() >= Duration::from_millis(30));
}
