//! Holds the public API against its committed listing, so that nothing is removed or changed without somebody meaning it.
//!
//! `UPDATE=1 cargo test -p eci-client --test public_api` writes the listing anew; its difference is what a reviewer reads. A
//! line that goes, or changes, asks for a new major version (a minor one before 1.0).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// All but `aws-lc-rs`, which changes no item and compiles C.
const FEATURES: &str = "exec,test-util";
const LISTING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/public-api.txt");

/// The public items, one a line, and which types are `Clone`, `Debug`, `Send` and the like.
fn public_api() -> BTreeSet<String> {
    // A folder of its own: the variable below would have everything built anew, and then once more without it.
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/public-api");
    let output = Command::new(env!("CARGO"))
        .args(["rustdoc", "--offline", "--quiet", "--lib", "--features", FEATURES, "--target-dir", target])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        // A stable rustdoc writes JSON only under this. Nothing that is shipped is built with it.
        .env("RUSTC_BOOTSTRAP", "1")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = |with_impls: bool| -> BTreeSet<String> {
        let listed = public_api::Builder::from_rustdoc_json(Path::new(target).join("doc/eci_client.json"))
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(!with_impls)
            .omit_auto_derived_impls(!with_impls)
            .build();
        let listed = listed
            .expect("JSON of the compiler that the version of the crate public-api in Cargo.toml is for");
        listed.items().map(ToString::to_string).collect()
    };
    listed(false).into_iter().chain(listed(true).into_iter().filter(|line| is_promise(line))).collect()
}

/// Whether a line says that a type has a trait that users build on: what is derived, and what threads ask for. The
/// functions of such traits need not be listed.
fn is_promise(line: &str) -> bool {
    let of_auto_traits = ["Freeze", "Unpin", "UnsafeUnpin", "UnwindSafe"];
    let is_auto = of_auto_traits.iter().any(|name| line.contains(&format!("{name} for ")));
    line.starts_with("impl") && !is_auto && !line.contains("StructuralPartialEq")
}

/// What stands in one listing and not in the other: `-` for what has gone, `+` for what is new.
fn difference(committed: &BTreeSet<String>, present: &BTreeSet<String>) -> String {
    let gone = committed.difference(present).map(|line| format!("-{line}\n"));
    let new = present.difference(committed).map(|line| format!("+{line}\n"));
    gone.chain(new).collect()
}

#[test]
fn the_public_api_is_the_one_that_was_agreed_on() {
    let present = public_api();
    if std::env::var_os("UPDATE").is_some() {
        let text: String = present.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(LISTING, text).expect("the listing can be written");
    }
    let committed = std::fs::read_to_string(LISTING).expect("the listing");
    let committed = committed.lines().map(str::to_owned).collect();
    let difference = difference(&committed, &present);
    assert!(difference.is_empty(), "the public API has changed; if that is meant, UPDATE=1:\n{difference}");
}

#[test]
fn a_trait_that_a_type_loses_is_a_difference() {
    let lines = [
        "impl core::clone::Clone for a::S",
        "impl core::marker::Send for a::S",
        "impl !core::marker::Sync for a::S",
    ];
    assert!(lines.into_iter().all(is_promise));
    for line in [
        "pub fn a::S::clone(&self) -> a::S",
        "impl core::marker::Unpin for a::S",
        "impl core::panic::unwind_safe::RefUnwindSafe for a::S",
    ] {
        assert!(!is_promise(line), "{line}");
    }
}

#[test]
fn what_goes_and_what_changes_is_a_difference() {
    let listing = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let committed = listing(&["pub fn a::f(u8)", "pub struct a::S"]);
    assert_eq!(difference(&committed, &committed), "");
    assert_eq!(
        difference(&committed, &listing(&["pub fn a::f(u16)"])),
        "-pub fn a::f(u8)\n-pub struct a::S\n+pub fn a::f(u16)\n"
    );
}
