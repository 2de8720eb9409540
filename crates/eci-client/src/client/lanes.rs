//! Orders calls that wait for the same action: by lane, then by arrival.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

/// How urgent a call is. Matters only where [`Limits`](super::Limits) make calls of one action wait: a waiting call
/// of a higher lane goes first, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Someone waits for it.
    Urgent,
    /// The rest.
    #[default]
    Normal,
    /// Housekeeping, which may wait as long as there is anything else to do.
    Background,
}

/// A place in a queue.
pub(super) type Ticket = (Lane, u64);

/// Those who wait, the next one first. Whoever becomes the first is woken.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Ticket, Arc<Notify>>,
    issued: u64,
}

impl Queue {
    /// Joins at the end of a lane.
    pub(super) fn join(&mut self, lane: Lane) -> (Ticket, Arc<Notify>) {
        self.issued += 1;
        let (ticket, wake) = ((lane, self.issued), Arc::new(Notify::new()));
        self.waiting.insert(ticket, Arc::clone(&wake));
        (ticket, wake)
    }

    /// Whether nobody goes before.
    pub(super) fn is_first(&self, ticket: Ticket) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| *first == ticket)
    }

    /// Leaves, served or not.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
        if let Some((_, wake)) = self.waiting.first_key_value() {
            wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_lane_goes_first_and_a_lane_keeps_its_order() {
        let mut queue = Queue::default();
        let [later, first, urgent] =
            [Lane::Background, Lane::Normal, Lane::Urgent].map(|lane| queue.join(lane).0);
        let second = queue.join(Lane::Normal).0;
        for ticket in [urgent, first, second, later] {
            assert!(queue.is_first(ticket));
            queue.leave(ticket);
        }
    }
}
