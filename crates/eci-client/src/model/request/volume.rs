//! Declares the volumes of CreateContainerGroup.

use crate::model::flatten::request;
use crate::model::{EmptyDirMedium, FileMode, HostPathType, Secret, VolumeType};

request! {
    /// A volume: `type` and the one struct that belongs to it.
    pub struct Volume {
        /// Unique in its group.
        pub name: String = "Name",
        /// Its kind.
        pub r#type: VolumeType = "Type",
        /// For `VolumeType::EmptyDir`.
        pub empty_dir_volume: Option<EmptyDirVolume> = "EmptyDirVolume",
        /// For `VolumeType::ConfigFile`.
        pub config_file_volume: Option<ConfigFileVolume> = "ConfigFileVolume",
        /// For `VolumeType::Nfs`.
        pub nfs_volume: Option<NfsVolume> = "NFSVolume",
        /// For `VolumeType::Flex`.
        pub flex_volume: Option<FlexVolume> = "FlexVolume",
        /// For `VolumeType::HostPath`.
        pub host_path_volume: Option<HostPathVolume> = "HostPathVolume",
        /// For `VolumeType::Disk`.
        pub disk_volume: Option<DiskVolume> = "DiskVolume",
    }

    /// An empty directory; wiped on restart and deletion of the group.
    pub struct EmptyDirVolume {
        /// What it is kept on; `None` is the disk. In memory and mounted at `/dev/shm` it sizes shared memory.
        pub medium: Option<EmptyDirMedium> = "Medium",
        /// Its largest size, with unit (`256Mi`); `None` is no limit of its own.
        pub size_limit: Option<String> = "SizeLimit",
    }

    /// Files whose content is in the request: 32 KB a file, 60 KB together.
    pub struct ConfigFileVolume {
        /// Permission of files that name none; `None` is `0644`.
        pub default_mode: Option<FileMode> = "DefaultMode",
        /// The files.
        pub config_file_to_path: Vec<ConfigFileToPath> = "ConfigFileToPath",
    }

    /// A file.
    pub struct ConfigFileToPath {
        /// Its path, relative to where the volume is mounted.
        pub path: String = "Path",
        /// Its content in base64; never shown by `Debug`.
        pub content: Secret = "Content",
        /// Its permission; `None` is the volume's.
        pub mode: Option<FileMode> = "Mode",
    }

    /// A directory of an NFS server.
    pub struct NfsVolume {
        /// The server's address.
        pub server: String = "Server",
        /// The path on the server.
        pub path: String = "Path",
        /// Refuse writing; `None` is no.
        pub read_only: Option<bool> = "ReadOnly",
    }

    /// A volume by driver.
    pub struct FlexVolume {
        /// `alicloud/disk`, `alicloud/nas` or `alicloud/oss`.
        pub driver: String = "Driver",
        /// The file system of a disk; `None` is ext4.
        pub fs_type: Option<String> = "FsType",
        /// Options of the driver as the text of a JSON object. May hold keys (OSS); never shown by `Debug`.
        pub options: Option<Secret> = "Options",
    }

    /// A path of the host; by whitelist only.
    pub struct HostPathVolume {
        /// The path.
        pub path: String = "Path",
        /// What it has to be.
        pub r#type: Option<HostPathType> = "Type",
    }

    /// A cloud disk; `FlexVolume` with `alicloud/disk` is preferred.
    pub struct DiskVolume {
        /// The disk; `None` makes a new one.
        pub disk_id: Option<String> = "DiskId",
        /// Its size, GiB.
        pub disk_size: Option<i32> = "DiskSize",
        /// Its file system; `None` is ext4.
        pub fs_type: Option<String> = "FsType",
    }
}
