//! Tables indexed by the object numbers that guests choose: sparse, so that a number costs a page and not a table.

/// Entries of a page. A guest that uses the highest number of all costs a directory and one page.
const PAGE: usize = 1024;

/// Values by object number.
pub struct Slots<T> {
    pages: Vec<Option<Box<[Option<T>]>>>,
    limit: u32,
    count: u32,
}

impl<T> Slots<T> {
    /// A table for numbers below `limit`.
    pub fn new(limit: u32) -> Self {
        Self { pages: Vec::new(), limit, count: 0 }
    }

    /// The value of a number.
    #[inline]
    pub fn get(&self, id: u32) -> Option<&T> {
        let index = id as usize;
        self.pages.get(index / PAGE)?.as_ref()?.get(index % PAGE)?.as_ref()
    }

    /// The value of a number, to change it.
    #[inline]
    pub fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        let index = id as usize;
        self.pages.get_mut(index / PAGE)?.as_mut()?.get_mut(index % PAGE)?.as_mut()
    }

    /// Sets a free number; gives the value back when the number is taken or not below the limit.
    ///
    /// # Errors
    /// The value.
    pub fn insert(&mut self, id: u32, value: T) -> Result<(), T> {
        if id >= self.limit {
            return Err(value);
        }
        let index = id as usize;
        if self.pages.len() <= index / PAGE {
            self.pages.resize_with(index / PAGE + 1, || None);
        }
        let Some(page) = self.pages.get_mut(index / PAGE) else { return Err(value) };
        let page = page.get_or_insert_with(|| (0..PAGE).map(|_| None).collect());
        match page.get_mut(index % PAGE) {
            Some(slot @ None) => {
                *slot = Some(value);
                self.count += 1;
                Ok(())
            }
            _ => Err(value),
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, id: u32) -> Option<T> {
        let index = id as usize;
        let value = self.pages.get_mut(index / PAGE)?.as_mut()?.get_mut(index % PAGE)?.take()?;
        self.count -= 1;
        Some(value)
    }

    /// All values, by rising numbers.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten().flat_map(|page| page.iter().flatten())
    }

    /// How many numbers are in use.
    pub fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_once_and_below_the_limit() {
        let mut slots = Slots::new(1 << 20);
        assert_eq!(slots.insert((1 << 20) - 1, "last"), Ok(()));
        assert_eq!(slots.insert((1 << 20) - 1, "again"), Err("again"));
        assert_eq!(slots.insert(1 << 20, "beyond"), Err("beyond"));
        assert_eq!(slots.insert(u32::MAX, "far"), Err("far"));
        assert_eq!(
            (slots.get((1 << 20) - 1), slots.get(0), slots.get(u32::MAX)),
            (Some(&"last"), None, None)
        );
        assert_eq!(slots.count(), 1);
        assert_eq!(slots.iter().collect::<Vec<_>>(), [&"last"]);
        assert_eq!(slots.remove((1 << 20) - 1), Some("last"));
        assert_eq!(slots.remove((1 << 20) - 1), None);
        assert_eq!(slots.count(), 0);
    }
}
