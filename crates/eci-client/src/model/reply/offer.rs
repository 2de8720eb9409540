//! Declares the replies about what the cloud offers and what it costs: regions, stock, prices, quotas.
//!
//! These older replies wrap each list in an object (`Rules.Rule[]`); the types here leave the wrapper out.

use std::collections::BTreeMap;

use crate::model::read::reply;
use crate::model::{ResourceCategory, StatusCategory};

reply! {
    /// The regions ECI is offered in.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeRegions)
    pub struct DescribeRegionsReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The regions.
        pub regions: Vec<Region> = "Regions",
    }

    /// A region.
    pub struct Region {
        /// Its id, e.g. `cn-hangzhou`.
        pub region_id: String = "RegionId",
        /// Its host name; the samples show the central one.
        pub region_endpoint: Option<String> = "RegionEndpoint",
        /// Its zones.
        pub zones: Vec<String> = "Zones",
        /// Zones the vendor recommends now.
        pub recommend_zones: Vec<String> = "RecommendZones",
        /// Zones that take no new groups.
        pub unavailable_zones: Vec<String> = "UnavailableZones",
    }

    /// The stock of a region.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeAvailableResource)
    pub struct DescribeAvailableResourceReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The zones that offer something of what was looked for.
        pub available_zones: Vec<AvailableZone> = "AvailableZones" / "AvailableZone",
    }

    /// What a zone offers.
    pub struct AvailableZone {
        /// The zone.
        pub zone_id: String = "ZoneId",
        /// Its region.
        pub region_id: Option<String> = "RegionId",
        /// What it offers, by kind.
        pub available_resources: Vec<AvailableResource> = "AvailableResources" / "AvailableResource",
    }

    /// What a zone offers of one kind.
    pub struct AvailableResource {
        /// The kind.
        pub r#type: Option<ResourceCategory> = "Type",
        /// The families or types.
        pub supported_resources: Vec<SupportedResource> = "SupportedResources" / "SupportedResource",
    }

    /// An instance type, or a family of them, and its stock.
    pub struct SupportedResource {
        /// Its name.
        pub value: String = "Value",
        /// How much there is; `None` where the cloud does not say.
        pub status_category: Option<StatusCategory> = "StatusCategory",
    }

    /// What a container group costs.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupPrice)
    pub struct DescribeContainerGroupPriceReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The prices.
        pub price_info: Option<PriceInfo> = "PriceInfo",
    }

    /// Prices and the rules that made them.
    pub struct PriceInfo {
        /// The price of the whole group.
        pub price: Option<Price> = "Price",
        /// The rules of discount that applied.
        pub rules: Vec<PriceRule> = "Rules" / "Rule",
        /// Spot prices, one for each instance type and zone; empty for pay as you go.
        pub spot_prices: Vec<SpotPrice> = "SpotPrices" / "SpotPrice",
    }

    /// A price. For how long a time it is the API's text does not say.
    pub struct Price {
        /// `CNY` on the Chinese site, `USD` on the international one.
        pub currency: Option<String> = "Currency",
        /// Before discount.
        pub original_price: f64 = "OriginalPrice",
        /// What is taken off.
        pub discount_price: f64 = "DiscountPrice",
        /// What is paid: the difference of the two.
        pub trade_price: f64 = "TradePrice",
        /// Its parts.
        pub detail_infos: Vec<PriceDetail> = "DetailInfos" / "DetailInfo",
    }

    /// The part of a price that one resource makes.
    pub struct PriceDetail {
        /// The resource, by name.
        pub resource: String = "Resource",
        /// Before discount.
        pub original_price: f64 = "OriginalPrice",
        /// What is taken off.
        pub discount_price: f64 = "DiscountPrice",
        /// What is paid: the difference of the two.
        pub trade_price: f64 = "TradePrice",
        /// The rules of discount that applied.
        pub rules: Vec<PriceRule> = "Rules" / "Rule",
    }

    /// A rule of discount.
    pub struct PriceRule {
        /// Its id.
        pub rule_id: i64 = "RuleId",
        /// A sentence about it.
        pub description: Option<String> = "Description",
    }

    /// The spot price of an instance type in a zone.
    pub struct SpotPrice {
        /// The zone.
        pub zone_id: Option<String> = "ZoneId",
        /// The instance type.
        pub instance_type: Option<String> = "InstanceType",
        /// The price of pay as you go. The API spells it `OriginPrice` here, `OriginalPrice` elsewhere.
        pub origin_price: f64 = "OriginPrice" | "OriginalPrice",
        /// The spot price now.
        pub spot_price: f64 = "SpotPrice",
    }

    /// The account's quotas in a region.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ListUsage)
    pub struct ListUsageReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// Numbers by name: `MaxCpu` and `UsedCpu` (vCPU), `MaxImageCacheCount`, `UsedImageCacheCount`,
        /// `MaxAutoImageCacheCount`, `UsedAutoImageCacheCount`, `MaxDataCacheCount`, `UsedDataCacheCount`, and what the
        /// cloud adds. A name without a number is left out; 0 is kept.
        pub attributes: BTreeMap<String, f64> = "Attributes",
    }
}
