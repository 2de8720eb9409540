//! `cargo xtask demo`: pods on a virtual node, from apply to gone, on real parts and a simulated cloud.
//!
//! ```text
//!   build ─▶ control plane, simulator, virtual node up ─▶ apply examples/ ─▶ wait ─▶ show ─▶ delete ─▶ count
//!                                                                              └─ --keep ends here
//! ```
//!
//! Container groups are counted by asking the cloud with a signed call, as its console would, not by asking the
//! simulator. Without `--keep` everything ends with this process, however that ends.

mod kept;
mod stack;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use vk_testkit::wait::{Stopwatch, wait_until_seen};

use self::stack::Stack;
use crate::prerequisites::{C_COMPILER, GO, SETPRIV, require};
use crate::programs::Programs;

/// The manifests of the install guide and two workloads; each has a namespace of its own, since the guide gives both of
/// its pods one name.
const EXAMPLES: [(&str, &str); 4] = [
    ("by-node-selector", "examples/nginx-by-node-selector.yaml"),
    ("by-node-name", "examples/nginx-by-node-name.yaml"),
    ("three-replicas", "examples/deployment.yaml"),
    ("job", "examples/job.yaml"),
];

const DELETION: Duration = Duration::from_secs(90);

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Leave everything up, and print what a shell has to set to use it.
    #[arg(long)]
    keep: bool,
    /// End what an earlier `--keep` left up.
    #[arg(long, conflicts_with = "keep")]
    down: bool,
}

pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    if args.down {
        kept::down()?;
        return Ok(ExitCode::SUCCESS);
    }
    require(&[GO, SETPRIV, C_COMPILER])?;
    if args.keep {
        kept::ensure_none()?;
    }
    let watch = Stopwatch::start();
    step("building the programs (the control plane once: about six minutes on two cores, later nothing)");
    let programs = Programs::build()?;
    let stack = if args.keep { kept::start(&programs)? } else { Stack::start(&programs)? };
    show(&stack).inspect_err(|_| stack.print_logs())?;
    if args.keep {
        kept::print_how_to_use(&stack);
        return Ok(ExitCode::SUCCESS);
    }
    let left = delete(&stack).inspect_err(|_| stack.print_logs())?;
    drop(stack);
    println!("\n== done after {:.0} s", watch.elapsed().as_secs_f32());
    println!("{left} container groups left");
    Ok(ExitCode::SUCCESS)
}

fn show(stack: &Stack) -> anyhow::Result<()> {
    step("applying the examples");
    for (namespace, file) in EXAMPLES {
        stack.make_namespace(namespace)?;
        stack.kubectl(&["apply", "--namespace", namespace, "-f", file])?;
    }
    step("waiting until they run");
    for namespace in ["by-node-selector", "by-node-name"] {
        stack.kubectl(&[
            "wait",
            "--namespace",
            namespace,
            "--for=condition=Ready",
            "pod/nginx",
            "--timeout=90s",
        ])?;
    }
    stack.kubectl(&[
        "rollout",
        "status",
        "--namespace",
        "three-replicas",
        "deployment/web",
        "--timeout=90s",
    ])?;
    stack.kubectl(&[
        "wait",
        "--namespace",
        "job",
        "--for=condition=Complete",
        "job/countdown",
        "--timeout=90s",
    ])?;
    step("what there is");
    stack.kubectl(&["get", "nodes,pods", "--all-namespaces", "-o", "wide"])?;
    step("the log of a pod");
    stack.kubectl(&["logs", "--namespace", "job", "job/countdown"])?;
    step("what the cloud says, asked by a signed call");
    let groups = stack.groups()?;
    print!("{groups}");
    println!("{} container groups while running", groups.lines().count());
    Ok(())
}

/// Deletes everything and waits until the cloud lists nothing more. Returns what is left.
fn delete(stack: &Stack) -> anyhow::Result<usize> {
    step("deleting everything");
    for (namespace, file) in EXAMPLES {
        stack.kubectl(&["delete", "--namespace", namespace, "-f", file])?;
    }
    let count = || stack.groups().map(|groups| groups.lines().count());
    let none_left = || match count() {
        Ok(0) => Ok(()),
        Ok(left) => Err(format!("{left} container groups")),
        Err(error) => Err(format!("{error:#}")),
    };
    wait_until_seen("no container group is left", DELETION, none_left)?;
    count().context("could not count the container groups")
}

/// Says what comes next.
fn step(text: &str) {
    println!("\n== {text}");
}
