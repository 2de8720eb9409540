//! Reads the files that a person writes for the simulator: a list in YAML or JSON, and when it makes no sense the line
//! and the field. Values are not repeated, they may be secrets.

use serde::de::DeserializeOwned;

/// An item that may be well formed and still make no sense.
pub(crate) trait Item: DeserializeOwned {
    /// What is wrong, beginning with the field.
    fn check(&self) -> Result<(), String>;
}

/// The items of a file, or the line and what is wrong there.
pub(crate) fn read<T: Item>(text: &str) -> Result<Vec<T>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<serde_saphyr::Spanned<T>> =
        serde_saphyr::from_str(text).map_err(|error| located(text, &error))?;
    let checked = items.into_iter().map(|item| {
        let line = item.referenced.line();
        item.value.check().map_err(|problem| format!("line {line}: {problem}"))?;
        Ok(item.value)
    });
    checked.collect()
}

/// The parser's report in one line, behind the line of the file and the field that it speaks of.
fn located(text: &str, error: &serde_saphyr::Error) -> String {
    let report = error.without_snippet().to_string();
    let report = report.lines().next().unwrap_or_default();
    let report = report.split(" at line ").next().unwrap_or_default();
    let Some(at) = error.location() else { return report.to_owned() };
    let line = usize::try_from(at.line()).unwrap_or_default();
    let column = usize::try_from(at.column()).unwrap_or_default();
    let before: String =
        text.lines().nth(line.saturating_sub(1)).unwrap_or_default().chars().take(column).collect();
    match field(&before) {
        Some(field) => format!("line {line}: {field}: {report}"),
        None => format!("line {line}: {report}"),
    }
}

/// The name of the value that follows a part of a line.
fn field(before: &str) -> Option<&str> {
    let (names, _) = before.rsplit_once(':')?;
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let names = names.trim_end_matches(|c: char| !is_part(c));
    let name = &names[names.rfind(|c| !is_part(c)).map_or(0, |at| at + 1)..];
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    #[serde(deny_unknown_fields)]
    struct Stone {
        colour: String,
        #[serde(default)]
        weight: u8,
    }

    impl Item for Stone {
        fn check(&self) -> Result<(), String> {
            if self.weight > 100 { Err("weight: nobody lifts it".to_owned()) } else { Ok(()) }
        }
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let stones = [Stone { colour: "red".into(), weight: 7 }, Stone { colour: "grey".into(), weight: 0 }];
        assert_eq!(
            read::<Stone>("# Stones\n- colour: red\n  weight: 7\n- {colour: grey}\n").unwrap(),
            stones
        );
        assert_eq!(
            read::<Stone>("[{\"colour\": \"red\", \"weight\": 7},\n {\"colour\": \"grey\"}]").unwrap(),
            stones
        );
        assert!(read::<Stone>(" \n").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_field_and_without_its_value() {
        for (text, line, field) in [
            ("- colour: red\n- colour: red\n  wight: 1\n", "line 3: ", "wight"),
            ("- colour: red\n  weight: hush\n", "line 2: ", "weight: "),
            ("[{\"colour\": \"red\",\n  \"weight\": \"hush\"}]", "line 2: ", "weight: "),
            ("[{\"colour\": \"red\", \"weight\": 300}]", "line 1: ", "weight: "),
            ("- colour: red\n\n- weight: 1\n", "line 3: ", "colour"),
            ("- colour: red\n- colour: red\n  weight: 101\n", "line 2: ", "weight: "),
            ("colour: red\n", "line 1: ", "sequence"),
            ("- colour: [\n", "line ", ""),
        ] {
            let problem = read::<Stone>(text).unwrap_err();
            assert!(problem.starts_with(line) && problem.contains(field), "{text:?}: {problem}");
            assert!(!problem.contains("hush") && !problem.contains('\n'), "{problem}");
        }
    }
}
