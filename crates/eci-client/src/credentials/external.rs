//! Asks a program for keys, as the vendor's command line tool does in its mode `External`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::timeout;

use super::cache::Cache;
use super::{AccessKey, CredentialsError, ProvideCredentials, Surroundings};

const TIMEOUT: Duration = Duration::from_secs(60);

/// A program that prints a key as JSON: `mode` (`AK` or `StsToken`), `access_key_id`, `access_key_secret`,
/// `sts_token`, `expiration`.
///
/// A key is renewed in the background, and the first one is waited for as long as the caller's deadline allows: a program
/// that takes longer than that goes on, and the next call has its key.
pub struct ExternalCommand {
    program: Arc<Program>,
    cache: Cache,
}

struct Program {
    command: String,
    surroundings: Surroundings,
}

#[derive(Deserialize)]
struct Printed {
    mode: Option<String>,
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    sts_token: Option<String>,
    expiration: Option<String>,
}

impl ExternalCommand {
    /// Runs this command, which is split at white space (outside quotes) and not given to a shell.
    pub fn new(command: impl Into<String>, surroundings: &Surroundings) -> Self {
        let cache = Cache::new(&surroundings.clock);
        let program = Program { command: command.into(), surroundings: surroundings.clone() };
        Self { program: Arc::new(program), cache }
    }
}

impl Program {
    async fn fetch(self: Arc<Self>) -> Result<Option<AccessKey>, CredentialsError> {
        let words = words(&self.command).filter(|words| !words.is_empty());
        let words =
            words.ok_or_else(|| CredentialsError::refused("the command is empty, or has an open quote"))?;
        match timeout(TIMEOUT, self.surroundings.commands.run(&words[0], &words[1..])).await {
            Ok(Ok(output)) => read(&output).map(Some),
            Ok(Err(error)) => Err(CredentialsError::refused(error)),
            Err(_) => {
                Err(CredentialsError::unreachable(format!("the command takes longer than {TIMEOUT:?}")))
            }
        }
    }
}

fn read(output: &[u8]) -> Result<AccessKey, CredentialsError> {
    let printed: Printed =
        serde_json::from_slice(output).map_err(|_| CredentialsError::refused("the command prints no key"))?;
    let text = |value: Option<String>| value.filter(|text| !text.is_empty());
    let (Some(id), Some(secret)) = (text(printed.access_key_id), text(printed.access_key_secret)) else {
        return Err(CredentialsError::refused("the command prints half a key"));
    };
    let token = text(printed.sts_token);
    if printed.mode.as_deref() == Some("StsToken") && token.is_none() {
        return Err(CredentialsError::refused("the command prints a temporary key without its token"));
    }
    let key = AccessKey::new(id, secret).with_security_token(token.unwrap_or_default());
    match text(printed.expiration).map(|end| end.parse::<Timestamp>()) {
        None => Ok(key),
        Some(Ok(end)) => Ok(key.expiring_at(end)),
        Some(Err(_)) => Err(CredentialsError::refused("the command's expiration is not a time")),
    }
}

/// Splits a command into its words; quotes of either kind keep white space. `None` if a quote is left open.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in command.chars() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[async_trait]
impl ProvideCredentials for ExternalCommand {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.cache.key(Arc::clone(&self.program).fetch()).await
    }

    fn refused(&self, key: &AccessKey) {
        self.cache.forget(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_at_white_space_outside_quotes() {
        assert_eq!(words(r#" a  "b c" d'e f'g "" "#).expect("words"), ["a", "b c", "de fg", ""]);
        assert_eq!(words("a 'b"), None);
        assert_eq!(words(" ").expect("no words"), Vec::<String>::new());
    }
}
