//! Counts what a user of the crate has to build.

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that the library needs on Linux, itself included; neither those of its tests nor those of its examples.
fn crates(features: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
            "--format",
            "{p}",
        ])
        .args(["--target", "x86_64-unknown-linux-gnu", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .args(features)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn the_default_tree_has_fewer_than_60_crates() {
    let crates = crates(&[]);
    assert!(crates.iter().any(|name| name.starts_with("hyper ")), "{crates:#?}");
    assert!(crates.len() < 60, "{} crates: {crates:#?}", crates.len());
}

#[test]
fn the_model_alone_has_fewer_than_15_crates() {
    let crates = crates(&["--no-default-features"]);
    assert!(crates.iter().any(|name| name.starts_with("serde_json ")), "{crates:#?}");
    assert!(crates.len() < 15, "{} crates: {crates:#?}", crates.len());
}

#[test]
fn the_default_tree_holds_one_cryptography() {
    let crates = crates(&[]);
    assert!(crates.iter().any(|name| name.starts_with("ring ")), "{crates:#?}");
    assert!(!crates.iter().any(|name| name.starts_with("aws-lc")), "{crates:#?}");
}
