//! `printf`, and the escapes that `echo -e` shares with it.

use std::iter::Peekable;
use std::str::Chars;

/// What `printf FORMAT VALUE…` writes: the format again and again, until no value is left.
///
/// `%s`, `%d`, `%i`, `%c`, `%b` and `%%`, with a width, `-` and `0`; other directives stay as they are.
pub(super) fn format(format: &str, values: &[String]) -> String {
    let mut text = String::new();
    let mut rest = values;
    loop {
        let before = rest.len();
        round(format, &mut rest, &mut text);
        if rest.is_empty() || rest.len() == before {
            return text;
        }
    }
}

/// The text with its escapes replaced.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut plain),
            _ => plain.push(c),
        }
    }
    plain
}

fn round(format: &str, values: &mut &[String], text: &mut String) {
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, text),
            '%' => directive(&mut chars, values, text),
            _ => text.push(c),
        }
    }
}

fn directive(chars: &mut Peekable<Chars<'_>>, values: &mut &[String], text: &mut String) {
    let mut flags = String::new();
    while let Some(c) = chars.next_if(|c| *c == '-' || c.is_ascii_digit()) {
        flags.push(c);
    }
    let kind = match chars.next() {
        Some('%') => return text.push('%'),
        Some(kind @ ('s' | 'd' | 'i' | 'c' | 'b')) => kind,
        other => {
            *text += &format!("%{flags}");
            return text.extend(other);
        }
    };
    let value = values.split_off_first().map_or("", String::as_str);
    let value = match kind {
        'd' | 'i' => value.trim().parse().unwrap_or(0_i64).to_string(),
        'c' => value.chars().take(1).collect(),
        'b' => unescape(value),
        _ => value.to_owned(),
    };
    let width: usize = flags.trim_start_matches(['-', '0']).parse().unwrap_or(0);
    *text += &match flags.as_bytes().first() {
        Some(b'-') => format!("{value:<width$}"),
        Some(b'0') => format!("{value:0>width$}"),
        _ => format!("{value:>width$}"),
    };
}

/// Reads what follows a backslash.
fn escape(chars: &mut Peekable<Chars<'_>>, text: &mut String) {
    if chars.peek().is_some_and(|c| c.is_digit(8)) {
        return text.push(by_number(chars, 8, 3));
    }
    match chars.next() {
        Some('n') => text.push('\n'),
        Some('t') => text.push('\t'),
        Some('r') => text.push('\r'),
        Some('a') => text.push('\x07'),
        Some('b') => text.push('\x08'),
        Some('e') => text.push('\x1b'),
        Some('x') => text.push(by_number(chars, 16, 2)),
        Some(c @ ('\\' | '"' | '\'')) => text.push(c),
        other => {
            text.push('\\');
            text.extend(other);
        }
    }
}

fn by_number(chars: &mut Peekable<Chars<'_>>, radix: u32, most_digits: usize) -> char {
    let mut number = 0;
    for _ in 0..most_digits {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
        number = number * radix + digit;
        chars.next();
    }
    char::from_u32(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printf(text: &str, values: &[&str]) -> String {
        format(text, &values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_format_is_used_until_no_value_is_left() {
        assert_eq!(printf("%s\\n", &["a", "b"]), "a\nb\n");
        assert_eq!(printf("%s=%d ", &["a", "1", "b"]), "a=1 b=0 ");
        assert_eq!(printf("no more\n", &["a"]), "no more\n");
        assert_eq!(printf("[%s]", &[]), "[]");
    }

    #[test]
    fn directives_have_a_width() {
        assert_eq!(printf("%3s|%-3s|%03d|%c|%%|%q", &["a", "b", "7", "xyz"]), "  a|b  |007|x|%|%q");
    }

    #[test]
    fn escapes_name_characters() {
        assert_eq!(printf("\\036x\\x41\\t\\\\\\q%%", &[]), "\x1exA\t\\\\q%");
        assert_eq!(printf("%s %b", &["\\n", "\\n"]), "\\n \n");
        assert_eq!(unescape("a\\nb%s"), "a\nb%s");
    }
}
