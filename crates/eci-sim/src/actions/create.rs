//! CreateContainerGroup.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, usage};
use crate::error::ApiError;
use crate::group::{Facts, Group};
use crate::settings::{Stock, seconds};
use crate::state::Cloud;
use crate::state::tokens::Seen;
use crate::validate::size_of;

const ACTION: &str = "CreateContainerGroup";

/// What the ids of a region begin with; regions that nothing is published about share one.
const REGION_CODES: &[(&str, &str)] =
    &[("cn-hangzhou", "bp1"), ("cn-shanghai", "uf6"), ("cn-beijing", "2ze"), ("cn-zhangjiakou", "8vb")];

pub(super) fn run(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    if context.root.flag("DryRun") {
        let message = "Request validation has been passed with DryRun flag set.";
        return Err(ApiError::new(400, "DryRunOperation", message));
    }
    let account = &context.caller.account;
    let window = seconds(cloud.settings.client_token_window_s);
    match cloud.tokens.look_up(account, ACTION, context.parameters, context.now, window) {
        Seen::Same(id) => return Ok(json!({"ContainerGroupId": id})),
        Seen::Other => return Err(mismatch(cloud)),
        Seen::Never => {}
    }
    if cloud.settings.stock == Stock::Refused {
        let message = "The requested resource is sold out in the specified zone.";
        return Err(ApiError::new(403, "OperationDenied.NoStock", message));
    }
    let place = place(cloud, context)?;
    let id = create(cloud, context, place)?;
    cloud.tokens.remember(account, ACTION, context.parameters, context.now, &id);
    Ok(json!({"ContainerGroupId": id}))
}

pub(super) fn mismatch(cloud: &Cloud) -> ApiError {
    let message = "The client token was used with other parameters.";
    ApiError::new(cloud.settings.token_mismatch_http_status, "IdempotentParameterMismatch", message)
}

/// Where the group goes.
struct Place {
    zone: String,
    v_switch: String,
    security_group: String,
}

/// Checks vSwitch, zone and security group against what the account has, where that is configured.
fn place(cloud: &Cloud, context: &Context<'_>) -> Result<Place, ApiError> {
    let region = context.region(cloud);
    let zone_asked = context.parameter("ZoneId");
    let ids: Vec<&str> = context
        .parameter("VSwitchId")
        .map(|list| list.split(',').map(str::trim).collect())
        .unwrap_or_default();
    let known = &cloud.network.v_switches;
    let zone_of =
        |id: &str| known.iter().find(|v_switch| v_switch.id == id).map(|v_switch| v_switch.zone.clone());
    if !known.is_empty()
        && let Some(unknown) = ids.iter().find(|id| zone_of(id).is_none())
    {
        let message = format!("The specified vSwitch {unknown} does not exist.");
        return Err(ApiError::new(404, "InvalidVSwitchId.NotFound", message));
    }
    let default_zone = format!("{region}-a");
    let zone_for = |id: &str| zone_of(id).or(zone_asked.map(str::to_owned)).unwrap_or(default_zone.clone());
    let choice = ids.iter().find(|id| zone_asked.is_none_or(|zone| zone_for(id) == zone));
    if !ids.is_empty() && choice.is_none() {
        let message = "The vSwitch is not in the specified zone.";
        return Err(ApiError::new(403, "OperationDenied.VswZoneMisMatch", message));
    }
    let security_group = context.parameter("SecurityGroupId").unwrap_or("sg-default");
    let groups = &cloud.network.security_groups;
    if !groups.is_empty()
        && context.parameter("SecurityGroupId").is_some_and(|id| !groups.iter().any(|known| known == id))
    {
        let message = format!("The specified security group {security_group} does not exist.");
        return Err(ApiError::new(404, "InvalidSecurityGroupId.NotFound", message));
    }
    let v_switch = choice.copied().unwrap_or("vsw-default");
    Ok(Place {
        zone: zone_for(v_switch),
        v_switch: v_switch.to_owned(),
        security_group: security_group.to_owned(),
    })
}

fn create(cloud: &mut Cloud, context: &Context<'_>, place: Place) -> Result<String, ApiError> {
    let size = size_of(&context.root)
        .map_err(|message| ApiError::new(400, "InvalidParameter.CPU.Memory", message))?;
    let region = context.region(cloud);
    check_quota(cloud, context, &region, size.cpu)?;
    let address = address(cloud, context)?;
    let facts = Facts {
        id: new_id(cloud, &region),
        account: context.caller.account.clone(),
        region,
        zone: place.zone,
        v_switch: place.v_switch,
        security_group: place.security_group,
        size,
        address,
        is_real: cloud.is_real,
        created_at: context.now,
        tags: tags(context),
        parameters: Arc::clone(context.parameters),
    };
    let id = facts.id.clone();
    let settings = &cloud.settings;
    cloud.store.insert(Group::new(facts, settings), settings);
    Ok(id)
}

fn check_quota(cloud: &Cloud, context: &Context<'_>, region: &str, cpu: f64) -> Result<(), ApiError> {
    let quota = f64::from(cloud.settings.vcpu_quota);
    if quota > 0.0 && usage::used_cpu(cloud, &context.caller.account, region) + cpu > quota {
        let message = "The vCPU quota of the account in this region is exceeded.";
        return Err(ApiError::new(403, "QuotaExceeded", message));
    }
    Ok(())
}

fn new_id(cloud: &mut Cloud, region: &str) -> String {
    let code = REGION_CODES.iter().find(|(name, _)| *name == region).map_or("0xi", |(_, code)| code);
    loop {
        let id = format!("eci-{code}{}", cloud.rng.id(17));
        if cloud.store.find(&id).is_none() {
            return id;
        }
    }
}

fn address(cloud: &mut Cloud, context: &Context<'_>) -> Result<Ipv4Addr, ApiError> {
    let Some(wanted) = context.parameter("PrivateIpAddress") else {
        let message = "The vSwitch has no address left.";
        let none_left = || ApiError::new(403, "InvalidVSwitchId.IpNotEnough", message);
        return cloud.store.addresses.take().ok_or_else(none_left);
    };
    let Ok(wanted) = wanted.parse::<Ipv4Addr>() else {
        return Err(ApiError::new(400, "InvalidParameter", "PrivateIpAddress must be an IPv4 address."));
    };
    if !cloud.store.addresses.take_exactly(wanted) {
        let message = "The specified private IP address is in use.";
        return Err(ApiError::new(400, "PrivateIpAddress.Already.InUse", message));
    }
    Ok(wanted)
}

fn tags(context: &Context<'_>) -> BTreeMap<String, String> {
    let tags = context.root.items("Tag");
    tags.into_iter().map(|tag| (tag.text_or_empty("Key"), tag.text_or_empty("Value"))).collect()
}
