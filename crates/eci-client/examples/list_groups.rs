//! Lists the container groups of a region, what they are tagged with, and what each tag's groups add up to.
//!
//! ```text
//! ALIBABA_CLOUD_ACCESS_KEY_ID=… ALIBABA_CLOUD_ACCESS_KEY_SECRET=… \
//!     cargo run -p eci-client --example list_groups -- cn-hangzhou [--endpoint URL] [--cost-tag KEY]
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program's output")]

mod connection;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use eci_client::model::{ContainerGroup, DescribeContainerGroupsRequest};

use connection::{Connection, Result, end};

/// Lists the container groups of a region with their tags.
#[derive(Parser)]
struct Arguments {
    /// The region
    #[arg(default_value = "cn-hangzhou")]
    region: String,
    #[command(flatten)]
    connection: Connection,
    /// The tag whose values are added up
    #[arg(long, default_value = "cost-center")]
    cost_tag: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    end(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let eci = arguments.connection.client(&arguments.region)?;
    let groups = eci.list_container_groups(&DescribeContainerGroupsRequest::default()).await?;
    let mut sums: BTreeMap<String, (usize, f64, f64)> = BTreeMap::new();
    for group in &groups {
        show(group);
        let sum = sums.entry(tag(group, &arguments.cost_tag)).or_default();
        *sum = (sum.0 + 1, sum.1 + group.cpu, sum.2 + group.memory);
    }
    for (value, (count, cpu, memory)) in sums {
        println!("{}={value}\t{count} groups\t{cpu} vCPU\t{memory} GiB", arguments.cost_tag);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(group: &ContainerGroup) {
    let name = group.container_group_name.as_deref().unwrap_or("-");
    let address = group.intranet_ip.as_deref().unwrap_or("-");
    let tags: Vec<String> = group.tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect();
    println!(
        "{}\t{name}\t{}\t{address}\t{} vCPU\t{} GiB\t{}",
        group.container_group_id,
        group.status,
        group.cpu,
        group.memory,
        tags.join(",")
    );
}

/// The value of a group's tag.
fn tag(group: &ContainerGroup, key: &str) -> String {
    let tag = group.tags.iter().find(|tag| tag.key == key);
    tag.map_or_else(|| "(none)".to_owned(), |tag| tag.value.clone())
}
