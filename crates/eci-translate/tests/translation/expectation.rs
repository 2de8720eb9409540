//! Compares what came out with the file that says what must, or writes that file.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of a kind of test, by name.
pub(crate) fn folders(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(kind);
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// What is wrong with the file, if anything: `None` as content means that there must be no such file.
pub(crate) fn compare(folder: &Path, file: &str, content: Option<String>) -> Option<String> {
    let path = folder.join(file);
    if std::env::var_os("UPDATE").is_some() {
        match content {
            Some(content) => fs::write(path, content).unwrap(),
            None if path.exists() => fs::remove_file(path).unwrap(),
            None => {}
        }
        return None;
    }
    let expected = fs::read_to_string(&path).ok();
    let name = folder.file_name().unwrap().to_string_lossy();
    match (expected, content) {
        (expected, content) if expected == content => None,
        (Some(expected), Some(content)) => {
            Some(format!("{name}/{file} differs:\n{}", difference(&expected, &content)))
        }
        (Some(_), None) => Some(format!("{name}/{file} is expected, and nothing of the kind came out")),
        (None, _) => Some(format!("{name}/{file} is missing: run with UPDATE=1 and review it")),
    }
}

/// The lines that only one of the two has.
fn difference(expected: &str, found: &str) -> String {
    let only = |one: &str, other: &str, sign: char| -> String {
        let missing = one.lines().filter(|line| !other.lines().any(|it| it == *line));
        missing.map(|line| format!("  {sign} {line}\n")).collect()
    };
    only(expected, found, '-') + &only(found, expected, '+')
}

/// Fails with everything that was found wrong.
pub(crate) fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}
