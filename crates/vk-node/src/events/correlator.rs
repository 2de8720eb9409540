//! Decides which events are written, counted into an earlier one, or dropped. Pure.
//!
//! A pod that cannot start is tried again for hours, and each try has something to say. So:
//!
//! * An event equal to an earlier one of the last ten minutes is counted into it, and the count is written at most every
//!   [`REPEAT_EVERY`].
//! * After [`SIMILAR`] events of one reason whose texts differ, further ones are counted into one combined event. Both rules
//!   are those of client-go's aggregator, whose numbers these are.
//! * One object may cause [`OBJECT_BURST`] writes at once and one more every [`OBJECT_REFILL_SECONDS`] afterwards. client-go
//!   has the same burst but refills once in five minutes, which silences a pod for the rest of its start.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::{About, Event, EventType, cut};

/// How long an event waits for its repetition (client-go's `maxLruCacheEntries` window).
const WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// How many different texts of one reason are told apart (client-go's `defaultAggregateMaxEvents`).
const SIMILAR: usize = 10;

/// How often the count of a repeated event is written.
pub(super) const REPEAT_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// Writes that one object may cause at once (client-go's `defaultSpamBurst`).
const OBJECT_BURST: f64 = 25.0;

/// Seconds until one object may cause one more.
const OBJECT_REFILL_SECONDS: f64 = 10.0;

/// Objects remembered: at some 300 bytes each, 0.6 MB. A node of ten thousand pods has far fewer that speak within
/// ten minutes; where it has more, the longest silent ones are forgotten and begin anew.
const OBJECTS: usize = 2048;

/// What to do about an event.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Write a new event object with this text.
    Post { id: EventId, message: String },
    /// Write the count of an earlier one.
    Repeat(Repeat),
    /// It is counted; the count is written later.
    Held,
    /// The object has said too much.
    Drop,
}

/// Where an event object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// What is to be written into an earlier event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Repeat {
    pub(super) uid: String,
    pub(super) id: EventId,
    pub(super) count: i32,
    pub(super) last_at: Timestamp,
    /// The newest text of a combined event.
    pub(super) message: Option<String>,
}

/// Remembers what was said of each object.
#[derive(Default)]
pub(super) struct Correlator {
    objects: BTreeMap<String, Object>,
    posted: u64,
}

struct Object {
    budget: Bucket,
    series: Vec<Series>,
    seen_at: Timestamp,
}

/// One event object and its repetitions.
struct Series {
    type_: EventType,
    reason: String,
    /// Hash of the text; `None` where texts are combined.
    text: Option<u64>,
    id: EventId,
    count: i32,
    written_count: i32,
    written_at: Timestamp,
    last_at: Timestamp,
    combined: Option<String>,
}

impl Correlator {
    /// Takes an event about the object with this UID.
    pub(super) fn admit(&mut self, uid: &str, event: &Event, now: Timestamp) -> Decision {
        self.make_room(uid);
        let object = self.objects.entry(uid.to_owned()).or_insert_with(|| Object {
            budget: Bucket::new(OBJECT_BURST, 1.0 / OBJECT_REFILL_SECONDS, seconds(now)),
            series: Vec::new(),
            seen_at: now,
        });
        object.seen_at = now;
        object.series.retain(|series| now.duration_since(series.last_at) < WINDOW);
        let text = Some(hash(&event.message));
        let similar = |series: &&mut Series| series.type_ == event.type_ && series.reason == event.reason;
        let texts = object.series.iter_mut().filter(similar).count();
        let combine = texts >= SIMILAR;
        let known = object
            .series
            .iter_mut()
            .filter(similar)
            .find(|series| series.text == text || (combine && series.text.is_none()));
        if let Some(series) = known {
            series.repeat(event, now);
            return series
                .write_if_due(uid, now, &mut object.budget)
                .map_or(Decision::Held, Decision::Repeat);
        }
        if object.budget.take(seconds(now)).is_err() {
            return Decision::Drop;
        }
        self.posted += 1;
        let id = event_id(event, now, self.posted);
        let message = if combine { combined(&event.message) } else { event.message.clone() };
        object.series.push(Series {
            type_: event.type_,
            reason: event.reason.clone(),
            text: text.filter(|_| !combine),
            id: id.clone(),
            count: 1,
            written_count: 1,
            written_at: now,
            last_at: now,
            combined: None,
        });
        Decision::Post { id, message }
    }

    /// Counts that were held back and are to be written now.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Repeat> {
        let mut due = Vec::new();
        for (uid, object) in &mut self.objects {
            for series in &mut object.series {
                due.extend(series.write_if_due(uid, now, &mut object.budget));
            }
        }
        self.objects.retain(|_, object| now.duration_since(object.seen_at) < WINDOW);
        due
    }

    /// The event object does not exist: the next event of its kind makes a new one.
    pub(super) fn forget(&mut self, uid: &str, id: &EventId) {
        if let Some(object) = self.objects.get_mut(uid) {
            object.series.retain(|series| series.id != *id);
        }
    }

    /// Forgets the longest silent quarter when there is no room for one more object.
    fn make_room(&mut self, uid: &str) {
        if self.objects.len() < OBJECTS || self.objects.contains_key(uid) {
            return;
        }
        let mut times: Vec<_> = self.objects.values().map(|object| object.seen_at).collect();
        let (_, limit, _) = times.select_nth_unstable(OBJECTS / 4);
        let limit = *limit;
        self.objects.retain(|_, object| object.seen_at > limit);
    }
}

impl Series {
    fn repeat(&mut self, event: &Event, now: Timestamp) {
        self.count = self.count.saturating_add(1);
        self.last_at = now;
        if self.text.is_none() {
            self.combined = Some(combined(&event.message));
        }
    }

    fn write_if_due(&mut self, uid: &str, now: Timestamp, budget: &mut Bucket) -> Option<Repeat> {
        let due = self.count > self.written_count && now.duration_since(self.written_at) >= REPEAT_EVERY;
        if !due || budget.take(seconds(now)).is_err() {
            return None;
        }
        self.written_count = self.count;
        self.written_at = now;
        Some(Repeat {
            uid: uid.to_owned(),
            id: self.id.clone(),
            count: self.count,
            last_at: self.last_at,
            message: self.combined.take(),
        })
    }
}

/// A leaky bucket; time is in seconds from wherever the caller counts.
pub(super) struct Bucket {
    burst: f64,
    per_second: f64,
    level: f64,
    at: f64,
}

impl Bucket {
    pub(super) fn new(burst: f64, per_second: f64, now: f64) -> Self {
        Self { burst, per_second, level: burst, at: now }
    }

    /// Takes one, or says in how many seconds there is one.
    pub(super) fn take(&mut self, now: f64) -> Result<(), f64> {
        let passed = (now - self.at).max(0.0);
        self.at = now;
        self.level = (self.level + passed * self.per_second).min(self.burst);
        if self.level < 1.0 {
            return Err((1.0 - self.level) / self.per_second);
        }
        self.level -= 1.0;
        Ok(())
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn combined(message: &str) -> String {
    cut(&format!("(combined from similar events): {message}"))
}

/// `<object>.<time>`, as client-go names events; the number keeps two of one nanosecond apart.
fn event_id(event: &Event, now: Timestamp, number: u64) -> EventId {
    const LONGEST_NAME: usize = 253;
    let (namespace, object) = match &event.about {
        About::Pod { key, .. } => (key.namespace.clone(), key.name.as_str()),
        About::Node { name } => ("default".to_owned(), name.as_str()),
    };
    let suffix = format!(".{:x}{:04x}", now.as_nanosecond(), number & 0xffff);
    let room = LONGEST_NAME - suffix.len();
    let object = object.get(..room).unwrap_or(object).trim_end_matches(['-', '.']);
    EventId { namespace, name: format!("{object}{suffix}") }
}

#[cfg(test)]
mod tests {
    use vk_core::PodKey;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn event(reason: &str, message: &str) -> Event {
        let key = PodKey { namespace: "ns".to_owned(), name: "web-0".to_owned(), uid: "u1".to_owned() };
        Event {
            about: About::Pod { key, field_path: None },
            type_: EventType::Warning,
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    fn admit(correlator: &mut Correlator, reason: &str, message: &str, second: i64) -> Decision {
        correlator.admit("u1", &event(reason, message), at(second))
    }

    #[test]
    fn a_repeated_event_is_counted_and_written_now_and_then() {
        let mut correlator = Correlator::default();
        let Decision::Post { id, message } = admit(&mut correlator, "Failed", "no stock", 0) else {
            panic!()
        };
        assert_eq!(message, "no stock");
        assert_eq!(id.namespace, "ns");
        assert!(id.name.starts_with("web-0."), "{}", id.name);
        for second in 1..30 {
            assert_eq!(admit(&mut correlator, "Failed", "no stock", second), Decision::Held);
        }
        let Decision::Repeat(repeat) = admit(&mut correlator, "Failed", "no stock", 30) else { panic!() };
        assert_eq!((repeat.count, repeat.last_at, &repeat.id), (31, at(30), &id));
        assert_eq!(repeat.message, None);
    }

    #[test]
    fn counts_that_were_held_back_are_written_later() {
        let mut correlator = Correlator::default();
        admit(&mut correlator, "Failed", "no stock", 0);
        admit(&mut correlator, "Failed", "no stock", 5);
        assert_eq!(correlator.due(at(29)), []);
        let due = correlator.due(at(31));
        assert_eq!((due[0].count, due[0].last_at), (2, at(5)));
        assert_eq!(correlator.due(at(100)), []);
    }

    #[test]
    fn an_event_after_a_long_silence_is_a_new_one() {
        let mut correlator = Correlator::default();
        admit(&mut correlator, "Failed", "no stock", 0);
        assert!(matches!(admit(&mut correlator, "Failed", "no stock", 600), Decision::Post { .. }));
    }

    #[test]
    fn different_reasons_texts_and_objects_are_told_apart() {
        let mut correlator = Correlator::default();
        for (reason, message) in [("Pulled", "image a"), ("Pulled", "image b"), ("Started", "image a")] {
            assert!(matches!(admit(&mut correlator, reason, message, 0), Decision::Post { .. }));
        }
        let other = correlator.admit("u2", &event("Pulled", "image a"), at(0));
        assert!(matches!(other, Decision::Post { .. }));
    }

    #[test]
    fn texts_that_always_differ_are_combined() {
        let mut correlator = Correlator::default();
        for number in 0..10 {
            let decision = admit(&mut correlator, "Failed", &format!("request {number}"), number);
            assert!(matches!(decision, Decision::Post { .. }), "{number}");
        }
        let Decision::Post { id, message } = admit(&mut correlator, "Failed", "request 10", 10) else {
            panic!()
        };
        assert_eq!(message, "(combined from similar events): request 10");
        assert_eq!(admit(&mut correlator, "Failed", "request 11", 11), Decision::Held);
        let Decision::Repeat(repeat) = admit(&mut correlator, "Failed", "request 12", 60) else { panic!() };
        assert_eq!((&repeat.id, repeat.count), (&id, 3));
        assert_eq!(repeat.message.as_deref(), Some("(combined from similar events): request 12"));
    }

    #[test]
    fn an_object_that_says_too_much_is_slowed_down_and_not_silenced() {
        let mut correlator = Correlator::default();
        let mut post = |number: i64, second| {
            let reason = format!("Reason{number}");
            matches!(admit(&mut correlator, &reason, "text", second), Decision::Post { .. })
        };
        assert_eq!((0..100).filter(|number| post(*number, 0)).count(), 25);
        assert!(!post(100, 9));
        assert!(post(101, 10));
    }

    #[test]
    fn a_forgotten_event_is_posted_again() {
        let mut correlator = Correlator::default();
        let Decision::Post { id, .. } = admit(&mut correlator, "Failed", "no stock", 0) else { panic!() };
        correlator.forget("u1", &id);
        assert!(matches!(admit(&mut correlator, "Failed", "no stock", 1), Decision::Post { .. }));
    }

    #[test]
    fn memory_is_bounded_and_the_longest_silent_objects_go_first() {
        let mut correlator = Correlator::default();
        for number in 0..10_000_i64 {
            correlator.admit(&format!("u{number}"), &event("Failed", "x"), at(number / 100));
            assert!(correlator.objects.len() <= OBJECTS);
        }
        assert!(correlator.objects.contains_key("u9999"));
        assert!(!correlator.objects.contains_key("u0"));
        assert_eq!(correlator.due(at(10_000)), []);
        assert!(correlator.objects.is_empty());
    }

    #[test]
    fn names_fit_and_differ() {
        let mut long = event("Failed", "x");
        if let About::Pod { key, .. } = &mut long.about {
            key.name = format!("{}-{}", "a".repeat(231), "b".repeat(20));
        }
        let (one, two) = (event_id(&long, at(0), 1), event_id(&long, at(0), 2));
        assert!(one.name.len() <= 253);
        assert_ne!(one, two);
        assert!(
            one.name.starts_with("aaa") && !one.name.contains('-'),
            "a label may not end so: {}",
            one.name
        );
    }
}
