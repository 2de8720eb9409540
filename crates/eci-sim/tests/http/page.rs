//! The page and the API at the same address.

use eci_sim::Simulator;
use serde_json::Value;

use crate::caller::{Caller, Reply, control, send, simulator};

async fn get(simulator: &Simulator, target: &str, headers: &[(&str, &str)]) -> Reply {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    send(simulator.address(), "GET", target, &headers, "").await.unwrap()
}

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn a_browser_gets_the_page_and_a_client_its_answer() {
    let simulator = simulator().await;
    let page = get(&simulator, "/", &[BROWSER]).await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'; script-src 'sha256-"));
    let error = get(&simulator, "/?Action=DescribeRegions", &[BROWSER]).await;
    assert_eq!((error.status, error.code().as_str()), (400, "MissingVersion"));
    assert_eq!(get(&simulator, "/", &[]).await.code(), "MissingAction");
    let caller = Caller { method: "GET", ..Caller::of(&simulator) };
    caller.ok("DescribeContainerGroups", &[]).await;
    // Looking at the page is no call of the API.
    let counts = control(simulator.address(), "GET", "counts", Value::Null).await.json();
    assert_eq!(counts["counts"]["DescribeContainerGroups"], 1, "{counts}");
    simulator.shutdown().await;
}

#[tokio::test]
async fn another_sites_page_is_refused() {
    let simulator = simulator().await;
    for header in [
        ("origin", "http://elsewhere.example"),
        ("sec-fetch-site", "cross-site"),
        ("host", "rebound.example"),
    ] {
        assert_eq!(get(&simulator, "/_sim/groups", &[header]).await.status, 403, "{header:?}");
        assert_eq!(get(&simulator, "/", &[BROWSER, header]).await.status, 403, "{header:?}");
    }
    assert_eq!(get(&simulator, "/_sim/groups", &[("sec-fetch-site", "same-origin")]).await.status, 200);
    simulator.shutdown().await;
}

#[tokio::test]
async fn what_the_page_shows_comes_from_the_control_api() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let id = caller.create("sleep 3600", &[]).await;
    caller.until("running", |group| group["Status"] == "Running").await;
    let get = |path: &str| simulator.control("GET", path, &Value::Null);
    let (_, events) = get(&format!("groups/{id}/events"));
    let reasons: Vec<&str> =
        events["events"].as_array().unwrap().iter().map(|event| event["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["Scheduled", "Pulling", "Pulled", "Created", "Started"]);
    assert_eq!(get("groups/eci-nowhere/events").0, 404);
    let (_, requests) = get("requests?last=1");
    let requests = requests["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 1);
    assert!(requests[0]["latency_ms"].as_f64().unwrap() >= 0.0, "{requests:?}");
    assert_eq!(get("requests?last=many").0, 400);
    let (_, about) = get("about");
    assert!(about["runtime"].as_str().unwrap().starts_with("scripted"), "{about}");
    assert_eq!(about["seed"], simulator.seed().to_string());
    let (_, help) = get("settings/help");
    let stock = help["settings"].as_array().unwrap().iter().find(|one| one["name"] == "stock").unwrap();
    assert!(stock["choices"].as_array().unwrap().contains(&"refused".into()), "{stock}");
    simulator.shutdown().await;
}
