//! Lists the words of updates, events, tasks, metrics, stock, tags and virtual nodes.

words! {
    /// What an update does with what it does not mention.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateContainerGroup)
    pub enum UpdateType {
        /// What is missing is removed (the cloud's default).
        RenewUpdate = "RenewUpdate",
        /// What is missing stays; lists of containers are replaced whole all the same.
        IncrementalUpdate = "IncrementalUpdate",
    }

    /// Who reports an event.
    pub enum EventSource {
        /// The service: placement, stock, spot.
        EciService = "EciService",
        /// The agent beside the containers: images, probes, back-off.
        K8sAgent = "K8sAgent",
    }

    /// Where the saving of a container as an image stands.
    pub enum CommitTaskStatus {
        /// At work.
        Running = "Running",
        /// Terminal: the image is in the registry.
        Succeeded = "Succeeded",
        /// Terminal: it is not.
        Failed = "Failed",
    }

    /// A step of saving a container as an image.
    pub enum CommitPhase {
        /// The image the container was started from is pulled.
        PullBaseImage = "PullBaseImage",
        /// The image is made.
        CommitContainer = "CommitContainer",
        /// The image is pushed to the registry.
        PushCommittedImage = "PushCommittedImage",
    }

    /// Which metrics are asked for.
    pub enum MetricType {
        /// Those of whole groups, the only kind there is.
        Summary = "summary",
    }

    /// What a file system of a group is for.
    pub enum FilesystemCategory {
        /// The system's own.
        System = "System",
        /// A volume.
        Volume = "Volume",
        /// Neither; the API's word is `Other`.
        Neither = "Other",
    }

    /// A kind of diagnosis.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateInstanceOpsTask)
    pub enum OpsType {
        /// Keeps the next core file.
        Coredump = "coredump",
        /// Captures packets.
        Tcpdump = "tcpdump",
    }

    /// Where a diagnosis stands.
    pub enum OpsStatus {
        /// Switched on, nothing caught yet.
        Ready = "Ready",
        /// Terminal: it failed.
        Failed = "Failed",
        /// Terminal: its time passed.
        Expired = "Expired",
        /// Terminal: switched off.
        Closed = "Closed",
        /// Terminal: the result can be fetched.
        Success = "Success",
    }

    /// What DescribeAvailableResource is about.
    pub enum ResourceCategory {
        /// Families of instance types, `ecs.c6`.
        InstanceTypeFamily = "InstanceTypeFamily",
        /// Instance types, `ecs.c6.large`.
        InstanceType = "InstanceType",
    }

    /// How much there is of an instance type in a zone.
    pub enum StatusCategory {
        /// Enough.
        WithStock = "WithStock",
        /// Little: another type is advised.
        ClosedWithStock = "ClosedWithStock",
        /// Sold out, will come again.
        WithoutStock = "WithoutStock",
        /// Sold out, will not come again.
        ClosedWithoutStock = "ClosedWithoutStock",
    }

    /// A kind of thing that can be tagged.
    pub enum ResourceType {
        /// Container groups.
        ContainerGroup = "ContainerGroup",
        /// Image caches.
        ImageCache = "ImageCache",
        /// Data caches.
        DataCache = "DataCache",
        /// Virtual nodes.
        VirtualNode = "VirtualNode",
    }

    /// Where a managed virtual node stands in its life.
    pub enum VirtualNodeStatus {
        /// Being made.
        Pending = "Pending",
        /// Usable.
        Ready = "Ready",
        /// It could not be made.
        Failed = "Failed",
    }

    /// What a taint does to pods that do not tolerate it.
    pub enum TaintEffect {
        /// No new ones.
        NoSchedule = "NoSchedule",
        /// No new ones, and those there are evicted.
        NoExecute = "NoExecute",
        /// New ones only where there is no other place.
        PreferNoSchedule = "PreferNoSchedule",
    }
}
