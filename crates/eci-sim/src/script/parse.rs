//! Builds a tree of commands from words and operators.

use super::lex::{Part, Token, Word, is_name, tokens};

/// Commands in order, each with the condition under which it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct List(pub(super) Vec<(When, Command)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// After `&&`.
    Succeeded,
    /// After `||`.
    Failed,
}

#[derive(Clone, Debug)]
pub(super) enum Command {
    Simple {
        assignments: Vec<(String, Word)>,
        words: Vec<Word>,
        stdout_to: Option<Word>,
    },
    /// `until` is `while` with the condition turned round.
    While {
        until: bool,
        condition: List,
        body: List,
    },
    For {
        name: String,
        words: Vec<Word>,
        body: List,
    },
    If {
        branches: Vec<(List, List)>,
        otherwise: List,
    },
}

const KEYWORDS: &[&str] = &["if", "then", "elif", "else", "fi", "while", "until", "for", "in", "do", "done"];
const BEYOND: &[&str] = &["case", "function", "{", "}", "!", "[[", "select", "time"];

/// A command line without a shell: nothing in it is expanded.
pub(super) fn of_words(words: &[String]) -> List {
    let words = words.iter().map(|text| literal(text)).collect();
    List(vec![(When::Always, Command::Simple { assignments: Vec::new(), words, stdout_to: None })])
}

/// A word in which nothing is expanded.
fn literal(text: &str) -> Word {
    vec![Part::Text { text: text.to_owned(), quoted: true }]
}

/// A script, or what in it is not understood.
pub(super) fn of_text(text: &str) -> Result<List, String> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0 };
    let list = parser.list(&[])?;
    match parser.tokens.get(parser.next) {
        None => Ok(list),
        Some(token) => Err(format!("{token:?} stands where a command should")),
    }
}

impl List {
    /// Whether some command of the list, at any depth, satisfies `test`.
    fn any(&self, test: &dyn Fn(&Command) -> bool) -> bool {
        self.0.iter().any(|(_, command)| {
            test(command)
                || match command {
                    Command::Simple { .. } => false,
                    Command::While { condition, body, .. } => condition.any(test) || body.any(test),
                    Command::For { body, .. } => body.any(test),
                    Command::If { branches, otherwise } => {
                        branches.iter().any(|(condition, body)| condition.any(test) || body.any(test))
                            || otherwise.any(test)
                    }
                }
        })
    }

    /// Whether every round of a loop over this list goes the same way, because nothing in it is compared or read.
    pub(super) fn is_steady(&self) -> bool {
        !self.any(&|command| match command {
            Command::Simple { words, .. } => words.first().is_some_and(|word| match plain(word) {
                Some(name) => ["[", "test", "read", "exec"].contains(&name) || super::is_shell(name),
                None => true,
            }),
            _ => false,
        })
    }

    pub(super) fn ignores_termination(&self) -> bool {
        self.any(&|command| match command {
            Command::Simple { words, .. } if command.is_call_of("trap") => {
                let swallows = words.get(1).is_some_and(|word| plain(word).is_some_and(str::is_empty));
                swallows
                    && words[2..].iter().any(|word| matches!(plain(word), Some("TERM" | "SIGTERM" | "15")))
            }
            _ => false,
        })
    }
}

impl Command {
    fn is_call_of(&self, name: &str) -> bool {
        matches!(self, Self::Simple { words, .. } if words.first().and_then(|word| plain(word)) == Some(name))
    }
}

/// The text of a word that needs no expansion.
fn plain(word: &Word) -> Option<&str> {
    match word.as_slice() {
        [Part::Text { text, .. }] => Some(text),
        _ => None,
    }
}

/// The keyword that an unquoted word is.
fn keyword(word: &Word) -> Option<&str> {
    match word.as_slice() {
        [Part::Text { text, quoted: false }] => Some(text.as_str()).filter(|text| KEYWORDS.contains(text)),
        _ => None,
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn peek_keyword(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Word(word)) => keyword(word),
            _ => None,
        }
    }

    fn expect(&mut self, expected: &str) -> Result<(), String> {
        if self.peek_keyword() != Some(expected) {
            return Err(format!("it lacks {expected:?}"));
        }
        self.next += 1;
        Ok(())
    }

    /// Commands up to one of the keywords in `ends`, or to the end of the text.
    fn list(&mut self, ends: &[&str]) -> Result<List, String> {
        let mut commands = Vec::new();
        let mut when = When::Always;
        loop {
            match self.peek() {
                None => return Ok(List(commands)),
                Some(Token::End) => {
                    self.next += 1;
                    when = When::Always;
                }
                Some(Token::And) => {
                    self.next += 1;
                    when = When::Succeeded;
                }
                Some(Token::Or) => {
                    self.next += 1;
                    when = When::Failed;
                }
                Some(_) if self.peek_keyword().is_some_and(|word| ends.contains(&word)) => {
                    return Ok(List(commands));
                }
                // An operator that ends a line leaves its condition to the command on the next one.
                Some(_) => {
                    let command = self.command()?;
                    commands.push((when, command));
                    when = When::Always;
                }
            }
        }
    }

    fn command(&mut self) -> Result<Command, String> {
        match self.peek_keyword() {
            Some("while") => self.while_loop(false),
            Some("until") => self.while_loop(true),
            Some("for") => self.for_loop(),
            Some("if") => self.conditional(),
            Some(word) => Err(format!("{word:?} stands where a command should")),
            None => self.simple(),
        }
    }

    fn while_loop(&mut self, until: bool) -> Result<Command, String> {
        self.next += 1;
        let condition = self.list(&["do"])?;
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Ok(Command::While { until, condition, body })
    }

    fn for_loop(&mut self) -> Result<Command, String> {
        self.next += 1;
        let name = match self.peek() {
            Some(Token::Word(word)) => plain(word).filter(|name| is_name(name)).map(str::to_owned),
            _ => None,
        };
        let name = name.ok_or("its for loop has no variable")?;
        self.next += 1;
        self.expect("in")?;
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.peek() {
            words.push(word.clone());
            self.next += 1;
        }
        while self.peek() == Some(&Token::End) {
            self.next += 1;
        }
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Ok(Command::For { name, words, body })
    }

    fn conditional(&mut self) -> Result<Command, String> {
        let mut branches = Vec::new();
        loop {
            self.next += 1;
            let condition = self.list(&["then"])?;
            self.expect("then")?;
            branches.push((condition, self.list(&["elif", "else", "fi"])?));
            if self.peek_keyword() != Some("elif") {
                break;
            }
        }
        let mut otherwise = List::default();
        if self.peek_keyword() == Some("else") {
            self.next += 1;
            otherwise = self.list(&["fi"])?;
        }
        self.expect("fi")?;
        Ok(Command::If { branches, otherwise })
    }

    fn simple(&mut self) -> Result<Command, String> {
        let (mut assignments, mut words, mut stdout_to) = (Vec::new(), Vec::new(), None);
        loop {
            match self.peek() {
                Some(Token::Word(word)) => {
                    if words.is_empty() && plain(word).is_some_and(|text| BEYOND.contains(&text)) {
                        return Err(format!("it uses {:?}", plain(word).unwrap_or_default()));
                    }
                    match assignment(word).filter(|_| words.is_empty()) {
                        Some(assignment) => assignments.push(assignment),
                        None => words.push(word.clone()),
                    }
                    self.next += 1;
                }
                Some(Token::RedirectToStream { to_stderr }) => {
                    if *to_stderr {
                        stdout_to = Some(literal("/dev/stderr"));
                    }
                    self.next += 1;
                }
                Some(Token::RedirectToFile { stderr }) => {
                    let stderr = *stderr;
                    let Some(Token::Word(target)) = self.tokens.get(self.next + 1) else {
                        return Err("it redirects to nothing".to_owned());
                    };
                    if !stderr {
                        stdout_to = Some(target.clone());
                    }
                    self.next += 2;
                }
                _ => {
                    return Ok(Command::Simple { assignments, words, stdout_to });
                }
            }
        }
    }
}

/// `NAME=value`, with whatever the value expands to.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let (Part::Text { text, quoted: false }, rest) = word.split_first()? else {
        return None;
    };
    let (name, value) = text.split_once('=')?;
    let first = Part::Text { text: value.to_owned(), quoted: true };
    is_name(name).then(|| (name.to_owned(), std::iter::once(first).chain(rest.iter().cloned()).collect()))
}
