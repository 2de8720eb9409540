//! What a person sees and does: groups, events, requests, faults, settings, the clock.

use eci_sim::{Config, Settings};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::caller::{Caller, simulator, start};

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_shown_with_their_containers_and_events_as_they_change() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let mut browser = Browser::at(&simulator.url()).await;
    browser.until_shown("#no-groups", "There is none.").await;
    let id = caller.create("echo hi; sleep 3600", &[]).await;
    browser.until_shown("#groups tr", "Running").await;
    browser.until_shown("#groups tr", &id).await;
    browser.until_shown("#groups tr", "1/1 ready").await;
    assert_eq!(browser.value("document.querySelector('#chosen').hidden").await, true);
    browser.click("#groups tr a").await;
    browser.until_shown("#containers tr", "busybox").await;
    browser.until_shown("#events tr", "Successfully pulled image").await;
    browser.until_shown("#chosen-name", &id).await;
    browser.until_shown("#requests tr", "CreateContainerGroup").await;
    browser.until("/^\\d+\\.\\d ms$/.test(document.querySelector('#requests tr').cells[3].innerText)").await;
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &id)]).await;
    browser.until_shown("#groups tr.gone", "gone (deleted, was Running)").await;
    browser.assert_healthy();
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_typed_at_where_its_address_leads() {
    let everywhere =
        Config { listen: "0.0.0.0:0".parse().unwrap(), allow_non_loopback: true, ..Config::default() };
    let simulator = start(everywhere).await;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], simulator.address().port()));
    let caller = Caller::at(address);
    let id = caller.create("sleep 3600", &[]).await;
    caller.until("it runs", |group| group["Status"] == "Running").await;
    let command = [
        ("ContainerGroupId", id.as_str()),
        ("ContainerName", "main"),
        ("Command", r#"["sh"]"#),
        ("TTY", "true"),
    ];
    let reply = caller.ok("ExecContainerCommand", &command).await;
    let url = reply["HttpUrl"].as_str().unwrap();
    assert!(url.starts_with(&format!("http://{address}/terminal?param=")), "{url}");
    let mut browser = Browser::at(url).await;
    browser.until_shown("#state", "Connected").await;
    browser.until_shown("#screen", "/ #").await;
    browser.fill("#typing [name=line]", "echo '<b>one</b>'; exit 3").await;
    browser.click("#typing button").await;
    browser.until_shown("#screen", "<b>one</b>").await;
    browser.until_shown("#state", "The command has ended.").await;
    browser.until_shown("#state", "exit status 3").await;
    browser.show(url).await;
    browser.until_shown("#state", "was used, or has expired").await;
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_added_met_and_removed_by_clicks() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let mut browser = Browser::at(&simulator.url()).await;
    browser.fill("#add-fault [name=action]", "DescribeRegions").await;
    browser.fill("#add-fault [name=more]", r#"{"code": "Throttling.User", "http_status": 429}"#).await;
    browser.fill("#add-fault [name=times]", "").await;
    browser.click("#add").await;
    browser.until_shown("#faults tr", "DescribeRegions").await;
    browser.until_shown("#faults tr", "until removed").await;
    assert_eq!(caller.call("DescribeRegions", &[]).await.unwrap().code(), "Throttling.User");
    browser.until("document.querySelector('#faults tr').cells[3].innerText === '1'").await;
    browser.until_shown("#requests tr", "429 Throttling.User (fault 1: error)").await;
    browser.fill("#add-fault [name=more]", "{}").await;
    browser.click("#add").await;
    browser.until_shown("#problem", "the kind error needs it").await;
    browser.click("#faults .remove").await;
    browser.until("document.querySelectorAll('#faults tr').length === 0").await;
    caller.ok("DescribeRegions", &[]).await;
    browser.assert_healthy();
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_and_the_settings_are_changed_and_mistakes_are_told() {
    let slow = Settings { terminal_keep_newest: 0, ..Settings::default() };
    let simulator = start(Config { settings: slow, ..Config::default() }).await;
    let caller = Caller::of(&simulator);
    let mut browser = Browser::at(&simulator.url()).await;
    caller.create("exit 0", &[("RestartPolicy", "Never")]).await;
    browser.until_shown("#groups tr", "Succeeded").await;
    // Ended groups are kept for an hour.
    browser.click("[data-seconds='3600']").await;
    browser.until_shown("#groups tr.gone", "gone (retention, was Succeeded)").await;
    browser.fill("#settings [name=build_ms]", "1234").await;
    browser.until_shown("#settings tr", "(default 1000)").await;
    let settings = || simulator.control("GET", "settings", &Value::Null).1;
    assert_eq!(settings()["build_ms"], 1234);
    browser.fill("#settings [name=build_ms]", "-1").await;
    browser.until_shown("#problem", "-1").await;
    assert_eq!(settings()["build_ms"], 1234);
    let choose = "(() => { const e = document.querySelector('#settings [name=stock]'); e.value = 'refused'; \
                  e.dispatchEvent(new Event('change')); })()";
    browser.value(choose).await;
    browser.until("document.querySelector('#problem').innerText === ''").await;
    assert_eq!(settings()["stock"], "refused");
    browser.assert_healthy();
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_when_the_simulator_has_gone() {
    let simulator = simulator().await;
    let mut browser = Browser::at(&simulator.url()).await;
    browser.until_shown("#about", "scripted").await;
    simulator.control("POST", "settings", &json!({}));
    simulator.shutdown().await;
    browser.until_shown("#problem", "does not answer").await;
}
