//! Which pipelines programs have needed, by the contents of their parts, so that they are made as soon as their shaders are there
//! again: before the first frame of a later start, or before the first draw after a shader was made anew.

use std::collections::{HashMap, HashSet};
use std::rc::{Rc, Weak};

use ash::vk;
use pvgpu_protocol::command::{InputElement, RenderTargetBlend, stage};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::{RENDER_TARGETS, VERTEX_BUFFER_SLOTS};

use super::Context;
use super::Device;
use super::assembly::InputKey;
use super::descriptor::ProgramKey;
use super::pipeline::{LineMode, Parts, PipelineKey, TargetFormats};
use super::shader::Shader;
use super::state::{BlendState, element_types};
use crate::fault::Fault;
use crate::pipeline_file::{ContentHash, MAX_NOTES, Note};

/// All notes of a worker, those of earlier runs first.
#[derive(Default)]
pub struct PipelineList {
    notes: Vec<Rc<Note>>,
    known: HashSet<Rc<Note>>,
    by_shader: HashMap<ContentHash, Vec<Rc<Note>>>,
    /// Notes of this run.
    fresh: usize,
}

impl PipelineList {
    /// Takes the notes of earlier runs.
    pub fn new(notes: Vec<Note>) -> Self {
        let mut list = Self::default();
        for note in notes {
            list.add(note);
        }
        list.fresh = 0;
        list
    }

    /// Notes that a pipeline was needed.
    pub fn add(&mut self, note: Note) {
        if self.notes.len() >= 2 * MAX_NOTES || self.known.contains(&note) {
            return;
        }
        let note = Rc::new(note);
        for shader in note.shaders.iter().flatten() {
            self.by_shader.entry(*shader).or_default().push(note.clone());
        }
        self.known.insert(note.clone());
        self.notes.push(note);
        self.fresh += 1;
    }

    /// Those in which a shader takes part.
    fn of(&self, shader: ContentHash) -> Vec<Rc<Note>> {
        self.by_shader.get(&shader).cloned().unwrap_or_default()
    }

    /// All of them, if there are new ones since the last time.
    pub fn take_changed(&mut self) -> Option<Vec<Note>> {
        (std::mem::take(&mut self.fresh) != 0)
            .then(|| self.notes.iter().map(|note| (**note).clone()).collect())
    }
}

/// Gives equal contents equal numbers, so that keys that name them are equal too.
#[derive(Default)]
pub struct Interner {
    layouts: HashMap<Vec<[u32; 6]>, u64>,
    strides: HashMap<[u32; VERTEX_BUFFER_SLOTS], u64>,
    blends: HashMap<(bool, [[u32; 10]; 8]), u64>,
}

/// Different vertex layouts, and different blend states, that a context may make in its life: what is made of them outlives them. Direct3D
/// 11 allows 4,096 at a time.
const MAX_INTERNED: usize = 1 << 16;

impl Interner {
    /// Refuses more contents than there may be.
    ///
    /// # Errors
    /// `LIMIT`.
    pub fn check_room(&self) -> Result<(), Fault> {
        if [self.layouts.len(), self.strides.len(), self.blends.len()].iter().all(|len| *len < MAX_INTERNED) {
            return Ok(());
        }
        Err(Fault::new(
            error_code::LIMIT,
            format!("more than {MAX_INTERNED} different layouts, strides or blend states"),
        ))
    }

    /// The number of strides that pipelines have.
    ///
    /// # Errors
    /// As for [`Interner::check_room`].
    pub fn strides(&mut self, strides: &[u32; VERTEX_BUFFER_SLOTS]) -> Result<u64, Fault> {
        self.check_room()?;
        let next = self.strides.len() as u64 + 1;
        Ok(*self.strides.entry(*strides).or_insert(next))
    }

    /// The number of a vertex layout; 0 is for none, and for one without elements.
    pub fn layout(&mut self, elements: &[InputElement]) -> u64 {
        if elements.is_empty() {
            return 0;
        }
        let next = self.layouts.len() as u64 + 1;
        *self.layouts.entry(elements.iter().map(element_words).collect()).or_insert(next)
    }

    /// The number of a blend state.
    pub fn blend(&mut self, alpha_to_coverage: bool, targets: &[RenderTargetBlend; 8]) -> u64 {
        let next = self.blends.len() as u64 + 1;
        *self.blends.entry((alpha_to_coverage, targets.map(|target| blend_words(&target)))).or_insert(next)
    }
}

fn element_words(e: &InputElement) -> [u32; 6] {
    [
        e.input_slot,
        e.aligned_byte_offset,
        e.format,
        e.input_slot_class,
        e.instance_data_step_rate,
        e.input_register,
    ]
}

fn element([input_slot, aligned_byte_offset, format, class, rate, input_register]: [u32; 6]) -> InputElement {
    InputElement {
        input_slot,
        aligned_byte_offset,
        format,
        input_slot_class: class,
        instance_data_step_rate: rate,
        input_register,
    }
}

fn blend_words(t: &RenderTargetBlend) -> [u32; 10] {
    [
        t.blend_enable,
        t.logic_op_enable,
        t.src_blend,
        t.dest_blend,
        t.blend_op,
        t.src_blend_alpha,
        t.dest_blend_alpha,
        t.blend_op_alpha,
        t.logic_op,
        t.write_mask,
    ]
}

fn blend(words: [u32; 10]) -> RenderTargetBlend {
    let [enable, logic, src, dest, op, src_alpha, dest_alpha, op_alpha, logic_op, write_mask] = words;
    RenderTargetBlend {
        blend_enable: enable,
        logic_op_enable: logic,
        src_blend: src,
        dest_blend: dest,
        blend_op: op,
        src_blend_alpha: src_alpha,
        dest_blend_alpha: dest_alpha,
        blend_op_alpha: op_alpha,
        logic_op,
        write_mask,
    }
}

/// The note of a graphics pipeline.
pub fn note_of(
    shaders: &[Option<&Rc<Shader>>; 5],
    so_buffers: u8,
    parts: Parts<'_>,
    key: &PipelineKey,
) -> Note {
    Note {
        shaders: shaders.iter().map(|shader| shader.map(|shader| shader.content)).collect(),
        compute: false,
        so_buffers,
        elements: parts.elements.iter().map(element_words).collect(),
        alpha_to_coverage: parts.blend.alpha_to_coverage,
        targets: parts.blend.targets.iter().map(blend_words).collect(),
        sample_mask: key.sample_mask,
        wireframe: key.wireframe,
        depth_clip: key.depth_clip,
        lines: key.lines as u8,
        topology: key.input.topology.as_raw(),
        control_points: key.input.control_points,
        discard: key.input.discard,
        colors: key.targets.colors.iter().take(key.targets.count).map(|format| format.as_raw()).collect(),
        opaque: key.targets.opaque,
        depth: key.targets.depth.as_raw(),
        samples: key.targets.samples,
    }
}

/// The note of a compute pipeline.
pub fn note_of_compute(shader: &Shader) -> Note {
    Note { shaders: vec![Some(shader.content)], compute: true, ..Note::default() }
}

/// Whether the GPU renders to what a note of another run says.
fn fits(device: &Device, note: &Note) -> bool {
    let has = |format: i32, wanted: vk::FormatFeatureFlags| {
        let format = vk::Format::from_raw(format);
        // SAFETY: the device belongs to the instance; numbers that are no formats have no features.
        let properties =
            unsafe { device.instance.raw.get_physical_device_format_properties(device.physical, format) };
        (0..=vk::Format::ASTC_12X12_SRGB_BLOCK.as_raw()).contains(&format.as_raw())
            && properties.optimal_tiling_features.contains(wanted)
    };
    let color = |format: &i32| *format == 0 || has(*format, vk::FormatFeatureFlags::COLOR_ATTACHMENT);
    let blends = |(format, target): (&i32, &[u32; 10])| {
        target[0] == 0 || *format == 0 || has(*format, vk::FormatFeatureFlags::COLOR_ATTACHMENT_BLEND)
    };
    let samples =
        device.limits.framebuffer_color_sample_counts & device.limits.framebuffer_depth_sample_counts;
    let attribute = |words: &[u32; 6]| {
        let format = super::formats::map_color(element(*words).format);
        // SAFETY: as above.
        let properties =
            unsafe { device.instance.raw.get_physical_device_format_properties(device.physical, format) };
        format != vk::Format::UNDEFINED
            && properties.buffer_features.contains(vk::FormatFeatureFlags::VERTEX_BUFFER)
    };
    let topology = match note.topology {
        0..=9 => true,
        10 => note.control_points != 0,
        _ => false,
    };
    note.colors.iter().all(color)
        && note.colors.iter().zip(&note.targets).all(blends)
        && (note.depth == 0 || has(note.depth, vk::FormatFeatureFlags::DEPTH_STENCIL_ATTACHMENT))
        && samples.contains(vk::SampleCountFlags::from_raw(note.samples))
        && note.elements.iter().all(attribute)
        && topology
}

impl Context {
    /// Has the pipelines made in which a new shader takes part, as far as their other shaders are there too.
    pub(super) fn expect_pipelines(&mut self, shader: &Rc<Shader>) {
        self.shaders.insert(shader.content, Rc::downgrade(shader));
        let notes = self.shared.notes.borrow().of(shader.content);
        for note in notes {
            if let Err(fault) = self.expect(&note) {
                // A draw that needs it says so again.
                log::debug!("a pipeline of an earlier run is not made: {fault}");
            }
        }
    }

    fn expect(&mut self, note: &Note) -> Result<(), Fault> {
        let mut shaders: Vec<Option<Rc<Shader>>> = Vec::new();
        for content in &note.shaders {
            let shader = content.map(|content| self.shaders.get(&content).and_then(Weak::upgrade));
            match shader {
                // Its time comes with the shader that is missing.
                Some(None) => return Ok(()),
                Some(found) => shaders.push(found),
                None => shaders.push(None),
            }
        }
        if note.compute {
            let Some(Some(shader)) = shaders.first() else { return Ok(()) };
            if shader.stage != stage::COMPUTE {
                return Ok(());
            }
            let key = ProgramKey { shaders: [shader.uid, 0, 0, 0, 0], ..ProgramKey::default() };
            let program = self.program(key, std::slice::from_ref(shader), None, None)?;
            if program.pipelines.borrow().is_empty() {
                self.make_compute(false, &program)?;
            }
            return Ok(());
        }
        let stages = [stage::VERTEX, stage::HULL, stage::DOMAIN, stage::GEOMETRY, stage::PIXEL];
        let in_place =
            shaders.iter().zip(stages).all(|(s, stage)| s.as_ref().is_none_or(|s| s.stage == stage));
        if !in_place || !fits(&self.device, note) {
            return Ok(());
        }
        let elements: Vec<InputElement> = note.elements.iter().map(|words| element(*words)).collect();
        let mut targets = [RenderTargetBlend::default(); 8];
        for (to, from) in targets.iter_mut().zip(&note.targets) {
            *to = blend(*from);
        }
        let uid = self.interner.blend(note.alpha_to_coverage, &targets);
        let blend = BlendState { uid, alpha_to_coverage: note.alpha_to_coverage, targets };
        let mut formats = TargetFormats {
            colors: [vk::Format::UNDEFINED; RENDER_TARGETS],
            count: note.colors.len(),
            opaque: note.opaque,
            depth: vk::Format::from_raw(note.depth),
            samples: note.samples,
            ..TargetFormats::default()
        };
        for (to, from) in formats.colors.iter_mut().zip(&note.colors) {
            *to = vk::Format::from_raw(*from);
        }
        let key = PipelineKey {
            layout: self.interner.layout(&elements),
            strides: 0,
            blend: uid,
            sample_mask: note.sample_mask,
            wireframe: note.wireframe,
            depth_clip: note.depth_clip,
            lines: LineMode::from_number(note.lines),
            input: InputKey {
                topology: vk::PrimitiveTopology::from_raw(note.topology),
                control_points: note.control_points,
                discard: note.discard,
            },
            targets: formats,
        };
        let shaders: [Option<Rc<Shader>>; 5] = shaders.try_into().unwrap_or_default();
        let shaders = shaders.each_ref().map(Option::as_ref);
        let types = element_types(&elements);
        let program = self.graphics_program(&shaders, &blend, note.so_buffers, types, &key.targets)?;
        if !program.pipelines.borrow().contains_key(&key) {
            let parts = Parts { elements: &elements, strides: None, blend: &blend };
            self.make_graphics(false, &program, parts, key)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(shader: u64) -> Note {
        Note { shaders: vec![Some(ContentHash(shader, 0)), None, None, None, None], ..Note::default() }
    }

    #[test]
    fn notes_are_found_by_shader_and_kept_once() {
        let mut list = PipelineList::new(vec![note(1), note(1), note(2)]);
        assert_eq!(list.of(ContentHash(1, 0)).len(), 1);
        assert!(list.of(ContentHash(3, 0)).is_empty());
        assert_eq!(list.take_changed(), None, "nothing that the file does not have");
        list.add(note(2));
        assert_eq!(list.take_changed(), None);
        list.add(note(3));
        assert_eq!(list.take_changed().map(|notes| notes.len()), Some(3));
        assert_eq!(list.take_changed(), None);
    }

    #[test]
    fn equal_contents_have_equal_numbers() {
        let mut interner = Interner::default();
        let element = |offset| InputElement { aligned_byte_offset: offset, ..Default::default() };
        let (first, second) = (interner.layout(&[element(0)]), interner.layout(&[element(4)]));
        assert_ne!(first, second);
        assert_eq!(interner.layout(&[element(0)]), first);
        let targets = [RenderTargetBlend::default(); 8];
        assert_ne!(interner.blend(false, &targets), interner.blend(true, &targets));
        assert_eq!(interner.blend(false, &targets), interner.blend(false, &targets));
    }

    #[test]
    fn words_and_values_are_each_others_inverse() {
        let words = [1, 2, 3, 4, 5, 6];
        assert_eq!(element_words(&element(words)), words);
        let words = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        assert_eq!(blend_words(&blend(words)), words);
    }
}
