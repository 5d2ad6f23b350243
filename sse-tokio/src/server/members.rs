//! Who subscribes to a topic.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};

/// The subscribers of one topic, each a cursor and, while it waits, a waker.
///
/// As a waker itself it wakes them all: one future of the log and one timer serve a topic, however many wait.
#[derive(Debug)]
pub(super) struct Members<C>(Mutex<Slots<C>>);

#[derive(Debug)]
struct Slots<C> {
    slots: Vec<Option<Member<C>>>,
    free: Vec<usize>,
}

/// A waker that does nothing stands for none: with an `Option` a member would take 32 bytes, and not 24.
#[derive(Debug)]
struct Member<C> {
    cursor: C,
    waker: Waker,
}

impl<C: Clone> Members<C> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Slots { slots: Vec::new(), free: Vec::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Slots<C>> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }

    /// Takes a new member in; returns its slot, and whether it is the only member.
    pub(super) fn join(&self, cursor: C) -> (usize, bool) {
        let slots = &mut *self.lock();
        let member = Some(Member { cursor, waker: Waker::noop().clone() });
        let slot = match slots.free.pop() {
            Some(slot) => {
                slots.slots[slot] = member;
                slot
            }
            None => {
                if slots.slots.len() == slots.slots.capacity() {
                    // By a quarter, not to the double: there may be many members, and they stay.
                    slots.slots.reserve_exact(slots.slots.len() / 4 + 4);
                }
                slots.slots.push(member);
                slots.slots.len() - 1
            }
        };
        (slot, slots.slots.len() - slots.free.len() == 1)
    }

    pub(super) fn leave(&self, slot: usize) {
        let slots = &mut *self.lock();
        slots.slots[slot] = None;
        slots.free.push(slot);
        if slots.free.len() == slots.slots.len() {
            *slots = Slots { slots: Vec::new(), free: Vec::new() };
        }
    }

    pub(super) fn cursor(&self, slot: usize) -> C {
        self.lock().member(slot).cursor.clone()
    }

    pub(super) fn advance(&self, slot: usize, cursor: C) {
        *self.lock().member(slot) = Member { cursor, waker: Waker::noop().clone() };
    }

    pub(super) fn park(&self, slot: usize, waker: &Waker) {
        self.lock().member(slot).waker.clone_from(waker);
    }

    pub(super) fn cursors(&self) -> Vec<C> {
        self.lock().slots.iter().flatten().map(|member| member.cursor.clone()).collect()
    }

    /// Wakes all that wait, but not the one that `except` names.
    pub(super) fn wake(&self, except: Option<usize>) {
        let mut wakers = Vec::new();
        for (slot, member) in self.lock().slots.iter_mut().enumerate() {
            if let Some(member) = member.as_mut().filter(|_| Some(slot) != except) {
                wakers.push(std::mem::replace(&mut member.waker, Waker::noop().clone()));
            }
        }
        // Not under the lock: a waker may do as it likes, poll its task at once included.
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<C> Slots<C> {
    fn member(&mut self, slot: usize) -> &mut Member<C> {
        self.slots[slot].as_mut().expect("a slot is its member's until it leaves")
    }
}

impl<C: Clone + Send + 'static> Wake for Members<C> {
    fn wake(self: Arc<Self>) {
        Members::wake(&self, None);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Members::wake(self, None);
    }
}
