//! The documented limits of everything that is no container group: caches, virtual nodes, tags, tasks, prices.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Checker, create, queries};
use crate::params::Node;

const TAGGED: &[&str] = &["ContainerGroup", "ImageCache", "DataCache", "VirtualNode"];

pub(super) fn check(checker: &mut Checker<'_>, action: &str, root: &Node<'_>) {
    match action {
        "CreateImageCache" | "UpdateImageCache" => image_cache(checker, root),
        "DescribeImageCaches" => {
            checker.tags(root, 20);
            checker.at_most(root, "MatchImage", 100);
            checker.between(root, "ImageMatchCountRequest", 1, 100);
        }
        "CreateDataCache" | "UpdateDataCache" | "CopyDataCache" => data_cache(checker, root),
        "DescribeDataCaches" => {
            checker.tags(root, 20);
            checker.between(root, "Limit", 1, 20);
        }
        "CreateVirtualNode" | "UpdateVirtualNode" => virtual_node(checker, root),
        "DescribeVirtualNodes" => {
            checker.tags(root, 20);
            checker.between(root, "Limit", 1, 20);
            checker.one_of(root, "Status", &["", "Pending", "Ready", "Failed"]);
            queries::id_list(checker, root, "VirtualNodeIds");
        }
        "TagResources" | "UntagResources" | "ListTagResources" => tags(checker, action, root),
        "DescribeCommitContainerTask" => {
            checker.between(root, "MaxResults", 1, 50);
            checker.one_of(root, "TaskStatus", &["Running", "Succeeded", "Failed"]);
        }
        "DescribeContainerGroupPrice" => price(checker, root),
        "DescribeMultiContainerGroupMetric" => {
            queries::id_list(checker, root, "ContainerGroupIds");
            checker.one_of(root, "MetricType", &["", "summary"]);
        }
        _ => {}
    }
}

fn image_cache(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.tags(root, 20);
    checker.at_most(root, "Image", 20);
    for image in root.items("Image") {
        checker.length(image, "", 1, 255);
    }
    checker.v_switches(root);
    checker.between(root, "ImageCacheSize", 1, 32_768);
    checker.between(root, "RetentionDays", 1, i64::MAX);
    checker.between(root, "FlashCopyCount", 0, i64::MAX);
    checker.between(root, "StandardCopyCount", 0, i64::MAX);
    checker.one_of(root, "EliminationStrategy", &["", "LRU"]);
    checker.one_of(root, "OsType", &["Linux", "Windows"]);
    create::registries(checker, root);
}

fn data_cache(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.tags(root, 20);
    checker.v_switches(root);
    checker.one_of(root, "DataSource.Type", &["URL", "NAS", "OSS", "SNAPSHOT"]);
    checker.between(root, "Size", 1, 32_768);
    checker.between(root, "RetentionDays", 1, i64::MAX);
    checker.between(root, "EipCreateParam.Bandwidth", 0, 1_000_000);
    checker.one_of(root, "EipCreateParam.ISP", &["BGP", "BGP_PRO"]);
    if root.text("Path").is_some_and(|path| !path.is_empty() && !path.starts_with('/')) {
        checker.invalid("Path", "must begin with /");
    }
}

fn virtual_node(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.tags(root, 20);
    checker.v_switches(root);
    checker.at_most(root, "Taint", 20);
    for taint in root.items("Taint") {
        checker.required(taint, "Key");
        checker.one_of(taint, "Effect", &["", "NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
    // What it holds is a secret, so it is not repeated.
    if root.text("KubeConfig").is_some_and(|text| STANDARD.decode(text).is_err()) {
        checker.invalid("KubeConfig", "must be base64");
    }
}

fn tags(checker: &mut Checker<'_>, action: &str, root: &Node<'_>) {
    checker.one_of(root, "ResourceType", TAGGED);
    checker.tags(root, 20);
    checker.at_most(root, "TagKey", 20);
    if action == "ListTagResources" {
        // A text in this action alone.
        let is_number = |text: &str| text.is_empty() || text.parse::<u32>().is_ok_and(|limit| limit > 0);
        if root.text("Limit").is_some_and(|text| !is_number(text)) {
            checker.invalid("Limit", "is no count of tags");
        }
    }
    if action == "UntagResources" && root.items("TagKey").is_empty() && !root.flag("All") {
        checker.report("TagKey.1", "MissingParameter", "TagKey or All must be given");
    }
}

fn price(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.one_of(root, "SpotStrategy", &["NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo"]);
    checker.one_of(root, "ComputeCategory", &["", "economy", "general"]);
    checker.between(root, "SpotDuration", 0, 1);
    checker.between(root, "EphemeralStorage", 0, 5000);
}

#[cfg(test)]
mod tests {
    use super::super::validate_parameters;

    #[test]
    fn the_limits_of_other_resources_are_checked() {
        let (cache, data, node) = ("CreateImageCache", "CreateDataCache", "CreateVirtualNode");
        let (tag, untag, list) = ("TagResources", "UntagResources", "ListTagResources");
        let (found, commits) = ("DescribeVirtualNodes", "DescribeCommitContainerTask");
        for (action, name, wrong, right, code) in [
            (cache, "EliminationStrategy", "FIFO", "LRU", "InvalidParameter"),
            (cache, "RetentionDays", "0", "7", "InvalidParameter.ValueExceeded"),
            (cache, "Image.1", &"x".repeat(256), "nginx", "InvalidParameter.LengthExceeded"),
            (cache, "VSwitchId", "vsw-1,,vsw-2", "vsw-1,vsw-2", "InvalidParameter"),
            (data, "DataSource.Type", "FTP", "OSS", "InvalidParameter"),
            (data, "Path", "model", "/model", "InvalidParameter"),
            (data, "Size", "0", "20", "InvalidParameter.ValueExceeded"),
            (node, "KubeConfig", "{}", "e30=", "InvalidParameter"),
            (node, "Taint.1.Effect", "Never", "NoSchedule", "InvalidParameter"),
            (found, "VirtualNodeIds", "vnd-1", "[\"vnd-1\"]", "InvalidParameter"),
            (found, "Limit", "21", "20", "InvalidParameter.ValueExceeded"),
            (found, "Status", "Asleep", "Ready", "InvalidParameter"),
            ("DescribeDataCaches", "Limit", "0", "1", "InvalidParameter.ValueExceeded"),
            (tag, "ResourceType", "Disk", "ImageCache", "InvalidParameter"),
            (untag, "All", "false", "true", "MissingParameter"),
            (list, "Limit", "many", "20", "InvalidParameter"),
            (commits, "MaxResults", "51", "50", "InvalidParameter.ValueExceeded"),
            (commits, "TaskStatus", "Done", "Failed", "InvalidParameter"),
            ("DescribeMultiContainerGroupMetric", "MetricType", "detail", "summary", "InvalidParameter"),
            ("DescribeContainerGroupPrice", "SpotDuration", "6", "1", "InvalidParameter.ValueExceeded"),
            ("DescribeContainerGroupPrice", "ComputeCategory", "cheap", "economy", "InvalidParameter"),
        ] {
            let base = [
                ("RegionId", "cn-hangzhou"),
                ("ImageCacheName", "c"),
                ("Image.1", "nginx"),
                ("SecurityGroupId", "sg"),
                ("VSwitchId", "vsw"),
                ("Taint.1.Key", "k"),
                ("ResourceType", "ContainerGroup"),
                ("ResourceId.1", "eci-1"),
                ("Tag.1.Key", "k"),
                ("ContainerGroupId", "eci-1"),
                ("ContainerGroupIds", "[\"eci-1\"]"),
            ];
            let problems = |value: &str| {
                let all = base.iter().copied().chain([(name, value)]);
                let all = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let found = validate_parameters(action, &all, false).err().unwrap_or_default();
                found.into_iter().map(|problem| problem.code).collect::<Vec<_>>()
            };
            assert_eq!(problems(wrong), [code], "{action} {name}={wrong}");
            assert_eq!(problems(right), Vec::<&str>::new(), "{action} {name}={right}");
        }
    }
}
