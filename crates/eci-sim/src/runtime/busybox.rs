//! Makes an image out of the installed static busybox: an OCI layout of one layer, a link for each applet.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::command::run;

const PLACES: &[&str] = &["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"];
const MISSING: &str = "a static busybox is missing; install it with: apt-get install busybox-static \
                       (or name a folder of OCI layouts with --images)";
const FOLDERS: &[&str] = &["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "var/run"];
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUP: &str = "root:x:0:\nnobody:x:65534:\n";

/// Writes the layout to `images/busybox`.
pub(super) async fn make(instance: &str, images: &Path) -> Result<(), String> {
    let busybox = PLACES.iter().map(Path::new).find(|place| is_static(place)).ok_or(MISSING)?;
    let applets = run(instance, busybox, &["--list"]).await?;
    let layout = images.join("busybox");
    let root = images.join("busybox.root");
    let tree = fill(&root, busybox, &applets);
    tree.map_err(|error| format!("making an image of {}: {error}", busybox.display()))?;
    let layer = images.join("busybox.tar");
    let arguments = ["--create", "--numeric-owner", "--sort=name", "--mtime=@0", "--file"];
    let mut arguments: Vec<PathBuf> = arguments.iter().map(PathBuf::from).collect();
    arguments.extend([layer.clone(), "--directory".into(), root.clone(), ".".into()]);
    run(instance, Path::new("tar"), &arguments).await?;
    write_layout(&layout, &layer).map_err(|error| format!("writing {}: {error}", layout.display()))?;
    // Only the layout is wanted from here on.
    let _ = fs::remove_dir_all(root);
    let _ = fs::remove_file(layer);
    Ok(())
}

/// A program without a loader: such a binary names none of the dynamic linkers.
fn is_static(program: &Path) -> bool {
    fs::read(program).is_ok_and(|bytes| !bytes.windows(8).take(4096).any(|part| part == b"/ld-linu"))
}

fn fill(root: &Path, busybox: &Path, applets: &str) -> std::io::Result<()> {
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::write(root.join("etc/passwd"), PASSWD)?;
    fs::write(root.join("etc/group"), GROUP)?;
    fs::copy(busybox, root.join("bin/busybox"))?;
    fs::set_permissions(root.join("bin/busybox"), fs::Permissions::from_mode(0o755))?;
    for applet in applets.lines().filter(|applet| *applet != "busybox" && !applet.contains('/')) {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    Ok(())
}

fn write_layout(layout: &Path, layer: &Path) -> std::io::Result<()> {
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let add = |kind: &str, content: &[u8]| -> std::io::Result<Value> {
        let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(blobs.join(&digest), content)?;
        let media_type = format!("application/vnd.oci.image.{kind}");
        Ok(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": content.len()}))
    };
    let layer = add("layer.v1.tar", &fs::read(layer)?)?;
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    });
    let config = add("config.v1+json", config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    });
    let manifest = add("manifest.v1+json", manifest.to_string().as_bytes())?;
    fs::write(layout.join("index.json"), json!({"schemaVersion": 2, "manifests": [manifest]}).to_string())?;
    fs::write(layout.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())
}

/// The machine's architecture as images name it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
