//! Subscribers of a topic.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};

use proto::Cursor;

/// The subscribers of one topic, each a cursor and, while it waits, a waker.
///
/// The value is itself a waker that wakes all subscribers: one feed and one timer serve a topic,
/// however many subscribers wait.
///
/// Wakers are cloned and dropped outside the lock, because they run foreign code: the last waker
/// of a task may drop the task, and a subscription that the task owns.
#[derive(Debug)]
pub(crate) struct Members(Mutex<Slots>);

#[derive(Debug)]
struct Slots {
    slots: Vec<Option<Member>>,
    free: Vec<usize>,
}

/// One subscriber. A no-op waker represents the absence of a waker: with `Option<Waker>`, a slot
/// (`Option<Member>`) would have 32 bytes instead of 24, because a waker has only one niche, and
/// the slot uses it.
#[derive(Debug)]
struct Member {
    cursor: Cursor,
    waker: Waker,
}

impl Members {
    /// The cursor of a member whose topic has ended: a position that no log reaches.
    pub(crate) const ENDED: Cursor = Cursor::at(u64::MAX);

    pub(crate) fn new() -> Self {
        Self(Mutex::new(Slots { slots: Vec::new(), free: Vec::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }

    /// Adds a member; returns its slot, and whether it is the only member.
    pub(crate) fn join(&self, cursor: Cursor) -> (usize, bool) {
        let slots = &mut *self.lock();
        let member = Some(Member { cursor, waker: Waker::noop().clone() });
        let slot = match slots.free.pop() {
            Some(slot) => {
                slots.slots[slot] = member;
                slot
            }
            None => {
                if slots.slots.len() == slots.slots.capacity() {
                    // The capacity grows by a quarter instead of doubling, because there may be
                    // many long-lived members.
                    slots.slots.reserve_exact(slots.slots.len() / 4 + 4);
                }
                slots.slots.push(member);
                slots.slots.len() - 1
            }
        };
        // The last one that leaves takes all slots with it.
        (slot, slots.slots.len() == 1)
    }

    pub(crate) fn leave(&self, slot: usize) {
        let mut lock = self.lock();
        let slots = &mut *lock;
        let member = slots.slots[slot].take();
        slots.free.push(slot);
        if slots.free.len() == slots.slots.len() {
            *slots = Slots { slots: Vec::new(), free: Vec::new() };
        }
        drop(lock);
        drop(member);
    }

    pub(crate) fn cursor(&self, slot: usize) -> Cursor {
        self.lock().member(slot).cursor
    }

    /// Moves a member to `cursor`, unless it was ended, and drops its waker in either case. Returns
    /// the number of members.
    pub(crate) fn advance(&self, slot: usize, cursor: Cursor) -> usize {
        let mut waker = Waker::noop().clone();
        let mut lock = self.lock();
        let member = lock.member(slot);
        mem::swap(&mut member.waker, &mut waker);
        if member.cursor != Self::ENDED {
            member.cursor = cursor;
        }
        let count = lock.slots.len() - lock.free.len();
        drop(lock);
        drop(waker);
        count
    }

    /// Marks all members as ended. The caller then wakes them.
    pub(crate) fn end(&self) {
        for member in self.lock().slots.iter_mut().flatten() {
            member.cursor = Self::ENDED;
        }
    }

    pub(crate) fn park(&self, slot: usize, waker: &Waker) {
        let mut waker = waker.clone();
        mem::swap(&mut self.lock().member(slot).waker, &mut waker);
    }

    pub(crate) fn len(&self) -> usize {
        let slots = &*self.lock();
        slots.slots.len() - slots.free.len()
    }

    pub(crate) fn cursors(&self) -> Vec<Cursor> {
        self.lock().slots.iter().flatten().map(|member| member.cursor).collect()
    }

    /// Wakes the members in the given slots, if they wait.
    pub(crate) fn wake_some(&self, some: &[usize]) {
        let mut wakers = Vec::new();
        let mut lock = self.lock();
        for slot in some {
            if let Some(member) = lock.slots.get_mut(*slot).and_then(Option::as_mut) {
                wakers.push(mem::replace(&mut member.waker, Waker::noop().clone()));
            }
        }
        drop(lock);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes all waiting members except `except`.
    pub(crate) fn wake(&self, except: Option<usize>) {
        let mut wakers = Vec::new();
        for (slot, member) in self.lock().slots.iter_mut().enumerate() {
            if let Some(member) = member.as_mut().filter(|_| Some(slot) != except) {
                wakers.push(mem::replace(&mut member.waker, Waker::noop().clone()));
            }
        }
        // Not under the lock: a waker may run any code, and even poll its task at once.
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Slots {
    fn member(&mut self, slot: usize) -> &mut Member {
        self.slots[slot].as_mut().expect("a slot is its member's until it leaves")
    }
}

impl Wake for Members {
    fn wake(self: Arc<Self>) {
        Members::wake(&self, None);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Members::wake(self, None);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Waker of a single member, for a task that subscribes twice.
    struct Task(Arc<Members>, usize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Task {
        fn drop(&mut self) {
            self.0.leave(self.1);
        }
    }

    #[test]
    fn the_slots_of_members_grow_by_a_quarter() {
        let members = Members::new();
        let mut rooms = BTreeSet::new();
        for _ in 0..1025 {
            members.join(Cursor::at(0));
            rooms.insert(members.lock().slots.capacity());
        }
        assert!(rooms.last().is_some_and(|&room| room < 1025 / 4 * 5 + 5), "{rooms:?}");
        assert!(rooms.len() < 30, "{rooms:?}");
    }

    #[test]
    fn waking_the_members_wakes_every_waiting_member() {
        let members = Arc::new(Members::new());
        let (slot, _) = members.join(Cursor::at(0));
        let wakes: [fn(Waker); 2] = [Waker::wake, |waker| waker.wake_by_ref()];
        for wake in wakes {
            let task = Arc::new(Task(Arc::clone(&members), members.join(Cursor::at(0)).0));
            members.park(slot, &Waker::from(Arc::clone(&task)));
            assert_eq!(Arc::strong_count(&task), 2);
            wake(Waker::from(Arc::clone(&members)));
            assert_eq!(Arc::strong_count(&task), 1, "what woke it is used up");
        }
    }

    #[test]
    fn a_waker_may_drop_a_member_when_it_is_dropped() {
        let members = Arc::new(Members::new());
        let (slot, _) = members.join(Cursor::at(0));
        let steps: [fn(&Members, usize); 3] = [
            |members, slot| members.park(slot, Waker::noop()),
            |members, slot| {
                members.advance(slot, Cursor::at(1));
            },
            |members, slot| members.leave(slot),
        ];
        for step in steps {
            let task = Task(Arc::clone(&members), members.join(Cursor::at(0)).0);
            members.park(slot, &Waker::from(Arc::new(task)));
            assert_eq!(members.cursors().len(), 2);
            step(&members, slot);
            assert!(members.cursors().len() < 2, "it left with its task");
        }
    }
}
