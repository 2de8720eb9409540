//! Manifests as a user writes them; a test says only what matters for it.

/// A pod that is placed by its `nodeName`; `spec` holds the other fields as flow-style YAML (`key: value, …`).
pub(crate) fn pod(name: &str, node: &str, spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{nodeName: {node}, {spec}}}}}\n")
}

/// The container of a pod that just runs.
pub(crate) const NGINX: &str = "containers: [{name: main, image: 'nginx:1.27'}]";

/// A pod that runs a script once; the simulator plays it (`echo`, `sleep`, loops, `exit`).
pub(crate) fn script(script: &str) -> String {
    format!(
        "restartPolicy: Never, containers: [{{name: main, image: busybox, command: [sh, -c, {script:?}]}}]"
    )
}

/// Several objects for one apply.
pub(crate) fn several(manifests: &[String]) -> String {
    manifests.join("---\n")
}
