//! CreateContainerGroup.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, address, cached, place, usage};
use crate::error::ApiError;
use crate::group::{Facts, Group};
use crate::settings::{Settings, Stock, seconds};
use crate::state::Cloud;
use crate::state::tokens::Seen;

const ACTION: &str = "CreateContainerGroup";

/// What the ids of a region begin with; regions that nothing is published about share one.
const REGION_CODES: &[(&str, &str)] =
    &[("cn-hangzhou", "bp1"), ("cn-shanghai", "uf6"), ("cn-beijing", "2ze"), ("cn-zhangjiakou", "8vb")];

pub(super) fn run(cloud: &mut Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    if context.root.flag("DryRun") {
        return Err(dry_run(cloud, context));
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
    let id = create(cloud, context)?;
    cloud.tokens.remember(account, ACTION, context.parameters, context.now, &id);
    Ok(json!({"ContainerGroupId": id}))
}

/// What stands against the request, or that nothing does.
fn dry_run(cloud: &Cloud, context: &Context<'_>) -> ApiError {
    let checked = place::security_group(cloud, context).and_then(|_| place::offers(cloud, context));
    let message = "Request validation has been passed with DryRun flag set.";
    checked.err().unwrap_or_else(|| ApiError::new(400, "DryRunOperation", message))
}

pub(super) fn mismatch(cloud: &Cloud) -> ApiError {
    let message = "The client token was used with other parameters.";
    let Settings { token_mismatch_http_status, token_mismatch_code, .. } = &cloud.settings;
    ApiError::new(*token_mismatch_http_status, token_mismatch_code, message)
}

fn create(cloud: &mut Cloud, context: &Context<'_>) -> Result<String, ApiError> {
    let security_group = place::security_group(cloud, context)?;
    let mut offers = place::offers(cloud, context)?;
    let vpc = place::vpc(cloud, context, &offers, &security_group)?;
    place::shuffle(cloud, context, &mut offers);
    let first = offers[0].clone();
    let region = context.region(cloud);
    let cpu = first.spec.size.cpu;
    let mut facts = Facts {
        id: new_id(cloud, &region),
        account: context.caller.account.clone(),
        region,
        zone: first.zone,
        v_switch: first.v_switch,
        security_group,
        vpc,
        size: first.spec.size,
        instance_type: first.spec.instance_type,
        compute_category: first.spec.category,
        is_spot: first.is_spot,
        offers,
        address: Ipv4Addr::UNSPECIFIED,
        internet_ip: None,
        ipv6: None,
        cached_images: BTreeSet::new(),
        is_real: cloud.is_real,
        created_at: context.now,
        tags: tags(context),
        parameters: Arc::clone(context.parameters),
    };
    place::check_room(cloud, &facts, context.now)?;
    let cache = cached::choose(cloud, context, &facts)?;
    check_quota(cloud, context, &facts.region, cpu)?;
    address::assign(cloud, context, &mut facts)?;
    facts.cached_images = cached::images(cloud, context, &facts, &cache);
    let id = facts.id.clone();
    let settings = &cloud.settings;
    cloud.store.insert(Group::new(facts, settings), settings);
    Ok(id)
}

fn check_quota(cloud: &mut Cloud, context: &Context<'_>, region: &str, cpu: f64) -> Result<(), ApiError> {
    let quota = f64::from(cloud.settings.vcpu_quota);
    if quota > 0.0 && usage::used_cpu(cloud, &context.caller.account, region) + cpu > quota {
        let message = "The vCPU quota of the account in this region is exceeded.";
        return Err(ApiError::new(403, "QuotaExceeded", message));
    }
    let owner = format!("{}/{region}", context.caller.account);
    cloud.throttle.take_vcpu(&owner, cpu, context.now, &cloud.settings)
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

fn tags(context: &Context<'_>) -> BTreeMap<String, String> {
    let tags = context.root.items("Tag");
    tags.into_iter().map(|tag| (tag.text_or_empty("Key"), tag.text_or_empty("Value"))).collect()
}
