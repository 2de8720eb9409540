//! What each setting means, in the words of `--help`.

use clap::{Args, Command};
use serde_json::{Value, json};

use crate::settings::Settings;

/// Name, explanation, default and choices of every setting, in the order of the help text.
pub(super) fn settings() -> Value {
    let command = Settings::augment_args(Command::new("eci-sim"));
    let setting = |argument: &clap::Arg| {
        let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let choices = argument.get_possible_values();
        json!({
            "name": argument.get_id().as_str(),
            "help": argument.get_help().map(ToString::to_string),
            "default": default,
            "choices": choices.iter().map(|value| value.get_name()).collect::<Vec<_>>(),
        })
    };
    json!({"settings": command.get_arguments().map(setting).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_one_sentence_and_a_default() {
        let explained = settings();
        let explained = explained["settings"].as_array().unwrap();
        let known = serde_json::to_value(Settings::default()).unwrap();
        for name in known.as_object().unwrap().keys() {
            let setting = explained.iter().find(|setting| setting["name"] == *name);
            let setting = setting.unwrap_or_else(|| panic!("{name} is not explained"));
            let help = setting["help"].as_str().unwrap();
            assert!(help.len() > 20 && !help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
            let is_nothing = known[name].is_null() || known[name].as_array().is_some_and(Vec::is_empty);
            assert!(is_nothing || setting["default"].is_string(), "{name} tells no default");
        }
    }

    #[test]
    fn a_number_says_what_it_counts() {
        let units = [("_ms", "millisecond"), ("_s", "second"), ("_bytes", "byte")];
        for setting in settings()["settings"].as_array().unwrap() {
            let (name, help) = (setting["name"].as_str().unwrap(), setting["help"].as_str().unwrap());
            let unit = units.iter().find(|(end, _)| name.ends_with(end));
            assert!(unit.is_none_or(|(_, unit)| help.to_lowercase().contains(unit)), "{name}: {help}");
        }
    }
}
