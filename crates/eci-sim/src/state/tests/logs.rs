//! Logs: which lines come back, in which form.

use super::*;

#[test]
fn a_log_has_the_newest_lines_in_order() {
    let mut world = World::new();
    let id = world.script("for i in $(seq 1 600); do echo line $i; done; sleep 3600", &[]);
    world.wait(5_000);
    let log = world.log(&id, &[]).unwrap();
    assert_eq!(
        (log.lines().count(), log.lines().next(), log.lines().last()),
        (500, Some("line 101"), Some("line 600"))
    );
    assert_eq!(world.log(&id, &[("Tail", "2")]).unwrap(), "line 599\nline 600\n");
}

#[test]
fn a_log_can_be_followed_by_its_timestamps_without_gap_or_repetition() {
    let mut world = World::new();
    let id = world.script("i=0; while true; do echo tick $i; i=$((i+1)); sleep 0.4; done", &[]);
    world.wait(700);
    let (mut seen, mut last) = (Vec::<String>::new(), String::new());
    for _ in 0..10 {
        world.wait(1_000);
        let mut parameters = vec![("Timestamps", "true")];
        if !last.is_empty() {
            parameters.push(("StartTime", last.as_str()));
        }
        let log = world.log(&id, &parameters).unwrap();
        let new: Vec<String> = log.lines().map(str::to_owned).filter(|line| !seen.contains(line)).collect();
        seen.extend(new);
        last = seen.last().unwrap().split(' ').next().unwrap().to_owned();
    }
    let numbers: Vec<usize> =
        seen.iter().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert!(numbers.len() > 24);
}

#[test]
fn since_seconds_and_start_time_cut_the_beginning_off() {
    let mut world = World::new();
    let id = world.script("echo early; sleep 10; echo late; sleep 3600", &[]);
    world.wait(15_000);
    assert_eq!(world.log(&id, &[]).unwrap(), "early\nlate\n");
    assert_eq!(world.log(&id, &[("SinceSeconds", "6")]).unwrap(), "late\n");
    assert_eq!(world.log(&id, &[("StartTime", "2026-01-01T00:00:05Z")]).unwrap(), "late\n");
    assert_eq!(world.log(&id, &[("StartTime", "2026-01-01T00:01:00Z")]).unwrap(), "");
}

#[test]
fn tail_and_byte_limit_cut_in_either_order() {
    let mut world = World::new();
    let id = world.script("echo aaa; echo bbb; echo ccc; sleep 3600", &[]);
    world.wait(2_000);
    let limits = [("Tail", "2"), ("LimitBytes", "6")];
    assert_eq!(world.log(&id, &limits).unwrap(), "bbb\ncc");
    world.set(json!({"log_truncation": "bytes-first"}));
    assert_eq!(world.log(&id, &limits).unwrap(), "aaa\nbb");
}

#[test]
fn the_previous_run_has_a_log_of_its_own() {
    let mut world = World::new();
    let id = world.script("date; sleep 5; exit 1", &[]);
    world.wait(3_000);
    let first = world.log(&id, &[]).unwrap();
    assert_eq!(world.log(&id, &[("LastTime", "true")]), Err("400 IncorrectStatus".into()));
    world.wait(4_000);
    assert_eq!(world.log(&id, &[("LastTime", "true")]).unwrap(), first);
    assert_ne!(world.log(&id, &[]).unwrap(), first);
}

#[test]
fn a_container_that_has_not_started_has_no_log_or_an_empty_one() {
    let mut world = World::new();
    let id = world.create(&[]);
    assert_eq!(world.log(&id, &[]), Err("400 IncorrectStatus".into()));
    world.set(json!({"log_not_started": "empty"}));
    assert_eq!(world.log(&id, &[]).unwrap(), "");
    let unknown = [("ContainerGroupId", id.as_str()), ("ContainerName", "other")];
    assert_eq!(world.call("DescribeContainerLog", &unknown), Err("404 InvalidParameter.NotFound".into()));
}

#[test]
fn the_log_of_an_ended_group_stays_for_its_time() {
    let mut world = World::with(json!({"log_keep_s": 60}));
    let id = world.script("echo done", &[("RestartPolicy", "Never")]);
    world.wait(60_000);
    assert_eq!(world.log(&id, &[]).unwrap(), "done\n");
    world.wait(1_000);
    assert_eq!(world.log(&id, &[]), Err("400 IncorrectStatus".into()));
}
