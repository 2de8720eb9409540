//! Every switch of the simulator that can be set at start (`--schedule-ms 50`) and while it runs
//! (`POST /_sim/settings {"schedule_ms": 50}`).
//!
//! One table for both: the doc comments are the help text, the defaults stand in one place. Each question
//! about the real service that published material leaves open has its switch here, so that a client can be
//! tried under both answers.

mod choices;
mod latency;
mod rules;

pub use choices::*;
pub(crate) use latency::latency_of;
pub use latency::{Latency, LatencyRule};
pub use rules::*;

use clap::{Args, Parser};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::validate::Rules;

/// The switches; `Settings::default()` is what the binary starts with when no flag is given.
#[derive(Clone, Debug, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Refuse parameters that the published API table does not know; the cloud ignores them
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub strict: bool,

    /// Milliseconds a group spends in Scheduling
    #[arg(long, default_value_t = 300, value_name = "MS")]
    pub schedule_ms: u64,
    /// Milliseconds the pull of an image takes
    #[arg(long, default_value_t = 300, value_name = "MS")]
    pub pull_ms: u64,
    /// MiB of images, NAME=MIB, comma separated; a name may end in *. They add to a pull by --pull-mib-per-s
    #[arg(long, value_delimiter = ',', value_name = "RULES")]
    pub image_sizes: Vec<NumberRule>,
    /// MiB that a pull brings in a second; 0 leaves sizes out of account
    #[arg(long, default_value_t = 0, value_name = "MIB")]
    pub pull_mib_per_s: u32,
    /// Milliseconds from the pulled image to the running container
    #[arg(long, default_value_t = 50, value_name = "MS")]
    pub start_ms: u64,
    /// Milliseconds before the second restart of a container (the first follows at once); doubles each time
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    pub backoff_base_ms: u64,
    /// Milliseconds that the wait before a restart never exceeds
    #[arg(long, default_value_t = 300_000, value_name = "MS")]
    pub backoff_max_ms: u64,
    /// Milliseconds a deleted group stays in replies after its containers have stopped
    #[arg(long, default_value_t = 500, value_name = "MS")]
    pub delete_visible_ms: u64,
    /// Milliseconds from the accepted create until reads show the group
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub visibility_lag_ms: u64,

    /// Seconds every ended group stays in replies
    #[arg(long, default_value_t = 3600, value_name = "S")]
    pub terminal_keep_s: u64,
    /// How many ended groups of a region stay in replies after that
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    pub terminal_keep_newest: usize,
    /// Seconds a group in ScheduleFailed stays in replies
    #[arg(long, default_value_t = 86_400, value_name = "S")]
    pub schedule_failed_keep_s: u64,
    /// Seconds the log of an ended group stays readable
    #[arg(long, default_value_t = 86_400, value_name = "S")]
    pub log_keep_s: u64,

    /// Seconds a client token is remembered; 0 forgets at once
    #[arg(long, default_value_t = 86_400, value_name = "S")]
    pub client_token_window_s: u64,
    /// HTTP status of IdempotentParameterMismatch
    #[arg(long, default_value_t = 400, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..=599))]
    pub token_mismatch_http_status: u16,
    /// Code of a client token that was used with other parameters
    #[arg(long, default_value = "IdempotentParameterMismatch", value_name = "CODE")]
    pub token_mismatch_code: String,
    /// Whether DeleteContainerGroup honours its client token
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub delete_client_token: DeleteClientToken,
    /// Whether RestartContainerGroup honours its client token
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub restart_client_token: RestartClientToken,
    /// Whether updates, and deletes of other things than groups, honour their client token
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub update_client_token: UpdateClientToken,

    /// Seconds that the simulator's clock is ahead of the machine's when request times are checked
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_name = "S")]
    pub clock_skew_s: i64,
    /// Whether the account may read groups; an identity without permission gets empty lists
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub read_permission: ReadPermission,
    /// What lists of resources answer an identity without permission: an empty list, or Forbidden.RAM
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub denied_reads: DeniedReads,
    /// What a request for another region than the simulator's own gets
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub foreign_region: ForeignRegion,
    /// What a create finds: capacity, an error, or a group that ends in ScheduleFailed
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub stock: Stock,
    /// Room in a zone, ZONE/TYPE[/spot]=COUNT or =closed, comma separated: cn-hangzhou-a/ecs.c6.*=0. TYPE is an ECS type
    /// or a size such as 2-4Gi, either may end in *. The first rule that fits decides; without any there is room
    #[arg(long, value_delimiter = ',', value_name = "RULES")]
    pub stock_rules: Vec<StockRule>,
    /// VPCs of vSwitches and security groups, ID=VPC, comma separated; what no rule names is in one VPC together
    #[arg(long, value_delimiter = ',', value_name = "RULES")]
    pub vpcs: Vec<VpcRule>,
    /// Free addresses of vSwitches, ID=COUNT, comma separated
    #[arg(long, value_delimiter = ',', value_name = "RULES")]
    pub v_switch_addresses: Vec<NumberRule>,
    /// Whether vSwitches give IPv6 addresses
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub ipv6: Ipv6,
    /// EIPs that may be made with groups at a time; 0 sets no limit
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub eip_limit: u32,
    /// What a create that no rule leaves room for gets: a group that ends in ScheduleFailed, or an error
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub no_stock: NoStock,
    /// How the reason of the event about missing stock is written: NoStock or ContainerGroup.NoStock
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub no_stock_reason: NoStockReason,
    /// Milliseconds from one specification or vSwitch that has no room to the next one
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    pub stock_retry_ms: u64,
    /// Spot price as percent of the full price; 0 lets it move by the hour
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    pub spot_price_percent: u32,
    /// Seed of the spot prices' history
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub market_seed: u64,
    /// When a spot group whose protection is over is taken back: at a price above its limit (or stock of 0), never, or always
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub spot_reclaim: SpotReclaim,
    /// Milliseconds between two looks at whether a spot group is to be taken back
    #[arg(long, default_value_t = 300_000, value_name = "MS")]
    pub spot_check_ms: u64,
    /// Milliseconds from the event SpotToBeReleased to the end of the group
    #[arg(long, default_value_t = 180_000, value_name = "MS")]
    pub spot_notice_ms: u64,
    /// HTTP status of Throttling codes
    #[arg(long, default_value_t = 400, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..=599))]
    pub throttling_http_status: u16,
    /// Which of the two published sets of call quotas is enforced, as a token bucket for each owner and action
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    pub rate_limits: RateLimits,
    /// Whose a quota is: the account's everywhere, or the account's in each region
    #[arg(long, value_enum, default_value_t, value_name = "WHOSE")]
    pub quota_scope: QuotaScope,
    /// Per cent of every quota that somebody else of the account uses
    #[arg(long, default_value_t = 0, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=99))]
    pub quota_used_by_others: u8,
    /// Code of a call beyond its quota: Throttling.User, Throttling.Api or Throttling
    #[arg(long, value_enum, default_value_t, value_name = "CODE")]
    pub throttling_code: ThrottlingCode,
    /// Whether a call beyond its quota is told in x-acs-retry-after when to come again
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub retry_after: RetryAfter,
    /// What a create beyond its quota gets: a refusal, a group that waits for its turn, or one that is given up
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub create_throttling: CreateThrottling,
    /// vCPU that an account may create in a region within 24 hours (Throttling.Vcpu.PerDay); 0 sets no limit
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub vcpu_per_day: u32,
    /// How long answers take, ACTION=fixed:MS, ACTION=uniform:MS:MS or ACTION=lognormal:MEDIAN-MS:SIGMA, the action
    /// with *; may be repeated, the first that fits decides
    #[arg(long, value_name = "LATENCY")]
    pub latency: Vec<LatencyRule>,
    /// vCPU that the groups of an account may have together in a region; 0 sets no limit
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub vcpu_quota: u32,
    /// Image caches, data caches, and image caches made along with groups, that an account may have in a region, each; 0 sets
    /// no limit
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    pub cache_quota: u32,
    /// Milliseconds that building an image cache, a data cache or a virtual node takes
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    pub build_ms: u64,

    /// Spelling of keys in the reply of DescribeContainerGroupStatus
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub status_casing: StatusCasing,
    /// How DescribeContainerGroupStatus, with its declared spelling, names the start of a running container: by the doubled
    /// word of every published table (StartedAtstartedAt), or StartedAt
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub started_at: StartedAt,
    /// How a mount that is not read-only says so in replies: false, not at all, or null
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub mount_read_only: MountReadOnly,
    /// How values that are not set appear in replies
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub unset_values: UnsetValues,
    /// What TotalCount counts
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub total_count: TotalCount,
    /// Items in a page of DescribeContainerGroupStatus when Limit is not given: 200 or 50
    #[arg(long, default_value_t = 200, value_name = "COUNT")]
    pub status_default_limit: usize,
    /// Items that a page never exceeds, whatever Limit says; 0 leaves it to Limit
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub page_cap: usize,
    /// What SinceSecond outside 60 to 3600 gets
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub since_second_bounds: SinceSecondBounds,
    /// What reads answer for ids that do not exist
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub unknown_ids: UnknownIds,
    /// What deleting an id that does not exist gets
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub delete_unknown: DeleteUnknown,
    /// When a group under deletion shows the status Terminating
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub terminating: Terminating,

    /// What the log of a container that has not started yet gets
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub log_not_started: LogNotStarted,
    /// Which limit cuts a log first, Tail or LimitBytes
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub log_truncation: LogTruncation,

    /// Limits of Command and Arg: those of the metadata (101 items), or of the text (20 and 10, of 256 characters)
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub command_limits: CommandLimits,
    /// What the text None gets where a number, true or false belongs; the older Python SDK sends it for what is not given
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub none_values: NoneValues,
    /// Whether errors have the listed codes, or longer ones that no list has (CODE.Unlisted)
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    pub error_codes: ErrorCodes,
    /// Whether a cloud disk that was made for a group goes with it where the request does not say
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub delete_with_instance: DeleteWithInstance,
    /// Unit of IngressBandwidth and EgressBandwidth, which limit the traffic that metrics show
    #[arg(long, value_enum, default_value_t, value_name = "UNIT")]
    pub bandwidth_unit: BandwidthUnit,
    /// How file modes are written
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub file_mode: FileMode,

    /// Seconds the token of an exec socket is good for
    #[arg(long, default_value_t = 30, value_name = "S")]
    pub exec_token_s: u64,
    /// Channels of an exec socket beyond 0, 1 and 2: 3 status and 4 resize as in Kubernetes, or 3 resize and 4 exit code
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub exec_channels: ExecChannels,
    /// Whether an exec socket tells how the command ended: when v4.channel.k8s.io was asked for, always, or never
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub exec_status: ExecStatus,
    /// Seconds without any message after which an exec socket is closed; 0 is never
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub exec_idle_s: u64,
    /// Bytes of the largest message that an exec socket takes; 0 is without limit
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    pub exec_frame_bytes: u64,
    /// Characters that Command of ExecContainerCommand may have altogether; 0 is without limit
    #[arg(long, default_value_t = 2048, value_name = "COUNT")]
    pub exec_command_characters: usize,
    /// Seconds a command under Sync may take; 0 is without limit
    #[arg(long, default_value_t = 10, value_name = "S")]
    pub exec_sync_s: u64,
    /// Bytes of output that come back from a command under Sync
    #[arg(long, default_value_t = 65_536, value_name = "BYTES")]
    pub exec_sync_bytes: usize,

    /// Requests that `/_sim/requests` remembers
    #[arg(long, default_value_t = 50_000, value_name = "COUNT")]
    pub journal_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        #[derive(Parser)]
        struct NoFlags {
            #[command(flatten)]
            settings: Settings,
        }
        NoFlags::parse_from(["eci-sim"]).settings
    }
}

impl Settings {
    /// These settings with the fields of `changes` replaced.
    ///
    /// # Errors
    /// A text that names the field that is unknown or has the wrong type; nothing is changed then.
    pub(crate) fn changed(&self, changes: &Value) -> Result<Self, String> {
        let Value::Object(changes) = changes else {
            return Err("settings are a JSON object".to_owned());
        };
        let mut all = serde_json::to_value(self).expect("settings are plain JSON");
        for (name, value) in changes {
            all[name.as_str()] = value.clone();
        }
        let changed: Self = serde_json::from_value(all).map_err(|error| error.to_string())?;
        changed.check()?;
        Ok(changed)
    }

    /// What flags check when they are read.
    fn check(&self) -> Result<(), String> {
        let statuses = [
            ("throttling_http_status", self.throttling_http_status),
            ("token_mismatch_http_status", self.token_mismatch_http_status),
        ];
        if let Some((name, status)) = statuses.into_iter().find(|(_, status)| !(400..=599).contains(status)) {
            return Err(format!("{name}: {status} is no status of an error, from 400 to 599"));
        }
        if self.quota_used_by_others > 99 {
            return Err("quota_used_by_others: a percentage from 0 to 99".to_owned());
        }
        Ok(())
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            strict: self.strict,
            command_limits: self.command_limits,
            file_mode: self.file_mode,
            since_second_bounds: self.since_second_bounds,
        }
    }

    pub(crate) fn schedule(&self) -> SignedDuration {
        millis(self.schedule_ms)
    }

    pub(crate) fn pull(&self) -> SignedDuration {
        millis(self.pull_ms)
    }

    pub(crate) fn start(&self) -> SignedDuration {
        millis(self.start_ms)
    }

    pub(crate) fn delete_visible(&self) -> SignedDuration {
        millis(self.delete_visible_ms)
    }

    pub(crate) fn visibility_lag(&self) -> SignedDuration {
        millis(self.visibility_lag_ms)
    }

    /// The wait before restart number `restart`, counted from 0: none, then base, doubling up to the maximum.
    pub(crate) fn backoff(&self, restart: u32) -> SignedDuration {
        let Some(doublings) = restart.checked_sub(1) else {
            return SignedDuration::ZERO;
        };
        let factor = 1u64.checked_shl(doublings.min(40)).unwrap_or(u64::MAX);
        millis(self.backoff_base_ms.saturating_mul(factor).min(self.backoff_max_ms))
    }
}

/// Longer than anything that happens; larger settings count as this.
const CENTURY_S: i64 = 100 * 365 * 86_400;

/// Milliseconds as a duration.
pub(crate) fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX).min(CENTURY_S * 1000))
}

/// Seconds as a duration.
pub(crate) fn seconds(s: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(s).unwrap_or(i64::MAX).min(CENTURY_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_only_what_it_names() {
        let changed =
            Settings::default().changed(&serde_json::json!({"pull_ms": 1, "stock": "refused"})).unwrap();
        assert_eq!(changed, Settings { pull_ms: 1, stock: Stock::Refused, ..Settings::default() });
    }

    #[test]
    fn an_unknown_or_wrong_setting_is_named() {
        let settings = Settings::default();
        assert!(settings.changed(&serde_json::json!({"pul_ms": 1})).unwrap_err().contains("pul_ms"));
        assert!(settings.changed(&serde_json::json!({"stock": "maybe"})).unwrap_err().contains("maybe"));
    }

    #[test]
    fn a_setting_out_of_its_range_is_named() {
        for (name, value) in [
            ("throttling_http_status", 200),
            ("token_mismatch_http_status", 600),
            ("quota_used_by_others", 100),
        ] {
            let problem = Settings::default().changed(&serde_json::json!({ name: value })).unwrap_err();
            assert!(problem.starts_with(&format!("{name}: ")), "{problem}");
        }
    }

    #[test]
    fn restarts_wait_longer_each_time_up_to_a_limit() {
        let settings = Settings::default();
        let waits: Vec<i64> = (0..8).map(|restart| settings.backoff(restart).as_secs()).collect();
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(settings.backoff(u32::MAX).as_secs(), 300);
    }
}
