//! Reads the repository's text files.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository: its path from the root, with `/`, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Folders without sources of ours. `data` holds what tests read.
const SKIPPED: &[&str] = &["target", "node_modules", "data"];

pub(crate) fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in crates/");
    crates.parent().expect("crates/ lies in the root").to_owned()
}

/// All text files below `folder`; those that are not UTF-8 are no text.
fn files(root: &Path, folder: &Path, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("the repository can be read") {
        let path = entry.expect("the repository can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str())
                && (!name.starts_with('.') || name == ".ci" || name == ".cargo")
            {
                files(root, &path, found);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            found.push(File { path, text });
        }
    }
}

pub(crate) fn repository() -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    files(&root, &root, &mut found);
    assert!(
        found.iter().any(|file| file.path == "crates/virtual-node/tests/tidy/files.rs"),
        "the walk finds this file"
    );
    found
}

pub(crate) fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A file that is not there.
pub(crate) fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}
