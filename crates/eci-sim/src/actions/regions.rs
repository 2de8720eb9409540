//! DescribeRegions.

use serde_json::{Value, json};

const REGIONS: &[&str] = &[
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-hangzhou",
    "cn-shanghai",
    "cn-nanjing",
    "cn-fuzhou",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-wuhan-lr",
    "cn-chengdu",
    "cn-zhengzhou-jva",
    "cn-hongkong",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "us-east-1",
    "us-west-1",
    "na-south-1",
    "eu-central-1",
    "eu-west-1",
    "me-east-1",
    "me-central-1",
    "cn-beijing-finance-1",
    "cn-hangzhou-finance",
    "cn-shanghai-finance-1",
    "cn-shenzhen-finance-1",
];

pub(super) fn reply() -> Value {
    let regions: Vec<Value> = REGIONS
        .iter()
        .map(|region| {
            let zones = [format!("{region}-a"), format!("{region}-b")];
            json!({
                "RegionId": region,
                // The published sample shows the central host for every region.
                "RegionEndpoint": "eci.aliyuncs.com",
                "Zones": zones,
                "RecommendZones": zones,
                "UnavailableZones": [],
            })
        })
        .collect();
    json!({ "Regions": regions })
}
