//! Reads how a command ended from what comes on the channels for that.

use serde_json::Value;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecStatus {
    /// It ran and ended with this code; 128 and more stand for signals, as shells count.
    Exited(i32),
    /// It did not run, or not to its end, for this reason.
    Failed(String),
    /// The web socket was closed in order, without a word about the command's end. Expect this of the real cloud unless
    /// [`ExecOptions::exit_code_by_sentinel`](super::ExecOptions::exit_code_by_sentinel) is set.
    Unknown,
}

/// What a payload says of the end; `None` when nothing.
pub(super) fn read(payload: &[u8]) -> Option<ExecStatus> {
    let text = String::from_utf8_lossy(payload);
    let text = text.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Number(code)) => exit_code(&code.to_string()),
        Ok(Value::Object(status)) => kubernetes(&Value::Object(status)),
        _ if text.is_empty() => None,
        _ => words(text),
    }
}

/// Kubernetes' `Status`: success, a failure with an exit code among its causes, or another failure. Anything else, such
/// as a terminal size sent back, says nothing.
fn kubernetes(status: &Value) -> Option<ExecStatus> {
    match status["status"].as_str()? {
        "Success" => Some(ExecStatus::Exited(0)),
        "Failure" => {
            let causes = status["details"]["causes"].as_array().into_iter().flatten();
            let code = causes.filter(|cause| cause["reason"] == "ExitCode");
            let code = code.filter_map(|cause| exit_code(cause["message"].as_str()?)).next();
            let message = || status["message"].as_str().unwrap_or("no reason is given").to_owned();
            Some(code.unwrap_or_else(|| ExecStatus::Failed(message())))
        }
        _ => None,
    }
}

/// Older servers tell it in words: "command terminated with exit code 7".
fn words(text: &str) -> Option<ExecStatus> {
    let code = text.rsplit_once("exit code ").and_then(|(_, code)| exit_code(code));
    Some(code.unwrap_or_else(|| ExecStatus::Failed(text.to_owned())))
}

fn exit_code(text: &str) -> Option<ExecStatus> {
    text.trim().parse().ok().map(ExecStatus::Exited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_tell_the_end_is_read() {
        let v4 = r#"{"metadata":{},"status":"Failure","message":"m","reason":"NonZeroExitCode",
            "details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;
        let cases = [
            (r#"{"metadata":{},"status":"Success"}"#, Some(ExecStatus::Exited(0))),
            (v4, Some(ExecStatus::Exited(7))),
            (r#"{"status":"Failure","message":"no sh"}"#, Some(ExecStatus::Failed("no sh".into()))),
            ("command terminated with exit code 3\n", Some(ExecStatus::Exited(3))),
            ("not found", Some(ExecStatus::Failed("not found".into()))),
            ("137", Some(ExecStatus::Exited(137))),
            (r#"{"Width":80,"Height":24}"#, None),
            ("", None),
        ];
        for (payload, expected) in cases {
            assert_eq!(read(payload.as_bytes()), expected, "{payload:?}");
        }
    }
}
