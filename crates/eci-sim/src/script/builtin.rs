//! The commands that the scripted runtime knows.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::machine::Machine;
use super::printf;

/// What a command does.
pub(super) enum Call {
    Done {
        status: i32,
        output: String,
    },
    Sleep(SignedDuration),
    Break,
    Exit(i32),
    /// A shell with `-c`; the parameters begin with its name.
    Script {
        text: String,
        parameters: Vec<String>,
    },
    /// A shell that reads its commands.
    Shell,
    /// Writes what comes on stdin.
    Stdin,
    /// Reads a line into variables.
    Read(Vec<String>),
    /// A program that is not known.
    Unknown,
}

fn done(status: i32, output: impl Into<String>) -> Call {
    Call::Done { status, output: output.into() }
}

pub(super) fn call(machine: &Machine<'_>, words: &[String]) -> Call {
    let (program, arguments) = words.split_first().expect("an empty command line is never called");
    let name = program.rsplit('/').next().unwrap_or(program);
    match name {
        "true" | ":" | "set" | "trap" | "cd" | "mkdir" | "touch" | "chmod" | "rm" | "wait" => done(0, ""),
        "false" => done(1, ""),
        "exec" => done(0, ""),
        "echo" => echo(arguments),
        "printf" => printf(arguments),
        "read" => Call::Read(arguments.iter().filter(|word| !word.starts_with('-')).cloned().collect()),
        _ if super::is_shell(name) => shell(words, arguments),
        "export" => done(0, ""),
        "sleep" => arguments.first().and_then(|text| duration(text)).map_or_else(|| done(1, ""), Call::Sleep),
        "exit" => Call::Exit(arguments.first().and_then(|text| text.parse().ok()).unwrap_or(machine.status)),
        "break" => Call::Break,
        "kill" => kill(arguments),
        "date" => done(0, machine.now().strftime("%a %b %e %H:%M:%S UTC %Y").to_string() + "\n"),
        "hostname" => done(0, format!("{}\n", machine.surroundings.hostname)),
        "seq" => seq(arguments),
        "env" | "printenv" => environment(machine, arguments),
        "cat" => cat(machine, arguments),
        "[" | "test" => done(i32::from(!test(machine, arguments)), ""),
        _ => Call::Unknown,
    }
}

/// A shell with a script or without; one that reads a file is not known.
fn shell(words: &[String], arguments: &[String]) -> Call {
    match super::shell_script(words) {
        Some((text, parameters)) => Call::Script { text: text.to_owned(), parameters },
        None if arguments.iter().all(|word| word.starts_with('-')) => Call::Shell,
        None => Call::Unknown,
    }
}

fn echo(arguments: &[String]) -> Call {
    let flags =
        arguments.iter().take_while(|word| ["-n", "-e", "-ne", "-en"].contains(&word.as_str())).count();
    let (flags, words) = arguments.split_at(flags);
    let has = |letter: char| flags.iter().any(|flag| flag.contains(letter));
    let text = words.join(" ");
    let text = if has('e') { printf::unescape(&text) } else { text };
    done(0, if has('n') { text } else { text + "\n" })
}

fn printf(arguments: &[String]) -> Call {
    match arguments.split_first() {
        Some((format, values)) => done(0, printf::format(format, values)),
        None => done(1, ""),
    }
}

/// `5`, `0.5`, `5s`, `2m`, `1h`, `1d`, `infinity`.
fn duration(text: &str) -> Option<SignedDuration> {
    if text.starts_with("inf") {
        return Some(SignedDuration::from_hours(24 * 365 * 100));
    }
    let (number, factor) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1.0),
        b'm' => (&text[..text.len() - 1], 60.0),
        b'h' => (&text[..text.len() - 1], 3600.0),
        b'd' => (&text[..text.len() - 1], 86_400.0),
        _ => (text, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * factor;
    SignedDuration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_negative())
}

/// A script may end itself by a signal: `kill -9 $$`.
fn kill(arguments: &[String]) -> Call {
    let [signal, target] = arguments else {
        return done(1, "");
    };
    let number = match signal.trim_start_matches('-').trim_start_matches("SIG") {
        "KILL" => 9,
        "TERM" => 15,
        "SEGV" => 11,
        "ABRT" => 6,
        number => number.parse().unwrap_or(15),
    };
    if target == "1" { Call::Exit(128 + number) } else { done(1, "") }
}

fn seq(arguments: &[String]) -> Call {
    /// Longer sequences are cut; nobody reads them.
    const LONGEST: usize = 100_000;
    let numbers: Vec<i64> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let (first, last) = match numbers.as_slice() {
        [last] => (1, *last),
        [first, last] => (*first, *last),
        _ => return done(1, ""),
    };
    done(0, (first..=last).take(LONGEST).map(|number| format!("{number}\n")).collect::<String>())
}

fn environment(machine: &Machine<'_>, arguments: &[String]) -> Call {
    match arguments {
        [] => {
            let line = |(name, value): (&String, &String)| format!("{name}={value}\n");
            done(0, machine.variables.iter().map(line).collect::<String>())
        }
        [name] => match machine.variables.get(name) {
            Some(value) => done(0, format!("{value}\n")),
            None => done(1, ""),
        },
        _ => Call::Unknown,
    }
}

fn cat(machine: &Machine<'_>, paths: &[String]) -> Call {
    if paths.is_empty() {
        return Call::Stdin;
    }
    if paths.iter().any(|path| path.starts_with('-')) {
        return Call::Unknown;
    }
    let mut output = String::new();
    let mut status = 0;
    for path in paths {
        match machine.surroundings.files.get(path) {
            Some(content) => output.push_str(&String::from_utf8_lossy(content)),
            None => {
                status = 1;
                output.push_str(&format!("cat: can't open '{path}': No such file or directory\n"));
            }
        }
    }
    done(status, output)
}

fn test(machine: &Machine<'_>, arguments: &[String]) -> bool {
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "]").collect();
    let files = &machine.surroundings.files;
    let is_directory =
        |path: &str| files.keys().any(|file| file.starts_with(&format!("{}/", path.trim_end_matches('/'))));
    match words.as_slice() {
        ["!", rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(|word| (*word).to_owned()).collect();
            !test(machine, &rest)
        }
        ["-f" | "-s" | "-r", path] => files.contains_key(*path),
        ["-d", path] => is_directory(path),
        ["-e", path] => files.contains_key(*path) || is_directory(path),
        ["-z", text] => text.is_empty(),
        ["-n", text] | [text] => !text.is_empty(),
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, operator, right] => match (left.parse::<i64>(), right.parse::<i64>()) {
            (Ok(left), Ok(right)) => compare(left, operator, right),
            _ => false,
        },
        _ => false,
    }
}

fn compare(left: i64, operator: &str, right: i64) -> bool {
    match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        "-ge" => left >= right,
        _ => false,
    }
}

/// The value of `a*b+c` over integers and variables; what is no number counts as 0, as in a shell.
pub(super) fn arithmetic(expression: &str, variables: &BTreeMap<String, String>) -> i64 {
    let compact: String = expression.chars().filter(|c| !c.is_whitespace() && *c != '$').collect();
    sum(&compact, variables)
}

/// Splits at the last operator outside parentheses, so that chains are taken from the left.
fn split_last<'a>(text: &'a str, operators: &[u8]) -> Option<(&'a str, u8, &'a str)> {
    let bytes = text.as_bytes();
    let mut depth = 0;
    for index in (1..bytes.len()).rev() {
        match bytes[index] {
            b')' => depth += 1,
            b'(' => depth -= 1,
            byte if depth == 0 && operators.contains(&byte) && !b"+-*/%(".contains(&bytes[index - 1]) => {
                return Some((&text[..index], byte, &text[index + 1..]));
            }
            _ => {}
        }
    }
    None
}

fn sum(text: &str, variables: &BTreeMap<String, String>) -> i64 {
    match split_last(text, b"+-") {
        Some((left, b'+', right)) => sum(left, variables).wrapping_add(product(right, variables)),
        Some((left, _, right)) => sum(left, variables).wrapping_sub(product(right, variables)),
        None => product(text, variables),
    }
}

fn product(text: &str, variables: &BTreeMap<String, String>) -> i64 {
    match split_last(text, b"*/%") {
        Some((left, b'*', right)) => product(left, variables).wrapping_mul(atom(right, variables)),
        Some((left, b'/', right)) => {
            product(left, variables).checked_div(atom(right, variables)).unwrap_or(0)
        }
        Some((left, _, right)) => product(left, variables).checked_rem(atom(right, variables)).unwrap_or(0),
        None => atom(text, variables),
    }
}

fn atom(text: &str, variables: &BTreeMap<String, String>) -> i64 {
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return sum(inner, variables);
    }
    if let Some(negated) = text.strip_prefix('-') {
        return atom(negated, variables).wrapping_neg();
    }
    text.parse()
        .unwrap_or_else(|_| variables.get(text).and_then(|value| value.trim().parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_follows_the_usual_rules() {
        let variables = [("i".to_owned(), "4".to_owned())].into();
        for (expression, expected) in [
            ("1 + 2 * 3", 7),
            ("(1+2)*3", 9),
            ("10-3-2", 5),
            ("i+1", 5),
            ("$i*-2", -8),
            ("7/0", 0),
            ("9 % 4", 1),
        ] {
            assert_eq!(arithmetic(expression, &variables), expected, "{expression}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("0.25").unwrap().as_millis(), 250);
        assert_eq!(duration("2m").unwrap().as_secs(), 120);
        assert_eq!(duration("soon"), None);
        assert_eq!(duration("-1"), None);
    }
}
