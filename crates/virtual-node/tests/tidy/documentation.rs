//! Checks that the documentation speaks of what is there, and of all that must be explained.

use crate::files::{File, assert_none, file, repository};

/// Links of Markdown pages that lead to no file of the repository.
fn dead_links(files: &[File]) -> Vec<String> {
    let exists =
        |path: &str| files.iter().any(|file| file.path == path || file.path.starts_with(&format!("{path}/")));
    let mut found = Vec::new();
    for page in files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (start, _) in page.text.match_indices("](") {
            let link = page.text[start + 2..].split([')', '#']).next().unwrap_or_default();
            if link.is_empty() || link.contains("://") {
                continue;
            }
            if !exists(&resolved(folder, link)) {
                found.push(format!("{} links to {link}, which does not exist", page.path));
            }
        }
    }
    found
}

/// A link as a path from the root.
fn resolved(folder: &str, link: &str) -> String {
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.join("/")
}

/// Tests that a page names (four words or more in backquotes) and that do not exist.
fn unknown_tests(page: &File, files: &[File]) -> Vec<String> {
    let name = |text: &&str| {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        text.split('_').count() > 3 && text.split('_').all(word)
    };
    let exists = |test: &str| files.iter().any(|file| file.text.contains(&format!("fn {test}(")));
    let quoted = page.text.split('`').skip(1).step_by(2);
    let unknown = quoted.filter(name).filter(|test| !exists(test));
    unknown.map(|test| format!("{} names the test {test}, which does not exist", page.path)).collect()
}

/// Environment variables that the program reads and the page does not explain.
fn unexplained_settings(source: &str, page: &str) -> Vec<String> {
    let named = |opening: &'static str| {
        let starts = source.match_indices(opening).map(move |(start, _)| start + opening.len());
        starts.filter_map(|start| source[start..].split('"').next())
    };
    let all = named("env = \"").chain(named("read(\""));
    let missing = all.filter(|name| !page.contains(&format!("`{name}`")));
    missing.map(|name| format!("{name} is not explained")).collect()
}

/// Reasons of errors that the page on troubleshooting does not explain.
fn unexplained_reasons(source: &str, page: &str) -> Vec<String> {
    let table =
        source.split("fn reason(").nth(1).unwrap_or_default().split("\n    }").next().unwrap_or_default();
    let reasons = table.split('"').skip(1).step_by(2);
    let missing = reasons.filter(|reason| !page.contains(&format!("`{reason}`")));
    missing.map(|reason| format!("{reason} is not explained")).collect()
}

fn text(files: &[File], path: &str) -> String {
    files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} exists")).text.clone()
}

#[test]
fn every_link_leads_somewhere() {
    assert_none(&dead_links(&repository()));
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let files = repository();
    let reasoning =
        |page: &&File| page.path == "docs/architecture.md" || page.path.starts_with("docs/decisions/");
    let pages = files.iter().filter(reasoning);
    assert_none(&pages.flat_map(|page| unknown_tests(page, &files)).collect::<Vec<_>>());
}

#[test]
fn every_setting_is_explained() {
    let files = repository();
    let settings = text(&files, "crates/virtual-node/src/settings.rs");
    assert!(settings.contains("ECI_VSWITCH"));
    assert_none(&unexplained_settings(&settings, &text(&files, "docs/configuration.md")));
}

#[test]
fn every_reason_is_explained() {
    let files = repository();
    let errors = text(&files, "crates/vk-core/src/error.rs");
    assert!(!unexplained_reasons(&errors, "").is_empty());
    assert_none(&unexplained_reasons(&errors, &text(&files, "docs/troubleshooting.md")));
}

#[test]
fn each_breach_of_the_documentation_is_found() {
    let pages = [
        file(
            "docs/a.md",
            "[b](b.md) [top](../README.md#usage) [web](https://example.com) [c](c/d.md) [here](#here)",
        ),
        file("docs/b.md", "`a_test_that_exists` and `a_test_that_is_gone`, not `three_words_only`"),
        file("README.md", ""),
        file("a/src/a.rs", "fn a_test_that_exists() {}"),
    ];
    assert_eq!(dead_links(&pages), ["docs/a.md links to c/d.md, which does not exist"]);
    assert_eq!(
        unknown_tests(&pages[1], &pages),
        ["docs/b.md names the test a_test_that_is_gone, which does not exist"]
    );

    let settings = "#[arg(env = \"NODE_IP\")] #[arg(env = \"NODE_NAME\")] read(\"ECI_KEY\")";
    assert_eq!(unexplained_settings(settings, "`NODE_IP` `ECI_KEY`"), ["NODE_NAME is not explained"]);
    let reasons = "fn reason(&self) -> &str {\n        A => \"Lost\",\n        B => \"Found\",\n    }\n}";
    assert_eq!(unexplained_reasons(reasons, "`Found`"), ["Lost is not explained"]);
}
