//! Lists container groups by a signed call, one line each: `list-container-groups REGION ENDPOINT`.

#![allow(clippy::print_stdout, reason = "a program for people, printing is what it does")]

use std::error::Error;

use eci_client::model::DescribeContainerGroupsRequest;
use eci_client::{AccessKey, Client};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let region = arguments.next().ok_or("the region is missing")?;
    let endpoint = arguments.next().ok_or("the endpoint is missing")?;
    let key = AccessKey::new(
        std::env::var("ALIBABA_CLOUD_ACCESS_KEY_ID")?,
        std::env::var("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?,
    );
    let eci = Client::builder(region).credentials(key).endpoint(endpoint).build()?;
    for group in eci.list_container_groups(&DescribeContainerGroupsRequest::default()).await? {
        let name = group.container_group_name.as_deref().unwrap_or("-");
        println!("{}\t{name}\t{}", group.container_group_id, group.status);
    }
    Ok(())
}
