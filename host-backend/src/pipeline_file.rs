//! The file of pipelines that programs needed on a GPU, so that a later start makes them before the first frame.
//!
//! Two parts: notes, which say what each pipeline is made of in our own words (shaders by a hash of their contents, never by their
//! code), and the driver's own cache, which only the driver reads. A file that is damaged, foreign, of another version or
//! too large is ignored: it costs time, nothing else.
//!
//! ```text
//!  bytes   0  magic, version
//!         12  GPU: vendor, device, driver version, cache UUID
//!         40  length of the notes, length of the driver's cache
//!         56  SHA-256 of everything behind
//!         88  the notes as JSON, then the driver's cache
//! ```

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MAGIC: [u8; 8] = *b"pvgpuPSO";
const VERSION: u32 = 1;
const HEAD: usize = 88;
/// Notes in a file, the newest ones. A large game has some thousands of pipelines.
pub const MAX_NOTES: usize = 16 * 1024;
/// Bytes of a file. A driver's cache of a large game has some ten megabytes.
pub const MAX_BYTES: u64 = 128 << 20;
/// Attributes of a note's vertex layout at most: D3D11's number of input registers.
const MAX_ELEMENTS: usize = 32;

/// Tells GPUs apart, and drivers that do not read each other's caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GpuId {
    /// PCI numbers, as Vulkan gives them.
    pub vendor: u32,
    /// See `vendor`.
    pub device: u32,
    /// In the vendor's own format.
    pub driver: u32,
    /// `VkPhysicalDeviceProperties::pipelineCacheUUID`.
    pub cache: [u8; 16],
}

impl GpuId {
    /// The name of the file for this GPU.
    pub fn file_name(&self) -> String {
        let cache: String = self.cache.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:04x}-{:04x}-{:08x}-{cache}.pipelines", self.vendor, self.device, self.driver)
    }

    fn bytes(&self) -> [u8; 28] {
        let mut bytes = [0; 28];
        let numbers = [self.vendor, self.device, self.driver].map(u32::to_le_bytes);
        for (to, from) in bytes.iter_mut().zip(numbers.as_flattened().iter().chain(&self.cache)) {
            *to = *from;
        }
        bytes
    }
}

/// A hash of a shader's stage, tokens, signatures and whatever else makes its code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContentHash(pub u64, pub u64);

impl ContentHash {
    /// The hash of some words.
    pub fn of(words: impl IntoIterator<Item = u32>) -> Self {
        let mut hash = Sha256::new();
        for word in words {
            hash.update(word.to_le_bytes());
        }
        let bytes: [u8; 32] = hash.finalize().into();
        let (words, _) = bytes.as_chunks::<8>();
        let word = |index: usize| words.get(index).map_or(0, |word| u64::from_le_bytes(*word));
        Self(word(0), word(1))
    }
}

/// What a pipeline is made of. Numbers are those of the protocol, but for formats of targets and topologies, which are Vulkan's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are named as what they become")]
pub struct Note {
    /// Vertex, hull, domain, geometry, pixel; or the compute shader alone.
    pub shaders: Vec<Option<ContentHash>>,
    pub compute: bool,
    pub so_buffers: u8,
    pub elements: Vec<[u32; 6]>,
    pub alpha_to_coverage: bool,
    pub targets: Vec<[u32; 10]>,
    pub sample_mask: u32,
    pub wireframe: bool,
    pub depth_clip: bool,
    pub lines: u8,
    pub topology: i32,
    pub control_points: u8,
    pub discard: bool,
    pub colors: Vec<i32>,
    pub opaque: u8,
    pub depth: i32,
    pub samples: u32,
}

impl Note {
    /// Whether every number is one that a guest's commands could have brought, as far as that does not depend on the GPU.
    fn is_sound(&self) -> bool {
        let shaders = self.shaders.len() == if self.compute { 1 } else { 5 };
        let element = |[slot, offset, _, class, _, register]: &[u32; 6]| {
            *slot < 32 && *offset <= 2048 && *class <= 1 && *register < 32
        };
        let mut registers: Vec<u32> = self.elements.iter().map(|element| element[5]).collect();
        registers.sort_unstable();
        registers.dedup();
        let blends = self.targets.len() == if self.compute { 0 } else { 8 };
        shaders
            && blends
            && self.shaders.first().is_some_and(Option::is_some)
            && self.elements.len() <= MAX_ELEMENTS
            && registers.len() == self.elements.len()
            && self.elements.iter().all(element)
            && self.targets.iter().all(blend_is_sound)
            && self.colors.len() <= 8
            && self.control_points <= 32
            && self.so_buffers < 16
            && self.lines <= 3
            && (self.compute || matches!(self.samples, 1 | 2 | 4 | 8 | 16))
    }
}

fn blend_is_sound(target: &[u32; 10]) -> bool {
    let [enable, logic, src, dest, op, src_alpha, dest_alpha, op_alpha, logic_op, mask] = *target;
    let factor = |value: u32| (1..=19).contains(&value) && !matches!(value, 12 | 13);
    let operation = |value: u32| (1..=5).contains(&value);
    let blends =
        [src, dest, src_alpha, dest_alpha].into_iter().all(factor) && operation(op) && operation(op_alpha);
    enable <= 1 && logic <= 1 && mask <= 15 && (enable == 0 || blends) && (logic == 0 || logic_op <= 15)
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineFile {
    /// The oldest first.
    pub notes: Vec<Note>,
    /// The driver's own cache.
    pub driver: Vec<u8>,
}

impl PipelineFile {
    /// Reads a file that was written for a GPU.
    ///
    /// # Errors
    /// Why it is of no use.
    pub fn parse(bytes: &[u8], gpu: &GpuId) -> Result<Self, &'static str> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err("it is too large");
        }
        let (head, body) = bytes.split_at_checked(HEAD).ok_or("it is too short")?;
        let number = |at: usize| {
            let bytes = head.get(at..).and_then(|bytes| bytes.first_chunk::<8>());
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        let is = |at: usize, wanted: &[u8]| head.get(at..at + wanted.len()) == Some(wanted);
        if !is(0, &MAGIC) || !is(8, &VERSION.to_le_bytes()) {
            return Err("it is not of this version");
        }
        if !is(12, &gpu.bytes()) {
            return Err("it is of another GPU or driver");
        }
        let (notes, driver) = usize::try_from(number(40))
            .ok()
            .and_then(|length| body.split_at_checked(length))
            .filter(|(_, driver)| driver.len() as u64 == number(48))
            .ok_or("its parts do not have the lengths that it says")?;
        if !is(56, &Sha256::digest(body)) {
            return Err("it is damaged");
        }
        let notes: Vec<Note> = serde_json::from_slice(notes).map_err(|_| "its notes are not understood")?;
        if notes.len() > MAX_NOTES || !notes.iter().all(Note::is_sound) {
            return Err("its notes break the rules");
        }
        if !driver.is_empty() && !is_cache_of(driver, gpu) {
            return Err("the driver's part is of another GPU");
        }
        Ok(Self { notes, driver: driver.to_vec() })
    }

    /// The bytes of a file. A driver's cache that is too large is left out.
    pub fn bytes(&self, gpu: &GpuId) -> Vec<u8> {
        let old = self.notes.len().saturating_sub(MAX_NOTES);
        // Numbers and hashes always have a form in JSON.
        let notes = serde_json::to_vec(self.notes.get(old..).unwrap_or_default()).unwrap_or_default();
        let room = MAX_BYTES.saturating_sub((HEAD + notes.len()) as u64);
        let driver = if self.driver.len() as u64 <= room { self.driver.as_slice() } else { &[] };
        let mut body = notes.clone();
        body.extend_from_slice(driver);
        let mut bytes = Vec::with_capacity(HEAD + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&gpu.bytes());
        bytes.extend_from_slice(&(notes.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&(driver.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&Sha256::digest(&body));
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Takes the notes of another file in that are not here. Those of this file are the newer ones.
    pub fn merge(&mut self, older: Self) {
        let known: std::collections::HashSet<&Note> = self.notes.iter().collect();
        let mut notes: Vec<Note> = older.notes.into_iter().filter(|note| !known.contains(note)).collect();
        notes.append(&mut self.notes);
        self.notes = notes;
    }
}

/// Whether a driver's cache begins with the header that Vulkan prescribes, for this GPU
/// (`VkPipelineCacheHeaderVersionOne`: length, version, vendor, device, UUID).
fn is_cache_of(driver: &[u8], gpu: &GpuId) -> bool {
    let word = |at: usize| {
        let bytes = driver.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
        bytes.map(|bytes| u32::from_le_bytes(*bytes))
    };
    word(0).is_some_and(|length| length >= 32 && length as usize <= driver.len())
        && word(4) == Some(1)
        && word(8) == Some(gpu.vendor)
        && word(12) == Some(gpu.device)
        && driver.get(16..32) == Some(&gpu.cache)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPU: GpuId = GpuId { vendor: 0x10de, device: 0x2335, driver: 7, cache: [9; 16] };

    fn note(number: u64) -> Note {
        Note {
            shaders: vec![Some(ContentHash(number, 1)), None, None, None, None],
            elements: vec![[0, 12, 6, 0, 0, 1]],
            targets: vec![[1, 0, 2, 1, 1, 2, 1, 1, 0, 15]; 8],
            colors: vec![37],
            samples: 1,
            ..Note::default()
        }
    }

    fn driver() -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [32, 1, GPU.vendor, GPU.device] {
            bytes.extend_from_slice(&u32::to_le_bytes(word));
        }
        bytes.extend_from_slice(&GPU.cache);
        bytes.extend_from_slice(b"whatever the driver likes");
        bytes
    }

    fn file() -> PipelineFile {
        PipelineFile { notes: vec![note(1), note(2)], driver: driver() }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(PipelineFile::parse(&file().bytes(&GPU), &GPU), Ok(file()));
        let empty = PipelineFile::default();
        assert_eq!(PipelineFile::parse(&empty.bytes(&GPU), &GPU), Ok(empty));
    }

    #[test]
    fn damaged_and_foreign_files_are_refused() {
        let whole = file().bytes(&GPU);
        for end in 0..whole.len() {
            assert!(PipelineFile::parse(&whole[..end], &GPU).is_err(), "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            assert!(PipelineFile::parse(&bytes, &GPU).is_err(), "changed at {at}");
        }
        let other = GpuId { driver: 8, ..GPU };
        assert_eq!(PipelineFile::parse(&whole, &other), Err("it is of another GPU or driver"));
        let mut longer = whole;
        longer.push(0);
        assert!(PipelineFile::parse(&longer, &GPU).is_err());
    }

    #[test]
    fn numbers_that_no_command_brings_are_refused() {
        let refused = |note: Note| {
            let bytes = PipelineFile { notes: vec![note], driver: Vec::new() }.bytes(&GPU);
            assert_eq!(PipelineFile::parse(&bytes, &GPU), Err("its notes break the rules"));
        };
        refused(Note { shaders: vec![None; 5], ..note(1) });
        refused(Note { shaders: vec![Some(ContentHash(1, 1))], ..note(1) });
        refused(Note { elements: vec![[32, 0, 6, 0, 0, 0]], ..note(1) });
        refused(Note { elements: vec![[0, 0, 6, 0, 0, 1]; 2], ..note(1) });
        refused(Note { targets: vec![[1, 0, 20, 1, 1, 2, 1, 1, 0, 15]; 8], ..note(1) });
        refused(Note { targets: vec![[1, 0, 2, 1, 1, 2, 1, 1, 0, 15]; 7], ..note(1) });
        refused(Note { colors: vec![37; 9], ..note(1) });
        refused(Note { samples: 3, ..note(1) });
        let foreign = PipelineFile { notes: Vec::new(), driver: vec![0; 64] };
        assert_eq!(
            PipelineFile::parse(&foreign.bytes(&GPU), &GPU),
            Err("the driver's part is of another GPU")
        );
    }

    #[test]
    fn merging_keeps_each_note_once_and_the_newest_last() {
        let mut new = PipelineFile { notes: vec![note(2), note(3)], driver: driver() };
        new.merge(file());
        assert_eq!(new.notes, [note(1), note(2), note(3)]);
    }

    #[test]
    fn hashes_differ_by_contents() {
        assert_eq!(ContentHash::of([1, 2]), ContentHash::of([1, 2]));
        assert_ne!(ContentHash::of([1, 2]), ContentHash::of([2, 1]));
        assert_ne!(ContentHash::of([]), ContentHash::of([0]));
    }
}
