//! The documented limits of volumes and of the files they carry.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Checker;
use crate::params::Node;
use crate::settings::FileMode;

/// Volumes in a group: the product's limit, a fifth of what the metadata allows.
const MAX_VOLUMES: usize = 20;
const MAX_DISKS: usize = 6;
const MAX_FILES: usize = 90;
const MAX_FILE_BYTES: usize = 32 * 1024;
const MAX_FILE_BYTES_TOGETHER: usize = 60 * 1024;

/// A cloud disk, in GiB.
const DISK_GIB: RangeInclusive<i64> = 20..=32_768;
/// Units of sizes.
const UNITS: &[&str] = &["", "k", "K", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// `Type`, the member that belongs to it, and what that member must have.
const TYPES: &[(&str, &[&str])] = &[
    ("EmptyDirVolume", &[]),
    ("ConfigFileVolume", &[]),
    ("NFSVolume", &["Server", "Path"]),
    ("FlexVolume", &["Driver"]),
    ("HostPathVolume", &["Path"]),
    ("DiskVolume", &["DiskId"]),
];

pub(super) fn check(checker: &mut Checker<'_>, root: &Node<'_>) {
    checker.at_most(root, "Volume", MAX_VOLUMES);
    let mut names = BTreeSet::new();
    for volume in root.items("Volume") {
        checker.required(volume, "Name");
        checker.required(volume, "Type");
        if let Some(name) = volume.text("Name").filter(|name| !names.insert(*name)) {
            let message = format!("the name {name:?} is used twice");
            checker.report(volume.path_of("Name"), "InvalidParameter.DuplicatedVolumeName", message);
        }
        check_type(checker, volume);
        checker.one_of(volume, "EmptyDirVolume.Medium", &["", "Memory", "LocalRaid0"]);
        checker.one_of(volume, "HostPathVolume.Type", &["Directory", "File"]);
        size_limit(checker, volume);
        absolute(checker, volume, "NFSVolume.Path");
        absolute(checker, volume, "HostPathVolume.Path");
        flex(checker, volume);
        mode(checker, volume, "ConfigFileVolume.DefaultMode");
        json_object(checker, volume, "FlexVolume.Options");
    }
    disks(checker, root);
    files(checker, root);
}

/// A number with a unit, as Kubernetes writes sizes.
fn size_limit(checker: &mut Checker<'_>, volume: &Node<'_>) {
    let Some(text) = volume.text("EmptyDirVolume.SizeLimit").filter(|text| !text.is_empty()) else { return };
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let is_exponent = unit.strip_prefix(['e', 'E']).is_some_and(|power| power.parse::<i8>().is_ok());
    let fits = number.parse::<f64>().is_ok_and(|number| number > 0.0);
    if !fits || !(UNITS.contains(&unit) || is_exponent) {
        checker.invalid(
            volume.path_of("EmptyDirVolume.SizeLimit"),
            "must be a size with its unit, such as 256Mi",
        );
    }
}

fn absolute(checker: &mut Checker<'_>, volume: &Node<'_>, name: &str) {
    if volume.text(name).is_some_and(|path| !path.is_empty() && !path.starts_with('/')) {
        checker.invalid(volume.path_of(name), "must begin with /");
    }
}

/// What each driver of a FlexVolume needs.
fn flex(checker: &mut Checker<'_>, volume: &Node<'_>) {
    let Some(driver) = volume.text("FlexVolume.Driver").filter(|driver| !driver.is_empty()) else { return };
    let options: Map<String, Value> = volume
        .text("FlexVolume.Options")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let needed: &[&str] = match driver {
        "alicloud/disk" => &["volumeId", "volumeSize"],
        "alicloud/nas" => &["server"],
        "alicloud/oss" => &["bucket"],
        _ => return checker.invalid(volume.path_of("FlexVolume.Driver"), "is no driver of the platform"),
    };
    let parameter = volume.path_of("FlexVolume.Options");
    if !needed.iter().any(|option| options.contains_key(*option)) {
        checker.report(parameter, "MissingParameter", format!("{driver} needs {}", needed.join(" or ")));
    } else if let Some(size) = options.get("volumeSize") {
        let size = size.as_i64().or_else(|| size.as_str()?.parse().ok());
        if !size.is_some_and(|size| DISK_GIB.contains(&size)) {
            checker.invalid(parameter, "volumeSize is not between 20 and 32768");
        }
    }
    if driver == "alicloud/disk" {
        checker.one_of(volume, "FlexVolume.FsType", &["", "ext4", "ext3", "xfs", "vfat"]);
    }
}

fn disks(checker: &mut Checker<'_>, root: &Node<'_>) {
    let is_disk = |volume: &&Node<'_>| {
        volume.text("Type") == Some("DiskVolume") || volume.text("FlexVolume.Driver") == Some("alicloud/disk")
    };
    let count = root.items("Volume").into_iter().filter(is_disk).count();
    if count > MAX_DISKS {
        let message = format!("{count} disks, at most {MAX_DISKS} are allowed");
        checker.report("Volume.N", "DiskNumber.LimitExceed", message);
    }
}

fn check_type(checker: &mut Checker<'_>, volume: &Node<'_>) {
    let Some(kind) = volume.text("Type").filter(|kind| !kind.is_empty()) else {
        return;
    };
    match TYPES.iter().find(|(name, _)| *name == kind) {
        None => checker.invalid(volume.path_of("Type"), format!("{kind:?} is no type of volume")),
        Some((_, members)) => {
            for member in *members {
                checker.required(volume, &format!("{kind}.{member}"));
            }
        }
    }
    for (other, _) in TYPES.iter().filter(|(name, _)| *name != kind && volume.has(name)) {
        checker.invalid(volume.path_of(other), format!("does not belong to a volume of type {kind}"));
    }
}

fn files(checker: &mut Checker<'_>, root: &Node<'_>) {
    let mut together = 0;
    for volume in root.items("Volume") {
        checker.at_most(volume, "ConfigFileVolume.ConfigFileToPath", MAX_FILES);
        let mut paths = BTreeSet::new();
        for file in volume.items("ConfigFileVolume.ConfigFileToPath") {
            checker.required(file, "Path");
            if file.text("Path").is_some_and(|path| !path.is_empty() && !paths.insert(path)) {
                checker.invalid(file.path_of("Path"), "another file of the volume has that path");
            }
            path(checker, file);
            mode(checker, file, "Mode");
            together += content_bytes(checker, file);
        }
    }
    if together > MAX_FILE_BYTES_TOGETHER {
        let message = format!("{together} bytes in all files, at most {MAX_FILE_BYTES_TOGETHER} are allowed");
        checker.report(
            "Volume.N.ConfigFileVolume.ConfigFileToPath.N.Content",
            "InvalidParameter.LengthExceeded",
            message,
        );
    }
}

fn path(checker: &mut Checker<'_>, file: &Node<'_>) {
    let Some(path) = file.text("Path") else { return };
    if path.starts_with('/') || path.split('/').any(|segment| segment == "..") {
        checker.invalid(file.path_of("Path"), "must be relative and must not contain ..");
    }
}

/// How many bytes the file will have; the limit counts them decoded.
fn content_bytes(checker: &mut Checker<'_>, file: &Node<'_>) -> usize {
    let Ok(content) = STANDARD.decode(file.text("Content").unwrap_or_default()) else {
        checker.invalid(file.path_of("Content"), "must be base64");
        return 0;
    };
    if content.len() > MAX_FILE_BYTES {
        let message = format!("{} bytes, at most {MAX_FILE_BYTES} are allowed", content.len());
        checker.report(file.path_of("Content"), "InvalidParameter.LengthExceeded", message);
    }
    content.len()
}

fn mode(checker: &mut Checker<'_>, node: &Node<'_>, name: &str) {
    let Some(text) = node.text(name).filter(|text| !text.is_empty()) else {
        return;
    };
    let radix = match checker.rules.file_mode {
        FileMode::Octal => 8,
        FileMode::Decimal => 10,
    };
    if !u32::from_str_radix(text, radix).is_ok_and(|mode| mode <= 0o7777) {
        checker.invalid(node.path_of(name), format!("is no file mode written in base {radix}"));
    }
}

fn json_object(checker: &mut Checker<'_>, node: &Node<'_>, name: &str) {
    if let Some(text) = node.text(name)
        && serde_json::from_str::<Map<String, Value>>(text).is_err()
    {
        checker.invalid(node.path_of(name), "must be a JSON object");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{create_with, problems};
    use super::super::validate;
    use super::*;
    use crate::settings::Settings;

    const FILE: &str = "Volume.1.ConfigFileVolume.ConfigFileToPath.1";

    fn with_file(path: &str, content: &[u8]) -> Vec<String> {
        problems(&[
            ("Volume.1.Name", "files"),
            ("Volume.1.Type", "ConfigFileVolume"),
            (&format!("{FILE}.Path"), path),
            (&format!("{FILE}.Content"), &STANDARD.encode(content)),
        ])
    }

    #[test]
    fn six_disks_pass_and_one_more_does_not() {
        let disks = |count: usize| {
            let members = |n: usize| {
                [
                    (format!("Volume.{n}.Name"), format!("disk-{n}")),
                    (format!("Volume.{n}.Type"), "FlexVolume".to_owned()),
                    (format!("Volume.{n}.FlexVolume.Driver"), "alicloud/disk".to_owned()),
                    (format!("Volume.{n}.FlexVolume.Options"), r#"{"volumeSize":20}"#.to_owned()),
                ]
            };
            let all: Vec<_> = (1..=count).flat_map(members).collect();
            problems(&all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>())
        };
        assert_eq!(disks(6), Vec::<String>::new());
        assert_eq!(disks(7), ["Volume.N DiskNumber.LimitExceed"]);
    }

    #[test]
    fn a_file_may_have_32_kilobytes_once_decoded() {
        assert_eq!(with_file("a", &[b'x'; 32 * 1024]), Vec::<String>::new());
        assert_eq!(
            with_file("a", &[b'x'; 32 * 1024 + 1]),
            [format!("{FILE}.Content InvalidParameter.LengthExceeded")]
        );
    }

    #[test]
    fn all_files_together_may_have_60_kilobytes() {
        let content = STANDARD.encode([b'x'; 30 * 1024 + 1]);
        let found = problems(&[
            ("Volume.1.Name", "one"),
            ("Volume.1.Type", "ConfigFileVolume"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "a"),
            ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", &content),
            ("Volume.2.Name", "two"),
            ("Volume.2.Type", "ConfigFileVolume"),
            ("Volume.2.ConfigFileVolume.ConfigFileToPath.1.Path", "b"),
            ("Volume.2.ConfigFileVolume.ConfigFileToPath.1.Content", &content),
        ]);
        assert_eq!(
            found,
            ["Volume.N.ConfigFileVolume.ConfigFileToPath.N.Content InvalidParameter.LengthExceeded"]
        );
    }

    #[test]
    fn a_file_stays_inside_its_volume() {
        assert_eq!(with_file("conf/app.ini", b"x"), Vec::<String>::new());
        assert_eq!(with_file("../passwd", b"x"), [format!("{FILE}.Path InvalidParameter")]);
        assert_eq!(with_file("/etc/passwd", b"x"), [format!("{FILE}.Path InvalidParameter")]);
    }

    #[test]
    fn modes_are_octal_digits_unless_the_switch_says_decimal() {
        let changes = |mode| {
            create_with(&[
                ("Volume.1.Name", "files"),
                ("Volume.1.Type", "ConfigFileVolume"),
                ("Volume.1.ConfigFileVolume.DefaultMode", mode),
            ])
        };
        let passes = |mode, file_mode| {
            let settings = Settings { file_mode, ..Settings::default() };
            validate("CreateContainerGroup", &changes(mode), &settings.rules()).is_ok()
        };
        assert!(passes("0644", FileMode::Octal));
        assert!(!passes("438", FileMode::Octal));
        assert!(passes("438", FileMode::Decimal));
        assert!(!passes("4096", FileMode::Decimal));
    }

    #[test]
    fn a_volume_has_the_members_of_its_type_and_no_others() {
        assert_eq!(
            problems(&[
                ("Volume.1.Name", "v"),
                ("Volume.1.Type", "NFSVolume"),
                ("Volume.1.NFSVolume.Server", "s")
            ]),
            ["Volume.1.NFSVolume.Path MissingParameter"]
        );
        assert_eq!(
            problems(&[
                ("Volume.1.Name", "v"),
                ("Volume.1.Type", "EmptyDirVolume"),
                ("Volume.1.HostPathVolume.Path", "/x")
            ]),
            ["Volume.1.HostPathVolume InvalidParameter"]
        );
        assert_eq!(
            problems(&[("Volume.1.Name", "v"), ("Volume.1.Type", "SecretVolume")]),
            ["Volume.1.Type InvalidParameter"]
        );
    }

    #[test]
    fn volume_names_are_unique() {
        let found = problems(&[
            ("Volume.1.Name", "v"),
            ("Volume.1.Type", "EmptyDirVolume"),
            ("Volume.2.Name", "v"),
            ("Volume.2.Type", "EmptyDirVolume"),
        ]);
        assert_eq!(found, ["Volume.2.Name InvalidParameter.DuplicatedVolumeName"]);
    }

    #[test]
    fn options_of_a_flex_volume_are_a_json_object() {
        let volume = [
            ("Volume.1.Name", "v"),
            ("Volume.1.Type", "FlexVolume"),
            ("Volume.1.FlexVolume.Driver", "alicloud/oss"),
        ];
        let with = |options| [&volume[..], &[("Volume.1.FlexVolume.Options", options)]].concat();
        assert_eq!(problems(&with(r#"{"bucket":"b"}"#)), Vec::<String>::new());
        assert_eq!(problems(&with("bucket=b"))[1..], ["Volume.1.FlexVolume.Options InvalidParameter"]);
    }
}
