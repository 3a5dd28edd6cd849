//! A list whose copies share what they have in common.

use std::fmt;
use std::sync::Arc;

/// How many entries or branches a node has at most.
const WIDTH: usize = 1 << BITS;
const BITS: u32 = 5;

/// A list that is cheap to copy, and cheap to change beside its copies: a change copies a few nodes of 32 entries,
/// however long the list is.
///
/// For what is published again and again with one entry changed: the endpoints that are READY, the subchannels that
/// there are.
#[derive(Clone)]
pub struct SharedList<T> {
    root: Arc<Node<T>>,
    len: usize,
    /// How many levels of branches are above the leaves.
    height: u32,
}

#[derive(Clone)]
enum Node<T> {
    Leaf(Vec<T>),
    Branch(Vec<Arc<Node<T>>>),
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), len: 0, height: 0 }
    }
}

impl<T> SharedList<T> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry at `index`.
    pub fn get(&self, index: usize) -> Option<&T> {
        let mut node = &*self.root;
        let mut shift = self.height * BITS;
        // Without this, an index far past the end would lead to a place of its lower digits.
        if index >= self.len {
            return None;
        }
        loop {
            match node {
                Node::Leaf(entries) => return entries.get(digit(index, 0)),
                Node::Branch(below) => node = below.get(digit(index, shift))?,
            }
            shift = shift.saturating_sub(BITS);
        }
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len).filter_map(|index| self.get(index))
    }
}

impl<T: Clone> SharedList<T> {
    /// The entry at `index`, to be changed; copies of the list keep what they have.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let mut node = Arc::make_mut(&mut self.root);
        let mut shift = self.height * BITS;
        loop {
            match node {
                Node::Leaf(entries) => return entries.get_mut(digit(index, 0)),
                Node::Branch(below) => node = Arc::make_mut(below.get_mut(digit(index, shift))?),
            }
            shift = shift.saturating_sub(BITS);
        }
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, entry: T) {
        if self.len == WIDTH << (self.height * BITS) {
            let below = std::mem::replace(&mut self.root, Arc::new(Node::Branch(Vec::new())));
            self.root = Arc::new(Node::Branch(vec![below]));
            self.height += 1;
        }
        push_below(Arc::make_mut(&mut self.root), self.height * BITS, self.len, entry);
        self.len += 1;
    }

    /// Takes the last entry away.
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        let entry = pop_below(Arc::make_mut(&mut self.root));
        while let Node::Branch(below) = &*self.root
            && let [only] = below.as_slice()
        {
            self.root = Arc::clone(only);
            self.height -= 1;
        }
        entry
    }

    /// Takes the entry at `index` away and puts the last one in its place.
    pub fn swap_remove(&mut self, index: usize) -> Option<T> {
        if index >= self.len {
            return None;
        }
        let last = self.pop()?;
        match self.get_mut(index) {
            Some(place) => Some(std::mem::replace(place, last)),
            None => Some(last),
        }
    }
}

fn digit(index: usize, shift: u32) -> usize {
    (index >> shift) % WIDTH
}

fn push_below<T: Clone>(node: &mut Node<T>, shift: u32, index: usize, entry: T) {
    match node {
        Node::Leaf(entries) => entries.push(entry),
        Node::Branch(below) => {
            let shift = shift.saturating_sub(BITS);
            if below.len() <= digit(index, shift + BITS) {
                let empty = if shift == 0 { Node::Leaf(Vec::new()) } else { Node::Branch(Vec::new()) };
                below.push(Arc::new(empty));
            }
            if let Some(last) = below.last_mut() {
                push_below(Arc::make_mut(last), shift, index, entry);
            }
        }
    }
}

fn pop_below<T: Clone>(node: &mut Node<T>) -> Option<T> {
    match node {
        Node::Leaf(entries) => entries.pop(),
        Node::Branch(below) => {
            let last = Arc::make_mut(below.last_mut()?);
            let entry = pop_below(last);
            if last.is_empty() {
                below.pop();
            }
            entry
        }
    }
}

impl<T> Node<T> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Leaf(entries) => entries.is_empty(),
            Self::Branch(below) => below.is_empty(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for SharedList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Clone> FromIterator<T> for SharedList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut list = Self::default();
        entries.into_iter().for_each(|entry| list.push(entry));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(list: &SharedList<u32>) -> Vec<u32> {
        list.iter().copied().collect()
    }

    #[test]
    fn copies_keep_what_they_have() {
        let mut list: SharedList<u32> = (0..5_000).collect();
        let before = list.clone();
        *list.get_mut(4_321).unwrap() = 7;
        list.push(8);
        assert_eq!(list.swap_remove(0), Some(0));
        assert_eq!(entries(&before), (0..5_000).collect::<Vec<_>>());
        assert_eq!((list.get(4_321), list.get(0), list.len()), (Some(&7), Some(&8), 5_000));
    }

    #[test]
    fn a_change_copies_as_little_of_a_long_list_as_of_a_short_one() {
        let mut list: SharedList<Arc<()>> = SharedList::default();
        let entry = Arc::new(());
        (0..20_000).for_each(|_| list.push(Arc::clone(&entry)));
        let copy = list.clone();
        let before = Arc::strong_count(&entry);
        list.get_mut(12_345).unwrap();
        assert_eq!(Arc::strong_count(&entry) - before, WIDTH, "one leaf");
        assert_eq!(copy.len(), list.len());
    }

    #[test]
    fn past_the_end_there_is_nothing() {
        let mut list: SharedList<u32> = (0..40).collect();
        for index in [40, 41, 32 * 32, 32 * 32 + 1, usize::MAX] {
            assert_eq!(list.get(index), None);
            assert_eq!(list.get_mut(index), None);
            assert_eq!(list.swap_remove(index), None);
        }
        assert_eq!(SharedList::<u32>::default().pop(), None);
    }

    proptest! {
        #[test]
        fn it_is_a_vector(steps in prop::collection::vec((0_u8..8, any::<u32>()), 0..4_000)) {
            let (mut list, mut model) = (SharedList::default(), Vec::new());
            let mut kept = (list.clone(), model.clone());
            for (step, number) in steps {
                let at = number as usize % model.len().max(1);
                match step {
                    0..=3 => {
                        list.push(number);
                        model.push(number);
                    }
                    4 => prop_assert_eq!(list.pop(), model.pop()),
                    5 if !model.is_empty() => prop_assert_eq!(list.swap_remove(at), Some(model.swap_remove(at))),
                    6 => if let Some(place) = list.get_mut(at) {
                        *place = number;
                        model[at] = number;
                    }
                    _ => kept = (list.clone(), model.clone()),
                }
                prop_assert_eq!(list.get(at), model.get(at));
            }
            prop_assert_eq!(entries(&list), model);
            prop_assert_eq!(entries(&kept.0), kept.1);
        }
    }
}
