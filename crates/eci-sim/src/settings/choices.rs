//! The words that switches choose from.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Declares the enums of two or three kebab-case words that the switches choose from; the first is the default.
macro_rules! switch {
    ($($(#[$doc:meta])* $name:ident { $first:ident $(, $rest:ident)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { #[default] $first, $($rest),* }
    )*};
}

switch! {
    DeleteClientToken { Ignored, Honoured }
    RestartClientToken { Honoured, Ignored }
    UpdateClientToken { Honoured, Ignored }
    ReadPermission { Granted, Denied }
    /// The empty list is published for container groups.
    DeniedReads { Empty, Forbidden }
    QuotaScope { Account, Region }
    ThrottlingCode { User, Api, Plain }
    RetryAfter { Sent, Absent }
    /// `Pend` and `Fail` are the asynchronous throttling that events and conditions tell of.
    CreateThrottling { Refuse, Pend, Fail }
    ForeignRegion { Accept, Refuse }
    /// `Refused` answers the create with `OperationDenied.NoStock`.
    Stock { Available, Refused, ScheduleFailed }
    Ipv6 { Available, Unavailable }
    NoStock { ScheduleFailed, Refused }
    NoStockReason { Plain, Prefixed }
    SpotReclaim { ByPrice, Never, Always }
    /// `Limits` is the set of the page on limits, `FlowControl` that of the page on flow control.
    RateLimits { Off, Limits, FlowControl }
    /// `Declared` is the spelling of the published metadata, slips included.
    StatusCasing { Declared, Kubernetes }
    StartedAt { Doubled, Single }
    MountReadOnly { Always, WhenTrue, Null }
    /// `Unset` treats it as if it had not been sent.
    NoneValues { Refused, Unset }
    ErrorCodes { Listed, Unlisted }
    DeleteWithInstance { Yes, No }
    BandwidthUnit { Bits, Bytes }
    UnsetValues { Empty, Omit, Null }
    TotalCount { All, Page }
    /// `Clamp` takes the nearest bound, `Ignore` the value as it is.
    SinceSecondBounds { Refuse, Clamp, Ignore }
    UnknownIds { Omit, Error }
    DeleteUnknown { NotFound, Success }
    Terminating { WithPreStop, Always }
    LogNotStarted { Error, Empty }
    LogTruncation { TailFirst, BytesFirst }
    CommandLimits { Metadata, Documented }
    FileMode { Octal, Decimal }
    ExecChannels { Kubernetes, Swapped }
    ExecStatus { Negotiated, Always, Never }
}
