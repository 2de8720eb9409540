//! What a test stands on: a namespace, a virtual node and a cloud of its own, on a shared control plane or its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;
use vk_testkit::audit::AuditLog;
use vk_testkit::plain_http;
use vk_testkit::process::guarded;
use vk_testkit::programs::{Account, VirtualNode};

use crate::cloud::Cloud;
use crate::cluster::Cluster;
use crate::waits::{SOON, until, within};

/// The annotation that names the group of a pod.
const INSTANCE_ID: &str = "k8s.aliyun.com/eci-instance-id";
const STOP_GRACE: Duration = Duration::from_secs(30);
/// As much of a log as a failed test shows.
const SHOWN_LINES: usize = 80;
/// The user that the audit log names.
pub(crate) const NODE_USER: &str = "system:serviceaccount:kube-system:virtual-node";

/// See the module's head. Dropped, it looks through the logs for secrets and for anything that RBAC denied.
pub(crate) struct Bed {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) api: kube::Client,
    pub(crate) cloud: Cloud,
    pub(crate) account: Account,
    pub(crate) namespace: String,
    pub(crate) node: String,
    pub(crate) audit: AuditLog,
    folder: PathBuf,
    processes: Vec<VirtualNode>,
    refusals_expected: bool,
    log_level: &'static str,
}

/// How a bed differs from the usual one.
pub(crate) struct Plan {
    case: &'static str,
    cluster: Option<Arc<Cluster>>,
    node: Option<&'static str>,
    simulator: Vec<&'static str>,
    log_level: &'static str,
}

/// Everything of ours; what the libraries below say of each frame and each wakeup would drown it.
const LOG_LEVEL: &str = "debug,hyper=info,hyper_util=info,tower=info,rustls=info,h2=info";

impl Plan {
    pub(crate) fn on(mut self, cluster: &Arc<Cluster>) -> Self {
        self.cluster = Some(Arc::clone(cluster));
        self
    }

    pub(crate) fn node(mut self, name: &'static str) -> Self {
        self.node = Some(name);
        self
    }

    /// Further arguments of the simulator.
    pub(crate) fn simulator(mut self, arguments: &[&'static str]) -> Self {
        self.simulator.extend(arguments);
        self
    }

    pub(crate) fn log_level(mut self, filter: &'static str) -> Self {
        self.log_level = filter;
        self
    }

    /// Everything but the virtual node.
    pub(crate) async fn prepare(self) -> Bed {
        let Plan { case, cluster, node, simulator, log_level } = self;
        let cluster = cluster.unwrap_or_else(Cluster::shared);
        let folder = cluster.control_plane.dir().join("cases").join(case);
        fs::create_dir_all(&folder).unwrap();
        let account = Account::default();
        let bed = Bed {
            api: cluster.client().await,
            cloud: Cloud::start(&account, &simulator, &folder.join("eci-sim.log")),
            account,
            namespace: case.to_owned(),
            node: node.unwrap_or(case).to_owned(),
            audit: AuditLog::from_now(cluster.control_plane.audit_log()).unwrap(),
            folder,
            processes: Vec::new(),
            refusals_expected: false,
            log_level,
            cluster,
        };
        bed.make_namespace(case).await;
        bed
    }

    /// Everything, and the node is Ready.
    pub(crate) async fn start(self) -> Bed {
        let mut bed = self.prepare().await;
        bed.start_node().await;
        bed
    }
}

impl Bed {
    /// `case` names namespace, node and folder.
    pub(crate) fn plan(case: &'static str) -> Plan {
        Plan { case, cluster: None, node: None, simulator: Vec::new(), log_level: LOG_LEVEL }
    }

    /// The usual one.
    pub(crate) async fn new(case: &'static str) -> Self {
        Self::plan(case).start().await
    }

    /// From here on RBAC may deny something without failing the test, as a starting API server does.
    pub(crate) fn expect_refusals(&mut self) {
        self.refusals_expected = true;
    }

    /// A namespace in which pods can be created: the controllers have made what each pod mounts.
    pub(crate) async fn make_namespace(&self, name: &str) {
        let namespaces: Api<corev1::Namespace> = Api::all(self.api.clone());
        let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        let accounts: Api<corev1::ServiceAccount> = Api::namespaced(self.api.clone(), name);
        let maps: Api<corev1::ConfigMap> = Api::namespaced(self.api.clone(), name);
        until("the namespace has its service account and root certificate", async || {
            accounts.get("default").await.map_err(|error| error.to_string())?;
            maps.get("kube-root-ca.crt").await.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }

    /// The command line of one more process of this node.
    pub(crate) fn node_command(&self) -> Command {
        let mut command = self.account.virtual_node(guarded(program("virtual-node")), &self.node);
        command.env("ECI_ENDPOINT", self.cloud.endpoint());
        command.env("ECI_APISERVER_ENDPOINT", "192.0.2.1:6443");
        command.env("KUBECONFIG", &self.cluster.node_kubeconfig);
        command.env("LOG_LEVEL", self.log_level);
        command
    }

    /// Starts one more process of this node and waits until the Node is Ready and the process too.
    pub(crate) async fn start_node(&mut self) -> &mut VirtualNode {
        let log = self.log();
        let process = VirtualNode::start(self.node_command(), &log).unwrap();
        let http = process.ready().http;
        self.processes.push(process);
        until("the virtual node is ready", async || match plain_http::request(http, "GET", "/readyz", "") {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(answer.body),
            Err(error) => Err(error.to_string()),
        })
        .await;
        let nodes: Api<corev1::Node> = Api::all(self.api.clone());
        let port = i32::from(self.newest().ready().kubelet.port());
        until("the Node is Ready and names the kubelet's port", async || {
            let node = nodes.get(&self.node).await.map_err(|error| error.to_string())?;
            if condition(&node, "Ready").0 == "True"
                && (kubelet_port(&node) == port || self.processes.len() > 1)
            {
                return Ok(());
            }
            Err(format!("{:?}", node.status))
        })
        .await;
        self.processes.last_mut().unwrap()
    }

    /// The process that was started last.
    pub(crate) fn newest(&self) -> &VirtualNode {
        self.processes.last().unwrap()
    }

    /// Ends every process of the node as a crash would.
    pub(crate) fn kill_node(&mut self) {
        for mut process in self.processes.drain(..) {
            process.process().kill9().unwrap();
        }
    }

    /// Ends every process of the node as a Deployment would, and tells with what success.
    pub(crate) fn stop_node(&mut self) -> bool {
        let mut stopped = self.processes.drain(..);
        stopped.all(|mut process| process.process().stop(STOP_GRACE).unwrap().success())
    }

    /// The first process has ended by now, or not.
    pub(crate) fn is_running(&mut self) -> bool {
        self.processes.iter_mut().all(|process| process.process().is_running())
    }

    /// Where every process of the node logs to.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("virtual-node.log")
    }

    /// A file of this test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn apply(&self, manifests: &str) {
        self.apply_in(&self.namespace, manifests);
    }

    pub(crate) fn apply_in(&self, namespace: &str, manifests: &str) {
        let output = self.cluster.kubectl(&["--namespace", namespace, "apply", "-f", "-"], manifests);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Runs kubectl in the test's namespace, to its end.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.cluster.kubectl(&[&["--namespace", &self.namespace], args].concat(), "")
    }

    /// As [`Bed::kubectl`]; it must succeed. What it printed is returned.
    pub(crate) fn kubectl_ok(&self, args: &[&str]) -> String {
        let output = self.kubectl(args);
        assert!(output.status.success(), "kubectl {}: {}", args.join(" "), text(&output.stderr));
        text(&output.stdout)
    }

    pub(crate) fn pods(&self) -> Api<corev1::Pod> {
        Api::namespaced(self.api.clone(), &self.namespace)
    }

    /// The pod as it is now.
    pub(crate) async fn pod(&self, name: &str) -> corev1::Pod {
        self.pods().get(name).await.unwrap()
    }

    /// Every pod of the namespace.
    pub(crate) async fn all_pods(&self) -> Vec<corev1::Pod> {
        self.pods().list(&ListParams::default()).await.unwrap().items
    }

    /// Waits until the pod is as `is` says, and returns it.
    pub(crate) async fn pod_that(
        &self,
        name: &str,
        what: &str,
        is: impl Fn(&corev1::Pod) -> bool,
    ) -> corev1::Pod {
        self.pod_within(SOON, name, what, is).await
    }

    /// As [`Bed::pod_that`], with a bound of its own.
    pub(crate) async fn pod_within(
        &self,
        bound: Duration,
        name: &str,
        what: &str,
        is: impl Fn(&corev1::Pod) -> bool,
    ) -> corev1::Pod {
        let pods = self.pods();
        within(bound, &format!("pod {name} {what}"), async || {
            let pod = pods.get(name).await.map_err(|error| error.to_string())?;
            if is(&pod) { Ok(pod) } else { Err(summary(&pod)) }
        })
        .await
    }

    /// Waits until the pod is Running and Ready.
    pub(crate) async fn running(&self, name: &str) -> corev1::Pod {
        self.pod_that(name, "is Running and Ready", is_running).await
    }

    /// Waits until no pod of that name exists.
    pub(crate) async fn gone(&self, name: &str) {
        let pods = self.pods();
        until(&format!("pod {name} is gone"), async || match pods.get_opt(name).await {
            Ok(None) => Ok(()),
            Ok(Some(pod)) => Err(summary(&pod)),
            Err(error) => Err(error.to_string()),
        })
        .await;
    }

    /// Waits until a signed call finds no group at all.
    pub(crate) async fn no_group_left(&self) {
        until("no container group is left", async || match self.cloud.group_ids().await {
            ids if ids.is_empty() => Ok(()),
            ids => Err(ids.join(", ")),
        })
        .await;
    }

    /// Events of an object: reason and message.
    pub(crate) async fn events(&self, uid: &str) -> Vec<(String, String)> {
        let events: Api<corev1::Event> = Api::namespaced(self.api.clone(), &self.namespace);
        let of_object = ListParams::default().fields(&format!("involvedObject.uid={uid}"));
        let found = events.list(&of_object).await.unwrap().items;
        found
            .into_iter()
            .map(|event| (event.reason.unwrap_or_default(), event.message.unwrap_or_default()))
            .collect()
    }

    /// Waits for an event of that object whose message holds all the words.
    pub(crate) async fn event_with(&self, uid: &str, words: &[&str]) -> (String, String) {
        until(&format!("an event names {}", words.join(", ")), async || {
            let events = self.events(uid).await;
            let found = events.iter().find(|(_, message)| words.iter().all(|word| message.contains(word)));
            found.cloned().ok_or_else(|| format!("{events:?}"))
        })
        .await
    }

    pub(crate) async fn node_object(&self) -> corev1::Node {
        Api::<corev1::Node>::all(self.api.clone()).get(&self.node).await.unwrap()
    }

    /// What the processes of the node have logged, all of them.
    pub(crate) fn logged(&self) -> String {
        fs::read(self.log()).map(|bytes| text(&bytes)).unwrap_or_default()
    }

    /// Secrets of tests all hold the word `hush`, and a token of the API server begins as every JSON Web Token does.
    fn assert_no_secret_was_logged(&self) {
        let log = self.logged();
        for secret in ["hush", "eyJhbGciOi"] {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "the log holds a secret: {line:?}");
        }
    }

    fn assert_nothing_was_denied(&self) {
        let requests = self.audit.requests().unwrap();
        let denied: Vec<_> =
            requests.iter().filter(|request| request.user == NODE_USER && request.code == 403).collect();
        assert!(denied.is_empty(), "examples/rbac.yaml lacks a right: {denied:?}");
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if thread::panicking() {
            for name in ["eci-sim.log", "virtual-node.log"] {
                eprintln!("--- end of {name}\n{}", tail(&self.folder.join(name)));
            }
            return;
        }
        self.processes.clear();
        self.assert_no_secret_was_logged();
        if !self.refusals_expected {
            self.assert_nothing_was_denied();
        }
    }
}

/// A program of this workspace, built.
pub(crate) fn program(name: &str) -> PathBuf {
    static SIMULATOR: OnceLock<PathBuf> = OnceLock::new();
    match name {
        "virtual-node" => PathBuf::from(env!("CARGO_BIN_EXE_virtual-node")),
        "eci-sim" => SIMULATOR.get_or_init(simulator).clone(),
        other => panic!("there is no program {other}"),
    }
}

/// Cargo builds only the tested package's programs for a test. Whoever has built the simulator as well says where.
fn simulator() -> PathBuf {
    if let Some(path) = std::env::var_os("ECI_SIM_PROGRAM") {
        return path.into();
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_virtual-node")).parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "eci-sim", "--bin", "eci-sim", "--target-dir"])
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success(), "the simulator could not be built");
    folder.join("eci-sim")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tail(log: &Path) -> String {
    let all = fs::read(log).map(|bytes| text(&bytes)).unwrap_or_default();
    let lines: Vec<&str> = all.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

pub(crate) fn uid(pod: &corev1::Pod) -> String {
    pod.metadata.uid.clone().unwrap()
}

pub(crate) fn phase(pod: &corev1::Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

pub(crate) fn is_running(pod: &corev1::Pod) -> bool {
    phase(pod) == "Running"
        && pod_condition(pod, "Ready") == "True"
        && pod.metadata.deletion_timestamp.is_none()
}

pub(crate) fn pod_condition<'a>(pod: &'a corev1::Pod, kind: &str) -> &'a str {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .filter(|condition| condition.type_ == kind)
        .map(|condition| condition.status.as_str())
        .next()
        .unwrap_or("")
}

/// The group that the pod's annotation names.
pub(crate) fn group_of(pod: &corev1::Pod) -> &str {
    let annotations = pod.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(INSTANCE_ID)).map(String::as_str).unwrap_or_default()
}

/// Statuses of the containers, those of init containers first.
pub(crate) fn containers(pod: &corev1::Pod) -> impl Iterator<Item = &corev1::ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.into_iter().flat_map(|status| status.init_container_statuses.iter().flatten());
    init.chain(status.into_iter().flat_map(|status| status.container_statuses.iter().flatten()))
}

/// Why the first waiting container waits: reason and message.
pub(crate) fn waiting(pod: &corev1::Pod) -> Option<(String, String)> {
    let waiting = containers(pod).find_map(|container| container.state.as_ref()?.waiting.as_ref())?;
    Some((waiting.reason.clone().unwrap_or_default(), waiting.message.clone().unwrap_or_default()))
}

/// The exit code of a container that ended.
pub(crate) fn exit_code(pod: &corev1::Pod, name: &str) -> Option<i32> {
    let container = containers(pod).find(|container| container.name == name)?;
    Some(container.state.as_ref()?.terminated.as_ref()?.exit_code)
}

/// Status, reason and message of a condition of the Node.
pub(crate) fn condition(node: &corev1::Node, kind: &str) -> (String, String, String) {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .filter(|condition| condition.type_ == kind)
        .map(|condition| {
            let corev1::NodeCondition { status, reason, message, .. } = condition.clone();
            (status, reason.unwrap_or_default(), message.unwrap_or_default())
        })
        .next()
        .unwrap_or_default()
}

/// Key and effect of every taint of the Node.
pub(crate) fn taints(node: &corev1::Node) -> Vec<(String, String)> {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.map(|taint| (taint.key.clone(), taint.effect.clone())).collect()
}

fn kubelet_port(node: &corev1::Node) -> i32 {
    let endpoints = node.status.as_ref().and_then(|status| status.daemon_endpoints.as_ref());
    endpoints
        .and_then(|endpoints| endpoints.kubelet_endpoint.as_ref())
        .map(|endpoint| endpoint.port)
        .unwrap_or_default()
}

/// What one looks at first.
fn summary(pod: &corev1::Pod) -> String {
    let states: Vec<_> = containers(pod)
        .map(|container| json!({"name": container.name, "ready": container.ready, "state": container.state}))
        .collect();
    format!(
        "phase {:?}, Ready {:?}, group {:?}, deleted {:?}, containers {}",
        phase(pod),
        pod_condition(pod, "Ready"),
        group_of(pod),
        pod.metadata.deletion_timestamp.as_ref().map(|time| time.0.to_string()),
        json!(states)
    )
}
