//! Splits shell text into words and operators.

use std::iter::Peekable;
use std::str::Chars;

/// A word before expansion.
pub(super) type Word = Vec<Part>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text taken as it is; `quoted` keeps an empty one alive and a keyword from being one.
    Text { text: String, quoted: bool },
    /// `$NAME`, `${NAME}`, `${NAME:-default}`, and the parameters `$0`, `$1`, `$#`, `$@`, `$*`.
    Variable { name: String, default: Option<String>, quoted: bool },
    /// `$((…))`.
    Arithmetic(String),
    /// `$(command …)`, one simple command.
    Substitution { words: Vec<Word>, quoted: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `;` or the end of a line.
    End,
    And,
    Or,
    /// `>` or `>>`, of stdout or stderr; the target is the next word.
    RedirectToFile {
        stderr: bool,
    },
    /// `2>&1`, `>&2`.
    RedirectToStream {
        to_stderr: bool,
    },
}

/// Words and operators of `text`, or what in it is not understood.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { chars: text.chars().peekable(), tokens: Vec::new(), word: Vec::new() };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    tokens: Vec<Token>,
    word: Word,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.chars.next() {
            match c {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' | ';' => self.operator(Token::End),
                '&' if self.chars.next_if_eq(&'&').is_some() => self.operator(Token::And),
                '|' if self.chars.next_if_eq(&'|').is_some() => self.operator(Token::Or),
                '>' => self.redirect(),
                '#' if self.word.is_empty() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '&' | '|' | '<' | '(' | ')' | '`' => return Err(format!("it uses {c:?}")),
                '\'' => {
                    let text = self.until('\'')?;
                    self.word.push(Part::Text { text, quoted: true });
                }
                '"' => self.double_quotes()?,
                '\\' => match self.chars.next() {
                    Some('\n') | None => {}
                    Some(escaped) => self.word.push(Part::Text { text: escaped.into(), quoted: true }),
                },
                '$' => self.dollar(false)?,
                _ => self.character(c, false),
            }
        }
        self.end_word();
        Ok(())
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            self.tokens.push(Token::Word(std::mem::take(&mut self.word)));
        }
    }

    fn operator(&mut self, token: Token) {
        self.end_word();
        self.tokens.push(token);
    }

    /// A digit directly before `>` names the stream instead of being a word.
    fn redirect(&mut self) {
        let stderr = match self.word.as_slice() {
            [Part::Text { text, quoted: false }] if text == "1" || text == "2" => {
                let stderr = text == "2";
                self.word.clear();
                stderr
            }
            _ => false,
        };
        self.end_word();
        self.chars.next_if_eq(&'>');
        if self.chars.next_if_eq(&'&').is_some() {
            let target = self.chars.next_if(char::is_ascii_digit);
            self.tokens.push(Token::RedirectToStream { to_stderr: !stderr && target == Some('2') });
        } else {
            self.tokens.push(Token::RedirectToFile { stderr });
        }
    }

    fn until(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some(c) if c == end => return Ok(text),
                Some(c) => text.push(c),
                None => return Err(format!("it lacks a closing {end:?}")),
            }
        }
    }

    fn double_quotes(&mut self) -> Result<(), String> {
        self.word.push(Part::Text { text: String::new(), quoted: true });
        loop {
            match self.chars.next() {
                Some('"') => return Ok(()),
                Some('$') => self.dollar(true)?,
                Some('`') => return Err("it uses '`'".to_owned()),
                Some('\\') => match self.chars.next() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.character(c, true),
                    Some('\n') => {}
                    Some(c) => {
                        self.character('\\', true);
                        self.character(c, true);
                    }
                    None => {}
                },
                Some(c) => self.character(c, true),
                None => return Err("it lacks a closing '\"'".to_owned()),
            }
        }
    }

    fn character(&mut self, c: char, in_quotes: bool) {
        match self.word.last_mut() {
            Some(Part::Text { text, quoted }) if *quoted == in_quotes => text.push(c),
            _ => self.word.push(Part::Text { text: c.into(), quoted: in_quotes }),
        }
    }

    fn dollar(&mut self, quoted: bool) -> Result<(), String> {
        match self.chars.peek().copied() {
            Some('(') => {
                self.chars.next();
                let part = if self.chars.next_if_eq(&'(').is_some() {
                    let expression = self.balanced()?;
                    self.chars.next_if_eq(&')').ok_or("it lacks a closing '))'")?;
                    Part::Arithmetic(expression)
                } else {
                    let inner = self.balanced()?;
                    Part::Substitution { words: simple_words(&inner)?, quoted }
                };
                self.word.push(part);
            }
            Some('{') => {
                self.chars.next();
                let inner = self.until('}')?;
                let (name, default) = match inner.split_once(":-") {
                    Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                    None => (inner, None),
                };
                if !is_name(&name) && !is_parameter(&name) {
                    return Err(format!("it uses ${{{name}}}"));
                }
                self.word.push(Part::Variable { name, default, quoted });
            }
            Some(c @ ('?' | '$' | '#' | '@' | '*' | '0'..='9')) => {
                self.chars.next();
                self.word.push(Part::Variable { name: c.into(), default: None, quoted });
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                self.word.push(Part::Variable { name, default: None, quoted });
            }
            _ => self.character('$', quoted),
        }
        Ok(())
    }

    /// Text up to the parenthesis that closes the one already read.
    fn balanced(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut depth = 0;
        for c in self.chars.by_ref() {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 => return Ok(text),
                ')' => depth -= 1,
                _ => {}
            }
            text.push(c);
        }
        Err("it lacks a closing ')'".to_owned())
    }
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_parameter(text: &str) -> bool {
    ["?", "#", "@", "*"].contains(&text) || text.parse::<u8>().is_ok()
}

fn simple_words(text: &str) -> Result<Vec<Word>, String> {
    tokens(text)?
        .into_iter()
        .map(|token| match token {
            Token::Word(word) => Ok(word),
            _ => Err("it substitutes more than one simple command".to_owned()),
        })
        .collect()
}
