//! Every route, over real TLS: who is nobody gets 401, who may not gets 403, who may gets the answer.

use crate::support::{Client, NodeBuilder, Talk, add_admin, ca, eventually, identity, node, read, request};

/// Method, path, what a user must be allowed (verb and any one of the subresources), and the status then.
const ROUTES: &[(&str, &str, &str, &[&str], u16)] = &[
    ("GET", "/healthz", "get", &["healthz", "proxy"], 200),
    ("GET", "/healthz/ping", "get", &["healthz", "proxy"], 200),
    ("GET", "/pods", "get", &["pods", "proxy"], 200),
    ("GET", "/pods/", "get", &["pods", "proxy"], 200),
    ("GET", "/metrics", "get", &["metrics"], 200),
    ("GET", "/containerLogs/default/web/nginx", "get", &["proxy"], 200),
    ("GET", "/containerLogs/default/web/nginx?tailLines=x", "get", &["proxy"], 400),
    ("GET", "/containerLogs/default/web/nginx?limitBytes=0", "get", &["proxy"], 422),
    ("GET", "/containerLogs/default/web/sidecar", "get", &["proxy"], 404),
    ("GET", "/containerLogs/default/db/nginx", "get", &["proxy"], 404),
    ("POST", "/containerLogs/default/web/nginx", "create", &["proxy"], 405),
    ("DELETE", "/pods", "delete", &["pods", "proxy"], 405),
    ("HEAD", "/healthz", "get", &["healthz", "proxy"], 405),
    ("OPTIONS", "/healthz", "options", &["healthz", "proxy"], 405),
    ("GET", "/metrics/resource", "get", &["metrics"], 501),
    ("GET", "/metrics/cadvisor", "get", &["metrics"], 501),
    ("GET", "/metrics/probes", "get", &["metrics"], 501),
    ("GET", "/metrics/unheard-of", "get", &["metrics"], 404),
    ("GET", "/stats/summary", "get", &["stats"], 501),
    ("GET", "/stats", "get", &["stats"], 501),
    ("GET", "/runningpods/", "get", &["pods", "proxy"], 501),
    ("GET", "/configz", "get", &["configz", "proxy"], 501),
    ("GET", "/logs/kubelet.log", "get", &["log"], 501),
    ("POST", "/checkpoint/default/web/nginx", "create", &["checkpoint"], 501),
    ("GET", "/exec/default/web/nginx?command=sh", "create", &["proxy"], 501),
    ("POST", "/exec/default/web/nginx?command=sh", "create", &["proxy"], 501),
    ("GET", "/exec/default/web/some-uid/nginx", "create", &["proxy"], 501),
    ("GET", "/attach/default/web/nginx", "create", &["proxy"], 501),
    ("POST", "/attach/default/web/nginx", "create", &["proxy"], 501),
    ("GET", "/portForward/default/web", "create", &["proxy"], 501),
    ("POST", "/portForward/default/web", "create", &["proxy"], 501),
    ("GET", "/run/default/web/nginx", "create", &["proxy"], 501),
    ("POST", "/run/default/web/nginx", "create", &["proxy"], 501),
    ("GET", "/statusz", "get", &["statusz"], 404),
    ("GET", "/flagz", "get", &["configz"], 404),
    ("GET", "/debug/pprof/heap", "get", &["proxy"], 404),
    ("GET", "/", "get", &["proxy"], 404),
    ("GET", "//pods", "get", &["proxy"], 404),
    ("GET", "/no/such/thing", "get", &["proxy"], 404),
];

#[tokio::test]
async fn every_route_answers_401_without_credentials() {
    let node = node().await;
    for http2 in [false, true] {
        let talk = Talk { http2, ..Talk::default() };
        let mut client = Client::connect(node.addr, talk).await;
        for (method, path, ..) in ROUTES {
            for token in [None, Some("no-such-token")] {
                let response = client.send(request(method, path, token)).await.unwrap();
                assert_eq!(response.status(), 401, "{method} {path} {token:?}");
            }
        }
    }
    assert_eq!(node.cluster.get(|cluster| cluster.access_reviews.len()), 0);
}

#[tokio::test]
async fn every_route_answers_403_to_a_user_without_permission() {
    let node = node().await;
    node.cluster.set(|cluster| _ = cluster.tokens.insert("mallory".to_owned(), "mallory".to_owned()));
    let mut client = Client::connect(node.addr, Talk::default()).await;
    for (method, path, verb, subresources, _) in ROUTES {
        let response = client.send(request(method, path, Some("mallory"))).await.unwrap();
        let (status, text) = read(response).await;
        assert_eq!(status, 403, "{method} {path}");
        let subresources = subresources.join(" ");
        let expected =
            format!("Forbidden (user=mallory, verb={verb}, resource=nodes, subresource(s)=[{subresources}])");
        assert_eq!(text, if *method == "HEAD" { "" } else { &expected }, "{method} {path}");
    }
}

#[tokio::test]
async fn every_route_answers_whoever_has_just_that_permission() {
    for (number, (method, path, verb, subresources, status)) in ROUTES.iter().enumerate() {
        for subresource in *subresources {
            let builder = NodeBuilder::new();
            builder.cluster.set(|cluster| {
                cluster.tokens.insert("t".to_owned(), "bob".to_owned());
                let text = |text: &str| text.to_owned();
                cluster.allowed.insert((text("bob"), text(verb), text(subresource)));
            });
            let node = builder.start().await;
            let talk = Talk { http2: number % 2 == 0, ..Talk::default() };
            let mut client = Client::connect(node.addr, talk).await;
            let response = client.send(request(method, path, Some("t"))).await.unwrap();
            assert_eq!(response.status(), *status, "{method} {path} with {verb} {subresource}");
            node.stop().await;
        }
    }
}

#[tokio::test]
async fn reading_does_not_permit_running_commands() {
    let builder = NodeBuilder::new();
    builder.cluster.set(|cluster| {
        cluster.tokens.insert("t".to_owned(), "prometheus".to_owned());
        cluster.allowed.insert(("prometheus".to_owned(), "get".to_owned(), "proxy".to_owned()));
    });
    let node = builder.start().await;
    let mut client = Client::connect(node.addr, Talk::default()).await;
    for path in [
        "/exec/default/web/nginx",
        "/attach/default/web/nginx",
        "/run/default/web/nginx",
        "/portForward/default/web",
    ] {
        for upgrade in ["websocket", "SPDY/3.1"] {
            let mut request = request("GET", path, Some("t"));
            request.headers_mut().insert("connection", "Upgrade".parse().unwrap());
            request.headers_mut().insert("upgrade", upgrade.parse().unwrap());
            let response = client.send(request).await.unwrap();
            assert_eq!(response.status(), 403, "{path}");
        }
    }
}

#[tokio::test]
async fn the_answers_are_those_of_a_kubelet() {
    let node = node().await;
    node.log.append("hello");
    let mut client = Client::connect(node.addr, Talk::default()).await;
    assert_eq!(client.get("/healthz", Some("admin")).await, (200, "ok".to_owned()));
    assert_eq!(client.get("/metrics", Some("admin")).await, (200, "# EOF\n".to_owned()));
    let (_, logs) = client.get("/containerLogs/default/web/nginx", Some("admin")).await;
    assert_eq!(logs, "hello\n");
    let (_, pods) = client.get("/pods", Some("admin")).await;
    let pods: serde_json::Value = serde_json::from_str(&pods).unwrap();
    assert_eq!((&pods["kind"], &pods["apiVersion"]), (&"PodList".into(), &"v1".into()));
    assert_eq!(pods["items"][0]["metadata"]["name"], "web");
    let (_, text) = client.get("/exec/default/web/nginx", Some("admin")).await;
    assert_eq!(text, "exec is not supported yet by this node");
}

#[tokio::test]
async fn the_api_servers_certificate_names_its_user_and_groups() {
    let (ca, builder) = (ca("cluster"), NodeBuilder::new());
    builder.cluster.set(|cluster| {
        cluster.client_ca = Some(ca.pem());
        cluster.admins.insert("kube-apiserver-kubelet-client".to_owned());
    });
    let node = builder.start().await;
    let identity = identity(&ca, "kube-apiserver-kubelet-client", &["kubeadm:cluster-admins"]);
    let talk = Talk { identity: Some(&identity), ..Talk::default() };
    let mut client = Client::connect(node.addr, talk).await;
    eventually("the certificate is accepted", async || client.get("/healthz", None).await.0 == 200).await;
    let groups = node.cluster.get(|cluster| cluster.access_reviews[0]["groups"].clone());
    assert_eq!(groups, serde_json::json!(["kubeadm:cluster-admins", "system:authenticated"]));
}

#[tokio::test]
async fn an_api_server_that_is_away_lets_nobody_new_in() {
    let node = node().await;
    node.cluster.set(|cluster| _ = cluster.tokens.insert("other".to_owned(), "alice".to_owned()));
    let mut client = Client::connect(node.addr, Talk::default()).await;
    assert_eq!(client.get("/healthz", Some("admin")).await.0, 200);
    node.cluster.set(|cluster| cluster.down = true);
    assert_eq!(client.get("/healthz", Some("admin")).await.0, 200, "decided a moment ago");
    let (status, text) = client.get("/pods", Some("admin")).await;
    assert_eq!((status, text.contains("API server")), (503, true), "{text}");
    assert_eq!(client.get("/healthz", Some("other")).await.0, 503, "another token");
    node.cluster.set(|cluster| cluster.down = false);
    assert_eq!(client.get("/pods", Some("admin")).await.0, 200);
}

#[tokio::test]
async fn many_requests_cost_one_review_of_token_and_access() {
    let node = node().await;
    let mut client = Client::connect(node.addr, Talk::default()).await;
    for _ in 0..20 {
        assert_eq!(client.get("/metrics", Some("admin")).await.0, 200);
    }
    assert_eq!(node.cluster.get(|cluster| (cluster.token_reviews, cluster.access_reviews.len())), (1, 1));
    let metrics = node.metrics();
    let counted = r#"kubelet_api_http_requests_total{path="/metrics",method="GET",code="200"} 20"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_request_with_a_head_too_large_is_refused() {
    let builder = NodeBuilder::new();
    builder.cluster.set(add_admin);
    let node = builder.start().await;
    let mut client = Client::connect(node.addr, Talk::default()).await;
    let response = client.send(request("GET", "/healthz", Some(&"x".repeat(64 * 1024)))).await.unwrap();
    assert_eq!(response.status(), 431);
    assert_eq!(node.cluster.get(|cluster| cluster.token_reviews), 0);
}
