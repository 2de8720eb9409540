//! What others wrote stays text, what is secret stays hidden, and other sites have no say.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::caller::{Caller, simulator};

const MARKUP: &str = "<img src=x onerror=\"document.title='owned'\">";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_shown_as_text() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let more = [("Container.1.Name", "main"), ("Container.1.Image", MARKUP), ("ContainerGroupName", MARKUP)];
    let all = [&more[..], &[("Container.1.Command.1", "sleep"), ("Container.1.Command.2", "9999")]].concat();
    let refused = caller.call("CreateContainerGroup", &all).await.unwrap();
    assert_eq!(refused.status, 400, "no group has such a name: {}", refused.body);
    let named = [&all[..2], &[("ContainerGroupName", "web")], &all[3..]].concat();
    caller.ok("CreateContainerGroup", &named).await;
    caller.call(MARKUP, &[]).await.unwrap();
    let fault = json!({"kind": "error", "code": MARKUP, "message": MARKUP});
    assert_eq!(simulator.control("POST", "faults", &fault).0, 200);
    let mut browser = Browser::at(&simulator.url()).await;
    browser.click("#groups tr a").await;
    for place in ["#containers tr", "#events tr", "#requests tr", "#faults tr"] {
        browser.until_shown(place, "<img src=x onerror=").await;
    }
    // No group can be called so by the API; the page would show it as text all the same.
    let group = json!([{"container_group_id": MARKUP, "name": MARKUP, "status": MARKUP, "gone": false,
        "created_at": "2026-01-01T00:00:00Z", "intranet_ip": MARKUP, "containers": []}]);
    let shown = format!(
        "showGroups({group}, '2026-01-01T00:00:05Z'); [...document.querySelector('#groups tr').cells].map(e => e.innerText)"
    );
    let shown = browser.value(&shown).await;
    assert_eq!(shown, json!([MARKUP, MARKUP, MARKUP, MARKUP, "0/0 ready", "5s"]));
    assert_eq!(browser.value("document.querySelectorAll('img').length").await, 0);
    assert_eq!(browser.value("document.title").await, "eci-sim");
    browser.assert_healthy();
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_the_page() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let secrets = [
        ("Container.1.EnvironmentVar.1.Key", "TOKEN"),
        ("Container.1.EnvironmentVar.1.Value", "hush-value"),
        ("ImageRegistryCredential.1.Server", "registry.example"),
        ("ImageRegistryCredential.1.UserName", "user"),
        ("ImageRegistryCredential.1.Password", "hush-password"),
    ];
    caller.create("sleep 3600", &secrets).await;
    let mut browser = Browser::at(&simulator.url()).await;
    browser.until_shown("#groups tr", "Running").await;
    browser.click("#groups tr a").await;
    browser.until_shown("#events tr", "Started").await;
    let routes = "['groups', 'requests', 'faults', 'settings', 'accounts', 'about', 'settings/help']";
    let everything = format!(
        "Promise.all({routes}.map(route => fetch('/_sim/' + route).then(reply => reply.text())))\
         .then(texts => texts.join() + document.documentElement.outerHTML)"
    );
    let everything = browser.value(&everything).await;
    let everything = everything.as_str().unwrap();
    assert!(everything.contains("TOKEN") && everything.contains("eci-sim-test-id"));
    for secret in ["hush-value", "hush-password", "eci-sim-test-secret"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    let unmasked = "fetch('/_sim/requests?unmasked=1').then(reply => reply.status)";
    assert_eq!(browser.value(unmasked).await, 403);
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_has_no_say() {
    let simulator = simulator().await;
    let mut browser = Browser::at("about:blank").await;
    let faults = json!(format!("{}/_sim/faults", simulator.url()));
    let attack = format!(
        "fetch({faults}, {{method: 'POST', mode: 'no-cors', body: '{{\"action\":\"*\",\"kind\":\"hang\"}}'}})\
         .then(() => 'sent', error => String(error))"
    );
    browser.value(&attack).await;
    assert_eq!(simulator.control("GET", "faults", &Value::Null).1["faults"], json!([]));
    // The same from the own page does work, so it is not the request that is wrong.
    browser.show(&simulator.url()).await;
    assert_eq!(browser.value(&attack).await, "sent");
    let faults = simulator.control("GET", "faults", &Value::Null).1;
    assert_eq!(faults["faults"].as_array().unwrap().len(), 1, "{faults}");
    simulator.shutdown().await;
}
