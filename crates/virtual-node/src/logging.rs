//! Sets up the log: text or JSON, to standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub(crate) struct Logging {
    pub(crate) format: LogFormat,
    /// Directives as of `tracing_subscriber::EnvFilter`: `info`, `vk_node=debug,info`.
    pub(crate) filter: String,
}

/// Whether the directives can be used.
pub(crate) fn is_filter(text: &str) -> bool {
    EnvFilter::try_new(text).is_ok()
}

/// From here on everything that is traced is written.
pub(crate) fn init(logging: &Logging) {
    let filter = EnvFilter::new(&logging.filter);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match logging.format {
        LogFormat::Text => subscriber.with_ansi(false).init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
}
