//! Resolves the environment of a container: the cloud takes literal values and the group's address, nothing else.
//!
//! The order of precedence is the kubelet's: `envFrom` in order, then `env` in order, a later one taking the place of
//! an earlier one, then service variables for names that are still free.

mod sources;

use std::cell::{Cell, RefCell};

use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::request::{EnvironmentVar, FieldRef};

use super::Context;
use super::fields::Field;
use super::report::{Path, Report, items};
use super::services::ServiceVariables;
use crate::expansion::{self, Meaning, NotYetKnown};
use crate::limits;

/// The variables of one container in the order of their declaration.
pub(crate) struct Environment<'a> {
    variables: Vec<Variable>,
    services: &'a ServiceVariables,
}

struct Variable {
    name: String,
    value: Value,
    declared_at: Path,
}

/// What a variable holds, and whether it came from a Secret.
struct Value {
    field: Field,
    is_secret: bool,
}

impl Value {
    fn plain(text: String) -> Self {
        Self { field: Field::Text(text), is_secret: false }
    }
}

impl<'a> Environment<'a> {
    /// Resolves `envFrom` and `env`.
    pub(crate) fn of(
        context: &'a Context<'_>,
        container: &corev1::Container,
        path: &Path,
        report: &mut Report,
    ) -> Self {
        let mut environment = Self { variables: Vec::new(), services: &context.services };
        for (index, source) in items(container.env_from.as_ref()).iter().enumerate() {
            let path = path.item("envFrom", index);
            for (name, value, path) in sources::whole_object(context, source, &path, report) {
                environment.set(name, value, path);
            }
        }
        for (index, variable) in items(container.env.as_ref()).iter().enumerate() {
            environment.declare(context, container, variable, &path.item("env", index), report);
        }
        environment
    }

    fn declare(
        &mut self,
        context: &Context<'_>,
        container: &corev1::Container,
        variable: &corev1::EnvVar,
        path: &Path,
        report: &mut Report,
    ) {
        let corev1::EnvVar { name, value, value_from } = variable;
        if !is_takeable_name(name) {
            report.reject(&path.field("name"), NOT_A_NAME);
        }
        let literal = value.as_deref().unwrap_or_default();
        let value = match value_from {
            // The kubelet looks at the source only where there is no literal value.
            Some(source) if literal.is_empty() => {
                sources::one_value(context, container, source, &path.field("valueFrom"), report)
            }
            _ => Some(self.literal(literal, &path.field("value"), report)),
        };
        if let Some(value) = value {
            self.set(name.clone(), value, path.clone());
        }
    }

    /// A literal value; it is a secret where it contains one.
    fn literal(&self, text: &str, path: &Path, report: &mut Report) -> Value {
        let is_secret = Cell::new(false);
        let expanded = self.expand_with(text, path, report, |name| {
            let holds_secret = self.find(name).is_some_and(|variable| variable.value.is_secret);
            is_secret.set(is_secret.get() || holds_secret);
            self.meaning(name)
        });
        Value { field: Field::Text(expanded), is_secret: is_secret.get() }
    }

    /// Sets a variable, in the place of an earlier one of the name.
    fn set(&mut self, name: String, value: Value, declared_at: Path) {
        let variable = Variable { name, value, declared_at };
        match self.variables.iter_mut().find(|earlier| earlier.name == variable.name) {
            Some(earlier) => *earlier = variable,
            None => self.variables.push(variable),
        }
    }

    fn find(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    fn meaning(&self, name: &str) -> Meaning<'_> {
        match self.find(name).map(|variable| &variable.value.field) {
            Some(Field::Text(value)) => Meaning::Text(value),
            Some(Field::PodIp) => Meaning::AtRuntime,
            None => self.services.get(name).map_or(Meaning::Unknown, Meaning::Text),
        }
    }

    /// Expands `$(NAME)` in what stands at `path`.
    pub(crate) fn expand(&self, text: &str, path: &Path, report: &mut Report) -> String {
        self.expand_with(text, path, report, |name| self.meaning(name))
    }

    fn expand_with<'t>(
        &self,
        text: &str,
        path: &Path,
        report: &mut Report,
        meaning: impl Fn(&str) -> Meaning<'t>,
    ) -> String {
        expansion::expand(text, meaning).unwrap_or_else(|NotYetKnown(name)| {
            let reason = format!(
                "refers to $({name}), the pod's address, which only the running container knows: \
                 expand it there, for example with sh -c"
            );
            report.reject(path, reason);
            String::new()
        })
    }

    /// Expands a sub-path, where an unknown name is an error. `Err` holds the reason.
    pub(crate) fn expand_strictly(&self, text: &str) -> Result<String, String> {
        let unknown = RefCell::new(None);
        let expanded = expansion::expand(text, |name| {
            let meaning = self.meaning(name);
            if meaning == Meaning::Unknown {
                unknown.borrow_mut().get_or_insert_with(|| name.to_owned());
            }
            meaning
        });
        match (expanded, unknown.into_inner()) {
            (_, Some(name)) => Err(format!("there is no variable {name} to expand")),
            (Err(NotYetKnown(name)), None) => {
                Err(format!("refers to $({name}), the pod's address, which only the running container knows"))
            }
            (Ok(expanded), None) => Ok(expanded),
        }
    }

    /// Whether a value came from a Secret.
    pub(crate) fn holds_secret(&self) -> bool {
        self.variables.iter().any(|variable| variable.value.is_secret)
    }

    /// The variables as the request wants them, those of services last.
    pub(crate) fn into_parameters(self, path: &Path, report: &mut Report) -> Vec<EnvironmentVar> {
        let mut parameters: Vec<EnvironmentVar> = Vec::new();
        for Variable { name, value, declared_at } in &self.variables {
            parameters.push(parameter(name, &value.field, declared_at, report));
        }
        if parameters.len() > limits::VARIABLES {
            let reason = format!("ECI takes at most {} variables a container", limits::VARIABLES);
            report.reject(&path.field("env"), reason);
            return parameters;
        }
        for services in [&self.services.api_server, &self.services.links] {
            let free = services.iter().filter(|(name, _)| self.find(name).is_none());
            let free: Vec<_> = free.filter(|(name, _)| is_takeable_name(name)).collect();
            if parameters.len() + free.len() > limits::VARIABLES {
                let reason =
                    format!("left out, since ECI takes at most {} variables a container", limits::VARIABLES);
                report.ignore(format!("{path} variables of services"), reason);
                continue;
            }
            for (name, value) in free {
                parameters.push(parameter(name, &Field::Text(value.clone()), path, report));
            }
        }
        parameters
    }
}

/// Expands the command of a probe, for which the kubelet knows only the literal values of `env`.
pub(crate) fn expand_with_literals(container: &corev1::Container, text: &str) -> String {
    let literals = items(container.env.as_ref());
    let meaning = |name: &str| {
        let variable = literals.iter().rev().find(|variable| variable.name == name);
        variable.map_or(Meaning::Unknown, |it| Meaning::Text(it.value.as_deref().unwrap_or_default()))
    };
    expansion::expand(text, meaning).unwrap_or_default()
}

fn parameter(name: &str, value: &Field, declared_at: &Path, report: &mut Report) -> EnvironmentVar {
    let key = name.to_owned();
    match value {
        Field::PodIp => {
            let field_ref = FieldRef { field_path: "status.podIP".to_owned() };
            EnvironmentVar { key, value: None, field_ref: Some(field_ref) }
        }
        Field::Text(text) => {
            if text.chars().count() > limits::VARIABLE_VALUE_CHARS {
                let most = limits::VARIABLE_VALUE_CHARS;
                let reason =
                    format!("the value of {name} is longer than the {most} characters ECI takes; use a file");
                report.reject(declared_at, reason);
            }
            EnvironmentVar { key, value: Some(text.as_str().into()), field_ref: None }
        }
    }
}

/// Why a name is refused.
const NOT_A_NAME: &str =
    "ECI takes names of letters, digits and _ that do not begin with a digit, up to 128 characters";

fn is_takeable_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| inner(c) && !c.is_ascii_digit());
    begins && name.chars().all(inner) && name.len() <= limits::VARIABLE_NAME_CHARS
}
