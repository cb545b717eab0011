//! Hostile user mode: everything that a process can reach of the driver, with arguments that no honest caller passes.
//!
//! Each step is one call with random or mutated private data, command buffers, lists, or with handles of another process;
//! honest calls are between them, so that there is something to break. Whatever comes, the driver answers with an NTSTATUS,
//! breaks no rule of the kernel, and stays usable.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytemuck::bytes_of;
use pvgpu_dxgkrnl::strict::{
    Allocation, Context, Device, ListEntry, Options, Process, RenderCommand, UserMemory,
};
use pvgpu_kmd_ddi::{NTSTATUS, RECT};
use pvgpu_protocol::kernel_interface::{
    AdapterStatus, AllocateHeap, AllocationData, AttachLink, ContextData, ContextState, DetachLink, Doorbell,
    FenceMarker, FreeHeap, LinkKick, LinkUp, MapContext, PrivateData, PrivateHeader, ReadTelemetry, SetMode,
    StandardAllocationData, Trace, WaitForFence, kind, standard_kind,
};

use crate::random::Random;
use crate::rig::{Ended, Rig, SOON, require};
use crate::scenario::frames;
use crate::sweep::is_sane;
use crate::user::{UserContext, context_data, request};

/// Processes that are alive at once.
const PROCESSES: usize = 3;
/// Contexts and allocations that one process has at most.
const MOST: usize = 5;

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Fuzzed {
    /// Calls made.
    pub calls: u64,
    /// How many of them succeeded.
    pub accepted: u64,
    /// How often each status came.
    pub statuses: BTreeMap<NTSTATUS, u64>,
    /// Resets because a submission did not end.
    pub resets: u32,
}

/// A hostile process.
struct Victim {
    process: Process,
    device: Device,
    contexts: Vec<UserContext>,
    bare: Vec<Context>,
    allocations: Vec<Allocation>,
    memory: UserMemory,
}

impl Victim {
    fn new(rig: &Rig, privileged: bool) -> Result<Self, NTSTATUS> {
        let process = rig.system.process_with(privileged);
        let device = process.open_device()?;
        let memory = process.allocate(2 * 4096)?;
        let (contexts, bare, allocations) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { process, device, contexts, bare, allocations, memory })
    }

    fn end(self) {
        // Its test-side values go first: an allocation is destroyed by the last one who knows it.
        drop((self.contexts, self.allocations, self.bare));
        self.process.kill();
    }
}

/// The system for a run: impatient, since many of its submissions never end.
pub fn options(base: Options) -> Options {
    Options { tdr: Some(Duration::from_millis(30)), segment_mib: Some(4), ..base }
}

/// Makes so many calls; then the driver must still serve an honest process.
///
/// # Errors
/// What stopped the run itself.
///
/// # Panics
/// When the driver answers with what is no error status.
pub fn run(rig: &Rig, seed: u64, calls: u64) -> Ended<Fuzzed> {
    let _host = rig.bring_up()?;
    let vanishing = Vanishing::default();
    let mut fuzzed = Fuzzed::default();
    let process = rig.system.process();
    std::thread::scope(|scope| {
        let noise = scope.spawn(|| vanishing.run(&process));
        let result = {
            let _stop = StopAtEnd(&vanishing.stop);
            calls_of(rig, Random::new(seed), calls, &vanishing, &mut fuzzed)
        };
        require(noise.join().is_ok(), "the thread that unmaps memory panicked").and(result)
    })?;
    fuzzed.resets = rig.system.resets();
    // Resets may have ended the host in the driver's eyes; then it says hello again, or its service attaches it again.
    honest(rig)?;
    Ok(fuzzed)
}

/// An honest process is served.
fn honest(rig: &Rig) -> Ended {
    rig.wait_running()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    context.draw();
    context.flush()?;
    context.wait(SOON)?;
    process.kill();
    Ok(())
}

/// Ends the other thread, also when this one panics.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// User memory that comes and goes while the driver looks at it.
#[derive(Default)]
struct Vanishing {
    address: AtomicUsize,
    stop: AtomicBool,
}

impl Vanishing {
    fn run(&self, process: &Process) {
        while !self.stop.load(Ordering::Acquire) {
            let Ok(memory) = process.allocate(4096) else { return };
            memory.write(4096 - size_of::<FenceMarker>(), bytes_of(&marker(1, 1)));
            self.address.store(memory.address(), Ordering::Release);
            std::thread::sleep(Duration::from_micros(50));
            drop(memory);
            std::thread::sleep(Duration::from_micros(20));
        }
    }
}

fn marker(context: u32, value: u64) -> FenceMarker {
    let header = PrivateHeader::new(kind::FENCE_MARKER);
    FenceMarker { header, context, frame: 0, position: value.wrapping_mul(64), value, gate: 0 }
}

fn calls_of(rig: &Rig, mut random: Random, calls: u64, vanishing: &Vanishing, fuzzed: &mut Fuzzed) -> Ended {
    let mut victims = Vec::new();
    for index in 0..PROCESSES {
        victims.push(Victim::new(rig, index == 0)?);
    }
    while fuzzed.calls < calls {
        if random.once_in(2000) {
            let at = random.index(victims.len()).unwrap_or(0);
            victims.swap_remove(at).end();
            victims.push(Victim::new(rig, random.once_in(3))?);
        }
        let at = random.index(victims.len()).unwrap_or(0);
        let others: Vec<(Option<Context>, Option<Allocation>)> = victims
            .iter()
            .map(|victim| {
                (victim.contexts.first().map(|it| it.context.clone()), victim.allocations.first().cloned())
            })
            .collect();
        let other = random.pick(&others).cloned().unwrap_or_default();
        let result = call(rig, &mut random, &mut victims[at], other, vanishing);
        fuzzed.calls += 1;
        match result {
            Ok(()) => fuzzed.accepted += 1,
            Err(status) => {
                assert!(is_sane(status), "after {} calls: {status:#010x} is no error", fuzzed.calls);
                *fuzzed.statuses.entry(status).or_default() += 1;
            }
        }
        if fuzzed.calls.is_multiple_of(256) {
            let violations = rig.system.violations();
            assert!(violations.is_empty(), "after {} calls: {}", fuzzed.calls, violations[0]);
        }
    }
    victims.into_iter().for_each(Victim::end);
    Ok(())
}

/// One call.
fn call(
    rig: &Rig,
    random: &mut Random,
    victim: &mut Victim,
    (context, allocation): (Option<Context>, Option<Allocation>),
    vanishing: &Vanishing,
) -> Result<(), NTSTATUS> {
    match random.below(100) {
        0 => create_context(random, victim),
        1 => destroy_context(random, victim),
        2..7 => create_allocation(random, victim),
        7..10 => end_allocation(random, victim, rig),
        10 => allocation.map_or(Ok(()), |allocation| {
            victim.device.open_allocation(&allocation)?;
            // The owner may end first; who has opened it keeps it.
            victim.allocations.push(allocation);
            Ok(())
        }),
        11..50 => render(random, victim, context, allocation, vanishing),
        50..58 => present(random, victim, allocation),
        58..60 => victim.allocations.first().map_or(Ok(()), |allocation| {
            rig.system.make_resident(allocation)?;
            if random.once_in(2) { rig.system.evict(allocation) } else { Ok(()) }
        }),
        _ => escape(random, victim, context),
    }
}

fn create_context(random: &mut Random, victim: &mut Victim) -> Result<(), NTSTATUS> {
    if victim.contexts.len() + victim.bare.len() >= MOST {
        return destroy_context(random, victim);
    }
    if random.once_in(2) {
        victim.contexts.push(UserContext::create(&victim.process, &victim.device)?);
        return Ok(());
    }
    let mut data = bytes_of(&context_data()).to_vec();
    random.mutate(&mut data);
    resize(random, &mut data);
    // CAST: a node of few.
    let node = if random.once_in(4) { random.odd() as u32 } else { 0 };
    victim.bare.push(victim.device.create_context(node, &data)?);
    Ok(())
}

fn destroy_context(random: &mut Random, victim: &mut Victim) -> Result<(), NTSTATUS> {
    if let Some(at) = random.index(victim.bare.len()) {
        let context = victim.bare.swap_remove(at);
        return victim.device.destroy_context(&context);
    }
    match random.index(victim.contexts.len()) {
        Some(at) => victim.contexts.swap_remove(at).destroy(),
        None => Ok(()),
    }
}

/// Another length, now and then.
fn resize(random: &mut Random, data: &mut Vec<u8>) {
    if random.once_in(4) {
        // CAST: below 4096.
        let length = random.below(2 * data.len() as u64 + 8) as usize;
        // CAST: a byte of a random word.
        data.resize(length, random.next() as u8);
    }
}

fn standard(random: &mut Random) -> StandardAllocationData {
    StandardAllocationData {
        header: PrivateHeader::new(kind::STANDARD_ALLOCATION),
        // CAST: 1 to 4.
        kind: 1 + random.below(u64::from(standard_kind::GDI)) as u32,
        width: 64,
        height: 64,
        pitch: 256,
        format: 87,
        source: 0,
        refresh_millihertz: 60_000,
        gdi_type: 0,
        bytes: 64 * 256,
    }
}

fn create_allocation(random: &mut Random, victim: &mut Victim) -> Result<(), NTSTATUS> {
    if victim.allocations.len() >= MOST {
        let allocation = victim.allocations.swap_remove(0);
        return victim.device.close_allocation(&allocation);
    }
    let mut data = match victim.contexts.first() {
        Some(context) if random.once_in(2) => bytes_of(&frames(context)).to_vec(),
        _ => {
            let mut data = standard(random);
            if data.kind != standard_kind::SHARED_PRIMARY {
                data.refresh_millihertz = 0;
            }
            bytes_of(&data).to_vec()
        }
    };
    if !random.once_in(3) {
        random.mutate(&mut data);
        resize(random, &mut data);
    }
    if random.once_in(4) {
        let good = bytes_of(&standard(random)).to_vec();
        victim.allocations.extend(victim.device.create_allocations(&[&good, &data])?);
        return Ok(());
    }
    victim.allocations.push(victim.device.create_allocation(&data)?);
    Ok(())
}

fn end_allocation(random: &mut Random, victim: &mut Victim, rig: &Rig) -> Result<(), NTSTATUS> {
    let Some(at) = random.index(victim.allocations.len()) else { return Ok(()) };
    if random.once_in(3) {
        return victim.device.describe_allocation(&victim.allocations[at]).map(drop);
    }
    let allocation = victim.allocations.swap_remove(at);
    if rig.system.placement(&allocation).is_some() && random.once_in(2) {
        rig.system.evict(&allocation)?;
    }
    victim.device.close_allocation(&allocation)
}

fn render(
    random: &mut Random,
    victim: &mut Victim,
    foreign: Option<Context>,
    allocation: Option<Allocation>,
    vanishing: &Vanishing,
) -> Result<(), NTSTATUS> {
    let list: Vec<ListEntry> = match random.below(4) {
        0 => (0..random.below(80))
            .filter_map(|_| random.pick(&victim.allocations))
            .map(Allocation::handle)
            .collect(),
        // CAST: any number.
        1 => vec![random.odd() as u32],
        2 => allocation.iter().map(Allocation::handle).collect(),
        _ => Vec::new(),
    }
    .into_iter()
    .map(|allocation| ListEntry { allocation, write: true })
    .collect();
    let Some(at) = random.index(victim.contexts.len()) else {
        let marker = marker(random.below(8) as u32, random.odd());
        victim.memory.write(0, bytes_of(&marker));
        let context = victim.bare.first().cloned().or(foreign);
        let bytes = size_of::<FenceMarker>() as u32;
        let command = RenderCommand { address: victim.memory.address(), bytes, ..RenderCommand::default() };
        return context.map_or(Ok(()), |context| victim.device.render(&context, command, &list));
    };
    if random.once_in(3) {
        let context = &mut victim.contexts[at];
        context.draw();
        if context.value % 64 == 63 {
            // The ring is small, and nobody waits for its room.
            context.wait_result(context.value, SOON)?;
        }
        let marker = context.fence(0);
        return context.render(&marker, &list);
    }
    let context = &victim.contexts[at];
    let size = size_of::<FenceMarker>();
    // A marker whose fence never comes costs a reset, so there are few of those.
    let value = if random.once_in(20_000) { context.value + 1 } else { random.below(context.value + 1) };
    let mut marker = bytes_of(&marker(context.map.context, value)).to_vec();
    // Not the value: see above.
    let places = size_of::<FenceMarker>() - 16;
    random.mutate(&mut marker[..places]);
    let (address, bytes) = match random.below(6) {
        // CAST: any number.
        0 => (random.odd() as usize, random.odd() as u32),
        1 => (vanishing.address.load(Ordering::Acquire) + 4096 - size, size as u32),
        // Across the end of what is mapped.
        2 => (
            victim.memory.address() + victim.memory.len() - 1 - random.below(size as u64) as usize,
            size as u32,
        ),
        3 => (victim.memory.address(), random.odd() as u32),
        _ => {
            victim.memory.write(4096 - size / 2, &marker);
            (victim.memory.address() + 4096 - size / 2, size as u32)
        }
    };
    let patch_count = if random.once_in(8) { random.odd() as u32 } else { 0 };
    let command = RenderCommand { address, bytes, patches: random.odd() as usize, patch_count };
    victim.device.render(&context.context, command, &list)
}

fn rect(random: &mut Random) -> RECT {
    let mut edge = || match random.below(8) {
        // CAST: any number.
        0 => random.odd() as i32,
        _ => random.below(70) as i32,
    };
    RECT { left: edge(), top: edge(), right: edge(), bottom: edge() }
}

fn present(random: &mut Random, victim: &Victim, other: Option<Allocation>) -> Result<(), NTSTATUS> {
    let context = match random.index(victim.contexts.len()) {
        Some(at) => &victim.contexts[at].context,
        None => match victim.bare.first() {
            Some(context) => context,
            None => return Ok(()),
        },
    };
    let mut handle = || match random.below(6) {
        0 => None,
        // CAST: any number.
        1 => Some(random.odd() as u32),
        2 => other.as_ref().map(Allocation::handle),
        _ => random.pick(&victim.allocations).map(Allocation::handle),
    };
    let (source, destination) = (handle(), handle());
    // Blt, ColorFill, Flip in the lowest three bits of few; or anything.
    let flags = match random.below(5) {
        0 => random.odd() as u32,
        at => 1 << (at - 1),
    };
    let rects = (rect(random), rect(random));
    victim.device.present_raw(context, flags, source, destination, rects)
}

/// A request of any kind with the size that it has.
fn template(random: &mut Random) -> Vec<u8> {
    fn of<T: PrivateData>() -> Vec<u8> {
        bytes_of(&request::<T>()).to_vec()
    }
    match random.below(18) {
        0 => of::<MapContext>(),
        1 => {
            let mut heap: AllocateHeap = request();
            heap.bytes = random.below(1 << 18);
            bytes_of(&heap).to_vec()
        }
        2 => {
            let mut free: FreeHeap = request();
            free.offset = random.below(1 << 14) * 4096;
            bytes_of(&free).to_vec()
        }
        3 => of::<WaitForFence>(),
        4 => of::<Trace>(),
        5 => of::<Doorbell>(),
        6 => of::<ContextState>(),
        7 => of::<AdapterStatus>(),
        8 => of::<SetMode>(),
        9 => {
            let mut read: ReadTelemetry = request();
            read.cursor = random.odd();
            bytes_of(&read).to_vec()
        }
        10 => of::<AttachLink>(),
        11 => of::<LinkUp>(),
        12 => of::<LinkKick>(),
        13 => of::<DetachLink>(),
        14 => of::<ContextData>(),
        15 => of::<AllocationData>(),
        16 => of::<FenceMarker>(),
        // CAST: bytes of random words.
        _ => (0..random.below(300)).map(|_| random.next() as u8).collect(),
    }
}

fn escape(random: &mut Random, victim: &Victim, foreign: Option<Context>) -> Result<(), NTSTATUS> {
    let mut data = template(random);
    let is_wait =
        data.len() == size_of::<WaitForFence>() && data.get(6) == Some(&(kind::WAIT_FOR_FENCE as u8));
    if !random.once_in(4) {
        // Mostly behind the header, or everything would fail there.
        let first = if random.once_in(6) { 0 } else { size_of::<PrivateHeader>().min(data.len()) };
        random.mutate(&mut data[first..]);
        resize(random, &mut data);
    }
    if is_wait && data.len() == size_of::<WaitForFence>() {
        // Sleeping is not what is tried here.
        data[16..20].copy_from_slice(&(random.below(2) as u32).to_le_bytes());
    }
    let own = victim.contexts.first().map(|context| &context.context).or(victim.bare.first());
    let context = match random.below(6) {
        0 => None,
        1 => foreign.as_ref(),
        _ => own,
    };
    victim.device.escape(context, &mut data)
}

impl Fuzzed {
    /// The figures, for people.
    pub fn report(&self) -> String {
        let statuses: Vec<String> =
            self.statuses.iter().map(|(status, count)| format!("{status:#010x} × {count}")).collect();
        let Self { calls, accepted, resets, .. } = self;
        format!("{calls} calls, {accepted} accepted, {resets} resets; refused: {}", statuses.join(", "))
    }
}
