//! One context's objects and operations on the GPU.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ash::vk;
use gpu_allocator::MemoryLocation;
use pvgpu_protocol::command::NONE;
use pvgpu_protocol::limits::MAX_OBJECTS;

use super::Device;
use super::arguments::ArgumentChecks;
use super::assembly::Assembly;
use super::bindings::{Bindings, ConstantBuffer, Dirty, IndexBuffer, VertexBuffer};
use super::changed::Presented;
use super::completion::{CompletionHandle, HeapCopy, HeapPack, Progress, Submission, Work};
use super::descriptor::{Contents, Program, ProgramKey, ViewStarts};
use super::feedback::FullBuffer;
use super::memory::{HeapBuffer, SlicePool};
use super::pass::Pass;
use super::pipeline_list::{Interner, PipelineList};
use super::pipeline_pool::{Making, PipelinePool};
use super::player::Player;
use super::predication::Predication;
use super::present::PresentImages;
use super::query::{ActiveQueries, Query, QueryKind, QueryPools, QueryResult};
use super::recorder::{Recorder, Serials};
use super::resource::{Buffer, Image, Resource, Staging, Texture};
use super::set_cache::{SetCache, WordHasher};
use super::shader::Shader;
use super::shares::Shares;
use super::state::{
    BlendState, ElementLayout, Sampler, default_depth_stencil, default_rasterizer, default_sampler,
};
use super::tiles::{Pending, TilePool};
use super::trash::{self, Trash};
use super::view::{Counter, Target, View};
use crate::fault::Fault;
use crate::format::dxgi;
use crate::memory::Heap;
use crate::ops::{Backend, DepthStencilState, Op, RasterizerState, ResourceDesc, ShareToken};
use crate::pipeline_file::{ContentHash, PipelineFile};
use crate::shared_image::{Broker, Offer};
use crate::slots::Slots;

/// What contexts of one worker share.
pub struct Shared {
    /// The device.
    pub device: Arc<Device>,
    /// The guest's heap.
    pub heap: Heap,
    /// The heap as a buffer, where the driver can import it.
    heap_buffer: Option<HeapBuffer>,
    serials: Rc<Serials>,
    pub(super) player: Player,
    pub(super) pipelines: PipelinePool,
    /// Pipelines that were needed, in this run and earlier ones.
    pub(super) notes: RefCell<PipelineList>,
    pub(super) completion: CompletionHandle,
    counters: Arc<Counters>,
    pub(super) shares: Shares,
}

/// What a worker counts of its contexts' work.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames presented.
    pub frames: AtomicU64,
    /// Draws recorded.
    pub draws: AtomicU64,
    /// Dispatches recorded.
    pub dispatches: AtomicU64,
    /// Bytes taken from the heap.
    pub upload_bytes: AtomicU64,
    /// Pipelines asked for.
    pub pipelines: AtomicU64,
    /// Those of them that nobody had asked for before a draw or dispatch needed them.
    pub pipelines_in_frames: AtomicU64,
    /// Textures that had to leave the GPU's own memory.
    pub evictions: AtomicU64,
    /// How often a draw or dispatch bound one that was not ready.
    pub pipelines_late: AtomicU64,
}

/// Adds to a counter that only this thread writes, which spares a locked instruction.
#[inline]
pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

impl Shared {
    /// Imports the heap if the driver can. `broker` is the way to what other workers share.
    pub fn new(
        device: Arc<Device>,
        heap: Heap,
        completion: CompletionHandle,
        counters: Arc<Counters>,
        broker: Option<Arc<dyn Broker>>,
    ) -> Rc<Self> {
        let heap_buffer = HeapBuffer::import(&device, &heap);
        if heap_buffer.is_none() {
            log::info!("the driver cannot import the guest's heap: uploads and frames are copied once more");
        }
        let serials = Rc::new(Serials::behind(device.finished()));
        let notes = RefCell::new(PipelineList::new(device.take_notes()));
        let player = Player::start(device.clone(), completion.clone());
        let shares = Shares::new(device.clone(), broker);
        Rc::new(Self {
            device,
            heap,
            heap_buffer,
            serials,
            player,
            pipelines: PipelinePool::start(),
            notes,
            completion,
            counters,
            shares,
        })
    }

    /// The file with which a later run makes the pipelines of this one early; none when there is nothing new for it.
    pub fn pipeline_file(&self) -> Option<Vec<u8>> {
        let notes = self.notes.borrow_mut().take_changed()?;
        Some(PipelineFile { notes, driver: self.device.pipeline_cache_data() }.bytes(&self.device.gpu_id()))
    }

    /// Whether the heap is a Vulkan buffer.
    pub fn heap_imported(&self) -> bool {
        self.heap_buffer.is_some()
    }
}

enum Object {
    Resource(Resource),
    TilePool(Rc<TilePool>),
    View(Rc<View>),
    Query(Query),
    Shader(Rc<Shader>),
    ElementLayout(Rc<ElementLayout>),
    BlendState(Rc<BlendState>),
    DepthStencilState(DepthStencilState),
    RasterizerState(RasterizerState),
    Sampler(Rc<Sampler>),
}

/// A context on the GPU.
pub struct Context {
    pub(super) device: Arc<Device>,
    pub(super) shared: Rc<Shared>,
    id: u32,
    /// Batches that the completion thread was given.
    pub(super) sent: u64,
    pub(super) progress: Progress,
    objects: Slots<Object>,
    pub(super) bound: Bindings,
    pub(super) pass: Option<Pass>,
    pub(super) programs: HashMap<ProgramKey, Rc<Program>, BuildHasherDefault<WordHasher>>,
    /// Shaders by contents, the last of those that are equal.
    pub(super) shaders: HashMap<ContentHash, Weak<Shader>>,
    pub(super) interner: Interner,
    /// Of the graphics pipeline that is current, if `bound.dirty` does not say otherwise.
    pub(super) program: Option<Rc<Program>>,
    pub(super) pipeline: Option<Making>,
    /// The pipeline rasterizes nothing.
    pub(super) discards: bool,
    /// Of the current state; none when it draws nothing.
    pub(super) assembly: Option<Assembly>,
    /// Stream-output buffers that transform feedback is active for.
    pub(super) feedback: u8,
    /// For stream output that is counted but not written.
    pub(super) full_buffer: Option<FullBuffer>,
    /// Stands for vertex buffers that are not bound, once it is needed.
    pub(super) no_vertices: Option<Counter>,
    /// Once they are needed.
    pub(super) argument_checks: Option<ArgumentChecks>,
    pub(super) predication: Option<Predication>,
    /// The command buffer knows of every viewport, set or not.
    pub(super) all_viewports: bool,
    pub(super) present_images: PresentImages,
    /// Queries between begin and end.
    pub(super) active_queries: ActiveQueries,
    pub(super) results: Vec<QueryResult>,
    /// Buffers that were given a place in the heap.
    pub(super) placed: Vec<Weak<Buffer>>,
    pub(super) copies: Vec<HeapCopy>,
    pub(super) packs: Vec<HeapPack>,
    /// Changes of tiles' mappings that are still to be made.
    pub(super) tile_binds: Pending,
    pub(super) frames: Vec<Presented>,
    /// Taken when the context ends.
    pub(super) default_sampler: Option<Rc<Sampler>>,
    default_blend: Rc<BlendState>,
    /// It has a resource that other contexts may have, too.
    is_sharing: bool,
    next_uid: u64,
    pub(super) trash: Rc<Trash>,
    pub(super) recorder: Recorder,
    pub(super) sets: SetCache,
    /// Memory for what a draw's set holds.
    pub(super) contents: Contents,
    /// The push constants of the command buffer, and the layout that they are for.
    pub(super) pushed: Option<(vk::PipelineLayout, ViewStarts)>,
    pub(super) queries: QueryPools,
    pub(super) slices: SlicePool,
    pub(super) readback: SlicePool,
}

impl Context {
    /// A context without objects.
    ///
    /// # Errors
    /// [`Fault`] when the GPU has no memory for it; nothing is left behind then.
    pub fn new(id: u32, shared: &Rc<Shared>) -> Result<Self, Fault> {
        let device = shared.device.clone();
        let trash = Trash::new(device.clone());
        let mut interner = Interner::default();
        let mut default_blend = BlendState::default_state();
        default_blend.uid = interner.blend(default_blend.alpha_to_coverage, &default_blend.targets);
        let default_blend = Rc::new(default_blend);
        // The sampler comes last of what may fail: it would leave its handle on a list that nobody empties.
        let recorder = Recorder::new(&shared.player, shared.serials.clone())?;
        let default_sampler = Rc::new(Sampler::new(&default_sampler(), &trash)?);
        Ok(Self {
            shared: shared.clone(),
            id,
            sent: 0,
            progress: Progress::default(),
            objects: Slots::new(MAX_OBJECTS),
            bound: Bindings::new(default_blend.clone()),
            pass: None,
            programs: HashMap::default(),
            shaders: HashMap::new(),
            interner,
            program: None,
            pipeline: None,
            discards: false,
            assembly: None,
            feedback: 0,
            full_buffer: None,
            no_vertices: None,
            argument_checks: None,
            predication: None,
            all_viewports: false,
            present_images: PresentImages::default(),
            active_queries: ActiveQueries::default(),
            results: Vec::new(),
            placed: Vec::new(),
            copies: Vec::new(),
            packs: Vec::new(),
            tile_binds: Pending::default(),
            frames: Vec::new(),
            default_sampler: Some(default_sampler),
            default_blend,
            is_sharing: false,
            next_uid: 1,
            recorder,
            sets: SetCache::new(device.clone()),
            contents: Contents::default(),
            pushed: None,
            queries: QueryPools::new(device.clone()),
            slices: SlicePool::new(device.clone(), MemoryLocation::CpuToGpu),
            readback: SlicePool::new(device.clone(), MemoryLocation::GpuToCpu),
            trash,
            device,
        })
    }

    /// Submits what was recorded and completes `value` once the GPU has finished it.
    ///
    /// # Errors
    /// [`Fault`] when the GPU fails.
    pub fn fence(&mut self, value: u64, decoded: Instant) -> Result<(), Fault> {
        self.submit(Some((self.id, value, decoded)))
    }

    /// Submits what was recorded.
    fn submit(&mut self, fence: Option<(u32, u64, Instant)>) -> Result<(), Fault> {
        self.bind_tiles()?;
        if !self.recorder.is_empty() {
            self.end_pass()?;
            self.balance_memory()?;
            let (mut garbage, pools) = (self.trash.take(), self.sets.take_used());
            garbage.append(self.shared.shares.take_garbage());
            let outside = self.outside();
            self.recorder.submit(&self.device, garbage, pools, &outside)?;
            self.bound.dirty = Dirty::ALL;
            self.pushed = None;
        }
        self.sent += 1;
        self.shared.completion.send(Submission {
            work: self.progress.until(self.sent),
            serial: self.recorder.last_serial(),
            fence,
            queries: std::mem::take(&mut self.results),
            copies: std::mem::take(&mut self.copies),
            packs: std::mem::take(&mut self.packs),
            frames: std::mem::take(&mut self.frames),
        });
        self.collect();
        Ok(())
    }

    /// The context's turn is over: what it recorded is submitted if another context may use the same resources, so that the
    /// GPU gets everything in the order in which it was decoded.
    ///
    /// # Errors
    /// [`Fault`] when the GPU fails.
    pub fn end_turn(&mut self) -> Result<(), Fault> {
        if self.is_sharing && !self.recorder.is_empty() { self.submit(None) } else { Ok(()) }
    }

    /// Images of this batch that other workers may have; to be given away at its end.
    fn outside(&self) -> Vec<(vk::Image, vk::ImageAspectFlags, bool)> {
        if !self.is_sharing {
            return Vec::new();
        }
        let mut used = self.shared.shares.outside();
        used.retain(|image| self.recorder.used_in_batch(&image.tracker));
        let given =
            |image: &Image| image.outside.as_ref().is_some_and(|outside| outside.released.replace(true));
        used.iter().map(|image| (image.raw, image.aspects(), given(image))).collect()
    }

    /// Submits what was recorded, if anything was.
    pub(super) fn submit_recorded(&mut self) -> Result<(), Fault> {
        if self.recorder.is_empty() { Ok(()) } else { self.submit(None) }
    }

    fn share(&mut self, id: u32, token: ShareToken) -> Result<(), Fault> {
        let texture = self.texture(id)?;
        self.is_sharing = true;
        self.shared.shares.add(token, &texture);
        Ok(())
    }

    fn open_shared(&mut self, id: u32, token: ShareToken) -> Result<(), Fault> {
        let texture = self.shared.shares.find(token).ok_or_else(|| disagree(id))?;
        self.is_sharing = true;
        self.insert(id, Object::Resource(Resource::Texture(texture)))
    }

    fn import(
        &mut self,
        id: u32,
        token: ShareToken,
        desc: &Rc<ResourceDesc>,
        offer: Offer,
    ) -> Result<(), Fault> {
        let texture = self.shared.shares.import(token, desc, offer)?;
        self.is_sharing = true;
        self.insert(id, Object::Resource(Resource::Texture(texture)))
    }

    /// Submits, and waits until the results of all work are in the heap.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        self.submit(None)?;
        if !self.shared.completion.wait(&self.device, &self.progress.until(self.sent)) {
            return Err(self.device.fault("waiting for the GPU", vk::Result::ERROR_DEVICE_LOST));
        }
        self.collect();
        Ok(())
    }

    /// Waits until the results of a batch are there; submits it if it is the current one.
    pub(super) fn wait_for(&mut self, batch: u64) -> Result<(), Fault> {
        if batch > self.sent {
            return self.finish();
        }
        let work = self.progress.until(batch);
        if work.is_done() || self.shared.completion.wait(&self.device, &work) {
            return Ok(());
        }
        Err(self.device.fault("waiting for the GPU", vk::Result::ERROR_DEVICE_LOST))
    }

    /// Destroys what finished submissions have left behind.
    pub fn collect(&mut self) {
        let retired = self.shared.completion.retired();
        while let Some(done) = self.recorder.retire(retired) {
            self.sets.recycle(done.pools);
            let all =
                trash::empty(&self.device, done.garbage, &self.slices, &self.readback, &mut self.queries);
            if all.descriptors_died {
                self.sets.forget();
            }
        }
    }

    /// Whether everything that was submitted is finished, and its results are written.
    pub fn is_idle(&self) -> bool {
        self.progress.until(self.sent).is_done()
    }

    /// Submits what was recorded if a batch (see [`Backend::batch`]) is not submitted yet.
    ///
    /// # Errors
    /// [`Fault`] when the GPU fails.
    pub fn flush(&mut self, batch: u64) -> Result<(), Fault> {
        if batch > self.sent { self.submit(None) } else { Ok(()) }
    }

    /// The work up to a batch, as far as it was submitted; none when it is finished.
    pub fn unfinished(&self, batch: u64) -> Option<Work> {
        Some(self.progress.until(batch.min(self.sent))).filter(|work| !work.is_done())
    }

    pub(super) fn count(&self, counter: impl FnOnce(&Counters) -> &AtomicU64, by: u64) {
        count(counter(&self.shared.counters), by);
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn heap_buffer(&self) -> Option<vk::Buffer> {
        self.shared.heap_buffer.as_ref().map(HeapBuffer::buffer)
    }

    pub(super) fn uid(&mut self) -> u64 {
        self.next_uid += 1;
        self.next_uid
    }

    fn insert(&mut self, id: u32, object: Object) -> Result<(), Fault> {
        self.objects.insert(id, object).map_err(|_| disagree(id))
    }

    pub(super) fn resource(&self, id: u32) -> Result<Resource, Fault> {
        match self.objects.get(id) {
            Some(Object::Resource(resource)) => Ok(resource.clone()),
            _ => Err(disagree(id)),
        }
    }

    /// The textures that may live elsewhere.
    pub(super) fn textures(&self) -> impl Iterator<Item = Rc<Texture>> + '_ {
        self.objects.iter().filter_map(|object| match object {
            Object::Resource(Resource::Texture(texture)) if texture.may_move() => Some(texture.clone()),
            _ => None,
        })
    }

    pub(super) fn buffer(&self, id: u32) -> Result<Rc<Buffer>, Fault> {
        match self.objects.get(id) {
            Some(Object::Resource(Resource::Buffer(buffer))) => Ok(buffer.clone()),
            _ => Err(disagree(id)),
        }
    }

    pub(super) fn texture(&self, id: u32) -> Result<Rc<Texture>, Fault> {
        match self.objects.get(id) {
            Some(Object::Resource(Resource::Texture(texture))) => Ok(texture.clone()),
            _ => Err(disagree(id)),
        }
    }

    pub(super) fn tile_pool(&self, id: u32) -> Result<Rc<TilePool>, Fault> {
        match self.objects.get(id) {
            Some(Object::TilePool(pool)) => Ok(pool.clone()),
            _ => Err(disagree(id)),
        }
    }

    pub(super) fn view(&self, id: u32) -> Result<Rc<View>, Fault> {
        match self.objects.get(id) {
            Some(Object::View(view)) => Ok(view.clone()),
            _ => Err(disagree(id)),
        }
    }

    pub(super) fn query_mut(&mut self, id: u32) -> Result<&mut Query, Fault> {
        match self.objects.get_mut(id) {
            Some(Object::Query(query)) => Ok(query),
            _ => Err(disagree(id)),
        }
    }

    fn optional_view(&self, id: u32) -> Result<Option<Rc<View>>, Fault> {
        if id == NONE { Ok(None) } else { self.view(id).map(Some) }
    }

    fn create_resource(&mut self, id: u32, desc: Rc<ResourceDesc>) -> Result<(), Fault> {
        let resource = if desc.is_staging() {
            let heap = desc.command.heap;
            Resource::Staging(Rc::new(Staging {
                desc,
                heap,
                tracker: Default::default(),
                late: Default::default(),
            }))
        } else if desc.is_buffer() {
            let buffer = Buffer::new(desc, &self.trash, &self.slices)?;
            match &buffer.tiles {
                Some(tiled) => self.begin_tiled(&buffer.desc, tiled)?,
                None => self.zero_buffer(&buffer)?,
            }
            if let Some(counter) = &buffer.so_counter {
                self.set_counter(counter, 0)?;
            }
            Resource::Buffer(Rc::new(buffer))
        } else {
            let texture = Texture::new(desc.clone(), &self.trash)?;
            for part in texture.parts() {
                match &part.image.tiles {
                    Some(tiled) => {
                        self.begin_tiled(&desc, tiled)?;
                        let cmd = self.recorder.early(&self.device)?;
                        cmd.initialise_image(part.image.raw, part.image.aspects());
                    }
                    None => self.zero_image(&desc, &part.image)?,
                }
            }
            Resource::Texture(Rc::new(texture))
        };
        self.insert(id, Object::Resource(resource))
    }

    fn create_view(&mut self, id: u32, desc: crate::ops::ViewDesc) -> Result<(), Fault> {
        let resource = self.resource(desc.resource)?;
        let view = View::new(desc, &resource, &self.trash)?;
        if let Some(counter) = &view.counter {
            self.set_counter(counter, 0)?;
        }
        if let (Some(_), Some(line)) = (&view.source, view.texture()) {
            self.zero_image(&line.desc, &line.image())?;
        }
        self.insert(id, Object::View(Rc::new(view)))
    }

    fn destroy(&mut self, id: u32) -> Result<(), Fault> {
        match self.objects.get(id) {
            Some(Object::Query(_)) => self.abandon_query(id)?,
            Some(Object::Shader(shader)) => {
                let uid = shader.uid;
                self.programs.retain(|key, _| !key.shaders.contains(&uid));
            }
            _ => {}
        }
        // Bindings keep what is bound alive; the GPU's use is kept by the trash list.
        self.objects.remove(id).map(drop).ok_or_else(|| disagree(id))
    }

    fn set_vertex_buffers(
        &mut self,
        start: u32,
        buffers: &[pvgpu_protocol::command::VertexBufferBinding],
    ) -> Result<(), Fault> {
        let start = start as usize;
        for (index, binding) in (start..).zip(buffers) {
            let bound = if binding.buffer == NONE {
                None
            } else {
                let buffer = self.buffer(binding.buffer)?;
                Some(VertexBuffer { buffer, stride: binding.stride, offset: binding.offset })
            };
            if let Some(slot) = self.bound.vertex_buffers.get_mut(index) {
                *slot = bound;
            }
        }
        self.bound.note_vertex_changes(start..start + buffers.len());
        self.bound.find_overlaps(start..start + buffers.len());
        Ok(())
    }

    fn set_constant_buffers(
        &mut self,
        stage: u32,
        start: u32,
        buffers: &[pvgpu_protocol::command::ConstantBufferBinding],
    ) -> Result<(), Fault> {
        for (index, binding) in (start as usize..).zip(buffers) {
            let bound = if binding.buffer == NONE {
                None
            } else {
                Some(ConstantBuffer {
                    buffer: self.buffer(binding.buffer)?,
                    first_constant: binding.first_constant,
                    num_constants: binding.num_constants,
                })
            };
            let stage = self.bound.stages.get_mut(stage as usize);
            if let Some(slot) = stage.and_then(|stage| stage.constant_buffers.get_mut(index)) {
                *slot = bound;
            }
        }
        self.bound.dirty |= Bindings::descriptors_of(stage);
        Ok(())
    }

    fn set_shader_resources(&mut self, stage: u32, start: u32, views: &[u32]) -> Result<(), Fault> {
        for (index, id) in (start as usize..).zip(views) {
            let view = self.optional_view(*id)?;
            if let Some(stage) = self.bound.stages.get_mut(stage as usize) {
                stage.set_resource(index, view);
            }
        }
        self.bound.dirty |= Bindings::descriptors_of(stage);
        Ok(())
    }

    fn set_samplers(&mut self, stage: u32, start: u32, samplers: &[u32]) -> Result<(), Fault> {
        for (index, id) in (start as usize..).zip(samplers) {
            let sampler = match self.objects.get(*id) {
                _ if *id == NONE => None,
                Some(Object::Sampler(sampler)) => Some(sampler.clone()),
                _ => return Err(disagree(*id)),
            };
            let stage = self.bound.stages.get_mut(stage as usize);
            if let Some(slot) = stage.and_then(|stage| stage.samplers.get_mut(index)) {
                *slot = sampler;
            }
        }
        self.bound.dirty |= Bindings::descriptors_of(stage);
        Ok(())
    }

    fn set_shader(&mut self, stage: u32, id: u32) -> Result<(), Fault> {
        let shader = match self.objects.get(id) {
            _ if id == NONE => None,
            Some(Object::Shader(shader)) => Some(shader.clone()),
            _ => return Err(disagree(id)),
        };
        if let Some(stage) = self.bound.stages.get_mut(stage as usize) {
            stage.shader = shader;
        }
        self.bound.dirty |= Bindings::descriptors_of(stage) | Dirty::PIPELINE;
        Ok(())
    }

    fn set_render_targets(
        &mut self,
        targets: &[u32],
        depth_stencil: u32,
        uav_start: u32,
        uavs: &[pvgpu_protocol::command::UavBinding],
    ) -> Result<(), Fault> {
        let mut views = [const { None }; 8];
        for (slot, id) in views.iter_mut().zip(targets) {
            *slot = self.optional_view(*id)?;
        }
        let depth = self.optional_view(depth_stencil)?;
        let same = |a: &Option<Rc<View>>, b: &Option<Rc<View>>| match (a, b) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        let unchanged = same(&depth, &self.bound.depth_stencil)
            && views.iter().zip(&self.bound.render_targets).all(|(a, b)| same(a, b));
        if !unchanged {
            self.end_pass()?;
            self.bound.set_targets(views, depth);
            // Whether depth is written depends on the view, and what shaders may see of textures on all of them.
            self.bound.dirty |=
                Dirty::PIPELINE | Dirty::VIEWPORTS | Dirty::DEPTH | Dirty::RASTERIZER | Dirty::DESCRIPTORS;
        }
        if !uavs.is_empty() || self.bound.graphics_uavs.iter().any(Option::is_some) {
            for slot in &mut self.bound.graphics_uavs {
                *slot = None;
            }
            for (index, binding) in (uav_start as usize..).zip(uavs) {
                let view = self.bind_uav(binding)?;
                if let Some(slot) = self.bound.graphics_uavs.get_mut(index) {
                    *slot = view;
                }
            }
            self.bound.dirty |= Dirty::DESCRIPTORS;
        }
        Ok(())
    }

    fn set_compute_uavs(
        &mut self,
        start: u32,
        uavs: &[pvgpu_protocol::command::UavBinding],
    ) -> Result<(), Fault> {
        for (index, binding) in (start as usize..).zip(uavs) {
            let view = self.bind_uav(binding)?;
            if let Some(slot) = self.bound.compute_uavs.get_mut(index) {
                *slot = view;
            }
        }
        self.bound.dirty |= Dirty::COMPUTE;
        Ok(())
    }

    /// Looks a view up and sets its counter if the binding says so.
    fn bind_uav(&mut self, binding: &pvgpu_protocol::command::UavBinding) -> Result<Option<Rc<View>>, Fault> {
        let view = self.optional_view(binding.view)?;
        if let Some(counter) = view.as_ref().and_then(|view| view.counter.as_ref())
            && binding.initial_count != u32::MAX
        {
            self.set_counter(counter, binding.initial_count)?;
        }
        Ok(view)
    }

    fn set_index_buffer(&mut self, buffer: u32, format: u32, offset: u32) -> Result<(), Fault> {
        self.bound.index_buffer = if buffer == NONE {
            None
        } else {
            let index_bytes = if format == dxgi::R16_UINT { 2 } else { 4 };
            Some(IndexBuffer { buffer: self.buffer(buffer)?, index_bytes, offset })
        };
        self.bound.dirty |= Dirty::INDEX_BUFFER;
        Ok(())
    }

    fn set_state(&mut self, op: &Op<'_>) -> Result<(), Fault> {
        match *op {
            Op::SetInputLayout { layout } => {
                let layout = match self.objects.get(layout) {
                    _ if layout == NONE => None,
                    Some(Object::ElementLayout(layout)) => Some(layout.clone()),
                    _ => return Err(disagree(layout)),
                };
                self.bound.set_layout(layout);
                self.bound.dirty |= Dirty::PIPELINE;
            }
            Op::SetBlendState { state, factor, sample_mask } => {
                self.bound.blend = match self.objects.get(state) {
                    _ if state == NONE => self.default_blend.clone(),
                    Some(Object::BlendState(blend)) => blend.clone(),
                    _ => return Err(disagree(state)),
                };
                self.bound.blend_factor = factor;
                self.bound.sample_mask = sample_mask;
                self.bound.dirty |= Dirty::PIPELINE | Dirty::BLEND_FACTOR;
            }
            Op::SetDepthStencilState { state, stencil_ref } => {
                self.bound.depth = match self.objects.get(state) {
                    _ if state == NONE => default_depth_stencil(),
                    Some(Object::DepthStencilState(depth)) => *depth,
                    _ => return Err(disagree(state)),
                };
                self.bound.stencil_ref = stencil_ref;
                self.bound.dirty |= Dirty::DEPTH;
            }
            Op::SetRasterizerState { state } => {
                self.end_bare_pass()?;
                self.bound.rasterizer = match self.objects.get(state) {
                    _ if state == NONE => default_rasterizer(),
                    Some(Object::RasterizerState(rasterizer)) => *rasterizer,
                    _ => return Err(disagree(state)),
                };
                self.bound.dirty |= Dirty::PIPELINE | Dirty::RASTERIZER | Dirty::VIEWPORTS;
            }
            _ => {}
        }
        Ok(())
    }

    /// Exchanges the images of textures in a circle.
    fn rotate(&mut self, ids: &[u32]) -> Result<(), Fault> {
        self.end_pass()?;
        let textures = ids.iter().map(|id| self.texture(*id)).collect::<Result<Vec<_>, _>>()?;
        let images: Vec<_> = textures.iter().map(|texture| texture.image()).collect();
        for (index, texture) in textures.iter().enumerate() {
            // A resource that was opened twice has two numbers.
            if textures.iter().skip(index + 1).any(|other| Rc::ptr_eq(texture, other)) {
                return Err(Fault::argument("a texture takes part twice in a rotation"));
            }
        }
        for (index, texture) in textures.iter().enumerate() {
            if let Some(image) = images.get((index + 1) % images.len()) {
                texture.set_image(image.clone());
            }
        }
        self.bound.dirty = Dirty::ALL;
        Ok(())
    }

    /// What is bound must be described again, since a buffer has moved.
    pub(super) fn buffer_moved(&mut self, buffer: &Buffer) {
        use pvgpu_protocol::command::bind;
        let flags = buffer.desc.command.bind_flags;
        if flags & bind::VERTEX_BUFFER != 0 {
            let is_it = |bound: &Option<VertexBuffer>| {
                bound.as_ref().is_some_and(|bound| std::ptr::eq(&raw const *bound.buffer, buffer))
            };
            let slots = &self.bound.vertex_buffers;
            if let (Some(first), Some(last)) = (slots.iter().position(is_it), slots.iter().rposition(is_it)) {
                self.bound.note_vertex_changes(first..last + 1);
            }
        }
        for (bit, dirty) in [
            (bind::INDEX_BUFFER, Dirty::INDEX_BUFFER),
            (bind::CONSTANT_BUFFER, Dirty::DESCRIPTORS | Dirty::COMPUTE),
            (bind::SHADER_RESOURCE, Dirty::DESCRIPTORS | Dirty::COMPUTE),
            (bind::UNORDERED_ACCESS, Dirty::DESCRIPTORS | Dirty::COMPUTE),
        ] {
            if flags & bit != 0 {
                self.bound.dirty |= dirty;
            }
        }
    }
}

impl Backend for Context {
    fn shared(&self, token: ShareToken) -> Option<Rc<ResourceDesc>> {
        self.shared.shares.find(token).map(|texture| texture.desc.clone())
    }

    fn offer(&mut self, token: ShareToken) -> Option<Offer> {
        self.shared.shares.ask(token)
    }

    fn batch(&self) -> u64 {
        self.sent + 1
    }

    fn execute(&mut self, op: Op<'_>) -> Result<(), Fault> {
        if self.predication.is_some() && !self.admits(&op)? {
            return Ok(());
        }
        match op {
            Op::CreateResource { id, desc } => self.create_resource(id, desc),
            Op::DestroyObject { id } => self.destroy(id),
            Op::ShareResource { id, token } => self.share(id, token),
            Op::OpenSharedResource { id, token } => self.open_shared(id, token),
            Op::ImportResource { id, token, desc, offer } => self.import(id, token, &desc, offer),
            Op::CreateView { id, desc } => self.create_view(id, desc),
            Op::CreateQuery { id, kind, slot } => {
                self.insert(id, Object::Query(Query::new(QueryKind::from_ddi(kind)?, slot)))
            }
            Op::CreateShader { id, stage, source } => {
                let shader = Rc::new(Shader::new(self.uid(), stage, source, &self.trash)?);
                self.insert(id, Object::Shader(shader.clone()))?;
                self.expect_pipelines(&shader);
                Ok(())
            }
            Op::LinkShader { id, shader, instances } => {
                let Some(Object::Shader(shader)) = self.objects.get(shader) else {
                    return Err(disagree(shader));
                };
                let shader = Rc::new(shader.clone().linked(self.uid(), instances)?);
                self.insert(id, Object::Shader(shader.clone()))?;
                self.expect_pipelines(&shader);
                Ok(())
            }
            Op::CreateElementLayout { id, elements } => {
                self.interner.check_room()?;
                let layout = ElementLayout::new(self.interner.layout(elements), elements);
                self.insert(id, Object::ElementLayout(Rc::new(layout)))
            }
            Op::CreateBlendState { id, alpha_to_coverage, independent, targets } => {
                self.interner.check_room()?;
                let mut blend = BlendState::new(0, alpha_to_coverage, independent, targets);
                blend.uid = self.interner.blend(alpha_to_coverage, &blend.targets);
                if blend.is_dual_source() && !self.device.caps.dual_src_blend {
                    return Err(Fault::unsupported("dual-source blending").about(id));
                }
                self.insert(id, Object::BlendState(Rc::new(blend)))
            }
            Op::CreateDepthStencilState { id, state } => self.insert(id, Object::DepthStencilState(state)),
            Op::CreateRasterizerState { id, state } => self.insert(id, Object::RasterizerState(state)),
            Op::CreateSampler { id, state } => {
                let sampler = Sampler::new(&state, &self.trash)?;
                self.insert(id, Object::Sampler(Rc::new(sampler)))
            }
            Op::SetVertexBuffers { start, buffers } => self.set_vertex_buffers(start, buffers),
            Op::SetIndexBuffer { buffer, format, offset } => self.set_index_buffer(buffer, format, offset),
            Op::SetTopology { topology } => {
                self.bound.topology = topology;
                self.bound.dirty |= Dirty::PIPELINE | Dirty::TOPOLOGY;
                Ok(())
            }
            Op::SetShader { stage, shader } => self.set_shader(stage, shader),
            Op::SetConstantBuffers { stage, start, buffers } => {
                self.set_constant_buffers(stage, start, buffers)
            }
            Op::SetShaderResources { stage, start, views } => self.set_shader_resources(stage, start, views),
            Op::SetSamplers { stage, start, samplers } => self.set_samplers(stage, start, samplers),
            Op::SetRenderTargets { targets, depth_stencil, uav_start, uavs } => {
                self.set_render_targets(targets, depth_stencil, uav_start, uavs)
            }
            Op::SetComputeUavs { start, uavs } => self.set_compute_uavs(start, uavs),
            Op::SetViewports { viewports } => {
                self.end_bare_pass()?;
                self.bound.viewports.clear();
                self.bound.viewports.extend_from_slice(viewports);
                self.bound.dirty |= Dirty::VIEWPORTS;
                Ok(())
            }
            Op::SetScissorRects { rects } => {
                self.bound.scissors.clear();
                self.bound.scissors.extend_from_slice(rects);
                self.bound.dirty |= Dirty::VIEWPORTS;
                Ok(())
            }
            Op::SetInputLayout { .. }
            | Op::SetBlendState { .. }
            | Op::SetDepthStencilState { .. }
            | Op::SetRasterizerState { .. } => self.set_state(&op),
            Op::SetStreamOutputTargets { targets } => self.set_stream_output_targets(targets),
            Op::SetPredication { query, value, hint } => self.set_predication(query, value, hint),
            Op::Draw(draw) => self.draw(&draw),
            Op::DrawIndexed(draw) => self.draw_indexed(&draw),
            Op::Dispatch { groups } => self.dispatch(groups),
            Op::DrawIndirect { kind, buffer, offset } => self.draw_indirect(kind, buffer, offset),
            Op::DrawAuto => self.draw_auto(),
            Op::BeginQuery { query } => self.begin_query(query),
            Op::EndQuery { query } => self.end_query(query),
            Op::ClearRenderTargetView { view, color } => self.clear_render_target_view(view, color),
            Op::ClearDepthStencilView { view, depth, stencil } => {
                self.clear_depth_stencil_view(view, depth, stencil)
            }
            Op::ClearUnorderedAccessView { view, value, is_float } => {
                self.clear_unordered_access_view(view, value, is_float)
            }
            Op::ClearView { view, color, rects } => self.clear_view(view, color, rects),
            Op::CopyRegion(region) => self.copy_region(&region),
            Op::ResolveSubresource { dst, dst_subresource, src, src_subresource, format } => {
                self.resolve((dst, dst_subresource), (src, src_subresource), format)
            }
            Op::GenerateMips { view } => self.generate_mips(view),
            Op::CopyStructureCount { dst, dst_offset, src_view } => {
                self.copy_structure_count(dst, dst_offset, src_view)
            }
            Op::SetResourceMinLod { resource, min_lod } => {
                self.texture(resource)?.min_lod.set(min_lod);
                self.bound.dirty |= Dirty::DESCRIPTORS | Dirty::COMPUTE;
                Ok(())
            }
            Op::UpdateSubresource(update) => self.update_subresource(&update),
            Op::UpdateInline { dst, offset, data } => self.update_inline(dst, offset, data),
            Op::DiscardBuffer { dst, data } => self.discard_buffer(dst, data),
            Op::WriteNoOverwrite { dst, offset, data } => self.write_no_overwrite(dst, offset, data),
            Op::PlaceBuffer { dst, data } => self.place_buffer(dst, data),
            Op::RotateResourceIdentities { resources } => self.rotate(resources),
            Op::CreateTilePool { id, tiles } => {
                self.insert(id, Object::TilePool(Rc::new(TilePool::new(tiles))))
            }
            Op::ResizeTilePool { pool, tiles } => self.tile_pool(pool).map(|pool| pool.resize(tiles)),
            Op::DescribeTiling { slot, words } => {
                let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
                self.shared.heap.write(slot.offset, &bytes);
                Ok(())
            }
            Op::UpdateTileMappings { resource, pool, runs } => {
                self.update_tile_mappings(resource, pool, runs)
            }
            Op::CopyTileMappings { dst, src, pairs } => self.copy_tile_mappings(dst, src, pairs),
            Op::CopyTiles(copy) => self.copy_tiles(&copy),
            Op::UpdateTiles { resource, data, spans } => self.update_tiles(resource, data, spans),
            Op::TiledResourceBarrier => self.tiled_resource_barrier(),
            Op::Present(present) => self.present(&present),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.shared.completion.wait(&self.device, &self.progress.until(self.sent)) {
            self.device.wait_idle();
        }
        // Everything that refers to GPU objects puts them on the trash list as it goes.
        self.bound = Bindings::new(self.default_blend.clone());
        self.predication = None;
        self.full_buffer = None;
        self.no_vertices = None;
        self.argument_checks = None;
        self.objects = Slots::new(MAX_OBJECTS);
        self.programs.clear();
        self.program = None;
        self.pipeline = None;
        self.present_images = PresentImages::default();
        self.default_sampler = None;
        while let Some(done) = self.recorder.retire(u64::MAX) {
            self.sets.recycle(done.pools);
            trash::empty(&self.device, done.garbage, &self.slices, &self.readback, &mut self.queries);
        }
        trash::empty(&self.device, self.trash.take(), &self.slices, &self.readback, &mut self.queries);
    }
}

/// The decoder and the executor disagree about an object: a bug, which costs the guest its context and nothing else.
#[cold]
pub(super) fn disagree(id: u32) -> Fault {
    Fault::object(id, "the executor does not know this object")
}

/// The buffer of a view's target.
pub(super) fn target_buffer(view: &View) -> Option<&Rc<Buffer>> {
    match &view.target {
        Target::Buffer(buffer) => Some(buffer),
        Target::Texture(_) => None,
    }
}
