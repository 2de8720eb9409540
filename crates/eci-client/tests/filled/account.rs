//! The requests about virtual nodes, tags and what the cloud offers, with every field set.

use super::*;

pub(crate) fn create_virtual_node() -> CreateVirtualNodeRequest {
    CreateVirtualNodeRequest {
        region_id: Some(text()),
        zone_id: Some(text()),
        v_switch_id: texts(),
        security_group_id: text(),
        resource_group_id: Some(text()),
        client_token: Some(text()),
        virtual_node_name: Some(text()),
        kube_config: Some(secret()),
        tls_bootstrap_enabled: Some(true),
        cluster_dns: texts(),
        cluster_domain: Some(text()),
        custom_resources: texts(),
        taint: vec![Taint { key: text(), value: Some(text()), effect: Some(TaintEffect::NoSchedule) }],
        eip_instance_id: Some(text()),
        enable_public_network: Some(true),
        tag: tags(),
    }
}

pub(crate) fn update_virtual_node() -> UpdateVirtualNodeRequest {
    UpdateVirtualNodeRequest {
        region_id: Some(text()),
        virtual_node_id: "id".into(),
        client_token: Some(text()),
        virtual_node_name: Some(text()),
        cluster_dns: texts(),
        cluster_domain: Some(text()),
        custom_resources: texts(),
        tag: tags(),
    }
}

pub(crate) fn delete_virtual_node() -> DeleteVirtualNodeRequest {
    DeleteVirtualNodeRequest {
        region_id: Some(text()),
        virtual_node_id: "id".into(),
        client_token: Some(text()),
    }
}

pub(crate) fn describe_virtual_nodes() -> DescribeVirtualNodesRequest {
    DescribeVirtualNodesRequest {
        region_id: Some(text()),
        virtual_node_ids: vec!["id".into()],
        virtual_node_name: Some(text()),
        status: Some(VirtualNodeStatus::Pending),
        resource_group_id: Some(text()),
        tag: tags(),
        limit: Some(1),
        next_token: Some(text()),
        client_token: Some(text()),
    }
}

pub(crate) fn tag_resources() -> TagResourcesRequest {
    TagResourcesRequest {
        region_id: Some(text()),
        resource_type: ResourceType::ContainerGroup,
        resource_id: texts(),
        tag: tags(),
    }
}

pub(crate) fn untag_resources() -> UntagResourcesRequest {
    UntagResourcesRequest {
        region_id: Some(text()),
        resource_type: ResourceType::ContainerGroup,
        resource_id: texts(),
        tag_key: texts(),
        all: Some(true),
        client_token: Some(text()),
    }
}

pub(crate) fn list_tag_resources() -> ListTagResourcesRequest {
    ListTagResourcesRequest {
        region_id: Some(text()),
        resource_type: ResourceType::ContainerGroup,
        resource_id: texts(),
        tag: tags(),
        limit: Some(1),
        next_token: Some(text()),
    }
}

pub(crate) fn describe_regions() -> DescribeRegionsRequest {
    DescribeRegionsRequest { region_id: Some(text()) }
}

pub(crate) fn describe_available_resource() -> DescribeAvailableResourceRequest {
    DescribeAvailableResourceRequest {
        region_id: Some(text()),
        zone_id: Some(text()),
        destination_resource: DestinationResource {
            category: ResourceCategory::InstanceTypeFamily,
            value: Some(text()),
            cores: Some(0.5),
            memory: Some(0.5),
        },
        spot_resource: Some(SpotResource {
            spot_strategy: Some(SpotStrategy::NoSpot),
            spot_price_limit: Some(0.5),
            spot_duration: Some(1),
        }),
    }
}

pub(crate) fn describe_container_group_price() -> DescribeContainerGroupPriceRequest {
    DescribeContainerGroupPriceRequest {
        region_id: Some(text()),
        zone_id: Some(text()),
        cpu: Some(0.5),
        memory: Some(0.5),
        instance_type: Some(text()),
        compute_category: Some(ComputeCategory::Economy),
        ephemeral_storage: Some(1),
        spot_strategy: Some(SpotStrategy::NoSpot),
        spot_price_limit: Some(0.5),
        spot_duration: Some(1),
    }
}

pub(crate) fn list_usage() -> ListUsageRequest {
    ListUsageRequest { region_id: Some(text()) }
}
