//! A Direct3D runtime and a kernel, as small as the driver can be run with: for its tests and its benchmark.
//!
//! The callbacks keep what the driver told them; [`Host`] is the other end of the ring. Memory is plain process memory that
//! is leaked, so that cells may be `'static`.

use core::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use pvgpu_protocol::aperture::fence_cell;
use pvgpu_protocol::format::FORMAT_COUNT;
use pvgpu_protocol::host_info::{FormatSupport, HostInfo, text_field};
use pvgpu_protocol::kernel_interface::{
    AdapterData, AllocateHeap, AllocationData, Doorbell, FenceMarker, FreeHeap, MapContext, PrivateData,
    PrivateHeader, SharedResourceData, Trace, WaitForFence, kind, wait_result,
};
use pvgpu_protocol::limits::MAX_RECORD_BYTES;
use pvgpu_protocol::version::{ABI_VERSION, feature};
use pvgpu_ring::{Consumer, HEADER_BYTES, initialise};
use pvgpu_umd_ddi::*;

mod invoke {
    #![expect(non_snake_case, reason = "types and values of a list share their names")]

    use pvgpu_umd_ddi::D3D10DDI_HDEVICE;

    /// An entry of the device table that can be called with a tuple of arguments.
    pub trait Invoke<A> {
        type Output;

        /// Calls the entry of a living device with arguments as the DDI prescribes.
        fn invoke(self, device: D3D10DDI_HDEVICE, arguments: A) -> Self::Output;
    }

    macro_rules! invoke {
        ($($arg:ident)*) => {
            impl<Output, $($arg),*> Invoke<($($arg,)*)> for Option<unsafe extern "system" fn(D3D10DDI_HDEVICE, $($arg),*) -> Output> {
                type Output = Output;

                #[inline(always)]
                fn invoke(self, device: D3D10DDI_HDEVICE, ($($arg,)*): ($($arg,)*)) -> Output {
                    let entry = self.expect("every entry is filled");
                    // SAFETY: the tests pass arguments as the DDI prescribes.
                    unsafe { entry(device, $($arg),*) }
                }
            }
        };
    }

    invoke!();
    invoke!(A);
    invoke!(A B);
    invoke!(A B C);
    invoke!(A B C D);
    invoke!(A B C D E);
    invoke!(A B C D E F);
    invoke!(A B C D E F G);
    invoke!(A B C D E F G H);
    invoke!(A B C D E F G H I);
    invoke!(A B C D E F G H I J);
}

pub use invoke::Invoke;

/// Calls entry `$entry` of the device table with the device and `$arg`s.
macro_rules! call {
    ($runtime:expr, $entry:ident $(, $arg:expr)* $(,)?) => {
        $crate::support::Invoke::invoke($runtime.table.$entry, $runtime.device, ($($arg,)*))
    };
}

/// Creates an object: asks for its size, gives it memory, calls the create entry with `$arg`, memory, and a null runtime handle.
macro_rules! create {
    ($runtime:expr, $handle:ident, $calc:ident, $create:ident, $arg:expr) => {{
        let arg = $arg;
        let bytes = call!($runtime, $calc, &raw const arg);
        let handle = $handle($runtime.place(bytes));
        call!($runtime, $create, &raw const arg, handle, Default::default());
        handle
    }};
}

/// Cells that live as long as the process.
pub type Cells = &'static [AtomicU64];

/// Where the fake heap range of the context begins.
pub const HEAP_OFFSET: u64 = 1 << 20;
/// The context's number.
pub const CONTEXT: u32 = 5;

fn cells(bytes: u64) -> Cells {
    // Pages of zeros that the system hands out when they are touched; cells of one page begin on one.
    let count = (bytes / 8) as usize;
    let memory: Vec<AtomicU64> = (0..count + 512).map(|_| AtomicU64::new(0)).collect();
    let memory = Vec::leak(memory);
    let skip = memory.as_ptr().align_offset(4096);
    &memory[skip..skip + count]
}

/// Something that happens while the driver waits.
pub type OnWait = Box<dyn FnMut() + Send>;

/// What the callbacks have seen, and the memory they hand out.
pub struct Kernel {
    pub ring: Cells,
    pub fence: Cells,
    pub heap: Cells,
    /// Heap bytes that may still be granted.
    pub heap_left: AtomicU64,
    next_offset: AtomicU64,
    pub grants: Mutex<Vec<(u64, Cells)>>,
    pub freed: Mutex<Vec<u64>>,
    pub errors: Mutex<Vec<HRESULT>>,
    pub traces: Mutex<Vec<(u16, [u64; 4])>>,
    pub renders: Mutex<Vec<FenceMarker>>,
    pub presents: Mutex<Vec<(D3DKMT_HANDLE, usize, FenceMarker)>>,
    pub allocations: Mutex<Vec<AllocationData>>,
    /// Private data of resources that other devices may open.
    pub shared: Mutex<Vec<SharedResourceData>>,
    pub deallocated: AtomicU32,
    pub doorbells: AtomicU32,
    pub waits: AtomicU32,
    /// Fences complete as soon as someone waits for them.
    pub completes_on_wait: AtomicBool,
    /// What the host does meanwhile.
    pub on_wait: Mutex<Option<OnWait>>,
    pub removed: AtomicBool,
    pub contexts: AtomicU32,
    command_buffer: Box<[AtomicU64; 512]>,
}

impl Kernel {
    pub fn new(ring_bytes: u64, heap_bytes: u64) -> &'static Self {
        let ring = cells(HEADER_BYTES as u64 + ring_bytes);
        initialise(&ring, 0).expect("a legal size");
        Box::leak(Box::new(Self {
            ring,
            fence: cells(64),
            heap: cells(heap_bytes),
            heap_left: AtomicU64::new(1 << 30),
            next_offset: AtomicU64::new(1 << 30),
            grants: Mutex::default(),
            freed: Mutex::default(),
            errors: Mutex::default(),
            traces: Mutex::default(),
            renders: Mutex::default(),
            presents: Mutex::default(),
            allocations: Mutex::default(),
            shared: Mutex::default(),
            deallocated: AtomicU32::new(0),
            doorbells: AtomicU32::new(0),
            waits: AtomicU32::new(0),
            completes_on_wait: AtomicBool::new(true),
            on_wait: Mutex::default(),
            removed: AtomicBool::new(false),
            contexts: AtomicU32::new(0),
            command_buffer: Box::new([const { AtomicU64::new(0) }; 512]),
        }))
    }

    /// Completes a fence.
    pub fn complete(&self, value: u64) {
        self.fence[fence_cell::COMPLETED].fetch_max(value, Ordering::Release);
    }

    /// Poisons the context.
    pub fn poison(&self, code: u32) {
        self.removed.store(true, Ordering::Relaxed);
        self.fence[fence_cell::ERROR].store(u64::from(code), Ordering::Release);
    }

    /// The errors since the last call.
    pub fn take_errors(&self) -> Vec<HRESULT> {
        core::mem::take(&mut self.errors.lock().expect("no panic"))
    }

    /// The range that holds an offset.
    fn range(&self, offset: u64) -> (u64, Cells) {
        let grants = self.grants.lock().expect("no panic");
        let own = [(HEAP_OFFSET, self.heap)];
        let mut all = own.iter().chain(grants.iter()).copied();
        let found = all.find(|(start, cells)| (*start..*start + cells.len() as u64 * 8).contains(&offset));
        found.expect("a granted range")
    }

    /// Writes a word of the heap, as the host does.
    pub fn write(&self, offset: u64, word: u64) {
        let (start, cells) = self.range(offset);
        cells[(offset - start) as usize / 8].store(word, Ordering::Release);
    }

    /// The bytes of a heap range.
    pub fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let (start, cells) = self.range(offset);
        let from = (offset - start) as usize;
        let byte = |at: usize| cells[at / 8].load(Ordering::Relaxed).to_le_bytes()[at % 8];
        (from..from + length as usize).map(byte).collect()
    }

    fn handle(&'static self) -> *mut c_void {
        core::ptr::from_ref(self).cast_mut().cast()
    }

    fn escape(&'static self, data: &mut [u8]) -> HRESULT {
        fn get<T: PrivateData>(data: &[u8]) -> T {
            T::read(data).expect("a legal escape")
        }
        let header: PrivateHeader = bytemuck::pod_read_unaligned(&data[..size_of::<PrivateHeader>()]);
        match header.kind {
            kind::MAP_CONTEXT => {
                let reply = MapContext {
                    context: CONTEXT,
                    ring_address: self.ring.as_ptr().expose_provenance() as u64,
                    ring_bytes: self.ring.len() as u64 * 8 - HEADER_BYTES as u64,
                    fence_address: self.fence.as_ptr().expose_provenance() as u64,
                    heap_address: self.heap.as_ptr().expose_provenance() as u64,
                    heap_offset: HEAP_OFFSET,
                    heap_bytes: self.heap.len() as u64 * 8,
                    ..get(data)
                };
                data.copy_from_slice(bytemuck::bytes_of(&reply));
            }
            kind::ALLOCATE_HEAP => {
                let request: AllocateHeap = get(data);
                let bytes = request.bytes.next_multiple_of(4096);
                if self.heap_left.load(Ordering::Relaxed) < bytes {
                    return E_OUTOFMEMORY;
                }
                self.heap_left.fetch_sub(bytes, Ordering::Relaxed);
                let range = cells(bytes);
                let offset = self.next_offset.fetch_add(bytes + 4096, Ordering::Relaxed);
                self.grants.lock().expect("no panic").push((offset, range));
                let address = range.as_ptr().expose_provenance() as u64;
                let reply = AllocateHeap { bytes, address, offset, ..request };
                data.copy_from_slice(bytemuck::bytes_of(&reply));
            }
            kind::FREE_HEAP => self.freed.lock().expect("no panic").push(get::<FreeHeap>(data).offset),
            kind::WAIT_FOR_FENCE => {
                let request: WaitForFence = get(data);
                self.waits.fetch_add(1, Ordering::Relaxed);
                if let Some(run) = &mut *self.on_wait.lock().expect("no panic") {
                    run();
                }
                if self.completes_on_wait.load(Ordering::Relaxed) {
                    self.complete(request.value);
                }
                let reached = self.fence[fence_cell::COMPLETED].load(Ordering::Acquire) >= request.value;
                let result = match (self.removed.load(Ordering::Relaxed), reached) {
                    (true, _) => wait_result::REMOVED,
                    (false, true) => wait_result::REACHED,
                    (false, false) => wait_result::TIMEOUT,
                };
                data.copy_from_slice(bytemuck::bytes_of(&WaitForFence { result, ..request }));
            }
            kind::TRACE => {
                let trace: Trace = get(data);
                self.traces.lock().expect("no panic").push((trace.code, trace.args));
            }
            kind::DOORBELL => {
                get::<Doorbell>(data);
                self.doorbells.fetch_add(1, Ordering::Relaxed);
            }
            other => panic!("escape {other}"),
        }
        S_OK
    }
}

/// The host's end of the ring.
pub struct Host {
    pub consumer: Consumer<Cells>,
    local: Vec<u64>,
}

impl Host {
    pub fn new(kernel: &Kernel) -> Self {
        let consumer = Consumer::new(kernel.ring, 0).expect("a legal ring");
        Self { consumer, local: vec![0; MAX_RECORD_BYTES as usize / 8] }
    }

    /// The words of the next record, header included.
    pub fn next(&mut self) -> Option<Vec<u64>> {
        let record = self.consumer.pop_into(&mut self.local).expect("an honest driver")?;
        let header = record.ring_bytes() as u64 | u64::from(record.tag()) << 32;
        Some(core::iter::once(header).chain(record.payload_words().iter().copied()).collect())
    }

    /// All records in the ring.
    pub fn drain(&mut self) -> Vec<Vec<u64>> {
        core::iter::from_fn(|| self.next()).collect()
    }
}

/// Kernel behind a callback's first argument.
///
/// # Safety
/// The handle is one that [`Kernel::handle`] gave.
unsafe fn kernel_of(handle: *mut c_void) -> &'static Kernel {
    // SAFETY: passed on from the caller; kernels are leaked.
    unsafe { &*handle.cast::<Kernel>() }
}

/// Copies private data out of a callback's argument.
///
/// # Safety
/// The pointer is valid for a value of the type.
unsafe fn private<T: Copy>(pointer: *const c_void) -> T {
    // SAFETY: passed on from the caller.
    unsafe { pointer.cast::<T>().read_unaligned() }
}

unsafe extern "system" fn query_adapter_info(
    _adapter: HANDLE,
    arg: *const D3DDDICB_QUERYADAPTERINFO,
) -> HRESULT {
    // SAFETY: the driver passes a valid argument.
    let arg = unsafe { &*arg };
    assert_eq!(arg.PrivateDriverDataSize as usize, size_of::<AdapterData>());
    let data = AdapterData {
        header: PrivateHeader::new(kind::ADAPTER),
        abi_version: u64::from(ABI_VERSION),
        features: feature::ALL,
        host_info: host_info().to_words(),
    };
    // SAFETY: the size was checked.
    unsafe { arg.pPrivateDriverData.cast::<AdapterData>().write_unaligned(data) };
    S_OK
}

/// A host that can do everything with every format.
pub fn host_info() -> HostInfo {
    HostInfo {
        gpu_name: text_field("test"),
        driver: text_field("test"),
        dedicated_video_memory: 1 << 30,
        shared_system_memory: 1 << 30,
        timestamp_frequency: 1_000_000_000,
        vendor_id: 1,
        device_id: 2,
        feature_level: 0xb000,
        features: u32::MAX,
        formats: [FormatSupport { support: u32::MAX, support2: u32::MAX, sample_counts: 0xf }; FORMAT_COUNT],
    }
}

unsafe extern "system" fn create_context(device: HANDLE, arg: *mut D3DDDICB_CREATECONTEXT) -> HRESULT {
    // SAFETY: the driver got the handle from here.
    let kernel = unsafe { kernel_of(device) };
    // SAFETY: the driver passes a valid argument.
    let arg = unsafe { &mut *arg };
    kernel.contexts.fetch_add(1, Ordering::Relaxed);
    arg.hContext = device;
    arg.pCommandBuffer = kernel.command_buffer.as_ptr().cast_mut().cast();
    arg.CommandBufferSize = 4096;
    S_OK
}

unsafe extern "system" fn destroy_context(device: HANDLE, _arg: *const D3DDDICB_DESTROYCONTEXT) -> HRESULT {
    // SAFETY: the driver got the handle from here.
    let kernel = unsafe { kernel_of(device) };
    kernel.contexts.fetch_sub(1, Ordering::Relaxed);
    S_OK
}

unsafe extern "system" fn escape(adapter: HANDLE, arg: *const D3DDDICB_ESCAPE) -> HRESULT {
    // SAFETY: the driver got the handle from here.
    let kernel = unsafe { kernel_of(adapter) };
    // SAFETY: the driver passes a valid argument.
    let arg = unsafe { &*arg };
    let bytes = arg.PrivateDriverDataSize as usize;
    // SAFETY: the driver's buffer has that many bytes.
    kernel.escape(unsafe { core::slice::from_raw_parts_mut(arg.pPrivateDriverData.cast(), bytes) })
}

unsafe extern "system" fn render(device: HANDLE, arg: *mut D3DDDICB_RENDER) -> HRESULT {
    // SAFETY: the driver got the handle from here.
    let kernel = unsafe { kernel_of(device) };
    // SAFETY: the driver passes a valid argument.
    let arg = unsafe { &mut *arg };
    if kernel.removed.load(Ordering::Relaxed) {
        return D3DDDIERR_DEVICEREMOVED;
    }
    assert_eq!(arg.CommandLength as usize, size_of::<FenceMarker>());
    // SAFETY: the command buffer holds a marker.
    let marker: FenceMarker = unsafe { private(kernel.command_buffer.as_ptr().cast()) };
    kernel.renders.lock().expect("no panic").push(marker);
    arg.pNewCommandBuffer = kernel.command_buffer.as_ptr().cast_mut().cast();
    arg.NewCommandBufferSize = 4096;
    S_OK
}

unsafe extern "system" fn present(device: HANDLE, arg: *mut DXGIDDICB_PRESENT) -> HRESULT {
    // SAFETY: the driver got the handle from here.
    let kernel = unsafe { kernel_of(device) };
    // SAFETY: the driver passes a valid argument.
    let arg = unsafe { &*arg };
    assert_eq!(arg.PrivateDriverDataSize as usize, size_of::<FenceMarker>());
    // SAFETY: the size was checked.
    let marker = unsafe { private(arg.pPrivateDriverData) };
    kernel.presents.lock().expect("no panic").push((arg.hSrcAllocation, arg.pDXGIContext.addr(), marker));
    S_OK
}

unsafe extern "system" fn allocate(device: HANDLE, arg: *mut D3DDDICB_ALLOCATE) -> HRESULT {
    // SAFETY: the driver got the handle from here.
    let kernel = unsafe { kernel_of(device) };
    // SAFETY: the driver passes a valid argument.
    let arg = unsafe { &mut *arg };
    // SAFETY: it has one allocation.
    let info = unsafe { &mut *arg.pAllocationInfo };
    // SAFETY: the driver's private data is of its own package.
    let data = unsafe { private(info.pPrivateDriverData) };
    if !arg.pPrivateDriverData.is_null() {
        assert_eq!(arg.PrivateDriverDataSize as usize, size_of::<SharedResourceData>());
        // SAFETY: the size was checked.
        let shared = unsafe { private(arg.pPrivateDriverData) };
        kernel.shared.lock().expect("no panic").push(shared);
    }
    let mut allocations = kernel.allocations.lock().expect("no panic");
    allocations.push(data);
    info.hAllocation = 0x100 + allocations.len() as u32;
    S_OK
}

unsafe extern "system" fn deallocate(device: HANDLE, _arg: *const D3DDDICB_DEALLOCATE) -> HRESULT {
    // SAFETY: the driver got the handle from here.
    unsafe { kernel_of(device) }.deallocated.fetch_add(1, Ordering::Relaxed);
    S_OK
}

unsafe extern "system" fn set_error(core_layer: D3D10DDI_HRTCORELAYER, hresult: HRESULT) {
    // SAFETY: the driver got the handle from here.
    unsafe { kernel_of(core_layer.0) }.errors.lock().expect("no panic").push(hresult);
}

/// A device made through the driver's export, with the tables it filled.
pub struct Runtime<T> {
    pub kernel: &'static Kernel,
    pub table: T,
    pub dxgi: DXGI1_2_DDI_BASE_FUNCTIONS,
    pub adapter: D3D10DDI_HADAPTER,
    pub functions: D3D10_2DDI_ADAPTERFUNCS,
    pub device: D3D10DDI_HDEVICE,
    memory: Vec<Vec<u128>>,
}

impl<T: Default> Runtime<T> {
    /// Opens the adapter and creates a device of `interface`, whose table is `T`.
    pub fn new(kernel: &'static Kernel, interface: u32) -> Box<Self> {
        let adapter_callbacks =
            D3DDDI_ADAPTERCALLBACKS { pfnQueryAdapterInfoCb: Some(query_adapter_info), ..Default::default() };
        let mut functions = D3D10_2DDI_ADAPTERFUNCS::default();
        let mut open = D3D10DDIARG_OPENADAPTER {
            hRTAdapter: D3D10DDI_HRTADAPTER(kernel.handle()),
            Interface: interface,
            pAdapterCallbacks: &raw const adapter_callbacks,
            pAdapterFuncs_2: &raw mut functions,
            ..Default::default()
        };
        // SAFETY: a complete argument.
        assert_eq!(unsafe { pvgpuumd::ffi::OpenAdapter10_2(&raw mut open) }, S_OK);
        let callbacks = D3DDDI_DEVICECALLBACKS {
            pfnAllocateCb: Some(allocate),
            pfnDeallocateCb: Some(deallocate),
            pfnRenderCb: Some(render),
            pfnEscapeCb: Some(escape),
            pfnCreateContextCb: Some(create_context),
            pfnDestroyContextCb: Some(destroy_context),
            ..Default::default()
        };
        let core =
            D3D11DDI_CORELAYER_DEVICECALLBACKS { pfnSetErrorCb: Some(set_error), ..Default::default() };
        let mut dxgi_callbacks =
            DXGI_DDI_BASE_CALLBACKS { pfnPresentCb: Some(present), ..Default::default() };
        let size = D3D10DDIARG_CALCPRIVATEDEVICESIZE { Interface: interface, Version: 0, Flags: 0 };
        let calc = functions.pfnCalcPrivateDeviceSize.expect("filled");
        // SAFETY: a complete argument.
        let bytes = unsafe { calc(open.hAdapter, &raw const size) };
        let mut this = Box::new(Self {
            kernel,
            table: T::default(),
            dxgi: DXGI1_2_DDI_BASE_FUNCTIONS::default(),
            adapter: open.hAdapter,
            functions,
            device: D3D10DDI_HDEVICE::NULL,
            memory: Vec::new(),
        });
        this.device = D3D10DDI_HDEVICE(this.place(bytes));
        let mut create = D3D10DDIARG_CREATEDEVICE {
            hRTDevice: D3D10DDI_HRTDEVICE(kernel.handle()),
            Interface: interface,
            pKTCallbacks: &raw const callbacks,
            Anonymous: D3D10DDIARG_CREATEDEVICE_0 { p11DeviceFuncs: (&raw mut this.table).cast() },
            hDrvDevice: this.device,
            DXGIBaseDDI: DXGI_DDI_BASE_ARGS {
                pDXGIBaseCallbacks: &raw mut dxgi_callbacks,
                Anonymous: DXGI_DDI_BASE_ARGS_0 { pDXGIDDIBaseFunctions3: &raw mut this.dxgi },
            },
            hRTCoreLayer: D3D10DDI_HRTCORELAYER(kernel.handle()),
            p11UMCallbacks: &raw const core,
            ..Default::default()
        };
        let create_device = functions.pfnCreateDevice.expect("filled");
        // SAFETY: a complete argument.
        assert_eq!(unsafe { create_device(open.hAdapter, &raw mut create) }, S_OK);
        this
    }

    /// Memory for a driver object.
    pub fn place(&mut self, bytes: usize) -> *mut c_void {
        let mut memory = vec![0u128; bytes.div_ceil(16).max(1)];
        let pointer = memory.as_mut_ptr().cast();
        self.memory.push(memory);
        pointer
    }
}

/// A device of Direct3D 11.1.
pub type Device = Runtime<D3D11_1DDI_DEVICEFUNCS>;

/// A device over fresh memory, with the host's end of its ring.
pub fn device() -> (Box<Device>, Host) {
    let kernel = Kernel::new(1 << 20, 4 << 20);
    let host = Host::new(kernel);
    (Runtime::new(kernel, D3D11_1_DDI_INTERFACE_VERSION), host)
}

/// What a test says of a resource; the rest is as small as can be.
#[derive(Clone, Copy)]
pub struct Shape {
    pub dimension: u32,
    pub width: u32,
    pub height: u32,
    pub mips: u32,
    pub format: DXGI_FORMAT,
    pub usage: u32,
    pub bind_flags: u32,
    pub misc_flags: u32,
}

/// A buffer of a usage.
pub const fn buffer_shape(bytes: u32, usage: u32, bind_flags: u32) -> Shape {
    let (dimension, format) = (D3D10DDIRESOURCE_BUFFER, DXGI_FORMAT_UNKNOWN);
    Shape { dimension, width: bytes, height: 1, mips: 1, format, usage, bind_flags, misc_flags: 0 }
}

/// A 2D texture of a usage.
pub const fn texture_shape(width: u32, height: u32, usage: u32, bind_flags: u32) -> Shape {
    let (dimension, format) = (D3D10DDIRESOURCE_TEXTURE2D, DXGI_FORMAT_R8G8B8A8_UNORM);
    Shape { dimension, width, height, mips: 1, format, usage, bind_flags, misc_flags: 0 }
}

/// Creates a resource, with initial contents of subresource 0 if there are any.
pub fn resource(runtime: &mut Device, shape: Shape, initial: Option<(&[u8], u32)>) -> D3D10DDI_HRESOURCE {
    let mip = D3D10DDI_MIPINFO {
        TexelWidth: shape.width,
        TexelHeight: shape.height,
        TexelDepth: 1,
        ..Default::default()
    };
    let data = initial.map(|(bytes, pitch)| D3D10_DDIARG_SUBRESOURCE_UP {
        pSysMem: bytes.as_ptr().cast(),
        SysMemPitch: pitch,
        SysMemSlicePitch: 0,
    });
    let arg = D3D11DDIARG_CREATERESOURCE {
        pMipInfoList: &raw const mip,
        pInitialDataUP: data.as_ref().map_or(core::ptr::null(), core::ptr::from_ref),
        ResourceDimension: shape.dimension,
        Usage: shape.usage,
        BindFlags: shape.bind_flags,
        MiscFlags: shape.misc_flags,
        Format: shape.format,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        MipLevels: shape.mips,
        ArraySize: 1,
        ..Default::default()
    };
    create!(runtime, D3D10DDI_HRESOURCE, pfnCalcPrivateResourceSize, pfnCreateResource, arg)
}

/// Opens what another device shares.
pub fn open(runtime: &mut Device, data: &SharedResourceData) -> D3D10DDI_HRESOURCE {
    let mut info = D3DDDI_OPENALLOCATIONINFO { hAllocation: 0x777, ..Default::default() };
    let arg = D3D10DDIARG_OPENRESOURCE {
        NumAllocations: 1,
        pOpenAllocationInfo: &raw mut info,
        pPrivateDriverData: core::ptr::from_ref(data).cast_mut().cast(),
        PrivateDriverDataSize: size_of::<SharedResourceData>() as u32,
        ..Default::default()
    };
    create!(runtime, D3D10DDI_HRESOURCE, pfnCalcPrivateOpenedResourceSize, pfnOpenResource, arg)
}

/// Creates a buffer that only the GPU writes.
pub fn buffer(runtime: &mut Device, bytes: u32, bind_flags: u32) -> D3D10DDI_HRESOURCE {
    resource(runtime, buffer_shape(bytes, D3D10_DDI_USAGE_DEFAULT, bind_flags), None)
}

/// Creates a view of a fresh texture.
pub fn texture_view(runtime: &mut Device) -> D3D10DDI_HSHADERRESOURCEVIEW {
    let shape = texture_shape(64, 64, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_SHADER_RESOURCE);
    let resource = resource(runtime, shape, None);
    let view = D3D11DDIARG_CREATESHADERRESOURCEVIEW {
        hDrvResource: resource,
        Format: DXGI_FORMAT_R8G8B8A8_UNORM,
        ResourceDimension: D3D10DDIRESOURCE_TEXTURE2D,
        Anonymous: D3D11DDIARG_CREATESHADERRESOURCEVIEW_0 {
            Tex2D: D3D10DDIARG_TEX2D_SHADERRESOURCEVIEW { MipLevels: 1, ArraySize: 1, ..Default::default() },
        },
    };
    create!(
        runtime,
        D3D10DDI_HSHADERRESOURCEVIEW,
        pfnCalcPrivateShaderResourceViewSize,
        pfnCreateShaderResourceView,
        view
    )
}

/// Maps a subresource through the general entry.
pub fn map(
    runtime: &Device,
    resource: D3D10DDI_HRESOURCE,
    how: D3D10_DDI_MAP,
    flags: u32,
) -> D3D10DDI_MAPPED_SUBRESOURCE {
    let mut mapped = D3D10DDI_MAPPED_SUBRESOURCE::default();
    call!(runtime, pfnResourceMap, resource, 0, how, flags, &raw mut mapped);
    mapped
}

/// Writes bytes through a mapping.
pub fn fill(mapped: &D3D10DDI_MAPPED_SUBRESOURCE, bytes: &[u8]) {
    // SAFETY: the driver mapped at least as many bytes.
    let memory = unsafe { core::slice::from_raw_parts_mut(mapped.pData.cast::<u8>(), bytes.len()) };
    memory.copy_from_slice(bytes);
}
