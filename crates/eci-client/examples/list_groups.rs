//! Lists the container groups of a region.
//!
//! ```text
//! ALIBABA_CLOUD_ACCESS_KEY_ID=… ALIBABA_CLOUD_ACCESS_KEY_SECRET=… \
//!     cargo run -p eci-client --example list_groups -- cn-hangzhou [endpoint]
//! ```

#![allow(clippy::print_stdout, reason = "a program's output")]

use std::env;
use std::error::Error;

use eci_client::model::DescribeContainerGroupsRequest;
use eci_client::{AccessKey, Client};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let region_id = arguments.next().ok_or("usage: list_groups REGION [ENDPOINT]")?;

    let key = AccessKey::new(
        env::var("ALIBABA_CLOUD_ACCESS_KEY_ID")?,
        env::var("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?,
    )
    .with_security_token(env::var("ALIBABA_CLOUD_SECURITY_TOKEN").unwrap_or_default());
    let mut builder = Client::builder(region_id).credentials(key);
    if let Some(endpoint) = arguments.next() {
        builder = builder.endpoint(endpoint);
    }
    let eci = builder.build()?;

    for group in eci.list_container_groups(&DescribeContainerGroupsRequest::default()).await? {
        let name = group.container_group_name.as_deref().unwrap_or("-");
        let address = group.intranet_ip.as_deref().unwrap_or("-");
        println!(
            "{}\t{name}\t{}\t{address}\t{} vCPU\t{} GiB",
            group.container_group_id, group.status, group.cpu, group.memory
        );
    }
    Ok(())
}
