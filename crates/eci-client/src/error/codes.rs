//! Names the error codes of the gateway and of ECI and says what each means, in one table.
//!
//! [Common codes](https://api.aliyun.com/document/Eci/2018-08-08/errorCode). A code the table lacks stays visible in
//! the error and gets the kind `Unrecognized`.

/// What a code means, before the HTTP status and the action are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    NotFound,
    IdempotentParameterMismatch,
    Throttled,
    OutOfStock,
    QuotaExceeded,
    InvalidRequest,
    Denied,
    InvalidCredentials,
    ClockSkew,
    IncorrectStatus,
    DryRun,
    /// Refused for now, nothing was done.
    NotNow,
    /// The service failed, or the call arrived twice: what it did is not known.
    Fault,
    /// Client and service do not speak of the same API.
    Bug,
}

macro_rules! codes {
    ($( $meaning:ident { $( $(#[$meta:meta])* $name:ident = $code:literal ),* $(,)? } )*) => {
        $( $( $(#[$meta])* pub const $name: &str = $code; )* )*

        const TABLE: &[(&str, Meaning)] = &[ $( $( ($code, Meaning::$meaning), )* )* ];
    };
}

codes! {
    NotFound {
        /// The container group does not exist.
        INVALID_PARAMETER_NOT_FOUND = "InvalidParameter.NotFound",
        /// The instance that a task of operations is for does not exist.
        INVALID_INSTANCE_ID_NOT_FOUND = "InvalidInstanceId.NotFound",
    }
    IdempotentParameterMismatch {
        /// An earlier call with this client token and other parameters was accepted.
        IDEMPOTENT_PARAMETER_MISMATCH = "IdempotentParameterMismatch",
    }
    Throttled {
        /// Too many calls.
        THROTTLING = "Throttling",
        /// Too many calls of this user.
        THROTTLING_USER = "Throttling.User",
        /// Too many calls of this action.
        THROTTLING_API = "Throttling.Api",
        /// Too many calls.
        REJECTED_THROTTLING = "Rejected.Throttling",
        /// Elastic addresses are being bought too fast.
        EIP_PURCHASE_FLOW_CONTROL = "EipPurchaseFlowControl",
    }
    OutOfStock {
        /// No stock of this size in this zone.
        NO_STOCK = "OperationDenied.NoStock",
        /// The same, as events spell it.
        CONTAINER_GROUP_NO_STOCK = "ContainerGroup.NoStock",
        /// No instance type fits here.
        INSTANCE_TYPE_FAMILY_NOT_MATCHED = "RecommendEmpty.InstanceTypeFamilyNotMatched",
        /// No spot capacity fits.
        SPOT_NOT_MATCHED = "Spot.NotMatched",
        /// The zone sells nothing.
        ZONE_NOT_ON_SALE = "Zone.NotOnSale",
        /// The vSwitch has no address left.
        V_SWITCH_IP_NOT_ENOUGH = "InvalidVSwitchId.IpNotEnough",
        /// No elastic address left.
        EIP_POOL_IP_NOT_ENOUGH = "EipAddressPoolIpNotEnough",
    }
    QuotaExceeded {
        /// The account's quota, of vCPU for example.
        QUOTA_EXCEEDED = "QuotaExceeded",
        /// The daily limit of created vCPU. Spelt like throttling, but waiting a minute does not help.
        THROTTLING_VCPU_PER_DAY = "Throttling.Vcpu.PerDay",
        /// The quota of dedicated hosts.
        DEDICATED_HOST_QUOTA_EXCEEDED = "DedicatedHostQuotaExceeded",
        /// Too many tags.
        NUMBER_EXCEED_TAGS = "NumberExceed.Tags",
    }
    InvalidRequest {
        /// A parameter has a wrong value. Its longer forms (`InvalidParameter.CPU.Memory`) mean the same.
        INVALID_PARAMETER = "InvalidParameter",
        /// A size that is not sold.
        INVALID_PARAM_CPU_OR_MEMORY_SPEC = "InvalidParam.CpuOrMemorySpec",
        /// A parameter is missing.
        MISSING_PARAMETER = "MissingParameter",
        /// The size needs an instance type.
        HIGH_CPU_MEM_CONFIG_REQUIRED = "HighCpuMemConfigRequired",
        /// A size that spot does not sell.
        INVALID_SPOT_CPU_MEMORY_SPEC = "InvalidSpotCpuMemorySpec",
        /// The instance type has another processor.
        INSTANCE_TYPE_NOT_MATCH_CPU_ARCH = "InstanceTypeNotMatchCpuArch",
        /// The instance type is not for ECI.
        INVALID_INSTANCE_TYPE_FOR_ECI_BUY = "InvalidInstanceTypeForEciBuy",
        /// The instance type has no spot protection.
        INVALID_INSTANCE_TYPE_FOR_SPOT_DURATION = "InvalidInstanceTypeForEciSpotDurationBuy",
        /// The instance type has no local disks.
        INVALID_INSTANCE_TYPE_FOR_RAID = "InvalidInstanceTypeForRaid",
        /// The local disks do not match.
        LOCAL_DISK_AMOUNT_NOT_MATCH = "LocalDiskAmountNotMatch",
        /// Private pools have no spot.
        PRIVATE_POOL_SPOT_NOT_SUPPORT = "PrivatePoolInstanceSpotNotSupport",
        /// Parameters exclude each other.
        FEATURE_BASED_CONSTRAINT_CONFLICT = "FeatureBasedConstraintConflict",
        /// The region is closed.
        REGION_DISSOLVED = "RegionDissolved",
        /// The disk cannot be used.
        DISK_VOLUME_NOT_SUPPORT = "DiskVolume.NotSupport",
        /// The disk is in another zone.
        DISK_VOLUME_NOT_IN_SAME_ZONE = "DiskVolume.NotInSameZone",
        /// Too many disks.
        DISK_NUMBER_LIMIT_EXCEED = "DiskNumber.LimitExceed",
        /// The disk is attached elsewhere.
        MULTI_ATTACHED_CLOUD_DISK_NOT_SUPPORT = "MultiAttachedCloudDiskNotSupport",
        /// The disk is in another zone.
        CLOUD_DISK_NOT_IN_SAME_ZONE = "CloudDisk.NotInSameZone",
        /// The disk does not exist.
        INVALID_DISK_ID_NOT_FOUND = "InvalidDiskId.NotFound",
        /// The encryption key does not exist.
        KMS_KEY_ID_NOT_FOUND = "InvalidParameter.KMS.KeyId.NotFound",
        /// The instance type cannot encrypt.
        KMS_INSTANCE_TYPE_NOT_SUPPORT = "InvalidOperation.KMS.InstanceTypeNotSupport",
        /// The image cache does not exist.
        IMAGE_SNAPSHOT_NOT_FOUND = "ImageSnapshot.NotFound",
        /// The image cache cannot be used.
        IMAGE_SNAPSHOT_NOT_SUPPORT = "ImageSnapshot.NotSupport",
        /// The image cache is not ready.
        IMAGE_SNAPSHOT_INCORRECT_STATUS = "ImageSnapshot.IncorrectStatus",
        /// The image cache cannot be had so.
        IMAGE_CACHE_NOT_SUPPORT = "ImageCacheNotSupport",
        /// No IPv6 here.
        IPV6_ADDRESS_NOT_SUPPORT = "Ipv6AddressNotSupport",
        /// No IPv6 in this vSwitch.
        IPV6_ADDRESS_NOT_SUPPORT_V_SWITCH = "Ipv6AddressNotSupportVsw",
        /// No IPv6 with this instance type.
        IPV6_ADDRESS_NOT_SUPPORT_INSTANCE_TYPE = "Ipv6AddressNotSupportInstanceType",
        /// The address is taken.
        PRIVATE_IP_ADDRESS_IN_USE = "PrivateIpAddress.Already.InUse",
        /// vSwitch and zone do not fit.
        V_SWITCH_ZONE_MISMATCH = "OperationDenied.VswZoneMisMatch",
        /// Security group and vSwitch are in different VPCs.
        SECURITY_GROUP_MISMATCH = "OperationDenied.SecurityGroupMisMatch",
        /// The role cannot be used.
        RAM_ROLE_NOT_SUPPORT = "RamRole.NotSupport",
        /// The core pattern cannot be set.
        CORE_PATTERN_UPDATE_FAIL = "CorePattern.UpdateFail",
        /// An update that changes nothing.
        NO_NEED_UPDATE = "NoNeedUpdate",
        /// The volume cannot be resized.
        INVALID_VOLUME_TYPE = "InvalidVolumeType",
    }
    Denied {
        /// No permission.
        NO_PERMISSION = "NoPermission",
        /// No permission. Its longer forms (`Forbidden.RAM`, `Forbidden.SubUser`, `Forbidden.AccountClosed`) too.
        FORBIDDEN = "Forbidden",
        /// May not hand on this role.
        PASS_ROLE_FORBIDDEN = "InvalidUser.PassRoleForbidden",
        /// May not use this encryption key.
        KMS_KEY_ID_FORBIDDEN = "InvalidParameter.KMS.KeyId.Forbidden",
        /// May not make the service's own role.
        CREATE_SERVICE_LINKED_ROLE_DENIED = "CreateServiceLinkedRole.Denied",
        /// Belongs to another product.
        RESOURCE_MANAGED_BY_CLOUD_PRODUCT = "InvalidOperation.ResourceManagedByCloudProduct",
        /// By invitation only.
        FEATURE_ACCESS_RESTRICTED = "FeatureAccessRestricted",
        /// The account owes money.
        ACCOUNT_ARREARAGE = "Account.Arrearage",
        /// The account has too little money.
        INSUFFICIENT_BALANCE = "InvalidPaymentMethod.InsufficientBalance",
        /// The account has too little credit.
        CREDIT_PAY_INSUFFICIENT_BALANCE = "Payfor.CreditPayInsufficientBalance",
        /// The account has too little money for an elastic address.
        EIP_PAY_INSUFFICIENT_BALANCE = "EipPayInsufficientBalance",
        /// ECI is not switched on.
        SERVICE_NOT_ENABLED = "ServiceNotEnabled",
        /// The vendor's risk control.
        RISK_CONTROL = "OperationFailed.RiskControl",
        /// The vendor's risk control.
        RISK_CONTROL_REJECTION = "RISK.RISK_CONTROL_REJECTION",
        /// The vendor wants a proof of identity.
        SECURITY_RISK_3D_VERIFICATION = "SecurityRisk.3DVerification",
    }
    InvalidCredentials {
        /// The access key does not exist.
        INVALID_ACCESS_KEY_ID_NOT_FOUND = "InvalidAccessKeyId.NotFound",
        /// The access key is disabled.
        INVALID_ACCESS_KEY_ID_INACTIVE = "InvalidAccessKeyId.Inactive",
        /// The access key is disabled.
        ACCESS_KEY_DISABLED = "Forbidden.AccessKeyDisabled",
        /// The security token has expired.
        INVALID_SECURITY_TOKEN_EXPIRED = "InvalidSecurityToken.Expired",
        /// The signature is wrong: most likely the secret is.
        SIGNATURE_DOES_NOT_MATCH = "SignatureDoesNotMatch",
        /// The signature lacks a part.
        INCOMPLETE_SIGNATURE = "IncompleteSignature",
    }
    ClockSkew {
        /// The time of the request is more than a quarter of an hour off.
        INVALID_TIME_STAMP_EXPIRED = "InvalidTimeStamp.Expired",
    }
    IncorrectStatus {
        /// The group is not in a state that allows this.
        INCORRECT_STATUS = "IncorrectStatus",
        /// The same, with detail.
        INCORRECT_STATUS_DETAIL = "IncorrectStatusDetail",
        /// The same.
        INCORRECT_OPERATION = "IncorrectOperation",
        /// The image cache is not in a state that allows this.
        IMAGE_CACHE_INCORRECT_STATUS = "ImageCache.IncorrectStatus",
        /// Another operation is at work on it.
        OPERATION_CONFLICT = "OperationConflict",
        /// The group is not in a state that allows this.
        INVALID_ACTION = "InvalidAction",
    }
    DryRun {
        /// A dry run would have succeeded.
        DRY_RUN_OPERATION = "DryRunOperation",
        /// The same, newer.
        DRY_RUN_SUCCESS = "DryRun.Success",
    }
    NotNow {
        /// The action is switched off for a while.
        DEGRADE_API = "Degrade.Api",
    }
    Fault {
        /// The service failed.
        INTERNAL_ERROR = "InternalError",
        /// The service cannot answer.
        SERVICE_UNAVAILABLE = "ServiceUnavailable",
        /// The service took too long.
        REQUEST_TIMEOUT = "RequestTimeout",
        /// This very request arrived before: something on the way sent it twice.
        SIGNATURE_NONCE_USED = "SignatureNonceUsed",
        /// The registry refused the vendor.
        CONTAINER_REPOSITORY_AUTHORIZATION_FAILED = "containerRepositoryAuthorizationFailed",
    }
    Bug {
        /// No such action.
        INVALID_ACTION_NOT_FOUND = "InvalidAction.NotFound",
        /// No such action.
        INVALID_API_NOT_FOUND = "InvalidApi.NotFound",
        /// No such product.
        INVALID_PRODUCT_NOT_FOUND = "InvalidProduct.NotFound",
        /// No such version.
        INVALID_VERSION = "InvalidVersion",
        /// An action is missing.
        MISSING_ACTION = "MissingAction",
        /// The time is not written as it should be.
        INVALID_TIME_STAMP_FORMAT = "InvalidTimeStamp.Format",
        /// No such way of signing.
        INVALID_SIGNATURE_METHOD = "InvalidSignatureMethod",
        /// HTTPS is demanded.
        INVALID_PROTOCOL_NEED_SSL = "InvalidProtocol.NeedSsl",
        /// Another HTTP method is demanded.
        UNSUPPORTED_HTTP_METHOD = "UnsupportedHTTPMethod",
    }
}

/// Families: every code that begins so means this, unless the table knows it by itself.
const FAMILIES: &[(&str, Meaning)] = &[
    ("Throttling.", Meaning::Throttled),
    ("InvalidParameter.", Meaning::InvalidRequest),
    ("Missing", Meaning::InvalidRequest),
    ("NoPermission.", Meaning::Denied),
    ("Forbidden.", Meaning::Denied),
    ("InvalidAccessKeyId.", Meaning::InvalidCredentials),
    ("InvalidSecurityToken.", Meaning::InvalidCredentials),
    ("InvalidBearerToken.", Meaning::InvalidCredentials),
    ("QuotaExceed", Meaning::QuotaExceeded),
    ("JobInstance", Meaning::InvalidRequest),
    ("Coredump.", Meaning::InvalidRequest),
    ("Tcpdump.", Meaning::InvalidRequest),
    ("Ops.", Meaning::InvalidRequest),
];

/// Looks a code up; `None` for one this crate does not know.
pub(super) fn meaning(code: &str) -> Option<Meaning> {
    let exact = TABLE.iter().find(|(known, _)| *known == code);
    exact
        .or_else(|| FAMILIES.iter().find(|(family, _)| code.starts_with(family)))
        .map(|(_, meaning)| *meaning)
}

/// Whether the gateway says so, which never asked the service behind it.
pub(super) fn is_of_gateway(code: &str) -> bool {
    const BY_NAME: [&str; 6] = [
        MISSING_PARAMETER,
        SERVICE_UNAVAILABLE,
        SIGNATURE_NONCE_USED,
        THROTTLING,
        THROTTLING_API,
        THROTTLING_USER,
    ];
    let by_meaning =
        [Meaning::InvalidCredentials, Meaning::ClockSkew, Meaning::Bug, Meaning::NotNow].map(Some);
    by_meaning.contains(&meaning(code)) || BY_NAME.contains(&code) || code.starts_with("Missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_codes_win_over_their_family() {
        assert_eq!(meaning("Throttling.Whatever"), Some(Meaning::Throttled));
        assert_eq!(meaning(THROTTLING_VCPU_PER_DAY), Some(Meaning::QuotaExceeded));
        assert_eq!(meaning("InvalidParameter.CPU.Memory"), Some(Meaning::InvalidRequest));
        assert_eq!(meaning(INVALID_PARAMETER_NOT_FOUND), Some(Meaning::NotFound));
        assert_eq!(meaning("Forbidden.RAM"), Some(Meaning::Denied));
        assert_eq!(meaning(ACCESS_KEY_DISABLED), Some(Meaning::InvalidCredentials));
        assert_eq!(meaning("MissingTimestamp"), Some(Meaning::InvalidRequest));
        assert_eq!(meaning(MISSING_ACTION), Some(Meaning::Bug));
    }

    /// Tables of the reference, each code spelt out, families by an example.
    #[test]
    fn every_published_code_has_a_meaning() {
        use Meaning::*;
        let published: [(Meaning, &str); 13] = [
            (NotFound, "InvalidParameter.NotFound InvalidInstanceId.NotFound"),
            (IdempotentParameterMismatch, "IdempotentParameterMismatch"),
            (
                Throttled,
                "Throttling Throttling.User Throttling.Api Rejected.Throttling EipPurchaseFlowControl",
            ),
            (
                OutOfStock,
                "OperationDenied.NoStock RecommendEmpty.InstanceTypeFamilyNotMatched Spot.NotMatched Zone.NotOnSale \
                 InvalidVSwitchId.IpNotEnough EipAddressPoolIpNotEnough",
            ),
            (
                QuotaExceeded,
                "QuotaExceeded Throttling.Vcpu.PerDay DedicatedHostQuotaExceeded NumberExceed.Tags",
            ),
            (
                InvalidRequest,
                "MissingParameter InvalidParameter MissingTimestamp InvalidParameter.CPU.Memory \
                 HighCpuMemConfigRequired InvalidSpotCpuMemorySpec InvalidParameter.DuplicatedName \
                 InvalidParameter.DuplicatedVolumeName InstanceTypeNotMatchCpuArch InvalidInstanceTypeForEciBuy \
                 InvalidInstanceTypeForEciSpotDurationBuy InvalidInstanceTypeForRaid LocalDiskAmountNotMatch \
                 PrivatePoolInstanceSpotNotSupport FeatureBasedConstraintConflict RegionDissolved \
                 DiskVolume.NotSupport DiskVolume.NotInSameZone DiskNumber.LimitExceed \
                 MultiAttachedCloudDiskNotSupport CloudDisk.NotInSameZone \
                 InvalidOperation.KMS.InstanceTypeNotSupport InvalidParameter.Encrypted.KmsNotEnabled \
                 InvalidParameter.KMS.EncryptedIllegal ImageSnapshot.IncorrectStatus ImageSnapshot.NotSupport \
                 ImageSnapshot.NotFound InvalidDiskId.NotFound InvalidParameter.KMS.KeyId.NotFound \
                 Ipv6AddressNotSupport Ipv6AddressNotSupportVsw Ipv6AddressNotSupportInstanceType \
                 PrivateIpAddress.Already.InUse RamRole.NotSupport CorePattern.UpdateFail \
                 JobInstanceDiskNotSupport OperationDenied.VswZoneMisMatch OperationDenied.SecurityGroupMisMatch \
                 InvalidParameter.ValueExceeded InvalidParameter.LengthExceeded InvalidVolumeType \
                 ImageCacheNotSupport Coredump.Any Tcpdump.Any Ops.Any",
            ),
            (
                Denied,
                "NoPermission NoPermission.Tag Forbidden.RAM Forbidden.SubUser Forbidden.RiskControl \
                 Forbidden.OnlyForInvitedTest Forbidden.UserBussinessStatus Forbidden.UserNotRealNameAuthentication \
                 Forbidden.AccountClosed Forbidden.Unauthorized InvalidUser.PassRoleForbidden \
                 InvalidParameter.KMS.KeyId.Forbidden InvalidOperation.ResourceManagedByCloudProduct \
                 SecurityRisk.3DVerification CreateServiceLinkedRole.Denied FeatureAccessRestricted Account.Arrearage \
                 InvalidPaymentMethod.InsufficientBalance Payfor.CreditPayInsufficientBalance \
                 EipPayInsufficientBalance ServiceNotEnabled OperationFailed.RiskControl RISK.RISK_CONTROL_REJECTION",
            ),
            (
                InvalidCredentials,
                "InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive Forbidden.AccessKeyDisabled \
                 InvalidSecurityToken.Expired InvalidSecurityToken.Malformed \
                 InvalidSecurityToken.MismatchWithAccessKey SignatureDoesNotMatch IncompleteSignature",
            ),
            (ClockSkew, "InvalidTimeStamp.Expired"),
            (
                IncorrectStatus,
                "IncorrectStatus IncorrectStatusDetail IncorrectOperation OperationConflict InvalidAction \
                 ImageCache.IncorrectStatus",
            ),
            (DryRun, "DryRunOperation DryRun.Success"),
            (
                Fault,
                "InternalError ServiceUnavailable RequestTimeout SignatureNonceUsed \
                 containerRepositoryAuthorizationFailed",
            ),
            (
                Bug,
                "MissingAction InvalidVersion InvalidAction.NotFound InvalidApi.NotFound InvalidProduct.NotFound \
                 InvalidTimeStamp.Format InvalidSignatureMethod InvalidProtocol.NeedSsl UnsupportedHTTPMethod",
            ),
        ];
        for (expected, codes) in published {
            for code in codes.split_whitespace() {
                assert_eq!(meaning(code), Some(expected), "{code}");
            }
        }
        assert_eq!(meaning("Degrade.Api"), Some(NotNow));
    }

    #[test]
    fn no_code_is_listed_twice() {
        let mut codes: Vec<&str> = TABLE.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn gateway_and_service_are_told_apart_by_code() {
        for code in
            [SIGNATURE_DOES_NOT_MATCH, THROTTLING_USER, INVALID_TIME_STAMP_EXPIRED, "MissingTimestamp"]
        {
            assert!(is_of_gateway(code), "{code}");
        }
        for code in [NO_STOCK, QUOTA_EXCEEDED, INVALID_PARAMETER_NOT_FOUND, INTERNAL_ERROR, "Unheard.Of"] {
            assert!(!is_of_gateway(code), "{code}");
        }
    }

    #[test]
    fn an_unknown_code_has_no_meaning() {
        assert_eq!(meaning("Throttlings"), None);
        assert_eq!(meaning(""), None);
    }
}
