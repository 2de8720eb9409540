//! Turns the flat parameters of a request (`Container.1.Name=web`) into a tree that can be walked.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::schema::position;

/// Parameters as they travel: flat names and text values, query and form body together.
pub type Parameters = BTreeMap<String, String>;

/// A place in the tree: a value, members, or both.
#[derive(Debug, Default)]
pub(crate) struct Node<'a> {
    path: String,
    value: Option<&'a str>,
    members: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    pub(crate) fn root(parameters: &'a Parameters) -> Self {
        let mut root = Self::default();
        for (name, value) in parameters {
            let mut node = &mut root;
            for segment in name.split('.') {
                let path = node.path_of(segment);
                node = node.members.entry(segment).or_insert_with(|| Self { path, ..Self::default() });
            }
            node.value = Some(value);
        }
        root
    }

    /// The full name of this place, or of the member `name` below it.
    pub(crate) fn path_of(&self, name: &str) -> String {
        match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{name}", self.path),
        }
    }

    /// The member at a dotted name, `SecurityContext.RunAsUser`; this place itself for the empty name.
    pub(crate) fn member(&self, name: &str) -> Option<&Node<'a>> {
        if name.is_empty() {
            return Some(self);
        }
        name.split('.').try_fold(self, |node, segment| node.members.get(segment))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// The value of a member; an empty one counts as given.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.member(name)?.value
    }

    /// The value of a member, empty when it is not given.
    pub(crate) fn text_or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    /// The value of a member as a number. `None` also for a text that is no such number: the
    /// table check reports that.
    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.trim().parse().ok()
    }

    /// `true` and `false` in any case: the official Python clients send `True` and `False`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// The elements of a list member, by position.
    pub(crate) fn items(&self, name: &str) -> Vec<&Node<'a>> {
        let mut items: Vec<(usize, &Node<'a>)> = self
            .member(name)
            .into_iter()
            .flat_map(|list| &list.members)
            .filter_map(|(segment, node)| Some((position(segment)?, node)))
            .collect();
        items.sort_by_key(|(position, _)| *position);
        items.into_iter().map(|(_, node)| node).collect()
    }

    /// The values of a list of plain texts.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.items(name).into_iter().filter_map(|node| node.value.map(str::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn list_elements_come_by_position_not_by_text_order() {
        let parameters = parameters(&[("Arg.10", "ten"), ("Arg.2", "two"), ("Arg.1", "one")]);
        assert_eq!(Node::root(&parameters).texts("Arg"), ["one", "two", "ten"]);
    }

    #[test]
    fn members_are_found_by_dotted_names_and_know_their_full_name() {
        let parameters = parameters(&[("Container.1.SecurityContext.RunAsUser", "1000")]);
        let root = Node::root(&parameters);
        let container = root.items("Container")[0];
        assert_eq!(container.number::<i64>("SecurityContext.RunAsUser"), Some(1000));
        assert_eq!(container.path_of("Name"), "Container.1.Name");
    }

    #[test]
    fn flags_are_read_without_regard_to_case() {
        let parameters = parameters(&[("Force", "True"), ("TTY", "no")]);
        let root = Node::root(&parameters);
        assert!(root.flag("Force"));
        assert!(!root.flag("TTY"));
    }
}
