//! What the containers of a group do in the scripted runtime, as far as the request says it: programs, hooks, probes, and
//! what they see around them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;

use super::facts::{ContainerKind, Facts};
use super::probes::Probe;
use crate::params::Node;
use crate::script::{Program, Surroundings};

impl Facts {
    /// What a container does, and what it sees.
    pub(crate) fn program(&self, kind: ContainerKind, index: usize) -> (Program, Surroundings) {
        let root = self.root();
        let containers = root.items(kind.list());
        let container = containers[index];
        let surroundings = self.surroundings(&root, container);
        let command: Vec<String> =
            container.texts("Command").into_iter().chain(container.texts("Arg")).collect();
        (Program::of(&command, &surroundings), surroundings)
    }

    fn surroundings(&self, root: &Node<'_>, container: &Node<'_>) -> Surroundings {
        let name = container.text_or_empty("Name");
        let hostname =
            Some(self.parameter("HostName")).filter(|name| !name.is_empty()).unwrap_or(self.name());
        let mut variables: BTreeMap<String, String> = [("HOSTNAME".to_owned(), hostname.to_owned())].into();
        for variable in container.items("EnvironmentVar") {
            let value = match variable.text("FieldRef.FieldPath") {
                Some("status.podIP") => self.address.to_string(),
                _ => self.metadata_value(variable.text("Value").unwrap_or_default(), &name),
            };
            variables.insert(variable.text_or_empty("Key"), value);
        }
        let path = container.text("TerminationMessagePath").filter(|path| !path.is_empty());
        Surroundings {
            container: name,
            image: container.text_or_empty("Image"),
            hostname: hostname.to_owned(),
            variables,
            files: files(root, container),
            termination_message_path: path.unwrap_or("/dev/termination-log").to_owned(),
        }
    }

    /// Values that the platform replaces when the container starts.
    fn metadata_value(&self, value: &str, container: &str) -> String {
        match value {
            "__ECI_ID__" => &self.id,
            "__ECI_NAME__" => self.name(),
            "__REGION_ID__" => &self.region,
            "__ZONE_ID__" => &self.zone,
            "__CONTAINER_NAME__" => container,
            other => other,
        }
        .to_owned()
    }

    /// A probe of an app container, `LivenessProbe` or `ReadinessProbe`; `variable` replaces what is asked.
    pub(super) fn probe(&self, index: usize, name: &str, variable: &str) -> Option<Probe> {
        let root = self.root();
        let containers = root.items(ContainerKind::App.list());
        let probe = containers[index].member(name)?;
        Some(Probe::of(probe, self.surroundings(&root, containers[index]), variable))
    }

    /// What a hook of an app container does, `LifecyclePreStopHandler` or `LifecyclePostStartHandler`; `None` without one.
    /// A hook by HTTP or TCP succeeds at once; `variable` replaces either kind by a script.
    fn hook(&self, index: usize, prefix: &str, variable: &str) -> Option<Hook> {
        let root = self.root();
        let container = *root.items(ContainerKind::App.list()).get(index)?;
        let command = container.texts(&format!("{prefix}Exec"));
        let others = ["HttpGetPort", "TcpSocketPort"];
        if command.is_empty() && !others.iter().any(|other| container.has(&format!("{prefix}{other}"))) {
            return None;
        }
        let mut surroundings = self.surroundings(&root, container);
        // The hook is not the container's program.
        surroundings.variables.remove(crate::script::SCRIPT_VARIABLE);
        let script = surroundings.variables.get(variable);
        let command = script.map_or(command, |script| vec!["sh".to_owned(), "-c".to_owned(), script.clone()]);
        if command.is_empty() {
            return Some(Hook { takes: Some(SignedDuration::ZERO), fails: false });
        }
        let end = Program::of(&command, &surroundings).end(self.created_at, &surroundings);
        let fails = end.as_ref().is_some_and(|end| end.exit_code != 0);
        Some(Hook { takes: end.map(|end| end.after), fails })
    }

    pub(super) fn pre_stop(&self, index: usize) -> Option<Hook> {
        self.hook(index, "LifecyclePreStopHandler", "ECI_SIM_PRE_STOP")
    }

    pub(super) fn post_start(&self, index: usize) -> Option<Hook> {
        self.hook(index, "LifecyclePostStartHandler", "ECI_SIM_POST_START")
    }
}

/// What a hook of a container does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    /// `None` when it does not end.
    pub(super) takes: Option<SignedDuration>,
    pub(super) fails: bool,
}

/// The config files mounted into a container, by absolute path.
fn files(root: &Node<'_>, container: &Node<'_>) -> BTreeMap<String, Vec<u8>> {
    let volumes = root.items("Volume");
    let mut files = BTreeMap::new();
    for mount in container.items("VolumeMount") {
        let volume = volumes.iter().find(|volume| volume.text("Name") == mount.text("Name"));
        let Some(volume) = volume else { continue };
        let directory = mount.text("MountPath").unwrap_or_default().trim_end_matches('/');
        let sub_path = mount.text("SubPath").unwrap_or_default().trim_matches('/');
        for file in volume.items("ConfigFileVolume.ConfigFileToPath") {
            let inside = file.text("Path").unwrap_or_default();
            let Some(path) = mounted_at(directory, sub_path, inside) else { continue };
            let content = STANDARD.decode(file.text("Content").unwrap_or_default()).unwrap_or_default();
            files.insert(path, content);
        }
    }
    files
}

/// Where a file of a volume appears, given the part of the volume that is mounted.
fn mounted_at(directory: &str, sub_path: &str, file: &str) -> Option<String> {
    if sub_path.is_empty() {
        return Some(format!("{directory}/{file}"));
    }
    let rest = file.strip_prefix(sub_path)?;
    match rest.strip_prefix('/') {
        Some(rest) => Some(format!("{directory}/{rest}")),
        None => rest.is_empty().then(|| directory.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_path_mounts_a_part_of_the_volume() {
        assert_eq!(mounted_at("/a", "", "b/c").as_deref(), Some("/a/b/c"));
        assert_eq!(mounted_at("/a", "b", "b/c").as_deref(), Some("/a/c"));
        assert_eq!(mounted_at("/a/c", "b/c", "b/c").as_deref(), Some("/a/c"));
        assert_eq!(mounted_at("/a", "b", "bc").as_deref(), None);
    }
}
