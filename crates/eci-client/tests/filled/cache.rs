//! The requests about image caches and data caches, with every field set.

use super::*;

pub(crate) fn create_image_cache() -> CreateImageCacheRequest {
    CreateImageCacheRequest {
        region_id: Some(text()),
        zone_id: Some(text()),
        v_switch_id: texts(),
        security_group_id: Some(text()),
        resource_group_id: Some(text()),
        client_token: Some(text()),
        image_cache_name: text(),
        image: texts(),
        image_cache_size: Some(1),
        retention_days: Some(1),
        elimination_strategy: Some(EliminationStrategy::Lru),
        auto_match_image_cache: Some(true),
        flash: Some(true),
        flash_copy_count: Some(1),
        standard_copy_count: Some(1),
        eip_instance_id: Some(text()),
        os_type: Some(OsType::Linux),
        image_registry_credential: vec![credential()],
        acr_registry_info: vec![registry()],
        plain_http_registry: texts(),
        insecure_registry: texts(),
        annotations: Some(text()),
        tag: tags(),
    }
}

pub(crate) fn update_image_cache() -> UpdateImageCacheRequest {
    UpdateImageCacheRequest {
        region_id: Some(text()),
        image_cache_id: "id".into(),
        v_switch_id: texts(),
        security_group_id: Some(text()),
        resource_group_id: Some(text()),
        client_token: Some(text()),
        image_cache_name: Some(text()),
        image: texts(),
        image_cache_size: Some(1),
        retention_days: Some(1),
        elimination_strategy: Some(EliminationStrategy::Lru),
        auto_match_image_cache: Some(true),
        flash: Some(true),
        flash_copy_count: Some(1),
        standard_copy_count: Some(1),
        eip_instance_id: Some(text()),
        image_registry_credential: vec![credential()],
        acr_registry_info: vec![update_registry()],
        tag: tags(),
    }
}

pub(crate) fn delete_image_cache() -> DeleteImageCacheRequest {
    DeleteImageCacheRequest {
        region_id: Some(text()),
        image_cache_id: "id".into(),
        client_token: Some(text()),
    }
}

pub(crate) fn describe_image_caches() -> DescribeImageCachesRequest {
    DescribeImageCachesRequest {
        region_id: Some(text()),
        image_cache_id: Some("id".into()),
        image_cache_name: Some(text()),
        image: Some(text()),
        snapshot_id: Some(text()),
        match_image: texts(),
        image_full_match: Some(true),
        image_match_count_request: Some(1),
        resource_group_id: Some(text()),
        tag: tags(),
        limit: Some(1),
        next_token: Some(text()),
    }
}

pub(crate) fn create_data_cache() -> CreateDataCacheRequest {
    CreateDataCacheRequest {
        region_id: Some(text()),
        v_switch_id: Some(text()),
        security_group_id: Some(text()),
        resource_group_id: Some(text()),
        client_token: Some(text()),
        name: Some(text()),
        bucket: Some(text()),
        path: Some(text()),
        size: Some(1),
        retention_days: Some(1),
        data_source: Some(DataSource {
            r#type: Some(DataSourceType::Url),
            options: [(text(), secret())].into(),
        }),
        eip_instance_id: Some(text()),
        eip_create_param: Some(EipCreateParam {
            bandwidth: Some(1),
            common_bandwidth_package: Some(text()),
            internet_charge_type: Some(InternetChargeType::PayByBandwidth),
            isp: Some(EipIsp::Bgp),
            public_ip_address_pool_id: Some(text()),
        }),
        tag: tags(),
    }
}

pub(crate) fn update_data_cache() -> UpdateDataCacheRequest {
    UpdateDataCacheRequest {
        region_id: Some(text()),
        data_cache_id: Some("id".into()),
        v_switch_id: Some(text()),
        security_group_id: Some(text()),
        resource_group_id: Some(text()),
        client_token: Some(text()),
        name: Some(text()),
        bucket: Some(text()),
        size: Some(1),
        retention_days: Some(1),
        data_source: Some(DataSource {
            r#type: Some(DataSourceType::Url),
            options: [(text(), secret())].into(),
        }),
        eip_instance_id: Some(text()),
        eip_create_param: Some(EipCreateParam {
            bandwidth: Some(1),
            common_bandwidth_package: Some(text()),
            internet_charge_type: Some(InternetChargeType::PayByBandwidth),
            isp: Some(EipIsp::Bgp),
            public_ip_address_pool_id: Some(text()),
        }),
        tag: tags(),
    }
}

pub(crate) fn copy_data_cache() -> CopyDataCacheRequest {
    CopyDataCacheRequest {
        region_id: Some(text()),
        data_cache_id: "id".into(),
        destination_region_id: text(),
        resource_group_id: Some(text()),
        client_token: Some(text()),
        name: Some(text()),
        bucket: Some(text()),
        path: Some(text()),
        retention_days: Some(1),
        tag: tags(),
    }
}

pub(crate) fn delete_data_cache() -> DeleteDataCacheRequest {
    DeleteDataCacheRequest {
        region_id: Some(text()),
        data_cache_id: Some("id".into()),
        bucket: Some(text()),
        path: Some(text()),
        client_token: Some(text()),
    }
}

pub(crate) fn describe_data_caches() -> DescribeDataCachesRequest {
    DescribeDataCachesRequest {
        region_id: Some(text()),
        data_cache_id: vec!["id".into()],
        bucket: Some(text()),
        path: Some(text()),
        resource_group_id: Some(text()),
        tag: tags(),
        limit: Some(1),
        next_token: Some(text()),
    }
}
