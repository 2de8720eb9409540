//! Matches names against patterns in which `*` stands for anything and `?` for one character.

/// Whether the whole text is as the pattern says.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and the text it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, swallowed)) = star else { return false };
                star = Some((at, swallowed + 1));
                (p, t) = (at + 1, swallowed + 1);
            }
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_and_question_marks_for_one() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "anything"),
            ("Describe*", "DescribeRegions"),
            ("*ContainerGroup*", "CreateContainerGroup"),
            ("*Group?", "DescribeContainerGroups"),
            ("a*b*c", "a-b-b-c"),
            ("plain", "plain"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("", "x"), ("Describe*", "describeRegions"), ("a?", "a"), ("a*b", "a-c"), ("plain", "plainer")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
