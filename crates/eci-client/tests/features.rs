//! Builds the crate as its users may choose its features, and shows that TLS and signing work however many libraries there are.
//!
//! `cargo test -p eci-client --all-features` runs the second half with AWS-LC and ring side by side.

use std::process::Command;

/// Whether the library builds with these features alone; what the compiler says where it does not.
fn check(features: &str) -> Result<(), String> {
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/features");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--lib", "--no-default-features", "--features", features])
        .args(["--target-dir", target])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .env("RUSTFLAGS", "-D warnings")
        .output()
        .expect("cargo runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn each_choice_of_features_builds_by_itself_and_without_a_warning() {
    // The model alone; a transport of one's own, with and without web socket and fake; the client, with and without.
    for features in ["", "ring", "ring,exec,test-util", "client", "client,exec"] {
        check(features).unwrap_or_else(|said| panic!("with {features:?}:\n{said}"));
    }
}

#[test]
fn without_cryptography_it_is_said_what_to_choose() {
    let said = check("client-core").expect_err("nothing signs");
    assert!(said.contains("choose one of these features"), "{said}");
}

#[cfg(feature = "client")]
#[test]
fn a_transport_needs_no_process_wide_choice_of_cryptography() {
    // rustls panics where it is asked to choose between two libraries; nothing here may leave it that choice.
    eci_client::HyperTransport::new().expect("a transport");
    assert!(tokio_rustls::rustls::crypto::CryptoProvider::get_default().is_none());
}
