//! Checks manifests, sources and the lock file.

use std::fs;
use std::process::Command;

use crate::files::{File, assert_none, file, repository, root};

/// Crates that must not be in the lock file; `deny.toml` holds the reasons.
const BANNED: &[&str] = &["openssl-sys", "native-tls", "reqwest", "axum"];

/// Crates that must not be in what we ship. They are in the lock file because `eci-client` has a feature of their name
/// for others; see docs/decisions/0013.
const NOT_SHIPPED: &[&str] = &["aws-lc-rs", "aws-lc-sys"];

/// What has a workspace of its own cannot inherit from this one.
fn is_member_manifest(file: &File) -> bool {
    file.path.ends_with("/Cargo.toml") && !file.text.lines().any(|line| line.trim() == "[workspace]")
}

/// Manifests that do not inherit the workspace's lints.
fn without_lints(files: &[File]) -> Vec<String> {
    let manifests = files.iter().filter(|file| is_member_manifest(file));
    let inherits = |text: &str| {
        let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "[lints]");
        lines.nth(1) == Some("workspace = true")
    };
    manifests
        .filter(|file| !inherits(&file.text))
        .map(|file| format!("{} does not inherit the workspace's lints", file.path))
        .collect()
}

/// Rust files that do not say what they are for.
fn without_head(files: &[File]) -> Vec<String> {
    let sources = files.iter().filter(|file| file.path.ends_with(".rs") && !file.path.ends_with("/build.rs"));
    sources
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{} does not begin with `//!`", file.path))
        .collect()
}

/// What other lock files than the root's lack of our crates' dependencies: they are built with `--locked`, and not by every run.
fn behind_manifests(files: &[File]) -> Vec<String> {
    let words =
        |text: &str| text.split(['=', '.', ' ', '"', ',']).find(|word| !word.is_empty()).map(str::to_owned);
    let section = |text: &str, start: &str, end: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| *line != start).skip(1);
        let lines = lines.take_while(|line| !line.starts_with(end));
        // Optional ones are locked where a feature has them in.
        let lines = lines.filter(|line| !line.starts_with('#') && !line.contains("optional = true"));
        lines.filter_map(words).collect()
    };
    let mut found = Vec::new();
    for lock in files.iter().filter(|file| file.path.ends_with("/Cargo.lock")) {
        for package in lock.text.split("[[package]]\n").skip(1) {
            let Some(name) = package.lines().next().and_then(|line| line.split('"').nth(1)) else { continue };
            let path = format!("crates/{name}/Cargo.toml");
            let Some(manifest) = files.iter().find(|file| file.path == path) else { continue };
            let known = section(package, "dependencies = [", "]");
            let wanted = section(&manifest.text, "[dependencies]", "[");
            let missing = wanted.iter().filter(|dependency| !known.contains(dependency));
            found.extend(missing.map(|dependency| format!("{} lacks {dependency} of {name}", lock.path)));
        }
    }
    found
}

/// Source files that no `mod` names: they are never compiled.
fn stray(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let mut found = Vec::new();
    for file in files {
        let Some((_, inside)) = file.path.split_once("/src/") else { continue };
        let Some(module) = inside.strip_suffix(".rs") else { continue };
        if ["lib", "main"].contains(&module) || module.starts_with("bin/") {
            continue;
        }
        let start = file.path.len() - inside.len();
        let parents = match module.rsplit_once('/') {
            Some((parent, _)) => vec![format!("{}{parent}.rs", &file.path[..start])],
            None => ["lib.rs", "main.rs"].map(|name| format!("{}{name}", &file.path[..start])).to_vec(),
        };
        let name = module.rsplit('/').next().unwrap_or(module);
        let named =
            |text: &str| text.lines().any(|line| line.trim_start().ends_with(&format!("mod {name};")));
        if !parents.iter().filter_map(|parent| text(parent)).any(named) {
            found.push(format!("{} is named by no `mod`", file.path));
        }
    }
    found
}

/// Files that hold a path of the machine they were written on.
fn machine_paths(files: &[File], paths: &[String]) -> Vec<String> {
    let holds = |file: &&File| paths.iter().any(|path| file.text.contains(path.as_str()));
    files.iter().filter(holds).map(|file| format!("{} holds a path of this machine", file.path)).collect()
}

/// Tests that are not run, or pass by failing; macros that stand for missing code.
fn shirking(files: &[File]) -> Vec<String> {
    // Put together here, so that this file does not hold them.
    let marks = [["#[ign", "ore"], ["#[should_", "panic"], ["to", "do!("], ["unimpl", "emented!("]]
        .map(|mark| mark.concat());
    let sources = files.iter().filter(|file| file.path.ends_with(".rs"));
    sources
        .flat_map(|file| marks.iter().filter(|mark| file.text.contains(*mark)).map(move |mark| (file, mark)))
        .map(|(file, mark)| format!("{} holds `{mark}`", file.path))
        .collect()
}

/// Lints that are switched off without a reason.
fn unreasoned(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        for opening in ["[allow(", "[expect("] {
            for (start, _) in file
                .text
                .match_indices(&["#", opening].concat())
                .chain(file.text.match_indices(&["#!", opening].concat()))
            {
                let attribute = &file.text[start..];
                let attribute = &attribute[..attribute.find(")]").unwrap_or(attribute.len())];
                if !attribute.contains("reason = ") {
                    found.push(format!("{} holds `{attribute}` without a reason", file.path));
                }
            }
        }
    }
    found
}

/// Banned crates of a lock file, and digests of the old line.
fn banned(lock: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("name = ").map(|name| name.trim_matches('"')) else { continue };
        let version = lines.next().unwrap_or_default().trim_start_matches("version = ").trim_matches('"');
        if BANNED.contains(&name) || (name == "digest" && version.starts_with("0.10.")) {
            found.push(format!("{name} {version} is banned"));
        }
    }
    found
}

/// Crates of a tree, one on each line, that must not be shipped.
fn unshippable(tree: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let found = names.filter(|name| NOT_SHIPPED.contains(name) || BANNED.contains(name));
    found.map(|name| format!("{name} would be shipped")).collect()
}

#[test]
fn every_crate_inherits_the_lints() {
    assert_none(&without_lints(&repository()));
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_none(&without_head(&repository()));
}

#[test]
fn every_source_file_is_part_of_a_crate() {
    assert_none(&stray(&repository()));
}

#[test]
fn nothing_speaks_of_the_machine_it_was_written_on() {
    let mut paths = vec![["/.cargo/", "registry"].concat()];
    let root = root();
    // `/src` alone would be found in half of all files.
    if root.components().count() > 2 {
        paths.push(root.to_string_lossy().into_owned());
    }
    assert_none(&machine_paths(&repository(), &paths));
}

#[test]
fn no_test_shirks() {
    assert_none(&shirking(&repository()));
}

#[test]
fn every_lint_that_is_switched_off_has_its_reason() {
    assert_none(&unreasoned(&repository()));
}

#[test]
fn no_banned_crate_is_locked() {
    let lock =
        fs::read_to_string(root().join("Cargo.lock")).expect("the lock file is part of the repository");
    assert_none(&banned(&lock));
}

#[test]
fn the_programs_hold_no_second_cryptography() {
    for program in ["virtual-node", "eci-sim"] {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--edges=normal,build", "--prefix=none", "--format={p}", "--package"])
            .arg(program)
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(tree.starts_with(&format!("{program} ")), "{tree}");
        assert_none(&unshippable(&tree));
    }
}

#[test]
fn each_breach_is_found() {
    let lints = [
        file("crates/a/Cargo.toml", "[package]\n"),
        file("crates/b/Cargo.toml", "[lints]\nworkspace = true\n"),
        file("apart/Cargo.toml", "[workspace]\n"),
    ];
    assert_eq!(without_lints(&lints), ["crates/a/Cargo.toml does not inherit the workspace's lints"]);

    let heads =
        [file("a/src/lib.rs", "mod b;"), file("a/src/b.rs", "//! Says."), file("a/build.rs", "fn main() {}")];
    assert_eq!(without_head(&heads), ["a/src/lib.rs does not begin with `//!`"]);

    let modules = [
        file("a/src/lib.rs", "pub mod b;"),
        file("a/src/b.rs", "#[cfg(test)]\nmod tests;"),
        file("a/src/b/tests.rs", ""),
        file("a/src/c.rs", ""),
    ];
    assert_eq!(stray(&modules), ["a/src/c.rs is named by no `mod`"]);

    let paths = [file("README.md", "see /somewhere/checkout/docs"), file("docs/a.md", "see docs")];
    assert_eq!(
        machine_paths(&paths, &["/somewhere/checkout".to_owned()]),
        ["README.md holds a path of this machine"]
    );

    let shirkers =
        [file("a/src/lib.rs", &["#[ign", "ore]\nfn a() {}"].concat()), file("a/src/b.rs", "fn b() {}")];
    assert_eq!(shirking(&shirkers).len(), 1);

    let allowed = [
        file("a/src/a.rs", &["#", "[allow(dead_code)]"].concat()),
        file("a/src/b.rs", &["#", "[allow(dead_code, reason = \"used by nobody yet\")]"].concat()),
    ];
    assert_eq!(unreasoned(&allowed).len(), 1);

    let tree = "virtual-node v0.1.0\nring v0.17.14\naws-lc-rs v1.19.0\n";
    assert_eq!(unshippable(tree), ["aws-lc-rs would be shipped"]);

    let lock = "[[package]]\nname = \"digest\"\nversion = \"0.10.7\"\n\n[[package]]\nname = \"digest\"\nversion = \"0.11.3\"\n";
    assert_eq!(banned(lock), ["digest 0.10.7 is banned"]);
    assert_eq!(banned("name = \"openssl-sys\"\nversion = \"0.9.1\"\n"), ["openssl-sys 0.9.1 is banned"]);
}

#[test]
fn every_lock_file_knows_what_our_crates_depend_on() {
    assert_none(&behind_manifests(&repository()));
    let lock = "version = 4\n\n[[package]]\nname = \"a\"\ndependencies = [\n \"one\",\n]\n";
    let manifest = "[package]\n\n[dependencies]\n# Why.\none.workspace = true\ntwo = \"1\"\nthree = { version = \"1\", optional = true }\n\n[lints]\n";
    let tree = [file("fuzz/Cargo.lock", lock), file("crates/a/Cargo.toml", manifest)];
    assert_eq!(behind_manifests(&tree), ["fuzz/Cargo.lock lacks two of a"]);
}
