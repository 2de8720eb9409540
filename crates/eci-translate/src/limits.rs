//! Names the limits of CreateContainerGroup, so that a pod beyond them is refused with a path, not by the cloud.
//!
//! From the API's metadata and the product's page of limits (containers and volumes). Where the metadata's number
//! looks like one too many (`241`, `101`, `11`) the round number below it is used. The documentation also speaks of
//! 20 `Command` and 10 `Arg` items of 256 characters; the metadata does not, and ordinary pods exceed it, so those
//! are left to the cloud.

/// Containers and init containers of a group together.
pub(crate) const CONTAINERS: usize = 20;
/// Volumes of a group.
pub(crate) const VOLUMES: usize = 20;
/// Characters of an image's name.
pub(crate) const IMAGE_CHARS: usize = 255;
/// Items of `Command`, and of `Arg`.
pub(crate) const COMMAND_ITEMS: usize = 100;
/// Environment variables of a container.
pub(crate) const VARIABLES: usize = 240;
/// Characters of a variable's name.
pub(crate) const VARIABLE_NAME_CHARS: usize = 128;
/// Characters of a variable's value.
pub(crate) const VARIABLE_VALUE_CHARS: usize = 256;
/// Ports of a container.
pub(crate) const PORTS: usize = 100;
/// Ports that the platform itself listens on in every group.
pub(crate) const PLATFORM_PORTS: [i32; 4] = [111, 998, 10250, 10255];
/// Mounts of a container.
pub(crate) const MOUNTS: usize = 100;
/// Items of a probe's command.
pub(crate) const PROBE_COMMAND_ITEMS: usize = 20;
/// Files of a ConfigFile volume.
pub(crate) const FILES: usize = 90;
/// Bytes of a file before encoding; documented as 32 KB.
pub(crate) const FILE_BYTES: usize = 32 * 1024;
/// Bytes of all files of a group before encoding; documented as 60 KB.
pub(crate) const ALL_FILES_BYTES: usize = 60 * 1024;
/// Lines added to `/etc/hosts`.
pub(crate) const HOST_ALIASES: usize = 100;
/// Names in such a line.
pub(crate) const HOST_NAMES: usize = 50;
/// Kernel parameters of a kind.
pub(crate) const SYSCTLS: usize = 100;
/// Passwords of image registries.
pub(crate) const REGISTRY_CREDENTIALS: usize = 10;
/// vSwitches of a group.
pub(crate) const V_SWITCHES: usize = 10;
/// GiB of ephemeral storage that every group has for nothing.
pub(crate) const FREE_EPHEMERAL_GIB: i64 = 30;
/// GiB of ephemeral storage that can be added.
pub(crate) const EXTRA_EPHEMERAL_GIB: i64 = 5000;
/// Characters of a tag's value.
pub(crate) const TAG_VALUE_CHARS: usize = 128;
/// Characters of a group's name.
pub(crate) const GROUP_NAME_CHARS: usize = 128;
/// Characters of a host name; Linux' own limit for what Kubernetes calls a DNS label.
pub(crate) const HOST_NAME_CHARS: usize = 63;
