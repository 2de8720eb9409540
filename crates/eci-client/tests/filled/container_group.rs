//! The requests about container groups that exist, with every field set.

use super::*;

pub(crate) fn describe_container_groups() -> DescribeContainerGroupsRequest {
    DescribeContainerGroupsRequest {
        region_id: Some(text()),
        container_group_ids: vec!["id".into()],
        container_group_name: Some(text()),
        status: Some(Status::Scheduling),
        zone_id: Some(text()),
        v_switch_id: Some(text()),
        security_group_id: Some(text()),
        resource_group_id: Some(text()),
        compute_category: Some(ComputeCategory::Economy),
        tag: tags(),
        with_event: Some(true),
        limit: Some(1),
        next_token: Some(text()),
    }
}

pub(crate) fn describe_container_group_status() -> DescribeContainerGroupStatusRequest {
    DescribeContainerGroupStatusRequest {
        region_id: Some(text()),
        container_group_ids: vec!["id".into()],
        zone_id: Some(text()),
        v_switch_id: Some(text()),
        resource_group_id: Some(text()),
        tag: tags(),
        since_second: Some(1),
        limit: Some(1),
        next_token: Some(text()),
    }
}

pub(crate) fn delete_container_group() -> DeleteContainerGroupRequest {
    DeleteContainerGroupRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        client_token: Some(text()),
        force: Some(true),
    }
}

pub(crate) fn restart_container_group() -> RestartContainerGroupRequest {
    RestartContainerGroupRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        client_token: Some(text()),
    }
}

pub(crate) fn resize_container_group_volume() -> ResizeContainerGroupVolumeRequest {
    ResizeContainerGroupVolumeRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        volume_name: text(),
        new_size: 1,
        client_token: Some(text()),
    }
}

pub(crate) fn describe_container_log() -> DescribeContainerLogRequest {
    DescribeContainerLogRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        container_name: text(),
        tail: Some(1),
        since_seconds: Some(1),
        start_time: Some(time()),
        limit_bytes: Some(1),
        timestamps: Some(true),
        last_time: Some(true),
    }
}

pub(crate) fn exec_container_command() -> ExecContainerCommandRequest {
    ExecContainerCommandRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        container_name: text(),
        command: texts(),
        tty: Some(true),
        stdin: Some(true),
        sync: Some(true),
    }
}

pub(crate) fn commit_container() -> CommitContainerRequest {
    CommitContainerRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        container_name: text(),
        image: CommitContainerImage {
            repository: text(),
            tag: text(),
            message: Some(text()),
            author: Some(text()),
        },
        acr_registry_info: Some(CommitContainerAcrRegistryInfo {
            instance_id: Some(text()),
            region_id: Some(text()),
            arn_service: Some(text()),
            arn_user: Some(text()),
        }),
        arn: Some(CommitContainerArn { role_arn: Some(text()), role_type: Some(text()) }),
    }
}

pub(crate) fn describe_commit_container_task() -> DescribeCommitContainerTaskRequest {
    DescribeCommitContainerTaskRequest {
        region_id: Some(text()),
        container_group_id: Some("id".into()),
        task_id: vec!["id".into()],
        task_status: Some(CommitTaskStatus::Running),
        max_results: Some(1),
        next_token: Some(text()),
    }
}

pub(crate) fn describe_container_group_events() -> DescribeContainerGroupEventsRequest {
    DescribeContainerGroupEventsRequest {
        region_id: Some(text()),
        container_group_ids: vec!["id".into()],
        zone_id: Some(text()),
        v_switch_id: Some(text()),
        resource_group_id: Some(text()),
        tag: tags(),
        event_source: Some(EventSource::EciService),
        since_second: Some(1),
        limit: Some(1),
        next_token: Some(text()),
    }
}

pub(crate) fn describe_container_group_metric() -> DescribeContainerGroupMetricRequest {
    DescribeContainerGroupMetricRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        start_time: Some(time()),
        end_time: Some(time()),
        period: Some(1),
    }
}

pub(crate) fn describe_multi_container_group_metric() -> DescribeMultiContainerGroupMetricRequest {
    DescribeMultiContainerGroupMetricRequest {
        region_id: Some(text()),
        container_group_ids: vec!["id".into()],
        metric_type: Some(MetricType::Summary),
        resource_group_id: Some(text()),
    }
}

pub(crate) fn create_instance_ops_task() -> CreateInstanceOpsTaskRequest {
    CreateInstanceOpsTaskRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        ops_type: OpsType::Coredump,
        ops_value: text(),
    }
}

pub(crate) fn describe_instance_ops_records() -> DescribeInstanceOpsRecordsRequest {
    DescribeInstanceOpsRecordsRequest {
        region_id: Some(text()),
        container_group_id: "id".into(),
        ops_type: OpsType::Coredump,
    }
}
