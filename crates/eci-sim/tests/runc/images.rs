//! Images from a folder of OCI layouts: by name and tag, with layers, entry point, user and directory.

use std::fs;
use std::path::Path;

use eci_sim::{Config, RuntimeKind, RuntimeOptions, Simulator};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::caller::{Caller, start};
use crate::machine::{address_range, directory, log, output, require_tools, until};

/// A layer: the files of a folder, as `tar` packs them.
fn layer(folder: &Path, files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::os::unix::fs::PermissionsExt;
    let root = folder.join("layer");
    let _ = fs::remove_dir_all(&root);
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let tar = folder.join("layer.tar");
    output("tar", &["--create", "--file", tar.to_str().unwrap(), "--directory", root.to_str().unwrap(), "."]);
    fs::read(tar).unwrap()
}

/// Writes a layout whose only image is called by a tag.
fn layout(layout: &Path, tag: &str, layers: &[Vec<u8>], config: &Value) {
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let blob = |content: &[u8]| {
        let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(blobs.join(&digest), content).unwrap();
        json!({"digest": format!("sha256:{digest}"), "size": content.len()})
    };
    let layers: Vec<Value> = layers.iter().map(|layer| blob(layer)).collect();
    let config = blob(json!({ "config": config }).to_string().as_bytes());
    let mut manifest = blob(json!({"config": config, "layers": layers}).to_string().as_bytes());
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    fs::write(layout.join("index.json"), json!({"manifests": [manifest]}).to_string()).unwrap();
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
}

async fn run(caller: &Caller, image: &str, more: &[(&str, &str)]) -> String {
    let base = [
        ("ContainerGroupName", "web"),
        ("RestartPolicy", "Never"),
        ("Container.1.Name", "main"),
        ("Container.1.Image", image),
    ];
    let reply = caller.ok("CreateContainerGroup", &[&base[..], more].concat()).await;
    reply["ContainerGroupId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_is_found_by_name_and_tag_and_its_config_is_what_runs() {
    require_tools();
    let folder = directory();
    let images = folder.join("images");
    fs::create_dir_all(&images).unwrap();
    let busybox = fs::read("/bin/busybox").unwrap();
    let passwd: &[u8] = b"app:x:1000:1001:app:/srv:/bin/sh\n";
    let layers = [
        layer(
            &folder,
            &[("bin/sh", &busybox), ("etc/passwd", passwd), ("srv/old", b"x"), ("srv/kept", b"x")],
        ),
        layer(&folder, &[("srv/.wh.old", b""), ("srv/new", b"x")]),
    ];
    let config = json!({
        "Entrypoint": ["/bin/sh", "-c", "echo $GREETING $0 $(pwd) $(echo *) $UID_OF"],
        "Cmd": ["argument"],
        "Env": ["PATH=/bin", "GREETING=hello"],
        "WorkingDir": "/srv",
        "User": "app",
    });
    layout(&images.join("registry.example/team/app"), "1.0", &layers, &config);
    let runtime = RuntimeOptions {
        kind: RuntimeKind::Oci("runc".into()),
        directory: folder.join("run"),
        images: Some(images),
    };
    let config = Config { runtime, address_range: address_range(), ..Config::default() };
    let simulator: Simulator = start(config).await;
    let caller = Caller::of(&simulator);
    let id = run(&caller, "registry.example/team/app:1.0", &[("Container.1.Arg.1", "asked")]).await;
    until(&caller, &id, "success", |group| group["Status"] == "Succeeded").await;
    assert_eq!(log(&caller, &id, "main").await, "hello asked /srv kept new\n");
    let missing = run(&caller, "registry.example/team/app:2.0", &[]).await;
    let reason = |group: &Value| group["Containers"][0]["CurrentState"]["Reason"].clone();
    until(&caller, &missing, "a failed pull", |group| {
        reason(group) == "ErrImagePull" || reason(group) == "ImagePullBackOff"
    })
    .await;
    simulator.shutdown().await;
    fs::remove_dir_all(folder).unwrap();
}
