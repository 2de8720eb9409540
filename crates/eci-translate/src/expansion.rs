//! Expands `$(NAME)` as the kubelet does in environment values, commands and sub-paths.
//!
//! An unknown name stays as it was written, `$$` is an escaped `$`, anything else is copied
//! (`k8s.io/kubernetes/third_party/forked/golang/expansion`).

use std::borrow::Cow;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning<'a> {
    /// This text.
    Text(&'a str),
    /// Nothing that is known: the reference stays as it is.
    Unknown,
    /// Something that only the running container will know.
    AtRuntime,
}

/// A reference that cannot be expanded now; holds its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotYetKnown(pub(crate) String);

/// The text with each reference in place of which `meaning` knows something else.
pub(crate) fn expand<'a>(text: &str, meaning: impl Fn(&str) -> Meaning<'a>) -> Result<String, NotYetKnown> {
    let mut expanded = String::with_capacity(text.len());
    for part in Parts(text) {
        match part {
            Part::Literal(literal) => expanded.push_str(literal),
            Part::Reference(name) => match meaning(name) {
                Meaning::Text(value) => expanded.push_str(value),
                Meaning::Unknown => expanded.push_str(&written(name)),
                Meaning::AtRuntime => return Err(NotYetKnown(name.to_owned())),
            },
        }
    }
    Ok(expanded)
}

fn written(name: &str) -> Cow<'static, str> {
    format!("$({name})").into()
}

enum Part<'a> {
    Literal(&'a str),
    Reference(&'a str),
}

/// Cuts a text into literals and references.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let text = self.0;
        match text.find('$') {
            None if text.is_empty() => None,
            None => self.literal(text.len(), text.len()),
            Some(0) => self.at_operator(),
            Some(operator) => self.literal(operator, operator),
        }
    }
}

impl<'a> Parts<'a> {
    /// The text begins with `$`.
    fn at_operator(&mut self) -> Option<Part<'a>> {
        let rest = &self.0[1..];
        if rest.starts_with('$') {
            return self.literal(1, 2);
        }
        match rest.strip_prefix('(').and_then(|inner| inner.find(')').map(|end| &inner[..end])) {
            Some(name) => {
                self.0 = &rest[name.len() + 2..];
                Some(Part::Reference(name))
            }
            // A `$` before anything else, or a reference that is never closed.
            None => self.literal(1, 1),
        }
    }

    /// Gives out the first `length` bytes and goes on after `consumed`.
    fn literal(&mut self, length: usize, consumed: usize) -> Option<Part<'a>> {
        let literal = &self.0[..length];
        self.0 = &self.0[consumed..];
        Some(Part::Literal(literal))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meaning(name: &str) -> Meaning<'static> {
        match name {
            "VAR_A" => Meaning::Text("A"),
            "VAR_B" => Meaning::Text("B"),
            "VAR_C" => Meaning::Text("C"),
            "VAR_REF" => Meaning::Text("$(VAR_A)"),
            "VAR_EMPTY" => Meaning::Text(""),
            "POD_IP" => Meaning::AtRuntime,
            _ => Meaning::Unknown,
        }
    }

    /// The table of Kubernetes' own `expand_test.go`.
    #[test]
    fn references_expand_as_in_the_kubelet() {
        let table = [
            ("$(VAR_A)", "A"),
            ("___$(VAR_B)___", "___B___"),
            ("___$(VAR_C)", "___C"),
            ("$(VAR_A)-$(VAR_A)", "A-A"),
            ("$(VAR_A)-1", "A-1"),
            ("VAR_A-$(VAR_B)", "VAR_A-B"),
            ("f000-$$VAR_A", "f000-$VAR_A"),
            ("foo\\$(VAR_C)bar", "foo\\Cbar"),
            ("foo\\\\$(VAR_C)bar", "foo\\\\Cbar"),
            ("foo\\\\\\\\$(VAR_A)", "foo\\\\\\\\A"),
            ("$(VAR_A$(VAR_B))", "$(VAR_A$(VAR_B))"),
            ("$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"),
            ("$(VAR_REF)", "$(VAR_A)"),
            ("%%$(VAR_REF)--$(VAR_REF)%%", "%%$(VAR_A)--$(VAR_A)%%"),
            ("foo$(VAR_EMPTY)bar", "foobar"),
            ("foo$(VAR_Awhoops!", "foo$(VAR_Awhoops!"),
            ("f00__(VAR_A)__", "f00__(VAR_A)__"),
            ("$?_boo_$!", "$?_boo_$!"),
            ("$VAR_A", "$VAR_A"),
            ("$(VAR_DNE)", "$(VAR_DNE)"),
            ("$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"),
            ("$$$$$$(VAR_A)", "$$$(VAR_A)"),
            ("$$$$$$$(GOOD_ODDS)", "$$$$(GOOD_ODDS)"),
            ("$$$$$$$(VAR_A)", "$$$A"),
            ("$VAR_A)", "$VAR_A)"),
            ("${VAR_A}", "${VAR_A}"),
            ("$(VAR_B)_______$(A", "B_______$(A"),
            ("$(VAR_C)_______$(", "C_______$("),
            ("$(VAR_A)foobarzab$", "Afoobarzab$"),
            ("foo-\\$(VAR_A", "foo-\\$(VAR_A"),
            ("--$($($($($--", "--$($($($($--"),
            ("$($($($($--foo$(", "$($($($($--foo$("),
            ("foo0--$($($($(", "foo0--$($($($("),
            ("$(foo$$var)", "$(foo$$var)"),
            ("$()", "$()"),
            ("", ""),
            ("$é", "$é"),
        ];
        for (text, expected) in table {
            assert_eq!(expand(text, meaning).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_reference_to_what_only_the_container_will_know_is_named() {
        assert_eq!(expand("--ip=$(POD_IP)", meaning), Err(NotYetKnown("POD_IP".to_owned())));
        assert_eq!(expand("$$(POD_IP)", meaning).as_deref(), Ok("$(POD_IP)"));
    }

    proptest! {
        #[test]
        fn expanding_never_panics(text in "\\PC*", dollars in "[$()A-Zé]*") {
            let _ = expand(&text, meaning);
            let _ = expand(&dollars, meaning);
        }
    }
}
