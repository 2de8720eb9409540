//! The cases of `tests/cases`.

use std::collections::BTreeMap;
use std::path::Path;

use eci_client::model::Parameters;
use eci_translate::{INSTANCE_CPU_ANNOTATION, INSTANCE_MEMORY_ANNOTATION, Translated};
use serde::Serialize;
use vk_core::Rejection;

use crate::expectation::{assert_none, compare, folders};
use crate::input::Case;

#[derive(Serialize)]
struct Refusal<'a> {
    path: &'a str,
    reason: &'a str,
}

#[test]
fn every_pod_becomes_the_request_that_its_folder_holds() {
    let folders = folders("cases");
    assert!(folders.len() >= 25, "only {} cases", folders.len());
    assert_none(folders.iter().flat_map(|folder| check(folder)).collect());
}

fn check(folder: &Path) -> Vec<String> {
    let translated = Case::read(folder).translated();
    let (request, ignored, rejected) = match &translated {
        Ok(translated) => (Some(request(translated)), ignored(translated), None),
        Err(rejections) => (None, None, Some(refusals(rejections))),
    };
    let outcomes = [("request.json", request), ("ignored.yaml", ignored), ("rejected.yaml", rejected)];
    outcomes.into_iter().filter_map(|(file, content)| compare(folder, file, content)).collect()
}

fn request(translated: &Translated) -> String {
    serde_json::to_string_pretty(&translated.request.parameters()).unwrap() + "\n"
}

fn ignored(translated: &Translated) -> Option<String> {
    (!translated.ignored.is_empty()).then(|| serde_saphyr::to_string(&translated.ignored).unwrap())
}

fn refusals(rejections: &[Rejection]) -> String {
    let list: Vec<Refusal<'_>> =
        rejections.iter().map(|Rejection { path, reason }| Refusal { path, reason }).collect();
    serde_saphyr::to_string(&list).unwrap()
}

#[test]
fn every_request_passes_the_checks_of_the_cloud() {
    let mut problems = Vec::new();
    for folder in folders("cases") {
        let Ok(translated) = Case::read(&folder).translated() else { continue };
        let parameters: BTreeMap<String, String> = translated.request.parameters().into();
        for problem in eci_sim::validate_parameters("CreateContainerGroup", &parameters, true)
            .err()
            .into_iter()
            .flatten()
        {
            problems.push(format!("{}: {problem}", folder.display()));
        }
    }
    assert_none(problems);
}

#[test]
fn a_repeated_translation_is_the_same_request() {
    for folder in folders("cases") {
        let case = Case::read(&folder);
        let once = case.translated().map(|translated| translated.request);
        assert_eq!(once, case.translated().map(|translated| translated.request), "{}", folder.display());
    }
}

#[test]
fn the_size_is_written_back_as_it_was_asked_for() {
    for folder in folders("cases") {
        let Ok(translated) = Case::read(&folder).translated() else { continue };
        let parameters: Parameters = translated.request.parameters();
        let asked = |name: &str| parameters.get(name).unwrap().parse::<f64>().unwrap();
        let written = |name: &str| translated.annotations[name].parse::<f64>().unwrap();
        assert_eq!(written(INSTANCE_CPU_ANNOTATION), asked("Cpu"));
        assert_eq!(written(INSTANCE_MEMORY_ANNOTATION), asked("Memory"));
    }
}

/// Values of Secrets and tokens of all cases are longer than this, and unlike any other text.
const SECRET_CHARS: usize = 8;

#[test]
fn no_refusal_no_sentence_and_no_debug_print_shows_a_secret() {
    for folder in folders("cases") {
        let case = Case::read(&folder);
        let printed = format!("{:?}", case.translated());
        let values = case.inputs.secrets.values().flat_map(|secret| secret.data.iter().flatten());
        let values = values.map(|(_, bytes)| String::from_utf8_lossy(&bytes.0).into_owned());
        let tokens = case.inputs.tokens.values().map(|token| token.expose().to_owned());
        for secret in values.chain(tokens).filter(|secret| secret.len() >= SECRET_CHARS) {
            assert!(!printed.contains(&secret), "{} shows a secret", folder.display());
        }
    }
}
