//! Descriptor sets by contents: a draw whose views, samplers and buffers were bound together before gets the set of then.
//!
//! Where constant buffers lie is no part of a set but a dynamic offset, so a program that discards its constants with every
//! draw needs one set. A set is written once, when it is made, and named in command buffers from then on.
//!
//! Contents are told apart by Vulkan's handles, and a driver may give a handle again once its object is destroyed. So all sets are
//! forgotten when anything is destroyed that a set may name ([`SetCache::forget`]).

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use ash::vk;

use super::Device;
use super::descriptor::{Descriptor, Program};
use crate::fault::Fault;

/// Sets of a pool, and descriptors of each type in it.
const POOL_SETS: u32 = 512;
const POOL_DESCRIPTORS: u32 = 4096;
/// Pools after which the sets are forgotten: 64 Ki sets. A guess, well above what a frame of a large game has.
const MAX_POOLS: usize = 128;

/// Hashes words by rotating and multiplying: keys are handles, which nobody chooses to collide but the driver.
#[derive(Default)]
pub struct WordHasher(u64);

impl WordHasher {
    #[inline]
    fn add(&mut self, word: u64) {
        // The multiplier of FxHash, the golden ratio's digits with good bit mixing.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.add(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.add(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.add(word.into());
    }

    fn write_i32(&mut self, word: i32) {
        self.add(word.cast_unsigned().into());
    }

    fn write_u64(&mut self, word: u64) {
        self.add(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.add(word as u64);
    }

    fn finish(&self) -> u64 {
        // Handles differ in their middle bits; the table uses the lowest and the highest.
        self.0 ^ (self.0 >> 32)
    }
}

/// The sets of one program.
#[derive(Default)]
pub struct Sets {
    /// When they were made; they are forgotten when the cache is beyond.
    generation: u64,
    by_contents: HashMap<Box<[u64]>, vk::DescriptorSet, BuildHasherDefault<WordHasher>>,
}

/// A context's sets and the pools that they come from.
pub struct SetCache {
    device: Arc<Device>,
    generation: u64,
    /// The last one has room.
    pools: Vec<vk::DescriptorPool>,
    /// Pools of forgotten sets, which the batch may still use.
    used: Vec<vk::DescriptorPool>,
    free: Vec<vk::DescriptorPool>,
    scratch: RefCell<Vec<Descriptor>>,
}

impl SetCache {
    pub fn new(device: Arc<Device>) -> Self {
        Self {
            device,
            generation: 1,
            pools: Vec::new(),
            used: Vec::new(),
            free: Vec::new(),
            scratch: RefCell::default(),
        }
    }

    /// The set of a program with these contents, as [`Program::describe`] lists them. Valid for the batch that is being recorded.
    #[inline]
    pub fn set(&mut self, program: &Program, contents: &[u64]) -> Result<Option<vk::DescriptorSet>, Fault> {
        let Some(template) = program.template() else { return Ok(None) };
        let mut sets = program.sets.borrow_mut();
        if sets.generation != self.generation {
            sets.generation = self.generation;
            sets.by_contents.clear();
        }
        if let Some(set) = sets.by_contents.get(contents) {
            return Ok(Some(*set));
        }
        let (set, whole) = self.make(program, template, contents)?;
        if whole {
            sets.by_contents.clear();
            sets.generation = self.generation;
        }
        sets.by_contents.insert(contents.into(), set);
        Ok(Some(set))
    }

    /// Makes a set; true when all others were forgotten for it.
    #[cold]
    fn make(
        &mut self,
        program: &Program,
        template: vk::DescriptorUpdateTemplate,
        contents: &[u64],
    ) -> Result<(vk::DescriptorSet, bool), Fault> {
        let full = self.pools.len() > MAX_POOLS;
        if full {
            self.forget();
        }
        let set = self.allocate(program.set_layout())?;
        let mut descriptors = self.scratch.borrow_mut();
        program.descriptors(contents, &mut descriptors);
        // SAFETY: the template reads one descriptor of the union for each binding of the program, each of which
        // `descriptors` has written with the variant of its type; the set is new, so nothing uses it.
        unsafe {
            self.device.raw.update_descriptor_set_with_template(set, template, descriptors.as_ptr().cast())
        };
        Ok((set, full))
    }

    /// Forgets all sets, since something that they may name is destroyed, or there are too many. Those that the batch names
    /// already live on with it.
    pub fn forget(&mut self) {
        if !self.pools.is_empty() {
            self.generation += 1;
            self.used.append(&mut self.pools);
        }
    }

    fn allocate(&mut self, layout: vk::DescriptorSetLayout) -> Result<vk::DescriptorSet, Fault> {
        let layouts = [layout];
        let mut fresh = false;
        loop {
            let pool = match self.pools.last() {
                Some(pool) => *pool,
                None => self.add_pool()?,
            };
            let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&layouts);
            // SAFETY: the pool and the layout are alive; only this thread allocates from it.
            match unsafe { self.device.raw.allocate_descriptor_sets(&info) } {
                Ok(sets) => return sets.first().copied().ok_or_else(|| Fault::argument("no descriptor set")),
                Err(vk::Result::ERROR_OUT_OF_POOL_MEMORY | vk::Result::ERROR_FRAGMENTED_POOL) if !fresh => {
                    self.add_pool()?;
                    fresh = true;
                }
                Err(result) => return Err(self.device.fault("vkAllocateDescriptorSets", result)),
            }
        }
    }

    fn add_pool(&mut self) -> Result<vk::DescriptorPool, Fault> {
        let pool = match self.free.pop() {
            Some(pool) => pool,
            None => create_pool(&self.device)?,
        };
        self.pools.push(pool);
        Ok(pool)
    }

    /// Pools whose sets nothing will name again, to travel with the batch's submission.
    pub fn take_used(&mut self) -> Vec<vk::DescriptorPool> {
        std::mem::take(&mut self.used)
    }

    /// Takes pools back whose batch has finished.
    pub fn recycle(&mut self, pools: Vec<vk::DescriptorPool>) {
        for pool in pools {
            // SAFETY: no submission uses the pool's sets any more.
            match unsafe {
                self.device.raw.reset_descriptor_pool(pool, vk::DescriptorPoolResetFlags::empty())
            } {
                Ok(()) => self.free.push(pool),
                // SAFETY: as above.
                Err(_) => unsafe { self.device.raw.destroy_descriptor_pool(pool, None) },
            }
        }
    }
}

impl Drop for SetCache {
    fn drop(&mut self) {
        let all = [&mut self.pools, &mut self.used, &mut self.free];
        for pool in all.into_iter().flat_map(std::mem::take) {
            // SAFETY: a context drops its sets after the GPU has finished all its work.
            unsafe { self.device.raw.destroy_descriptor_pool(pool, None) };
        }
    }
}

fn create_pool(device: &Device) -> Result<vk::DescriptorPool, Fault> {
    let sizes = [
        vk::DescriptorType::UNIFORM_BUFFER,
        vk::DescriptorType::UNIFORM_BUFFER_DYNAMIC,
        vk::DescriptorType::UNIFORM_TEXEL_BUFFER,
        vk::DescriptorType::STORAGE_BUFFER,
        vk::DescriptorType::STORAGE_TEXEL_BUFFER,
        vk::DescriptorType::SAMPLED_IMAGE,
        vk::DescriptorType::STORAGE_IMAGE,
        vk::DescriptorType::SAMPLER,
    ]
    .map(|kind| vk::DescriptorPoolSize { ty: kind, descriptor_count: POOL_DESCRIPTORS });
    let info = vk::DescriptorPoolCreateInfo::default().max_sets(POOL_SETS).pool_sizes(&sizes);
    // SAFETY: the info is complete.
    unsafe { device.raw.create_descriptor_pool(&info, None) }
        .map_err(|result| device.fault("vkCreateDescriptorPool", result))
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, Hash};

    use super::*;

    #[test]
    fn neighbouring_handles_hash_apart() {
        let build = BuildHasherDefault::<WordHasher>::default();
        let mut seen = std::collections::HashSet::new();
        for view in 0..1000_u64 {
            let key: Box<[u64]> = Box::new([0x5555_0000_1000 + view * 0x40, 64, 7]);
            let mut hasher = build.build_hasher();
            key.hash(&mut hasher);
            // Both ends of the hash serve the table.
            seen.insert((hasher.finish() & 0x3ff, hasher.finish() >> 57));
        }
        assert!(seen.len() > 900, "{} different places of 1000", seen.len());
    }
}
