//! Brings parameters that mean the same into one spelling: `True` and `true`, `2.0` and `2`, a default and nothing.

use crate::params::Parameters;
use crate::schema::{Kind, pattern_of, schema};

/// What a parameter means when it is not given: how its pattern ends, and the value.
const DEFAULTS: &[(&str, &str)] = &[
    ("EnvironmentVarHide", "false"),
    ("HttpGet.Scheme", "HTTP"),
    ("ImagePullPolicy", "IfNotPresent"),
    ("NFSVolume.ReadOnly", "false"),
    ("Probe.FailureThreshold", "3"),
    ("Probe.InitialDelaySeconds", "0"),
    ("Probe.PeriodSeconds", "10"),
    ("Probe.SuccessThreshold", "1"),
    ("Probe.TimeoutSeconds", "1"),
    ("RestartPolicy", "Always"),
    ("SecurityContextPrivileged", "false"),
    ("SecurityContextRunAsNonRoot", "false"),
    ("Stdin", "false"),
    ("StdinOnce", "false"),
    ("TerminationMessagePath", "/dev/termination-log"),
    ("TerminationMessagePolicy", "File"),
    ("Tty", "false"),
    ("VolumeMount.N.MountPropagation", "None"),
    ("VolumeMount.N.ReadOnly", "false"),
];

/// The parameters of a create as shortly as they can be said.
pub(crate) fn normal(parameters: &Parameters) -> Parameters {
    let table = schema().action("CreateContainerGroup");
    let mut normal = Parameters::new();
    for (name, value) in parameters {
        let kind = table.and_then(|table| table.parameter(name)).map(|row| row.kind);
        let value = kind.and_then(|kind| shortest(value, kind)).unwrap_or_else(|| value.clone());
        let pattern = pattern_of(name);
        let is_default = DEFAULTS.iter().any(|(end, default)| pattern.ends_with(end) && value == *default);
        if !value.is_empty() && !is_default {
            normal.insert(name.clone(), value);
        }
    }
    normal
}

fn shortest(value: &str, kind: Kind) -> Option<String> {
    match kind {
        Kind::Boolean => Some(value.to_ascii_lowercase()),
        Kind::Float => value.parse::<f64>().ok().map(|number| number.to_string()),
        Kind::Int32 | Kind::Int64 | Kind::Integer => {
            value.parse::<i64>().ok().map(|number| number.to_string())
        }
        Kind::String | Kind::Map | Kind::Struct => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Parameters {
        normal(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_means_the_same_is_spelt_the_same() {
        for (one, other) in [
            (("Container.1.Tty", "True"), ("Container.1.Tty", "true")),
            (("Container.1.Cpu", "2.0"), ("Container.1.Cpu", "2")),
            (("Container.1.Port.1.Port", "080"), ("Container.1.Port.1.Port", "80")),
        ] {
            assert_eq!(of(&[one]), of(&[other]));
        }
        let said = [
            ("RestartPolicy", "Always"),
            ("Container.1.Tty", "False"),
            ("Container.1.LivenessProbe.PeriodSeconds", "10"),
            ("InitContainer.2.VolumeMount.3.ReadOnly", "false"),
            ("Container.1.EnvironmentVar.1.Value", ""),
        ];
        assert_eq!(of(&said), Parameters::new());
        assert_eq!(of(&[("RestartPolicy", "Never"), ("Container.1.Image", "False")]).len(), 2);
    }
}
