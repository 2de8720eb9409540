//! Declares the replies about events, metrics and diagnoses.
//!
//! Two actions tell metrics and spell some fields differently (`ReadIO`, `ReadIo`); keys match in any case, so one set
//! of types reads both. A number that a record lacks is 0.

use jiff::Timestamp;

use crate::model::read::reply;
use crate::model::{ContainerGroupId, EventType, FilesystemCategory, OpsStatus, OpsType, Secret};

reply! {
    /// One page of events, by container group.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupEvents)
    pub struct DescribeContainerGroupEventsReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The groups of this page and their events.
        pub data: Vec<ContainerGroupEvents> = "Data",
        /// The token of the next page. The API declares none here; it is read in case the cloud sends one.
        pub next_token: Option<String> = "NextToken",
        /// A number of results; of what is not documented. Do not rely on it.
        pub total_count: i64 = "TotalCount",
    }

    /// The events of one container group.
    pub struct ContainerGroupEvents {
        /// The group.
        pub container_group_id: ContainerGroupId = required "ContainerGroupId",
        /// Its name.
        pub name: Option<String> = "Name",
        /// A namespace; meaningful to the vendor's own clusters.
        pub namespace: Option<String> = "Namespace",
        /// A uid; meaningful to the vendor's own clusters.
        pub uuid: Option<String> = "uuid",
        /// Annotations as JSON text.
        pub annotations: Option<String> = "Annotations",
        /// The newest events, 50 at most.
        pub events: Vec<ContainerGroupEvent> = "Events",
    }

    /// An event in the shape of a Kubernetes event.
    pub struct ContainerGroupEvent {
        /// Routine or trouble.
        pub r#type: Option<EventType> = "Type",
        /// One word for programs.
        pub reason: Option<String> = "Reason",
        /// A sentence for people.
        pub message: Option<String> = "Message",
        /// How often it happened.
        pub count: i64 = "Count",
        /// When it happened first.
        pub first_timestamp: Option<Timestamp> = "FirstTimestamp",
        /// When it happened last.
        pub last_timestamp: Option<Timestamp> = "LastTimestamp",
        /// What reports it.
        pub reporting_component: Option<String> = "ReportingComponent",
        /// Which instance of that.
        pub reporting_instance: Option<String> = "ReportingInstance",
        /// Where it comes from.
        pub source: Option<ContainerGroupEventSource> = "Source",
        /// What it is about.
        pub involved_object: Option<InvolvedObject> = "involvedObject",
        /// Its own name.
        pub metadata: Option<EventMetadata> = "Metadata",
    }

    /// Where an event comes from.
    pub struct ContainerGroupEventSource {
        /// `EciService` or `kubelet`.
        pub component: Option<String> = "Component",
        /// The host, `eci`.
        pub host: Option<String> = "Host",
    }

    /// What an event is about.
    pub struct InvolvedObject {
        /// `Pod`.
        pub kind: Option<String> = "Kind",
        /// The group's name.
        pub name: Option<String> = "Name",
        /// A namespace.
        pub namespace: Option<String> = "Namespace",
        /// The group's id.
        pub uid: Option<String> = "Uid",
        /// The version of the kind.
        pub api_version: Option<String> = "ApiVersion",
    }

    /// The name of an event.
    pub struct EventMetadata {
        /// The group's name, a dot, and a number in hex.
        pub name: Option<String> = "Name",
        /// A namespace.
        pub namespace: Option<String> = "Namespace",
    }

    /// The metrics of one container group.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupMetric)
    pub struct DescribeContainerGroupMetricReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The group.
        pub container_group_id: Option<ContainerGroupId> = "ContainerGroupId",
        /// The records, 50 at most.
        pub records: Vec<MetricRecord> = "Records",
    }

    /// The metrics of several container groups.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeMultiContainerGroupMetric)
    pub struct DescribeMultiContainerGroupMetricReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The groups and their records.
        pub monitor_datas: Vec<ContainerGroupMetrics> = "MonitorDatas",
    }

    /// The metrics of one of several container groups.
    pub struct ContainerGroupMetrics {
        /// The group.
        pub container_group_id: ContainerGroupId = required "ContainerGroupId",
        /// The records.
        pub records: Vec<MetricRecord> = "Records",
    }

    /// What was measured at one time.
    pub struct MetricRecord {
        /// When.
        pub timestamp: Option<Timestamp> = "Timestamp",
        /// Processors of the group.
        pub cpu: Option<CpuMetric> = "CPU",
        /// Memory of the group.
        pub memory: Option<MemoryMetric> = "Memory",
        /// Network of the group.
        pub network: Option<NetworkMetric> = "Network",
        /// Disks.
        pub disk: Vec<DiskMetric> = "Disk",
        /// File systems.
        pub filesystem: Vec<FilesystemMetric> = "Filesystem",
        /// Each container.
        pub containers: Vec<ContainerMetric> = "Containers",
    }

    /// Use of processors.
    pub struct CpuMetric {
        /// The most it may use, in thousandths of a vCPU.
        pub limit: i64 = "Limit",
        /// The average load of the last 10 seconds.
        pub load: i64 = "Load",
        /// What was used since the start, in nanoseconds of one vCPU.
        pub usage_core_nano_seconds: i64 = "UsageCoreNanoSeconds",
        /// What is used now, in billionths of a vCPU.
        pub usage_nano_cores: i64 = "UsageNanoCores",
    }

    /// Use of memory, bytes.
    pub struct MemoryMetric {
        /// What is left.
        pub available_bytes: i64 = "AvailableBytes",
        /// The cache.
        pub cache: i64 = "Cache",
        /// The resident set.
        pub rss: i64 = "Rss",
        /// All that is used, the cache included.
        pub usage_bytes: i64 = "UsageBytes",
        /// The working set.
        pub working_set: i64 = "WorkingSet",
    }

    /// Use of the network.
    pub struct NetworkMetric {
        /// Each network card.
        pub interfaces: Vec<InterfaceMetric> = "Interfaces",
    }

    /// Counters of a network card.
    pub struct InterfaceMetric {
        /// The card, `eth0`.
        pub name: String = "Name",
        /// Bytes received.
        pub rx_bytes: i64 = "RxBytes",
        /// Packets received.
        pub rx_packets: i64 = "RxPackets",
        /// Packets received with errors.
        pub rx_errors: i64 = "RxErrors",
        /// Packets received and dropped.
        pub rx_drops: i64 = "RxDrops",
        /// Bytes sent.
        pub tx_bytes: i64 = "TxBytes",
        /// Packets sent.
        pub tx_packets: i64 = "TxPackets",
        /// Packets not sent for errors.
        pub tx_errors: i64 = "TxErrors",
        /// Packets dropped instead of sent.
        pub tx_drops: i64 = "TxDrops",
    }

    /// Counters of a disk.
    pub struct DiskMetric {
        /// The disk.
        pub device: String = "Device",
        /// Bytes read.
        pub read_bytes: i64 = "ReadBytes",
        /// Operations of reading; not for public use, says the vendor.
        pub read_io: i64 = "ReadIO",
        /// Bytes written.
        pub write_bytes: i64 = "WriteBytes",
        /// Operations of writing; not for public use, says the vendor.
        pub write_io: i64 = "WriteIO",
    }

    /// Use of a file system, bytes.
    pub struct FilesystemMetric {
        /// The file system.
        pub fs_name: String = "FsName",
        /// What it is for; DescribeMultiContainerGroupMetric does not tell.
        pub category: Option<FilesystemCategory> = "Category",
        /// Its size.
        pub capacity: i64 = "Capacity",
        /// What is used.
        pub usage: i64 = "Usage",
        /// What is left.
        pub available: i64 = "Available",
    }

    /// Use by one container.
    pub struct ContainerMetric {
        /// The container.
        pub name: String = "Name",
        /// Its processors.
        pub cpu: Option<CpuMetric> = "CPU",
        /// Its memory.
        pub memory: Option<MemoryMetric> = "Memory",
    }

    /// The diagnoses of a container group.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeInstanceOpsRecords)
    pub struct DescribeInstanceOpsRecordsReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The diagnoses.
        pub records: Vec<OpsRecord> = "Records",
    }

    /// A diagnosis.
    pub struct OpsRecord {
        /// Its kind.
        pub ops_type: OpsType = "OpsType",
        /// Where it stands.
        pub ops_status: OpsStatus = "OpsStatus",
        /// When it was switched on; the format is not documented.
        pub create_time: Option<String> = "CreateTime",
        /// When its time is over; the format is not documented.
        pub expire_time: Option<String> = "ExpireTime",
        /// Where its result is: `Oss`; only after success.
        pub result_type: Option<String> = "ResultType",
        /// The URL of its result; only after success. Whoever has it has the file: never shown by `Debug`.
        pub result_content: Option<Secret> = "ResultContent",
    }
}
