//! Restart and update: a living group starts its containers again, or goes on with other ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::container::Container;
use super::facts::{ContainerKind, Facts};
use super::{Group, Status};
use crate::params::Parameters;
use crate::settings::Settings;
use crate::spelling::normal;

impl Group {
    /// Whether it can be restarted or updated now.
    pub(crate) fn is_changeable(&self) -> bool {
        self.life.deletion.is_none() && matches!(self.life.status(), Status::Pending | Status::Running)
    }

    /// Every container starts again, init containers first.
    pub(crate) fn restart(&mut self, at: Timestamp, settings: &Settings) {
        let life = &mut self.life;
        for container in life.init.iter_mut().chain(&mut life.apps) {
            if container.is_running() {
                life.events.normal(at, "Killing", format!("Stopping container {}", container.name));
            }
            container.leave(at);
        }
        life.begin_anew(at, Status::Restarting, true, settings);
    }

    /// Goes on with other parameters; containers that they change start again, all of them when init
    /// containers or registry credentials do.
    pub(crate) fn update(&mut self, parameters: Parameters, at: Timestamp, settings: &Settings) {
        let old = Arc::new(self.facts.clone());
        let (before, after) = (normal(&old.parameters), normal(&parameters));
        let from_scratch = ["InitContainer.", "ImageRegistryCredential.", "AcrRegistryInfo."]
            .iter()
            .any(|prefix| below(&before, prefix) != below(&after, prefix));
        self.facts.parameters = Arc::new(parameters);
        for kind in [ContainerKind::Init, ContainerKind::App] {
            let is_changed = |then: usize, now: usize| {
                from_scratch || asked(&before, kind, then) != asked(&after, kind, now)
            };
            self.replace(kind, &old, is_changed, at);
        }
        self.life.begin_anew(at, Status::Updating, from_scratch, settings);
    }

    /// Puts the containers that are asked for now in the place of those before; `is_changed` compares a place before
    /// with one now.
    fn replace(
        &mut self,
        kind: ContainerKind,
        old_facts: &Arc<Facts>,
        is_changed: impl Fn(usize, usize) -> bool,
        at: Timestamp,
    ) {
        let list = match kind {
            ContainerKind::Init => &mut self.life.init,
            ContainerKind::App => &mut self.life.apps,
        };
        let mut old: BTreeMap<String, Container> =
            std::mem::take(list).into_iter().map(|container| (container.name.clone(), container)).collect();
        for new in Container::all(&self.facts, kind) {
            let Some(mut before) = old.remove(&new.name) else {
                list.push(new);
                continue;
            };
            for run in [&mut before.current, &mut before.previous].into_iter().flatten() {
                run.origin.get_or_insert_with(|| (Arc::clone(old_facts), before.index));
            }
            list.push(if is_changed(before.index, new.index) {
                new.succeeding(before, at)
            } else {
                before.moved_to(&new)
            });
        }
    }
}

/// The parameters whose names begin with `prefix`, without it.
fn below<'p>(parameters: &'p Parameters, prefix: &str) -> BTreeMap<&'p str, &'p str> {
    let inside =
        parameters.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())));
    inside.collect()
}

/// What is asked of one container.
fn asked(parameters: &Parameters, kind: ContainerKind, index: usize) -> BTreeMap<&str, &str> {
    below(parameters, &format!("{}.{}.", kind.list(), index + 1))
}
