//! Expands words: variables, parameters, arithmetic, and what a simple command writes.

use super::builtin::{self, Call};
use super::lex::{Part, Word};
use super::machine::Machine;

impl Machine<'_> {
    /// The fields that a word becomes.
    pub(super) fn expand(&mut self, word: &Word) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        let mut current: Option<String> = None;
        for part in word {
            let (text, split) = match part {
                Part::Text { text, .. } => (text.clone(), false),
                Part::Variable { name, quoted: true, .. } if name == "@" => {
                    // Each parameter is a field; only the outer two touch what stands beside them.
                    for (index, parameter) in self.parameters.iter().skip(1).enumerate() {
                        if index > 0 {
                            fields.extend(current.take());
                        }
                        current.get_or_insert_default().push_str(parameter);
                    }
                    continue;
                }
                Part::Variable { name, default, quoted } => {
                    (self.variable(name, default.as_deref()), !quoted)
                }
                Part::Arithmetic(expression) => {
                    (builtin::arithmetic(expression, &self.variables).to_string(), false)
                }
                Part::Substitution { words, quoted } => (self.substitute(words), !quoted),
            };
            if !split {
                current.get_or_insert_default().push_str(&text);
                continue;
            }
            for (index, field) in text.split_whitespace().enumerate() {
                if index > 0 || text.starts_with(char::is_whitespace) {
                    fields.extend(current.take());
                }
                current.get_or_insert_default().push_str(field);
            }
            if text.ends_with(char::is_whitespace) {
                fields.extend(current.take());
            }
        }
        // `"$@"` without parameters is no field, although its quotes alone would be an empty one.
        if self.parameters.len() <= 1 && is_all_parameters(word) {
            current.take_if(|field| field.is_empty());
        }
        fields.extend(current);
        fields
    }

    fn variable(&self, name: &str, default: Option<&str>) -> String {
        let value = match name {
            "?" => Some(self.status.to_string()),
            "$" => Some("1".to_owned()),
            "#" => Some(self.parameters.len().saturating_sub(1).to_string()),
            "@" | "*" => Some(self.parameters.get(1..).unwrap_or_default().join(" ")),
            _ => match name.parse::<usize>() {
                Ok(index) => self.parameters.get(index).cloned(),
                Err(_) => self.variables.get(name).cloned(),
            },
        };
        let value = value.filter(|value| default.is_none() || !value.is_empty());
        value.or_else(|| default.map(str::to_owned)).unwrap_or_default()
    }

    fn substitute(&mut self, words: &[Word]) -> String {
        let words: Vec<String> = words.iter().flat_map(|word| self.expand(word)).collect();
        if words.is_empty() {
            return String::new();
        }
        match builtin::call(self, &words) {
            Call::Done { status, output } => {
                self.status = status;
                return output.trim_end_matches('\n').to_owned();
            }
            Call::Sleep(_) | Call::Break | Call::Exit(_) => {}
            _ if self.input.is_none() => {}
            _ => {
                self.complain(&format!("{} within $(…) is beyond the scripted runtime", words[0]));
                self.status = 127;
            }
        }
        String::new()
    }
}

fn is_all_parameters(word: &Word) -> bool {
    word.iter().any(|part| matches!(part, Part::Variable { name, quoted: true, .. } if name == "@"))
}
